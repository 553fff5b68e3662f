#include "door/work.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "door/door.h"
#include "net/pool.h"

enum answer { NO_ANSWER, BYTES, FAILURE };

struct gcache_work_s {
  struct gci_pool_job job;
  struct gci_door *door;
  gcache_load_t *load;
  gcache_bytes_t key; /* the load's */
  gcache_work_cb work;
  void *arg;
  /* Written on the pool thread. */
  enum answer answer;
  gcache_bytes_t bytes;
  uint64_t ttl_ms;
  gcache_free_cb free_cb; /* of bytes */
  void *free_arg;
  gcache_windows_t windows;
  int has_windows;
  int status;
  char reason[257];
};

/* -------------------------------------------------------------------------- pool thread ---- */

gcache_bytes_t gcache_work_key(const gcache_work_t *work) {
  return work->key;
}

void gcache_work_freshen(gcache_work_t *work, const gcache_windows_t *windows) {
  work->windows = *windows;
  work->has_windows = 1;
}

void gcache_work_wrap(gcache_work_t *work, gcache_bytes_t bytes, uint64_t ttl_ms,
                      gcache_free_cb free_cb, void *arg) {
  assert(work->answer == NO_ANSWER);
  work->answer = BYTES;
  work->bytes = bytes;
  work->ttl_ms = ttl_ms;
  work->free_cb = free_cb;
  work->free_arg = arg;
}

void gcache_work_copy(gcache_work_t *work, gcache_bytes_t bytes, uint64_t ttl_ms) {
  void *copy = malloc(bytes.len > 0 ? bytes.len : 1);

  if (copy == NULL) {
    gcache_work_fail(work, UV_ENOMEM, NULL);
    return;
  }
  if (bytes.len > 0) memcpy(copy, bytes.base, bytes.len);
  gcache_work_wrap(work, gcache_bytes(copy, bytes.len), ttl_ms, free, copy);
}

void gcache_work_fail(gcache_work_t *work, int status, const char *reason) {
  assert(work->answer == NO_ANSWER);
  work->answer = FAILURE;
  work->status = status;
  if (reason == NULL) return;
  strncpy(work->reason, reason, sizeof work->reason - 1);
}

static void on_thread(struct gci_pool_job *job) {
  gcache_work_t *work = gci_container_of(job, gcache_work_t, job);

  work->work(work, work->arg);
}

/* -------------------------------------------------------------------------- loop's thread ---- */

static void give_bytes(gcache_work_t *work) {
  gcache_t *cache = work->door->cache;
  int64_t expire = work->ttl_ms == 0 ? GCACHE_NEVER : gcache_expire_in(cache, work->ttl_ms);
  gcache_value_t *value = gcache_value_wrap(cache, work->bytes, expire, work->free_cb,
                                            work->free_arg);

  if (value != NULL && work->has_windows && gcache_value_freshen(value, &work->windows) < 0) {
    gcache_value_unref(value); /* frees the bytes too */
    gcache_load_fail(work->load, UV_ENOMEM, NULL);
    return;
  }
  if (value != NULL) {
    gcache_load_done(work->load, value);
    return;
  }
  if (work->free_cb != NULL) work->free_cb(work->free_arg);
  gcache_load_fail(work->load, UV_ENOMEM, NULL);
}

static void on_done(struct gci_pool_job *job, int status) {
  gcache_work_t *work = gci_container_of(job, gcache_work_t, job);
  struct gci_door *door = work->door;

  gcache_load_set_data(work->load, NULL);
  if (status < 0)
    gcache_load_fail(work->load, status, "no caller waited for the work any more");
  else if (work->answer == BYTES)
    give_bytes(work);
  else if (work->answer == FAILURE)
    gcache_load_fail(work->load, work->status, work->reason[0] != '\0' ? work->reason : NULL);
  else
    gcache_load_fail(work->load, GCACHE_ELOAD, "the work function gave no answer");
  gci_mem_free(door->env->mem, work, sizeof *work);
  gci_countdown_give(&door->life);
}

int gci_work_start(gcache_load_t *load, gcache_work_cb callback, void *arg) {
  gcache_t *cache = gcache_group_cache(gcache_load_group(load));
  struct gci_door *door = cache->door;
  gcache_work_t *work = gci_mem_zalloc(door->env->mem, sizeof *work);
  int err;

  if (work == NULL) return UV_ENOMEM;
  work->door = door;
  work->load = load;
  work->key = gcache_load_key(load);
  work->work = callback;
  work->arg = arg;
  err = gci_pool_start(&work->job, door->uv, on_thread, on_done);
  if (err < 0) {
    gci_mem_free(door->env->mem, work, sizeof *work);
    return err;
  }
  /* The load is taken: from here on its data is ours. */
  gcache_load_set_data(load, work);
  gci_countdown_take(&door->life);
  return 0;
}

void gci_work_cancel(gcache_load_t *load) {
  gcache_work_t *work = gcache_load_data(load);

  if (work != NULL) gci_pool_cancel(&work->job);
}
