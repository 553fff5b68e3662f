/* How a peer's answer is understood in each dialect: answers of the Go systems, of their request
 * routers, and of proxies in front of them. test_peer covers what is the same in every dialect. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "dialect_scene.h"
#include "member.h"
#include "raw.h"

/* ------------------------------------------------------------------------- answers to a get -- */

/* What the caller is told. */
enum outcome {
  THERE, /* the peer's value */
  EMPTY, /* likewise, of no bytes */
  NONE,  /* not found, believed */
  FAILS, /* the getter failed, believed */
  HERE,  /* a failed exchange: loaded here */
  ODD    /* none of these */
};

struct speech {
  const char *what;
  const char *bytes;
  size_t len;
  int hangs_up; /* behind the bytes */
  enum outcome in[N_DIALECTS];
};

#define SAYS(text) text, sizeof(text) - 1, 0
#define ENDS(text) text, sizeof(text) - 1, 1
#define ALL(outcome) \
  { outcome, outcome, outcome, outcome }
#define BUT_GOLANG(outcome, golang) \
  { outcome, outcome, outcome, golang }

#define PROTO "Content-Type: application/x-protobuf\r\nDate: Sat, 21 Nov 2026 00:07:26 GMT\r\n"
/* As Go's http.Error() writes it. */
#define PLAIN "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"
#define HTML "Server: nginx/1.22.1\r\nContent-Type: text/html\r\n"

static const struct speech speeches[] = {
    /* the Go systems themselves */
    {"value", SAYS("HTTP/1.1 200 OK\r\n" PROTO "Content-Length: 9\r\n\r\n\x0a\x05there\x18\x00"),
     ALL(THERE)},
    {"value of golang", SAYS("HTTP/1.1 200 OK\r\n" PROTO "Content-Length: 7\r\n\r\n\x0a\x05there"),
     ALL(THERE)},
    {"value with minute_qps",
     SAYS("HTTP/1.1 200 OK\r\n" PROTO "Content-Length: 18\r\n\r\n\x0a\x05there"
          "\x11\x00\x00\x00\x00\x00\x00\xf0\x3f\x18\x00"),
     ALL(THERE)},
    {"empty value", SAYS("HTTP/1.1 200 OK\r\n" PROTO "Content-Length: 4\r\n\r\n\x0a\x00\x18\x00"),
     ALL(EMPTY)},
    {"empty value of golang", SAYS("HTTP/1.1 200 OK\r\n" PROTO "Content-Length: 2\r\n\r\n\x0a\x00"),
     ALL(EMPTY)},
    {"nothing set", SAYS("HTTP/1.1 200 OK\r\n" PROTO "Content-Length: 2\r\n\r\n\x18\x00"),
     ALL(EMPTY)},
    {"not found",
     SAYS("HTTP/1.1 404 Not Found\r\n" PLAIN "Content-Length: 12\r\n\r\nno such row\n"),
     BUT_GOLANG(NONE, HERE)},
    {"getter failed",
     SAYS("HTTP/1.1 503 Service Unavailable\r\n" PLAIN "Content-Length: 13\r\n\r\ndemo failure\n"),
     BUT_GOLANG(FAILS, HERE)},
    {"getter failed, in golang",
     SAYS("HTTP/1.1 500 Internal Server Error\r\n" PLAIN
          "Content-Length: 13\r\n\r\ndemo failure\n"),
     BUT_GOLANG(HERE, FAILS)},
    {"unknown group",
     SAYS("HTTP/1.1 404 Not Found\r\n" PLAIN "Content-Length: 17\r\n\r\nno such group: g\n"),
     ALL(HERE)},
    {"unknown group, in groupcache-go", ENDS(""), ALL(HERE)},
    {"no second part",
     SAYS("HTTP/1.1 400 Bad Request\r\n" PLAIN "Content-Length: 12\r\n\r\nbad request\n"),
     ALL(HERE)},
    {"method not allowed",
     SAYS("HTTP/1.1 405 Method Not Allowed\r\n" PLAIN "Content-Length: 5\r\n\r\nnone\n"),
     ALL(HERE)},

    /* Go's routers, and what stands in front of Go */
    {"Go's router knows no such path",
     SAYS("HTTP/1.1 404 Not Found\r\n" PLAIN "Content-Length: 19\r\n\r\n404 page not found\n"),
     ALL(HERE)},
    {"another router of Go's",
     SAYS("HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 18\r\n\r\n"
          "404 page not found"),
     ALL(HERE)},
    {"Go's router cleans the path",
     SAYS("HTTP/1.1 301 Moved Permanently\r\nContent-Type: text/html; charset=utf-8\r\n"
          "Location: /_groupcache/g/a/b\r\nContent-Length: 53\r\n\r\n"
          "<a href=\"/_groupcache/g/a/b\">Moved Permanently</a>.\n\n"),
     ALL(HERE)},
    {"a newer one",
     SAYS("HTTP/1.1 307 Temporary Redirect\r\nLocation: /_groupcache/g/a/b\r\n"
          "Content-Length: 0\r\n\r\n"),
     ALL(HERE)},
    {"a proxy's 404", SAYS("HTTP/1.1 404 Not Found\r\n" HTML "Content-Length: 4\r\n\r\nnone"),
     ALL(HERE)},
    {"a proxy's 500",
     SAYS("HTTP/1.1 500 Internal Server Error\r\n" HTML "Content-Length: 4\r\n\r\noops"),
     ALL(HERE)},
    {"a proxy's 502", SAYS("HTTP/1.1 502 Bad Gateway\r\n" HTML "Content-Length: 4\r\n\r\ndown"),
     ALL(HERE)},
    {"a proxy's 503",
     SAYS("HTTP/1.1 503 Service Unavailable\r\n" HTML "Content-Length: 4\r\n\r\ndown"), ALL(HERE)},
    {"a proxy's 503, chunked",
     SAYS("HTTP/1.1 503 Service Unavailable\r\n" HTML
          "Transfer-Encoding: chunked\r\n\r\n4\r\ndown\r\n0\r\n\r\n"),
     ALL(HERE)},
    {"a proxy's 504", SAYS("HTTP/1.1 504 Gateway Timeout\r\n" HTML "Content-Length: 4\r\n\r\nlate"),
     ALL(HERE)},
    {"a mesh's 404, without a type", SAYS("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
     ALL(HERE)},
    {"a mesh's 500, without a type",
     SAYS("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"), ALL(HERE)},
    {"a mesh's 503, without a type",
     SAYS("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"), ALL(HERE)},
    {"an API gateway's 404",
     SAYS(
         "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"),
     ALL(HERE)},

    /* HTTP/1.0, closed by the end */
    {"value over HTTP/1.0", ENDS("HTTP/1.0 200 OK\r\n" PROTO "\r\n\x0a\x05there\x18\x00"),
     ALL(THERE)},
    {"not found over HTTP/1.0", ENDS("HTTP/1.0 404 Not Found\r\n" PLAIN "\r\nno such row\n"),
     BUT_GOLANG(NONE, HERE)},
    {"getter failed over HTTP/1.0",
     ENDS("HTTP/1.0 500 Internal Server Error\r\n" PLAIN "\r\ndemo failure\n"),
     BUT_GOLANG(HERE, FAILS)},

    /* gcache says it in a header, in any dialect alike */
    {"gcache: not found, in golang",
     SAYS("HTTP/1.1 500 Internal Server Error\r\n" PLAIN "Gcache: 1\r\nGcache-Reason: not-found\r\n"
          "Content-Length: 12\r\n\r\nno such row\n"),
     ALL(NONE)},
    {"gcache: getter failed, in golang",
     SAYS("HTTP/1.1 500 Internal Server Error\r\n" PLAIN "Gcache: 1\r\nGcache-Reason: getter\r\n"
          "Content-Length: 13\r\n\r\ndemo failure\n"),
     ALL(FAILS)},
    {"gcache: getter failed",
     SAYS("HTTP/1.1 503 Service Unavailable\r\n" PLAIN "Gcache: 1\r\nGcache-Reason: getter\r\n"
          "Content-Length: 13\r\n\r\ndemo failure\n"),
     ALL(FAILS)},
    {"gcache: unknown group, in groupcache-go",
     SAYS("HTTP/1.1 500 Internal Server Error\r\n" PLAIN "Gcache: 1\r\nGcache-Reason: no-group\r\n"
          "Content-Length: 17\r\n\r\nno such group: g\n"),
     ALL(HERE)},
    {"gcache: a 404 that gives no reason",
     SAYS("HTTP/1.1 404 Not Found\r\n" PLAIN
          "Gcache: 1\r\nContent-Length: 12\r\n\r\nno such row\n"),
     ALL(HERE)},
};

#define N_SPEECHES (sizeof speeches / sizeof speeches[0])

static const struct speech *speech;

static void speak(struct raw *c) {
  raw_send(c, speech->bytes, speech->len);
  if (speech->hangs_up) raw_finish(c);
}

static enum outcome outcome_of(const struct asked *a) {
  if (a->status == GCACHE_ENOTFOUND && strcmp(a->reason, "no such row") == 0) return NONE;
  if (a->status == GCACHE_ELOAD && strcmp(a->reason, "demo failure") == 0) return FAILS;
  if (a->status != 0) return ODD;
  if (a->from == GCACHE_FROM_LOAD) return HERE;
  if (a->from != GCACHE_FROM_PEER) return ODD;
  if (a->value_len == 0) return EMPTY;
  return strcmp(a->value, "there") == 0 ? THERE : ODD;
}

static void each_answer_is_worth_what_the_dialect_says(void **state) {
  struct scene s;
  struct asked a;

  for (size_t i = 0; i < N_SPEECHES * N_DIALECTS; i++) {
    size_t d = i % N_DIALECTS;
    speech = &speeches[i / N_DIALECTS];
    scene_open(&s, state, speak, dialects[d]);
    ask(&a, &s.m, "k");
    if (outcome_of(&a) != speech->in[d])
      fail_msg("%s, %s: status %d from %d, %s", names[d], speech->what, a.status, (int)a.from,
               a.reason);
    assert_int_equal(s.m.loads, speech->in[d] == HERE);
    assert_int_equal(s.peer.requests, 1);
    s.peer.on_request = answer_value;
    ask(&a, &s.m, "k"); /* whatever it was, it harms nobody after it */
    assert_int_equal(outcome_of(&a), THERE);
    scene_close(&s);
  }
}

/* ------------------------------------------------------------------ bodies that Go chunks ---- */

#define BIG 5000 /* bytes of the value; Go chunks what is over 2048 */

static size_t big_chunk; /* bytes a chunk; 0: all in one */

static void send_chunk(struct raw *c, const char *bytes, size_t len) {
  char head[32];

  snprintf(head, sizeof head, "%zx\r\n", len);
  raw_say(c, head);
  raw_send(c, bytes, len);
  raw_say(c, "\r\n");
}

static void send_chunks(struct raw *c, const char *bytes, size_t len) {
  size_t step = big_chunk == 0 ? len : big_chunk;

  for (size_t at = 0; at < len; at += step)
    send_chunk(c, bytes + at, len - at < step ? len - at : step);
  raw_say(c, "0\r\n\r\n");
}

static char big_byte(size_t i) {
  return (char)(i * 7 + i / 251);
}

static void answer_big(struct raw *c) {
  char body[3 + BIG + 2] = "\x0a\x88\x27"; /* 5000 */

  for (size_t i = 0; i < BIG; i++)
    body[3 + i] = big_byte(i);
  memcpy(body + 3 + BIG, "\x18", 2);
  raw_say(c, "HTTP/1.1 200 OK\r\n" PROTO "Transfer-Encoding: chunked\r\n\r\n");
  send_chunks(c, body, sizeof body);
}

static void on_big(gcache_get_t *req, int status, gcache_value_t *value) {
  const char *bytes;

  assert_int_equal(status, 0);
  assert_int_equal(gcache_get_from(req), GCACHE_FROM_PEER);
  assert_int_equal(gcache_value_bytes(value).len, BIG);
  bytes = gcache_value_bytes(value).base;
  for (size_t i = 0; i < BIG; i++)
    assert_int_equal(bytes[i], big_byte(i));
  *(int *)req->data = 1;
}

static void value_over_2_KiB_comes_chunked(void **state) {
  static const size_t sizes[] = {0, 2048, 1};
  struct scene s;

  for (size_t i = 0; i < N_DIALECTS * 3; i++) {
    gcache_get_t req;
    int done = 0;
    scene_open(&s, state, answer_big, dialects[i % N_DIALECTS]);
    big_chunk = sizes[i / N_DIALECTS];
    req.data = &done;
    assert_int_equal(gcache_get(&req, s.m.group, gcache_cstr("k"), 0, on_big), 0);
    run_loop_until(s.loop, &done, 1);
    assert_int_equal(s.m.loads, 0);
    scene_close(&s);
  }
}

static void answer_long_words(struct raw *c) {
  char body[3000];
  int is_golang = raw_find(c, "golang") != NULL; /* the key */

  memset(body, 'w', sizeof body);
  body[sizeof body - 1] = '\n';
  raw_say(c, is_golang ? "HTTP/1.1 500 Internal Server Error\r\n"
                       : "HTTP/1.1 503 Service Unavailable\r\n");
  raw_say(c, PLAIN "Transfer-Encoding: chunked\r\n\r\n");
  big_chunk = 2048;
  send_chunks(c, body, sizeof body);
}

static void getters_long_words_come_chunked_and_are_cut(void **state) {
  struct scene s;
  struct asked a;

  for (size_t d = 0; d < N_DIALECTS; d++) {
    scene_open(&s, state, answer_long_words, dialects[d]);
    ask(&a, &s.m, names[d]);
    assert_int_equal(a.status, GCACHE_ELOAD);
    assert_int_equal(strlen(a.reason), 256);
    assert_int_equal(strspn(a.reason, "w"), 256);
    assert_int_equal(s.m.loads, 0);
    scene_close(&s);
  }
}

/* ----------------------------------------------------------------------- a redirect, changes -- */

static struct raw_server elsewhere;

static void redirect(struct raw *c) {
  char text[256];

  snprintf(text, sizeof text,
           "HTTP/1.1 301 Moved Permanently\r\nLocation: %s/_groupcache/g/b\r\n"
           "Content-Length: 0\r\n\r\n",
           elsewhere.url);
  raw_say(c, text);
}

static void redirect_is_never_followed(void **state) {
  static const char *const odd[] = {"a//b", ".", "..", "a/../b", "/", ""};
  struct scene s;
  struct asked a;
  struct changed c;

  for (size_t d = 0; d < N_DIALECTS; d++) {
    raw_server_open(&elsewhere, *state, answer_value);
    scene_open(&s, state, redirect, dialects[d]);
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
      ask(&a, &s.m, odd[i]);
      assert_int_equal(outcome_of(&a), HERE);
      assert_int_equal(s.peer.requests, (int)i + 1);
    }
    if (dialects[d] != GCACHE_DIALECT_GOLANG) {
      remove_key(&c, &s, "a//b");
      assert_int_equal(c.statuses[0], GCACHE_EPEER);
      set_key(&c, &s, "a//b");
      assert_int_equal(c.statuses[0], GCACHE_EPEER);
    }
    scene_close(&s);
    assert_int_equal(elsewhere.n, 0);
    raw_server_end(&elsewhere);
  }
}

struct verdict {
  const char *what;
  const char *bytes;
  int status; /* of the peer's report */
};

static const struct verdict verdicts[] = {
    {"done", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0},
    {"done, and closed", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 0},
    {"taken for a GET", "HTTP/1.1 200 OK\r\n" PROTO "Content-Length: 7\r\n\r\n\x0a\x05there",
     UV_ENOTSUP},
    {"a page", "HTTP/1.1 200 OK\r\n" HTML "Content-Length: 7\r\n\r\nwelcome", GCACHE_EPEER},
    {"a body that does not decode",
     "HTTP/1.1 400 Bad Request\r\n" PLAIN "Content-Length: 6\r\n\r\nproto\n", GCACHE_EPEER},
    {"unknown group",
     "HTTP/1.1 404 Not Found\r\n" PLAIN "Content-Length: 17\r\n\r\nno such group: g\n",
     GCACHE_ENOGROUP},
    {"Go's router",
     "HTTP/1.1 404 Not Found\r\n" PLAIN "Content-Length: 19\r\n\r\n404 page not found\n",
     GCACHE_EPEER},
    {"method not allowed", "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n",
     GCACHE_EPEER},
    {"broken", "HTTP/1.1 500 Internal Server Error\r\n" PLAIN "Content-Length: 5\r\n\r\noops\n",
     GCACHE_EPEER},
    {"a proxy", "HTTP/1.1 503 Service Unavailable\r\n" HTML "Content-Length: 4\r\n\r\ndown",
     GCACHE_EPEER},
    {"unknown group, in groupcache-go", "", GCACHE_EPEER},
};

static const struct verdict *verdict;

static void pronounce(struct raw *c) {
  if (verdict->bytes[0] == '\0')
    raw_close(c);
  else
    raw_say(c, verdict->bytes);
}

static void change_is_done_only_when_the_peer_says_so(void **state) {
  struct scene s;
  struct changed set, removed;

  for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0] * 3; i++) {
    verdict = &verdicts[i / 3];
    for (int sets = 0; sets < 2; sets++) {
      struct changed *c = sets ? &set : &removed;
      scene_open(&s, state, pronounce, dialects[i % 3]); /* not in golang: nothing is sent */
      if (sets)
        set_key(c, &s, "k");
      else
        remove_key(c, &s, "k");
      /* A remove that is refused so will never be made. */
      int refused = !sets && verdict->bytes != NULL &&
                    (strstr(verdict->bytes, " 400 ") != NULL ||
                     strstr(verdict->bytes, " 405 ") != NULL);
      if (c->statuses[0] != (refused ? UV_EINVAL : verdict->status))
        fail_msg("%s, %s: %d, %s", names[i % 3], verdict->what, c->statuses[0], c->reasons[0]);
      assert_int_equal(c->status, verdict->status == 0 ? 0 : GCACHE_EPARTIAL);
      assert_int_equal(s.peer.requests, 1);
      scene_close(&s);
    }
  }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(each_answer_is_worth_what_the_dialect_says),  TEST(value_over_2_KiB_comes_chunked),
      TEST(getters_long_words_come_chunked_and_are_cut), TEST(redirect_is_never_followed),
      TEST(change_is_done_only_when_the_peer_says_so),
  };

  return !!cmocka_run_group_tests_name("dialects_answers", tests, loop_warm_up, NULL);
}
