/* Two caches on two loops in two threads, members of one cluster: for builds with the thread
 * sanitizer, since they share libuv's pool and the whole library. Each gets all keys, its own and
 * the other's, with getters of both kinds, and removes some. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "gcache/gcache.h"
#include "gcache/http.h"

enum { THREADS = 2, KEYS = 300, ROUNDS = 8, ASKERS = 16 };

struct cluster {
  uv_mutex_t mutex;
  uv_cond_t moved;
  char urls[THREADS][64];
  int listening, done;
};

struct asker {
  gcache_get_t req;
  struct member *member;
  unsigned key;
};

struct member {
  struct cluster *cluster;
  int number;
  uv_loop_t loop;
  uv_async_t over; /* all are done */
  gcache_t *cache;
  gcache_group_t *group;
  gcache_listener_t *listener;
  struct asker askers[ASKERS];
  gcache_change_t change;
  int changing;
  unsigned next, answered, right, closed;
};

static struct member members[THREADS];

/* --------------------------------------------------------------------------------- getters ---- */

static void work(gcache_work_t *job, void *arg) {
  (void)arg;
  gcache_work_copy(job, gcache_work_key(job), 0);
}

/* The value is the key. */
static void getter(gcache_load_t *load) {
  gcache_bytes_t key = gcache_load_key(load);
  const char *text = key.base;
  if ((text[key.len - 1] & 1) == 0 || gcache_load_work(load, work, NULL) < 0)
    gcache_load_done_copy(load, key, 0);
}

/* ---------------------------------------------------------------------------------- asking ---- */

static void ask(struct asker *asker);

static void on_changed(gcache_change_t *req, int status, const gcache_peer_result_t *peers,
                       size_t n) {
  struct member *m = req->data;
  (void)status;
  (void)peers;
  (void)n;
  m->changing = 0;
}

static void remove_one(struct member *m, unsigned key) {
  char text[16];
  snprintf(text, sizeof text, "key%u", key);
  m->change.data = m;
  m->changing = gcache_remove(&m->change, m->group, gcache_cstr(text), 0, on_changed) == 0;
}

static void finish(struct member *m) {
  struct cluster *c = m->cluster;
  uv_mutex_lock(&c->mutex);
  int all = ++c->done == THREADS;
  uv_mutex_unlock(&c->mutex);
  for (int i = 0; all && i < THREADS; i++)
    uv_async_send(&members[i].over);
}

static void on_got(gcache_get_t *req, int status, gcache_value_t *value) {
  struct asker *asker = req->data;
  struct member *m = asker->member;
  char text[16];
  int len = snprintf(text, sizeof text, "key%u", asker->key);
  if (status == 0) {
    gcache_bytes_t bytes = gcache_value_bytes(value);
    m->right += bytes.len == (size_t)len && memcmp(bytes.base, text, bytes.len) == 0;
  }
  if (!m->changing && m->answered % 10 == 0) remove_one(m, asker->key);
  if (++m->answered == KEYS * ROUNDS)
    finish(m);
  else if (m->next < KEYS * ROUNDS)
    ask(asker);
}

static void ask(struct asker *asker) {
  struct member *m = asker->member;
  char text[16];
  asker->key = m->next++ % KEYS;
  asker->req.data = asker;
  snprintf(text, sizeof text, "key%u", asker->key);
  if (gcache_get(&asker->req, m->group, gcache_cstr(text), 0, on_got) < 0) abort();
}

/* --------------------------------------------------------------------------------- threads ---- */

static void on_closed(void *arg) {
  struct member *m = arg;
  m->closed = 1;
}

static void on_over(uv_async_t *over) {
  struct member *m = over->data;
  gcache_close(m->cache, on_closed, m);
  uv_close((uv_handle_t *)over, NULL);
}

static int open_member(struct member *m) {
  gcache_options_t o;
  gcache_group_options_t g;
  struct sockaddr_in address;
  gcache_options_init(&o);
  gcache_group_options_init(&g);
  uv_ip4_addr("127.0.0.1", 0, &address);
  o.loop = &m->loop;
  g.max_bytes = 1 << 20;
  g.getter = getter;
  int rc = gcache_open(&m->cache, &o);
  if (rc == 0) rc = gcache_group_open(&m->group, m->cache, "threads", &g);
  if (rc == 0) rc = gcache_listen(&m->listener, m->cache, (struct sockaddr *)&address, 16);
  return rc;
}

/* Says where it listens, and waits until all do. */
static int meet(struct member *m) {
  struct cluster *c = m->cluster;
  const char *urls[THREADS];
  char *own = c->urls[m->number];
  snprintf(own, sizeof c->urls[0], "http://127.0.0.1:%d", gcache_listener_port(m->listener));
  int rc = gcache_set_self(m->cache, own);
  uv_mutex_lock(&c->mutex);
  c->listening++;
  uv_cond_broadcast(&c->moved);
  while (c->listening < THREADS)
    uv_cond_wait(&c->moved, &c->mutex);
  uv_mutex_unlock(&c->mutex);
  for (int i = 0; i < THREADS; i++)
    urls[i] = c->urls[i];
  return rc < 0 ? rc : gcache_set_peers(m->cache, urls, NULL, THREADS);
}

static void run_member(void *arg) {
  struct member *m = arg;
  if (open_member(m) < 0 || meet(m) < 0) abort();
  for (int i = 0; i < ASKERS; i++) {
    m->askers[i].member = m;
    ask(&m->askers[i]);
  }
  uv_run(&m->loop, UV_RUN_DEFAULT);
  if (uv_loop_close(&m->loop) < 0) abort();
}

static void caches_on_two_loops_in_two_threads_are_members_of_one_cluster(void **state) {
  struct cluster cluster = {.listening = 0};
  uv_thread_t threads[THREADS];
  (void)state;
  assert_int_equal(uv_mutex_init(&cluster.mutex), 0);
  assert_int_equal(uv_cond_init(&cluster.moved), 0);
  for (int i = 0; i < THREADS; i++) {
    members[i] = (struct member){.cluster = &cluster, .number = i};
    assert_int_equal(uv_loop_init(&members[i].loop), 0);
    assert_int_equal(uv_async_init(&members[i].loop, &members[i].over, on_over), 0);
    members[i].over.data = &members[i];
  }
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(uv_thread_create(&threads[i], run_member, &members[i]), 0);
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(uv_thread_join(&threads[i]), 0);
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(members[i].answered, KEYS * ROUNDS);
    assert_int_equal(members[i].right, KEYS * ROUNDS);
    assert_int_equal(members[i].closed, 1);
  }
  uv_cond_destroy(&cluster.moved);
  uv_mutex_destroy(&cluster.mutex);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(caches_on_two_loops_in_two_threads_are_members_of_one_cluster),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
