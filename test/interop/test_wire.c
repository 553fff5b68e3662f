/* The recorded messages of running Go programs against a whole cache over real sockets: our
 * requests and responses are equal to theirs, byte for byte, and each of theirs is understood.
 * differences.c lists the exceptions. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "scene.h"

struct tally {
  size_t given, same, differ;
};

struct golden {
  struct golden_vector *vectors;
  size_t n;
  struct tally requests, answers; /* that we write */
  size_t answered, understood;    /* of theirs */
};

static void count(struct tally *tally, const struct golden_vector *v, const char *ending) {
  tally->given++;
  if (golden_difference(v, ending) == NULL)
    tally->same++;
  else
    tally->differ++;
}

/* ---------------------------------------------------------------------- their clients' words -- */

/* The recording's value of a set: a long key was cut. */
static size_t value_of(const struct golden_vector *v, char *out) {
  size_t head = strlen("value of "), key = v->key_len < 20 ? v->key_len : 20;

  if (strcmp(v->op, "setttl") == 0) {
    out[0] = 'v';
    return 1;
  }
  memcpy(out, "value of ", head);
  memcpy(out + head, v->key, key);
  return head + key;
}

/* The varint that ends the body: the moment of the recording plus a minute. */
static int64_t expire_of(const struct golden_vector *v) {
  struct golden_message m;
  uint64_t expire = 0;

  if (strcmp(v->op, "setttl") != 0) return GCACHE_NEVER;
  golden_read(&m, v, ".req");
  for (size_t i = 1; i <= 9; i++)
    expire = expire << 7 | ((unsigned char)m.body[m.body_len - i] & 0x7f);
  golden_free(&m);
  return (int64_t)expire;
}

static void ask_like_client(struct scene *s) {
  static const char get_answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n"
                                   "Content-Length: 5\r\n\r\n\x0a\x01V\x18";
  static const char change_answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  int is_get = strcmp(s->v->op, "get") == 0;
  char value[32];
  struct got got;
  struct changed c;

  s->answer = is_get ? get_answer : change_answer;
  s->answer_len = is_get ? sizeof get_answer : sizeof change_answer - 1; /* 0: no expiry */
  if (is_get) {
    scene_get(&got, s);
    assert_int_equal(got.from, GCACHE_FROM_PEER);
    gcache_value_unref(got.value);
    return;
  }
  if (strcmp(s->v->op, "remove") == 0)
    scene_remove(&c, s);
  else
    scene_set(&c, s, gcache_bytes(value, value_of(s->v, value)), expire_of(s->v));
  assert_int_equal(c.status, 0);
}

static void our_requests_are_those_of_go(void **state) {
  struct golden *g = *state;
  struct golden_message m;
  struct scene s;

  for (size_t i = 0; i < g->n; i++) {
    if (!g->vectors[i].is_client) continue;
    scene_ask(&s, &g->vectors[i]);
    ask_like_client(&s);
    assert_int_equal(s.peer.n, 1);
    assert_int_equal(s.peer.requests, 1);
    golden_parse(&m, s.peer.connections[0]->in, s.peer.connections[0]->in_len);
    golden_same_request(s.v, &m);
    golden_free(&m);
    count(&g->requests, s.v, ".req");
    scene_ask_close(&s);
  }
  assert_int_equal(g->requests.given, 85);
}

static void golang_is_sent_no_set_and_no_remove(void **state) {
  struct golden *g = *state;
  struct changed c;
  struct scene s;

  for (size_t i = 0; i < g->n; i++) {
    if (!g->vectors[i].is_client || g->vectors[i].dialect != GCACHE_DIALECT_GOLANG) continue;
    scene_ask(&s, &g->vectors[i]);
    for (int op = 0; op < 2; op++) {
      if (op == 0)
        scene_set(&c, &s, gcache_cstr("v"), GCACHE_NEVER);
      else
        scene_remove(&c, &s);
      assert_int_equal(c.status, GCACHE_EPARTIAL);
      assert_int_equal(c.n, 1);
      assert_int_equal(c.statuses[0], UV_ENOTSUP);
      assert_string_equal(c.reasons[0], "golang/groupcache can only get: nothing was sent");
    }
    assert_int_equal(s.peer.n, 0);
    scene_ask_close(&s);
  }
}

/* -------------------------------------------------------------- they ask, our server answers -- */

static int is_whole(const struct raw *c, int is_head) {
  const char *end = raw_find(c, "\r\n\r\n"), *length = raw_find(c, "Content-Length: ");
  size_t len;

  if (end == NULL) return 0;
  len = (size_t)(end + 4 - c->in);
  if (!is_head && length != NULL && length < end) len += strtoul(length + 16, NULL, 10);
  return c->in_len >= len;
}

/* Sends what was recorded and takes what comes. */
static void serve(struct scene *s, struct golden_message *answer) {
  size_t len;
  char *bytes = golden_bytes(s->v, ".req", &len);
  struct raw *c = raw_connect(s->loop, s->m.port);

  run_loop_until(s->loop, &c->connected, 1);
  raw_send(c, bytes, len);
  while (!is_whole(c, strcmp(s->v->op, "HEAD") == 0))
    if (c->ended || uv_run(s->loop, UV_RUN_ONCE) == 0)
      fail_msg("%s: %zu bytes, and no whole answer", s->v->name, c->in_len);
  run_loop_turns(s->loop, 5); /* nothing more comes */
  golden_parse(answer, c->in, c->in_len);
  raw_close(c);
  run_loop_until(s->loop, &c->closed, 1);
  raw_free(c);
  free(bytes);
}

static void assert_held(const struct scene *s, gcache_bytes_t want, int64_t expire_ns) {
  gcache_value_t *held = gcache_peek(s->m.group, golden_key(s->v));

  assert_non_null(held);
  assert_int_equal(gcache_value_bytes(held).len, want.len);
  assert_memory_equal(gcache_value_bytes(held).base, want.base, want.len);
  assert_true(gcache_value_expire(held) == expire_ns);
  gcache_value_unref(held);
}

static void assert_not_held(const struct scene *s) {
  assert_null(gcache_peek(s->m.group, golden_key(s->v)));
}

static void our_answers_are_those_of_go(void **state) {
  struct golden *g = *state;
  struct golden_message answer;
  struct changed c;
  struct scene s;

  for (size_t i = 0; i < g->n; i++) {
    if (g->vectors[i].is_client) continue;
    scene_serve(&s, &g->vectors[i]);
    if (strcmp(s.v->name, "mailgun-server-delete") == 0)
      scene_set(&c, &s, gcache_cstr("to be removed"), GCACHE_NEVER);
    serve(&s, &answer);
    golden_same_answer(s.v, &answer);
    if (strcmp(s.v->op, "PUT") == 0 && strstr(answer.lines[0], " 200 ") != NULL)
      assert_held(&s, gcache_cstr("sv"), GCACHE_NEVER);
    else if (strcmp(s.v->op, "PUT") == 0 || strcmp(s.v->op, "DELETE") == 0)
      assert_not_held(&s);
    golden_free(&answer);
    count(&g->answers, s.v, ".resp");
    scene_close(&s);
  }
  assert_int_equal(g->answers.given, 54);
}

/* GetResponse{value} and, for mailgun, expire 0. */
static void assert_value_answered(const struct scene *s, const struct golden_message *answer) {
  char want[GOLDEN_KEY_MAX];
  size_t len = 0;
  struct said said;

  scene_said(&said, s->v);
  assert_true(said.len < 1 << 14 && said.len + 5 < sizeof want);
  want[len++] = 0x0a;
  if (said.len > 127) want[len++] = (char)(said.len | 0x80);
  want[len++] = (char)(said.len > 127 ? said.len >> 7 : said.len);
  memcpy(want + len, said.text, said.len);
  len += said.len;
  if (s->v->dialect == GCACHE_DIALECT_MAILGUN) {
    want[len++] = 0x18;
    want[len++] = 0;
  }
  assert_int_equal(answer->body_len, len);
  assert_memory_equal(answer->body, want, len);
  free(said.text);
}

static void assert_obeyed(const struct scene *s, const struct golden_message *answer) {
  char value[32];

  if (strcmp(s->v->op, "get") == 0)
    assert_value_answered(s, answer);
  else if (strcmp(s->v->op, "remove") == 0)
    assert_not_held(s);
  else
    assert_held(s, gcache_bytes(value, value_of(s->v, value)), expire_of(s->v));
}

/* A space of golang's client is a plus to golang's server, and so to ours. */
static void read_as_golang_does(struct golden_vector *v) {
  for (size_t i = 0; v->dialect == GCACHE_DIALECT_GOLANG && i < v->key_len; i++)
    if (v->key[i] == ' ') v->key[i] = '+';
}

static void requests_of_go_are_obeyed(void **state) {
  struct golden *g = *state;
  struct golden_message answer;
  struct changed c;
  struct scene s;

  for (size_t i = 0; i < g->n; i++) {
    struct golden_vector v = g->vectors[i];
    if (!v.is_client) continue;
    read_as_golang_does(&v);
    scene_serve(&s, &v);
    if (strcmp(v.op, "remove") == 0) scene_set(&c, &s, gcache_cstr("to be removed"), GCACHE_NEVER);
    serve(&s, &answer);
    assert_string_equal(answer.lines[0], "HTTP/1.1 200 OK");
    assert_int_equal(s.loads, strcmp(v.op, "get") == 0);
    assert_obeyed(&s, &answer);
    golden_free(&answer);
    g->answered++;
    scene_close(&s);
  }
}

/* ---------------------------------------------------------------------- their servers' words -- */

/* What cannot be the value: GCACHE_FROM_LOAD, a failed exchange; status: the getter's word over
 * there. */
struct outcome {
  const char *name;
  int status;
  gcache_from_t from;
};

static const struct outcome outcomes[] = {
    {"mailgun-server-get-missing", GCACHE_ENOTFOUND, GCACHE_FROM_NONE},
    {"mailgun-server-get-error", GCACHE_ELOAD, GCACHE_FROM_NONE},
    {"mailgun-server-get-nogroup", 0, GCACHE_FROM_LOAD},
    {"mailgun-server-get-nokey", 0, GCACHE_FROM_LOAD},
    {"mailgun-server-get-badpct", 0, GCACHE_FROM_LOAD},
    {"mailgun-server-head", 0, GCACHE_FROM_LOAD}, /* to us, who never ask so: cut off */
    {"golang-server-get-missing", GCACHE_ELOAD, GCACHE_FROM_NONE}, /* it has no word for it */
    {"golang-server-get-error", GCACHE_ELOAD, GCACHE_FROM_NONE},
    {"golang-server-get-nogroup", 0, GCACHE_FROM_LOAD},
    {"golang-server-get-nokey", 0, GCACHE_FROM_LOAD},
    {"golang-server-get-badpct", 0, GCACHE_FROM_LOAD},
    {"golang-server-head", 0, GCACHE_FROM_LOAD},
};

static struct outcome outcome_of(const struct golden_vector *v) {
  for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++)
    if (strcmp(outcomes[i].name, v->name) == 0) return outcomes[i];
  return (struct outcome){v->name, 0, GCACHE_FROM_PEER};
}

static void assert_got(struct scene *s, const struct got *got) {
  struct outcome want = outcome_of(s->v);
  struct said said;

  scene_said(&said, s->v);
  if (got->status != want.status || got->from != want.from)
    fail_msg("%s: status %d (%s) from %d", s->v->name, got->status, got->reason, (int)got->from);
  assert_int_equal(s->loads, want.from == GCACHE_FROM_LOAD);
  if (want.status != 0) assert_string_equal(got->reason, said.text);
  if (want.from == GCACHE_FROM_PEER) {
    assert_int_equal(gcache_value_bytes(got->value).len, said.len);
    assert_memory_equal(gcache_value_bytes(got->value).base, said.text, said.len);
    if (said.ttl_ms == 0 || s->v->dialect == GCACHE_DIALECT_GOLANG)
      assert_true(gcache_value_expire(got->value) == GCACHE_NEVER);
    else
      assert_true(gcache_value_expire(got->value) == NOW_NS + (int64_t)said.ttl_ms * 1000000);
  }
  free(said.text);
}

static void assert_changed(const struct scene *s, const struct changed *c) {
  int refused = memmem(s->answer, s->answer_len, "HTTP/1.1 400", 12) != NULL;

  assert_int_equal(c->status, refused ? GCACHE_EPARTIAL : 0);
  assert_int_equal(c->n, 1);
  assert_int_equal(c->statuses[0], refused ? GCACHE_EPEER : 0);
}

static void answers_of_go_are_understood(void **state) {
  struct golden *g = *state;
  struct scene s;
  struct changed c;
  struct got got;

  for (size_t i = 0; i < g->n; i++) {
    if (g->vectors[i].is_client) continue;
    scene_ask(&s, &g->vectors[i]);
    char *answer = golden_bytes(s.v, ".resp", &s.answer_len);
    s.answer = answer;
    s.then_ends = strstr(answer, "\r\nConnection: close\r\n") || strcmp(s.v->op, "HEAD") == 0;
    if (strcmp(s.v->op, "PUT") == 0) {
      scene_set(&c, &s, gcache_cstr("sv"), GCACHE_NEVER);
      assert_changed(&s, &c);
    } else if (strcmp(s.v->op, "DELETE") == 0) {
      scene_remove(&c, &s);
      assert_changed(&s, &c);
    } else {
      scene_get(&got, &s);
      assert_got(&s, &got);
      gcache_value_unref(got.value);
    }
    g->understood++;
    scene_ask_close(&s);
    free(answer);
  }
}

/* ----------------------------------------------------------------------------------- the sum -- */

static int open_golden(void **state) {
  struct golden *g = calloc(1, sizeof *g);

  g->vectors = golden_vectors(&g->n);
  *state = g;
  return loop_warm_up(state) < 0 ? -1 : 0;
}

static int close_golden(void **state) {
  struct golden *g = *state;

  printf("vectors given: %zu\n", g->n);
  printf(
      "  client: %zu; written by us byte for byte %zu, with a stated difference %zu; obeyed %zu\n",
      g->requests.given, g->requests.same, g->requests.differ, g->answered);
  printf("  server: %zu; written by us as recorded %zu, with a stated difference %zu; understood "
         "%zu\n",
         g->answers.given, g->answers.same, g->answers.differ, g->understood);
  printf("all but for Host, Date and User-Agent; requests but for \"Accept-Encoding: gzip\";"
         " answers but for the line \"Gcache: 1\", which they have more\n");
  free(g->vectors);
  free(g);
  return 0;
}

static void every_difference_is_of_a_vector(void **state) {
  struct golden *g = *state;

  assert_int_equal(g->n, 139);
  assert_int_equal(g->requests.differ + g->answers.differ, golden_differences());
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(our_requests_are_those_of_go),
      cmocka_unit_test(golang_is_sent_no_set_and_no_remove),
      cmocka_unit_test(requests_of_go_are_obeyed),
      cmocka_unit_test(our_answers_are_those_of_go),
      cmocka_unit_test(answers_of_go_are_understood),
      cmocka_unit_test(every_difference_is_of_a_vector),
  };
  return !!cmocka_run_group_tests(tests, open_golden, close_golden);
}
