#include "getter.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dead.h"
#include "value.h"

#define LATER_US 3000

struct run {
  struct gcache_link_s link;
  struct sim_event answer;
  struct world_member *member;
  gcache_load_t *load; /* NULL: a thread has it */
  struct world_value value;
  uint64_t ttl_ms; /* 0: for ever */
  int status;
  int has_expired; /* on arrival */
  int gives_up;    /* has been hinted and does as it is told */
};

size_t world_some_size(struct world *w) {
  struct sim_rng *rng = &w->time.rng;
  if (sim_rng_percent(rng, w->config.small_percent))
    return WORLD_VALUE_LEAST + sim_rng_below(rng, 200);
  return WORLD_VALUE_LEAST + sim_rng_below(rng, w->config.value_typical);
}

/* ---- how it ends ---- */

static void free_run(struct run *run) {
  sim_event_clear(&run->member->world->time, &run->answer);
  world_loop_uncall(&run->member->host.loop, run);
  gci_link_unlink(&run->link);
  free(run);
}

/* What it will say, told to the oracle before anybody else. */
static int64_t conclude(struct run *run) {
  struct world_member *m = run->member;
  struct world *w = m->world;
  int status = run->gives_up ? UV_ECANCELED : run->status;
  int told = status == 0 || status == GCACHE_ENOTFOUND ? status : GCACHE_ELOAD;
  int64_t expire = 0;
  if (run->ttl_ms > 0) expire = world_host_unix_ns(&m->host) + (int64_t)run->ttl_ms * 1000000;
  if (run->has_expired) expire = world_host_unix_ns(&m->host) - 1000000;
  if (run->value.size > WORLD_VALUE_MAX || run->has_expired) told = GCACHE_ELOAD;
  promises_run_ended(&w->promises, run->value.serial, told, run->value.size, expire);
  sim_trace(&w->time, "m%d key %u: run %" PRIu64 " answers %d, %zu bytes, ttl %" PRIu64, m->index,
            run->value.key, run->value.serial, status, run->value.size, run->ttl_ms);
  return expire;
}

/* Bytes of the program's own that the library takes as they are. In the member's memory: a crash drops
 * them. */
struct own_bytes {
  struct world_member *member;
  size_t size;
  char bytes[];
};

static void on_free(void *arg) {
  struct own_bytes *own = arg;
  world_memory_resize(own->member, own, sizeof *own + own->size, 0);
}

/* NULL: no memory. */
static struct own_bytes *new_bytes(const struct run *run) {
  struct own_bytes *own = world_memory_resize(run->member, NULL, 0, sizeof *own + run->value.size);
  if (own == NULL) return NULL;
  own->member = run->member;
  own->size = run->value.size;
  world_value_write(own->bytes, &run->value);
  return own;
}

/* NULL: no memory; gcache_load_done() takes that as a failure. */
static gcache_value_t *wrap(gcache_t *cache, struct own_bytes *own, int64_t expire) {
  gcache_bytes_t bytes = gcache_bytes(own->bytes, own->size);
  gcache_value_t *value = gcache_value_wrap(cache, bytes, expire, on_free, own);
  if (value == NULL) on_free(own);
  return value;
}

/* In one of the three ways there are. */
static void give(struct run *run, int64_t expire) {
  gcache_t *cache = run->member->cache;
  struct own_bytes *own = new_bytes(run);
  unsigned way = (unsigned)(run->value.serial % 3);
  gcache_bytes_t bytes = gcache_bytes(own == NULL ? NULL : own->bytes, run->value.size);
  if (own == NULL) {
    gcache_load_done(run->load, NULL);
  } else if (way == 0) {
    gcache_load_done(run->load, wrap(cache, own, expire));
  } else {
    if (way == 1 && !run->has_expired)
      gcache_load_done_copy(run->load, bytes, run->ttl_ms);
    else
      gcache_load_done(run->load, gcache_value_copy(cache, bytes, expire));
    on_free(own);
  }
}

static void end(void *arg) {
  struct run *run = arg;
  struct world_member *m = run->member;
  struct promises *p = &m->world->promises;
  int64_t expire = conclude(run);
  int status = run->gives_up ? UV_ECANCELED : run->status;
  char reason[48];
  world_reason_write(reason, run->value.serial, run->gives_up);
  promises_enter(p);
  if (status != 0)
    gcache_load_fail(run->load, status, reason);
  else
    give(run, expire);
  promises_leave(p);
  free_run(run);
}

static void on_time(struct sim_event *event) {
  struct run *run = gci_container_of(event, struct run, answer);
  struct world *w = run->member->world;
  if (run->member->host.stopped)
    sim_event_set(&w->time, event, w->time.now_us + LATER_US); /* its program stands still */
  else
    world_member_do(run->member, end, run);
}

/* ---- on a thread ---- */

/* Never gcache_work_copy(), whose memory is the system's: a crash would leak it. */
static void give_bytes(gcache_work_t *work, struct run *run) {
  struct own_bytes *own = new_bytes(run);
  if (own == NULL)
    gcache_work_fail(work, UV_ENOMEM, NULL);
  else
    gcache_work_wrap(work, gcache_bytes(own->bytes, own->size), run->ttl_ms, on_free, own);
}

static void on_work(gcache_work_t *work, void *arg) {
  struct run *run = arg;
  char reason[48];
  run->has_expired = 0;
  conclude(run);
  world_reason_write(reason, run->value.serial, 0);
  if (run->status != 0)
    gcache_work_fail(work, run->status, reason);
  else
    give_bytes(work, run);
  free_run(run);
}

static void on_work_cancelled(void *arg) {
  struct run *run = arg;
  run->gives_up = 1;
  conclude(run);
  free_run(run);
}

/* Nonzero: a thread has it. */
static int hand_over(struct run *run) {
  struct world *w = run->member->world;
  struct world_loop *loop = &run->member->host.loop;
  int status;
  if (!sim_rng_percent(&w->time.rng, w->config.work_percent)) return 0;
  promises_enter(&w->promises);
  status = gcache_load_work(run->load, on_work, run);
  promises_leave(&w->promises);
  if (status != 0) {
    if (status != UV_ENOMEM || !w->torture)
      promises_break(&w->promises, "member %d: gcache_load_work returned %d", run->member->index,
                     status);
    return 0;
  }
  run->load = NULL;
  world_request_on_cancel(loop, on_work_cancelled, run);
  return 1;
}

/* ---- how it begins ---- */

static void choose(struct run *run) {
  struct world *w = run->member->world;
  struct sim_rng *rng = &w->time.rng;
  unsigned dice = (unsigned)sim_rng_below(rng, 100);
  run->value.size = world_some_size(w);
  if (dice < 8)
    run->status = GCACHE_ENOTFOUND;
  else if (dice < 15)
    run->status = dice < 12 ? UV_EIO : GCACHE_ELOAD;
  else if (dice < 16)
    run->value.size = WORLD_VALUE_MAX + 1 + sim_rng_below(rng, 100);
  else if (dice < 17)
    run->has_expired = 1;
  else if (dice - 17 < w->config.ttl_percent)
    run->ttl_ms = 1 + sim_rng_below(rng, sim_rng_percent(rng, 50) ? 60 : 2000);
}

static uint64_t choose_delay(struct world *w) {
  struct sim_rng *rng = &w->time.rng;
  if (sim_rng_percent(rng, 30)) return 0;
  if (sim_rng_percent(rng, 80)) return sim_rng_below(rng, 30000);
  return sim_rng_below(rng, w->config.getter_max_us);
}

void world_getter_asked(gcache_load_t *load) {
  struct world_group *g = gcache_group_data(gcache_load_group(load));
  struct world_member *m = g->member;
  struct world *w = m->world;
  struct run *run = sim_new(sizeof *run);
  unsigned key = PROMISES_KEYS;
  if (!world_key_read(gcache_load_key(load), &key) || key >= w->config.n_keys)
    promises_break(&w->promises, "P10: member %d: a getter was given a key nobody asked for",
                   m->index);
  key %= PROMISES_KEYS;
  run->member = m;
  run->load = load;
  run->value.key = key;
  world_dead_loads(w, key);
  run->value.serial = promises_run_began(&w->promises, m->index, key);
  choose(run);
  gcache_load_set_data(load, run);
  gci_list_push_back(&m->runs, &run->link);
  sim_event_init(&run->answer, on_time);
  sim_trace(&w->time, "m%d key %u: run %" PRIu64 " starts", m->index, key, run->value.serial);
  if (hand_over(run)) return;
  if (sim_rng_percent(&w->time.rng, 15))
    end(run);
  else
    sim_event_set(&w->time, &run->answer, w->time.now_us + choose_delay(w));
}

void world_getter_hinted(gcache_load_t *load) {
  struct run *run = gcache_load_data(load);
  struct world *w = run->member->world;
  struct sim_rng *rng = &w->time.rng;
  promises_run_hinted(&w->promises, run->value.serial, gcache_load_time_left_ms(load));
  sim_trace(&w->time, "m%d key %u: run %" PRIu64 " is told that nobody waits", run->member->index,
            run->value.key, run->value.serial);
  if (sim_rng_percent(rng, 40)) return;
  run->gives_up = 1;
  if (sim_rng_percent(rng, 40))
    end(run);
  else
    sim_event_set(&w->time, &run->answer, w->time.now_us + sim_rng_below(rng, 5000));
}

void world_getter_forget(struct world_member *m) {
  struct gcache_link_s *link;
  while ((link = gci_list_front(&m->runs)) != NULL)
    free_run(gci_container_of(link, struct run, link));
}
