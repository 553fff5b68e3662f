/* dialect_scene - a member of any dialect and a peer of plain bytes: the base of the tests of the
 * client side. Include cmocka first. */
#ifndef TEST_NET_DIALECT_SCENE_H
#define TEST_NET_DIALECT_SCENE_H

#include <stdio.h>
#include <string.h>

#include "member.h"
#include "raw.h"

#define DAY_MS (24 * 3600 * 1000)

static const gcache_dialect_t dialects[] = {GCACHE_DIALECT_GCACHE, GCACHE_DIALECT_MAILGUN,
                                            GCACHE_DIALECT_GROUPCACHE_GO, GCACHE_DIALECT_GOLANG};
static const char *const names[] = {"gcache", "mailgun", "groupcache-go", "golang"};

#define N_DIALECTS (sizeof dialects / sizeof dialects[0])

struct scene {
  uv_loop_t *loop;
  struct raw_server peer;
  struct member m;
};

static inline void scene_begin(struct scene *s, void **state, void (*on_request)(struct raw *c),
                               gcache_dialect_t dialect) {
  gcache_options_t o;

  memset(s, 0, sizeof *s);
  s->loop = *state;
  raw_server_open(&s->peer, s->loop, on_request);
  member_options(&s->m, &o, s->loop, "here");
  o.dialect = dialect;
  o.health.failures_max = 1000000; /* it is asked again whatever it has said */
  o.conns_per_peer = 1;
  o.connect_timeout_ms = o.response_timeout_ms = DAY_MS;
  member_open(&s->m, &o);
  member_group(&s->m, "g");
}

/* A client-only member that keeps nothing, so that every get asks the peer. */
static inline void scene_open(struct scene *s, void **state, void (*on_request)(struct raw *c),
                              gcache_dialect_t dialect) {
  const char *urls[1];

  scene_begin(s, state, on_request, dialect);
  urls[0] = s->peer.url;
  assert_int_equal(gcache_set_peers(s->m.cache, urls, NULL, 1), 0);
}

static inline void scene_close(struct scene *s) {
  member_end(&s->m);
  raw_server_end(&s->peer);
}

static inline void remove_start(struct changed *c, struct scene *s, const char *key) {
  memset(c, 0, sizeof *c);
  c->req.data = c;
  assert_int_equal(gcache_remove(&c->req, s->m.group, gcache_cstr(key), 0, on_changed), 0);
}

static inline void remove_key(struct changed *c, struct scene *s, const char *key) {
  remove_start(c, s, key);
  run_loop_until(s->loop, &c->done, 1);
}

static inline void set_key(struct changed *c, struct scene *s, const char *key) {
  gcache_value_t *value = gcache_value_copy(s->m.cache, gcache_cstr("v"), GCACHE_NEVER);

  memset(c, 0, sizeof *c);
  c->req.data = c;
  assert_int_equal(gcache_set(&c->req, s->m.group, gcache_cstr(key), value, 0, on_changed), 0);
  gcache_value_unref(value);
  run_loop_until(s->loop, &c->done, 1);
}

static inline void answer_value(struct raw *c) {
  raw_answer_value(c, "there");
}

#endif
