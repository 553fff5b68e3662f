/* Destroying inside callbacks: every kind of callback does every kind of destruction, while gets,
 * changes, and requests of strangers and of the other member are under way on the same loop.
 * Nothing is lost: the allocator counts, and the loop's handles and the descriptors are all gone in
 * the end. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gcache/many.h"
#include "member.h"
#include "raw.h"

#define KINDS(XX)                                                                  \
  XX(GET_HIT)                                                                      \
  XX(GET_LOAD)                                                                     \
  XX(GET_PEER)                                                                     \
  XX(GET_FAILED) XX(GET_CANCELED) XX(SET) XX(REMOVE) XX(CLEAR) XX(MANY) XX(GETTER) \
      XX(GETTER_CANCEL) XX(HANDLER) XX(GONE) XX(ROOM) XX(SERVE) XX(RELEASE)
#define ACTS(XX)  \
  XX(CLOSE_CACHE) \
  XX(CLOSE_GROUP) XX(CLOSE_LISTENER) XX(DROP_PEERS) XX(DROP_HANDLER) XX(CANCEL_ALL) XX(START_MORE)

#define NAME(name) name,
#define TEXT(name) #name,
enum kind { KINDS(NAME) N_KINDS };
enum act { ACTS(NAME) N_ACTS };
static const char *const kind_texts[] = {KINDS(TEXT)};
static const char *const act_texts[] = {ACTS(TEXT)};

enum { GETS = 24, CHANGES = 6 };

struct scene {
  uv_loop_t *loop;
  struct member a, b;
  enum kind kind;
  enum act act;
  int fired, closing, listener_closed, group_closed;
  struct {
    gcache_get_t req;
    enum kind kind;
    int done;
  } gets[GETS];
  int n_gets;
  gcache_change_t changes[CHANGES];
  int change_open[CHANGES];
  gcache_many_t many;
  gcache_get_t many_gets[3];
  int many_open;
  gcache_serve_t serve;
  int serve_open;
  gcache_load_t *held[32];
  int n_held;
  gcache_exchange_t *kept;
  struct raw *strangers[4];
  int released;
};

static struct scene *scene; /* of the test at hand; callbacks without user data */

static void fire(enum kind kind);

/* ----------------------------------------------------------------------------- its callbacks -- */

static void on_got(gcache_get_t *req, int status, gcache_value_t *value) {
  (void)status;
  (void)value;
  for (int i = 0; i < scene->n_gets; i++) {
    if (&scene->gets[i].req != req) continue;
    scene->gets[i].done = 1;
    fire(scene->gets[i].kind);
  }
}

static void on_change(gcache_change_t *req, int status, const gcache_peer_result_t *peers,
                      size_t n) {
  static const enum kind kinds[] = {SET, REMOVE, CLEAR};
  long i = req - scene->changes;

  (void)status;
  (void)peers;
  (void)n;
  scene->change_open[i] = 0;
  fire(kinds[i % 3]);
}

static void on_many(gcache_many_t *many, gcache_get_t gets[], size_t n) {
  (void)many;
  (void)gets;
  (void)n;
  scene->many_open = 0;
  fire(MANY);
}

static void on_served(gcache_serve_t *req, int status, const gcache_http_reply_t *reply) {
  (void)req;
  (void)status;
  (void)reply;
  scene->serve_open = 0;
  fire(SERVE);
}

static int begins(gcache_bytes_t key, const char *prefix) {
  return key.len >= strlen(prefix) && memcmp(key.base, prefix, strlen(prefix)) == 0;
}

static void on_load(gcache_load_t *load) {
  gcache_bytes_t key = gcache_load_key(load);

  if (begins(key, "hold"))
    scene->held[scene->n_held++] = load;
  else if (begins(key, "fail"))
    gcache_load_fail(load, GCACHE_ELOAD, "no");
  else
    gcache_load_done_copy(load, gcache_cstr("value"), 0);
  fire(GETTER); /* load may be gone */
}

static void on_load_cancel(gcache_load_t *load) {
  (void)load;
  fire(GETTER_CANCEL);
}

static void on_gone(gcache_exchange_t *x, void *arg) {
  (void)arg;
  if (scene->kept == x) scene->kept = NULL;
  gcache_exchange_abort(x);
  fire(GONE);
}

static void on_room(gcache_exchange_t *x, void *arg) {
  (void)arg;
  gcache_exchange_end(x);
  fire(ROOM);
}

static void on_request(gcache_exchange_t *x, void *arg) {
  (void)arg;
  if (begins(gcache_exchange_path(x), "/parts")) {
    gcache_exchange_begin(x, 200, NULL, 0);
    gcache_exchange_on_room(x, on_room, NULL);
  } else if (begins(gcache_exchange_path(x), "/keep")) {
    gcache_exchange_on_gone(x, on_gone, NULL);
    scene->kept = x;
  } else {
    gcache_exchange_reply(x, 200, NULL, 0, gcache_cstr("hello"));
  }
  fire(HANDLER);
}

static void on_released(uv_stream_t *stream) {
  free(stream);
  scene->released = 1;
  fire(RELEASE);
}

/* ------------------------------------------------------------------------- what is destroyed -- */

static void on_closed(void *arg) {
  *(int *)arg = 1;
}

static void get(const char *key, enum kind kind) {
  int i = scene->n_gets;

  if (i == GETS) return;
  scene->gets[i].kind = kind;
  scene->n_gets++;
  scene->gets[i].done = gcache_get(&scene->gets[i].req, scene->a.group, gcache_cstr(key), 0,
                                   on_got) < 0;
}

static void change(int i) {
  gcache_value_t *value;
  int rc = -1;

  if (scene->change_open[i]) return;
  value = gcache_value_copy(scene->a.cache, gcache_cstr("set"), 0);
  if (i % 3 == 0)
    rc = gcache_set(&scene->changes[i], scene->a.group, gcache_cstr("s"), value, 0, on_change);
  if (i % 3 == 1)
    rc = gcache_remove(&scene->changes[i], scene->a.group, gcache_cstr("r"), 0, on_change);
  if (i % 3 == 2) rc = gcache_clear(&scene->changes[i], scene->a.group, 0, on_change);
  gcache_value_unref(value);
  scene->change_open[i] = rc == 0;
}

static void cancel_all(void) {
  for (int i = 0; i < scene->n_gets; i++)
    if (!scene->gets[i].done) gcache_get_cancel(&scene->gets[i].req);
  for (int i = 0; i < CHANGES; i++)
    if (scene->change_open[i]) gcache_change_cancel(&scene->changes[i]);
  if (scene->serve_open) gcache_serve_cancel(&scene->serve);
}

static void start_more(void) {
  get("a-hit", GET_HIT);
  get("new", GET_LOAD);
  for (int i = 3; i < CHANGES; i++)
    change(i);
}

static void act(void) {
  switch (scene->act) {
  case CLOSE_CACHE:
    scene->closing = 1;
    gcache_close(scene->a.cache, on_closed, &scene->a.closed);
    break;
  case CLOSE_GROUP:
    gcache_group_close(scene->a.group, on_closed, &scene->group_closed);
    break;
  case CLOSE_LISTENER:
    gcache_listener_close(scene->a.listener, on_closed, &scene->listener_closed);
    break;
  case DROP_PEERS:
    gcache_set_peers(scene->a.cache, NULL, NULL, 0);
    break;
  case DROP_HANDLER:
    gcache_set_handler(scene->a.cache, NULL, NULL);
    break;
  case CANCEL_ALL:
    cancel_all();
    break;
  case START_MORE:
    start_more();
    break;
  case N_ACTS:
    break;
  }
}

static void fire(enum kind kind) {
  if (kind != scene->kind || scene->fired) return;
  scene->fired = 1;
  act();
}

/* ----------------------------------------------------------------------------------- a scene -- */

static void adopt_one(struct scene *s) {
  uv_tcp_t *tcp = malloc(sizeof *tcp);
  uv_os_sock_t fds[2];

  assert_int_equal(uv_socketpair(SOCK_STREAM, 0, fds, UV_NONBLOCK_PIPE, UV_NONBLOCK_PIPE), 0);
  uv_tcp_init(s->loop, tcp);
  assert_int_equal(uv_tcp_open(tcp, fds[0]), 0);
  assert_int_equal(
      gcache_adopt(s->a.cache, (uv_stream_t *)tcp, gcache_cstr("nonsense\r\n\r\n"), on_released),
      0);
  close(fds[1]);
}

static void open_scene(struct scene *s, void **state) {
  gcache_options_t o;
  gcache_group_options_t go;

  s->loop = *state;
  member_options(&s->a, &o, s->loop, "a");
  member_open(&s->a, &o);
  gcache_group_options_init(&go);
  go.max_bytes = 1 << 20;
  go.getter = on_load;
  go.cancel = on_load_cancel;
  assert_int_equal(gcache_group_open(&s->a.group, s->a.cache, "g", &go), 0);
  member_listen(&s->a);
  member_start(&s->b, s->loop, "b");
  const char *urls[] = {s->a.url, s->b.url};
  assert_int_equal(gcache_set_peers(s->a.cache, urls, NULL, 2), 0);
  assert_int_equal(gcache_set_peers(s->b.cache, urls, NULL, 2), 0);
  gcache_set_handler(s->a.cache, on_request, NULL);
}

static void begin_everything(struct scene *s) {
  char peer_key[32], key[32];
  gcache_bytes_t keys[3] = {gcache_cstr("m1"), gcache_cstr("m2"), gcache_cstr("m3")};
  gcache_http_request_t request = {.method = gcache_cstr("GET"),
                                   .path = gcache_cstr("/_groupcache/g/served")};
  static const char *const asked[] = {
      "GET /_groupcache/g/stranger HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /parts HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /keep HTTP/1.1\r\nHost: x\r\n\r\n", "nonsense\r\n\r\n"};

  get(member_key(&s->a, "hit", key, sizeof key), GET_LOAD);
  get(key, GET_HIT);
  get(member_key(&s->b, "p", peer_key, sizeof peer_key), GET_PEER);
  get(member_key(&s->a, "fail", key, sizeof key), GET_FAILED);
  get(member_key(&s->a, "hold", key, sizeof key), GET_CANCELED);
  for (int i = 0; i < 3; i++)
    change(i);
  s->many_open = gcache_get_many(&s->many, s->a.group, keys, 3, s->many_gets, 0, NULL, on_many) ==
                 0;
  s->serve_open = gcache_serve(&s->serve, s->a.cache, &request, on_served) == 0;
  for (int i = 0; i < 4; i++) {
    s->strangers[i] = raw_connect(s->loop, s->a.port);
    raw_say(s->strangers[i], asked[i]);
  }
  adopt_one(s);
  run_loop_turns(s->loop, 30);
  if (!s->gets[4].done && !s->closing)
    gcache_get_cancel(&s->gets[4].req); /* hold: nobody waits now */
}

static void end_everything(struct scene *s) {
  for (int i = 0; i < 4; i++)
    raw_close(s->strangers[i]);
  run_loop_turns(s->loop, 30);
  for (int i = 0; i < s->n_held; i++)
    gcache_load_done_copy(s->held[i], gcache_cstr("late"), 0);
  s->n_held = 0;
  run_loop_turns(s->loop, 10);
  if (s->kept != NULL) gcache_exchange_abort(s->kept);
  if (!s->closing) {
    s->closing = 1;
    gcache_close(s->a.cache, on_closed, &s->a.closed);
  }
  for (int i = 0; !s->a.closed; i++) {
    uv_run(s->loop, UV_RUN_ONCE);
    for (int k = 0; k < s->n_held; k++)
      gcache_load_done_copy(s->held[k], gcache_cstr("late"), 0);
    s->n_held = 0;
  }
  s->a.cache = NULL;
  assert_int_equal(s->a.oom.bytes, 0);
  assert_int_equal(s->a.oom.blocks, 0);
  member_end(&s->b);
  for (int i = 0; i < 4; i++) {
    run_loop_until(s->loop, &s->strangers[i]->closed, 1);
    raw_free(s->strangers[i]);
  }
}

static int play(void **state, enum kind kind, enum act act) {
  struct scene *s = calloc(1, sizeof *s);
  int fired;

  scene = s;
  s->kind = kind;
  s->act = act;
  open_scene(s, state);
  begin_everything(s);
  end_everything(s);
  for (int i = 0; i < s->n_gets; i++)
    assert_true(s->gets[i].done);
  for (int i = 0; i < CHANGES; i++)
    assert_false(s->change_open[i]);
  assert_false(s->many_open);
  assert_false(s->serve_open);
  assert_true(s->released);
  if (act == CLOSE_GROUP && s->fired) assert_true(s->group_closed);
  if (act == CLOSE_LISTENER && s->fired) assert_true(s->listener_closed);
  fired = s->fired;
  free(s);
  return fired;
}

static void anything_may_be_destroyed_inside_any_callback(void **state) {
  int fired = 0;

  for (int kind = 0; kind < N_KINDS; kind++)
    for (int act = 0; act < N_ACTS; act++) {
      int n = play(state, (enum kind)kind, (enum act)act);
      if (n == 0) fail_msg("%s: never called, for %s", kind_texts[kind], act_texts[act]);
      fired += n;
    }
  print_message("%d kinds of callbacks, %d kinds of destruction: %d times\n", N_KINDS, N_ACTS,
                fired);
  assert_true(fired == N_KINDS * N_ACTS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  signal(SIGPIPE, SIG_IGN); /* the raw peers' own: they write by libuv to those who have left */
  const struct CMUnitTest tests[] = {
      TEST(anything_may_be_destroyed_inside_any_callback),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
