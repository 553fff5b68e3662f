/* scene - see scene.h. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------- the program that was recorded -- */

static int begins(const struct golden_vector *v, const char *prefix) {
  return strncmp(v->key, prefix, strlen(prefix)) == 0;
}

static void say_value(struct said *said, const struct golden_vector *v) {
  int golang = v->dialect == GCACHE_DIALECT_GOLANG;
  size_t size = begins(v, "size:") ? strtoul(v->key + 5, NULL, 10) : 0;
  size_t head = (size_t)sprintf(said->text, "go:http://127.0.0.1:%d:", golang ? 9313 : 9303);

  memcpy(said->text + head, v->key, v->key_len);
  said->len = head + v->key_len;
  while (said->len < size)
    said->text[said->len++] = '.';
  said->text[said->len] = '\0';
  if (begins(v, "ttl:")) said->ttl_ms = strtoul(v->key + 4, NULL, 10);
}

void scene_said(struct said *said, const struct golden_vector *v) {
  const char *failed = "getter failed for ";

  *said = (struct said){.text = malloc(128 * 1024)};
  if (begins(v, "error:"))
    said->status = GCACHE_ELOAD;
  else if (begins(v, "missing:"))
    said->status = GCACHE_ENOTFOUND;
  else
    say_value(said, v);
  if (said->status == GCACHE_ENOTFOUND && v->dialect == GCACHE_DIALECT_MAILGUN)
    failed = "no such key: ";
  if (said->status != 0) sprintf(said->text, "%s%s", failed, v->key);
}

/* ---------------------------------------------------------------------------------- a scene -- */

static void on_load_recorded(gcache_load_t *load) {
  struct scene *s = gcache_group_data(gcache_load_group(load));
  gcache_bytes_t key = gcache_load_key(load);
  struct golden_vector asked = {.dialect = s->v->dialect, .key_len = key.len};
  struct said said;

  s->loads++;
  if (key.len > 0) memcpy(asked.key, key.base, key.len);
  scene_said(&said, &asked);
  if (said.status == 0)
    gcache_load_done_copy(load, gcache_bytes(said.text, said.len), said.ttl_ms);
  else
    gcache_load_fail(load, said.status, said.text);
  free(said.text);
}

static void on_load_here(gcache_load_t *load) {
  struct scene *s = gcache_group_data(gcache_load_group(load));

  s->loads++;
  gcache_load_done_copy(load, gcache_cstr("loaded here"), 0);
}

static int64_t then_ns(void *data) {
  (void)data;
  return NOW_NS;
}

static void open_member(struct scene *s, gcache_getter_cb getter) {
  gcache_options_t o;
  gcache_group_options_t go;

  member_options(&s->m, &o, s->loop, "gcache");
  o.dialect = s->v->dialect;
  o.clock.unix_ns = then_ns;
  member_open(&s->m, &o);
  gcache_group_options_init(&go);
  go.max_bytes = 8 << 20;
  go.getter = getter;
  go.data = s;
  assert_int_equal(gcache_group_open(&s->m.group, s->m.cache, "interop", &go), 0);
}

static void scene_init(struct scene *s, const struct golden_vector *v) {
  void *loop;

  memset(s, 0, sizeof *s);
  assert_int_equal(loop_setup(&loop), 0);
  s->loop = loop;
  s->v = v;
}

void scene_close(struct scene *s) {
  void *loop = s->loop;

  member_end(&s->m);
  assert_int_equal(loop_teardown(&loop), 0);
}

/* ---------------------------------------------------------------- we ask, a raw peer answers -- */

static void answer_as_told(struct raw *c) {
  struct scene *s = (struct scene *)c->server; /* its first member */

  raw_send(c, s->answer, s->answer_len);
  if (s->then_ends) raw_finish(c);
}

void scene_ask(struct scene *s, const struct golden_vector *v) {
  const char *urls[1];

  scene_init(s, v);
  raw_server_open(&s->peer, s->loop, answer_as_told);
  open_member(s, on_load_here);
  urls[0] = s->peer.url;
  assert_int_equal(gcache_set_peers(s->m.cache, urls, NULL, 1), 0);
}

void scene_ask_close(struct scene *s) {
  raw_server_close(&s->peer);
  run_loop_until(s->loop, &s->peer.closed, 1);
  for (int i = 0; i < s->peer.n; i++)
    run_loop_until(s->loop, &s->peer.connections[i]->closed, 1);
  scene_close(s);
  raw_server_free(&s->peer);
}

static void on_got(gcache_get_t *req, int status, gcache_value_t *value) {
  struct got *got = req->data;

  got->done++;
  got->status = status;
  got->from = gcache_get_from(req);
  got->value = gcache_value_ref(value);
  snprintf(got->reason, sizeof got->reason, "%s", gcache_get_reason(req));
}

void scene_get(struct got *got, struct scene *s) {
  memset(got, 0, sizeof *got);
  got->req.data = got;
  assert_int_equal(gcache_get(&got->req, s->m.group, golden_key(s->v), 0, on_got), 0);
  run_loop_until(s->loop, &got->done, 1);
}

/* expire_ns 0: never. */
void scene_set(struct changed *c, struct scene *s, gcache_bytes_t bytes, int64_t expire_ns) {
  gcache_value_t *value = gcache_value_copy(s->m.cache, bytes, expire_ns);

  memset(c, 0, sizeof *c);
  c->req.data = c;
  assert_int_equal(gcache_set(&c->req, s->m.group, golden_key(s->v), value, 0, on_changed), 0);
  gcache_value_unref(value);
  run_loop_until(s->loop, &c->done, 1);
}

void scene_remove(struct changed *c, struct scene *s) {
  memset(c, 0, sizeof *c);
  c->req.data = c;
  assert_int_equal(gcache_remove(&c->req, s->m.group, golden_key(s->v), 0, on_changed), 0);
  run_loop_until(s->loop, &c->done, 1);
}

/* -------------------------------------------------------------- they ask, our server answers -- */

void scene_serve(struct scene *s, const struct golden_vector *v) {
  scene_init(s, v);
  open_member(s, on_load_recorded);
  member_listen(&s->m);
}
