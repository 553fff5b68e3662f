/* Request smuggling: thousands of requests made of the parts in smuggling.h, each followed by a
 * canary on the same connection, to the peers' routes and to the application's, alone, in two
 * pieces, and after requests to memory. Each is understood as RFC 9112 says and the canary is
 * answered; or it is refused, the connection is closed, and the canary has no effect. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostile.h"
#include "smuggling.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define CANARY "GET /canary HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
#define FAST                                     \
  "GET /_groupcache/g/k HTTP/1.1\r\nHost: x\r\n" \
  "Cache-Control: only-if-cached, max-stale\r\n\r\n"

enum way { ALONE, IN_PIECES, BEHIND_FAST, WAYS };

/* What one request is made of. */
struct shape {
  const char *method, *target, *version, *end; /* of the first line */
  const char *host, *lines, *last;             /* the empty line */
  const char *body;
  /* What is to become of it. */
  int is_bad, closes;
  const char *heard_host, *heard_body;
};

struct scene {
  struct member m;
  int shapes, good, bad, sent;
  int canaries; /* that the application has seen */
};

static const struct shape plain = {.method = "GET",
                                   .target = "PATH",
                                   .version = "HTTP/1.1",
                                   .end = "\r\n",
                                   .host = "Host: x\r\n",
                                   .lines = "",
                                   .last = "\r\n",
                                   .body = "",
                                   .heard_host = "x",
                                   .heard_body = ""};

/* --------------------------------------------------------------------------- the application -- */

static int is(gcache_bytes_t bytes, const char *text) {
  return bytes.len == strlen(text) && memcmp(bytes.base, text, bytes.len) == 0;
}

/* Says what it has understood. */
static void on_app_request(gcache_exchange_t *x, void *arg) {
  struct scene *s = arg;
  gcache_bytes_t method = gcache_exchange_method(x), path = gcache_exchange_path(x);
  gcache_bytes_t host = gcache_exchange_header(x, "Host"), body = gcache_bytes("", 0);
  char text[256];

  if (is(path, "/canary")) s->canaries++;
  if (gcache_exchange_body(x) != NULL) body = gcache_value_bytes(gcache_exchange_body(x));
  snprintf(text, sizeof text, "<%.*s|%.*s|%.*s|%.*s>", (int)method.len, (const char *)method.base,
           (int)path.len, (const char *)path.base, (int)host.len,
           host.base == NULL ? "" : (const char *)host.base, (int)body.len,
           (const char *)body.base);
  assert_int_equal(gcache_exchange_reply(x, 200, NULL, 0, gcache_cstr(text)), 0);
}

/* --------------------------------------------------------------------------------- one shape -- */

struct text {
  char bytes[4096];
  size_t len;
};

static void add(struct text *t, const char *part, const char *path) {
  while (*part != '\0') {
    if (strncmp(part, "PATH", 4) == 0) {
      t->len += (size_t)snprintf(t->bytes + t->len, sizeof t->bytes - t->len, "%s", path);
      part += 4;
    } else if (strncmp(part, "{0}", 3) == 0) {
      t->bytes[t->len++] = '\0';
      part += 3;
    } else {
      t->bytes[t->len++] = *part++;
    }
    assert_true(t->len < sizeof t->bytes - 1);
  }
}

static void write_shape(struct text *t, const struct shape *shape, const char *path) {
  add(t, shape->method, path);
  add(t, " ", path);
  add(t, shape->target, path);
  add(t, " ", path);
  add(t, shape->version, path);
  add(t, shape->end, path);
  add(t, shape->host, path);
  add(t, shape->lines, path);
  add(t, shape->last, path);
  add(t, shape->body, path);
}

static void say_all(struct scene *s, struct raw *c, const struct text *t, enum way way) {
  size_t first = way == IN_PIECES ? (size_t)s->sent * 7 % (t->len - 1) + 1 : t->len;

  run_loop_until(s->m.loop, &c->connected, 1);
  raw_send(c, t->bytes, first);
  if (first == t->len) return;
  run_loop_turns(s->m.loop, 3);
  raw_send(c, t->bytes + first, t->len - first);
}

static void fail_shape(const struct text *t, const struct raw *c, const char *why) {
  fail_msg("%s\n--- asked\n%.*s\n--- answered\n%.*s", why, (int)t->len, t->bytes, (int)c->in_len,
           c->in);
}

static int refusal_is_one(const char *answer) {
  static const char *const statuses[] = {"400", "413", "417", "501", "505"};

  for (size_t i = 0; i < COUNT(statuses); i++)
    if (strncmp(answer, "HTTP/1.1 ", 9) == 0 && strncmp(answer + 9, statuses[i], 3) == 0) return 1;
  return 0;
}

/* Behind the answers from memory, which hold zero bytes. */
static const char *own_answer(const struct raw *c, int n_before) {
  const char *at = c->in, *end = c->in + c->in_len;

  for (int i = 0; i < n_before && at != NULL; i++)
    at = memmem(at + 1, (size_t)(end - at - 1), "HTTP/1.1 ", 9);
  return at == NULL ? "" : at;
}

static void check_bad(struct scene *s, const struct text *t, const struct raw *c, int n_before) {
  if (raw_count(c, "HTTP/1.1 ") != n_before + 1) fail_shape(t, c, "not one answer");
  if (!refusal_is_one(own_answer(c, n_before))) fail_shape(t, c, "not refused");
  if (s->canaries > 0) fail_shape(t, c, "the canary was heard");
  s->bad++;
}

static void check_good(struct scene *s, const struct shape *shape, const struct text *t,
                       const struct raw *c, int n_before, const char *path) {
  int is_app = strcmp(path, "/app") == 0, has_canary = !shape->closes;
  char heard[256];

  if (raw_count(c, "HTTP/1.1 200") != n_before + 1 + has_canary) fail_shape(t, c, "not answered");
  if (raw_count(c, "HTTP/1.1 ") != n_before + 1 + has_canary) fail_shape(t, c, "more answers");
  snprintf(heard, sizeof heard, "<%s|%s|%s|%s>", shape->method, path, shape->heard_host,
           shape->heard_body);
  if (is_app && raw_count(c, heard) != 1) fail_shape(t, c, "heard something else");
  if (s->canaries != has_canary) fail_shape(t, c, "the canary died, or lived");
  s->good++;
}

static void try_way(struct scene *s, const struct shape *shape, const char *path, enum way way) {
  struct raw *c = raw_connect(s->m.loop, s->m.port);
  struct text t = {.len = 0};
  int n_before = way == BEHIND_FAST ? 2 : 0;

  for (int i = 0; i < n_before; i++)
    add(&t, FAST, path);
  write_shape(&t, shape, path);
  add(&t, CANARY, path);
  s->canaries = 0;
  s->sent++;
  say_all(s, c, &t, way);
  run_loop_until(s->m.loop, &c->ended, 1);
  if (raw_count(c, "HTTP/1.1 408") > 0) fail_shape(&t, c, "waited for more");
  if (shape->is_bad)
    check_bad(s, &t, c, n_before);
  else
    check_good(s, shape, &t, c, n_before, path);
  end_raw(c);
}

static void try(struct scene *s, const struct shape *shape) {
  s->shapes++;
  for (enum way way = ALONE; way < WAYS; way++) {
    try_way(s, shape, "/app", way);
    if (strcmp(shape->method, "GET") == 0 || shape->is_bad)
      try_way(s, shape, "/_groupcache/g/k", way);
  }
}

/* ------------------------------------------------------------------------ what RFC 9112 says -- */

static int is_1_0(const struct shape *shape) {
  return strcmp(shape->version, "HTTP/1.0") == 0;
}

static void set_target(struct shape *shape, const struct line_part *target) {
  shape->target = target->text;
  shape->is_bad |= target->is == BAD;
  if (strncmp(target->text, "http", 4) == 0) shape->heard_host = "other";
  if (strncmp(target->text, "HTTP", 4) == 0) shape->heard_host = "other:80";
}

static void set_version(struct shape *shape, const char *version) {
  shape->version = version;
  shape->closes = is_1_0(shape);
}

/* After the version. */
static void set_framing(struct shape *shape, const struct framing *framing) {
  shape->lines = framing->lines;
  if (framing->how == REFUSED) shape->is_bad = 1;
  if (framing->how == BY_CHUNKS) {
    shape->body = "5\r\nhello\r\n0\r\n\r\n";
    shape->is_bad |= is_1_0(shape);
  } else if (framing->how == BY_LENGTH) {
    shape->body = "hello";
  }
  if (framing->how == BY_LENGTH || framing->how == BY_CHUNKS) shape->heard_body = "hello";
  if (strstr(framing->lines, "keep-alive") != NULL) shape->closes = 0;
  if (is_1_0(shape) && strstr(framing->lines, "Expect") != NULL) shape->is_bad = 0;
}

static void set_host(struct shape *shape, const struct host *host) {
  shape->host = host->lines;
  shape->heard_host = host->value;
  if (host->is == BAD && !(is_1_0(shape) && host->lines[0] == '\0')) shape->is_bad = 1;
}

static const char *const both[] = {"HTTP/1.1", "HTTP/1.0"};

/* ------------------------------------------------------------------------------ the matrix ---- */

static void try_first_lines(struct scene *s) {
  for (size_t i = 0; i < COUNT(methods); i++)
    for (size_t v = 0; v < 2; v++)
      for (size_t f = 0; f < 3; f++) {
        struct shape shape = plain;
        shape.method = methods[i].text;
        shape.is_bad = methods[i].is == BAD;
        set_version(&shape, both[v]);
        set_framing(&shape, &framings[f]);
        try(s, &shape);
      }
  for (size_t i = 0; i < COUNT(targets); i++)
    for (size_t v = 0; v < 2; v++)
      for (size_t f = 0; f < 3; f++) {
        struct shape shape = plain;
        set_target(&shape, &targets[i]);
        set_version(&shape, both[v]);
        set_framing(&shape, &framings[f]);
        try(s, &shape);
      }
  for (size_t i = 0; i < COUNT(versions); i++)
    for (size_t f = 0; f < 3; f++) {
      struct shape shape = plain;
      set_version(&shape, versions[i].text);
      set_framing(&shape, &framings[f]);
      shape.is_bad |= versions[i].is == BAD;
      try(s, &shape);
    }
}

static void try_framings(struct scene *s) {
  static const char *const with[] = {"GET", "POST"};

  for (size_t i = 0; i < COUNT(framings); i++)
    for (size_t k = 0; k < 2; k++)
      for (size_t v = 0; v < 2; v++) {
        struct shape shape = plain;
        shape.method = with[k];
        set_version(&shape, both[v]);
        set_framing(&shape, &framings[i]);
        try(s, &shape);
      }
}

static void try_hosts(struct scene *s) {
  static const size_t with[] = {0, 2, 7}; /* no body, by length, in chunks */

  for (size_t i = 0; i < COUNT(hosts); i++)
    for (size_t t = 0; t < 3; t++)
      for (size_t v = 0; v < 2; v++)
        for (size_t f = 0; f < 3; f++) {
          struct shape shape = plain;
          set_version(&shape, both[v]);
          set_host(&shape, &hosts[i]);
          if (t > 0 && hosts[i].lines[0] != '\0') set_target(&shape, &targets[t + 1]);
          set_framing(&shape, &framings[with[f]]);
          try(s, &shape);
        }
}

static void try_chunks(struct scene *s) {
  static const char *const with[] = {"GET", "POST", "PUT"};

  for (size_t i = 0; i < COUNT(bodies); i++)
    for (size_t k = 0; k < 3; k++) {
      struct shape shape = plain;
      shape.method = with[k];
      shape.lines = TE;
      shape.body = bodies[i].bytes;
      shape.is_bad = bodies[i].is == BAD;
      shape.heard_body = "hello";
      try(s, &shape);
    }
}

/* A line end that is none behind the first line, a header, and the head. */
static void try_line_ends(struct scene *s) {
  for (size_t i = 0; i < COUNT(line_ends_bad); i++)
    for (size_t f = 0; f < 3; f++) {
      struct shape shape = plain;
      char host[32], last[32];
      set_framing(&shape, &framings[f]);
      shape.is_bad = 1;
      shape.end = line_ends_bad[i];
      try(s, &shape);
      shape.end = "\r\n";
      snprintf(host, sizeof host, "Host: x%s", line_ends_bad[i]);
      shape.host = host;
      shape.lines = framings[f].lines[0] == '\0' ? "A: b\r\n" : framings[f].lines;
      try(s, &shape);
      shape.host = "Host: x\r\n";
      snprintf(last, sizeof last, "X: y%s", line_ends_bad[i]);
      shape.last = last;
      try(s, &shape);
    }
}

static void every_shape_is_understood_or_refused(void **state) {
  struct scene s;
  struct asked a;
  gcache_options_t o;
  gcache_stats_t stats;

  memset(&s, 0, sizeof s);
  member_options(&s.m, &o, *state, "here");
  o.limits.head_timeout_ms = o.limits.body_timeout_ms = 500; /* who waits for more is found out */
  member_open(&s.m, &o);
  member_group(&s.m, "g");
  member_listen(&s.m);
  gcache_set_handler(s.m.cache, on_app_request, &s);
  ask(&a, &s.m, "k");
  try_first_lines(&s);
  try_framings(&s);
  try_hosts(&s);
  try_chunks(&s);
  try_line_ends(&s);
  stats = stats_of(&s.m);
  print_message(
      "%d shapes, sent %d times to two routes in three ways: %d understood, %d refused and "
      "closed\n",
      s.shapes, s.sent, s.good, s.bad);
  assert_true(s.shapes >= 1000);
  assert_int_equal(stats.bad_requests, s.bad);
  assert_int_equal(s.m.loads, 1);
  member_end(&s.m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_shape_is_understood_or_refused),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
