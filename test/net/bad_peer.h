/* bad_peer - a client-only member with two peers: one that sends the plain bytes of a test and
 * breaks the rules, and an honest member, which must not be affected. Include cmocka first. */
#ifndef TEST_NET_BAD_PEER_H
#define TEST_NET_BAD_PEER_H

#include <stdio.h>

#include "hostile.h"

enum { BAD_VALUE_MAX = 64 * 1024, BAD_MEMORY_MAX = 1024 * 1024, BAD_SAID_MAX = 4 * 1024 * 1024 };

struct bad_scene {
  uv_loop_t *loop;
  struct raw_server bad;
  struct member good, m;
  char bad_key[32], good_key[32];
  size_t before, peak; /* of the member's memory */
  size_t said;         /* by the bad one */
  struct asked neighbour;
  int neighbours; /* answered by the honest peer meanwhile */
};

static inline void find_key(struct bad_scene *s, const char *url, const char *prefix, char *key,
                            size_t cap) {
  for (int i = 0;; i++) {
    snprintf(key, cap, "%s%d", prefix, i);
    if (strcmp(gcache_owner(s->m.cache, gcache_cstr(key)), url) == 0) return;
  }
}

static inline void bad_open(struct bad_scene *s, void **state, void (*on_request)(struct raw *c),
                            void (*change)(gcache_options_t *o)) {
  gcache_options_t o;
  const char *urls[2];

  memset(s, 0, sizeof *s);
  s->loop = *state;
  raw_server_open(&s->bad, s->loop, on_request);
  member_start(&s->good, s->loop, "good");
  member_options(&s->m, &o, s->loop, "here");
  o.limits.value_max = BAD_VALUE_MAX;
  o.health.failures_max = 1000000; /* it is asked again and again */
  if (change != NULL) change(&o);
  member_open(&s->m, &o);
  member_group(&s->m, "g");
  urls[0] = s->bad.url;
  urls[1] = s->good.url;
  assert_int_equal(gcache_set_peers(s->m.cache, urls, NULL, 2), 0);
  find_key(s, s->bad.url, "b", s->bad_key, sizeof s->bad_key);
  find_key(s, s->good.url, "g", s->good_key, sizeof s->good_key);
  ask(&s->neighbour, &s->m, s->good_key);
  assert_int_equal(s->neighbour.from, GCACHE_FROM_PEER);
  s->before = s->peak = s->m.oom.bytes;
}

/* What came is not the bad one's, but of the honest peer, which is asked next, or loaded here. */
static inline int bad_was_replaced(const struct asked *a) {
  if (a->from == GCACHE_FROM_LOAD) return 1;
  return a->from == GCACHE_FROM_PEER && strncmp(a->value, "good|", 5) == 0;
}

static inline void bad_close(struct bad_scene *s) {
  member_end(&s->m);
  member_end(&s->good);
  raw_server_end(&s->bad);
}

/* A turn of the loop, with a question to the honest peer always under way. */
static inline void bad_turn(struct bad_scene *s, uv_run_mode mode) {
  if (s->neighbour.done > 0) {
    assert_int_equal(s->neighbour.status, 0);
    assert_int_equal(s->neighbour.from, GCACHE_FROM_PEER);
    s->neighbours++;
    ask_start(&s->neighbour, &s->m, s->good_key, 0);
  }
  uv_run(s->loop, mode);
  if (s->m.oom.bytes > s->peak) s->peak = s->m.oom.bytes;
}

/* Says it over and over, as fast as it is read, until the connection has ended. */
static inline void say_for_ever(struct bad_scene *s, struct raw *c, const char *bytes, size_t len) {
  while (!c->ended && s->said < BAD_SAID_MAX) {
    for (int i = 0; i < 8 && len > 0; i++) {
      raw_send(c, bytes, len);
      s->said += len;
    }
    bad_turn(s, len > 0 ? UV_RUN_NOWAIT : UV_RUN_ONCE);
    for (int i = 0; i < 100 && c->tcp.write_queue_size > 0 && !c->ended; i++)
      bad_turn(s, UV_RUN_NOWAIT);
  }
}

static inline void bad_end_neighbour(struct bad_scene *s) {
  while (s->neighbour.done == 0)
    bad_turn(s, UV_RUN_ONCE);
  assert_int_equal(s->neighbour.status, 0);
}

#endif
