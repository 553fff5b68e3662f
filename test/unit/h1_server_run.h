/* h1_server_run - feeds given bytes, cut in given pieces, to a gci_h1_server, and records its
 * behaviour as text: one line per request, then the output. Equal texts mean equal behaviour. Needs
 * neither cmocka nor a loop; aborts on anything that no caller may ever see. */
#ifndef TEST_UNIT_H1_SERVER_RUN_H
#define TEST_UNIT_H1_SERVER_RUN_H

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "http/h1.h"
#include "oom.h"

enum server_replies { REPLY_AT_ONCE, REPLY_AT_END, REPLY_AT_END_REVERSED };

struct server_run {
  struct oom oom;
  struct gci_mem *mem;
  gcache_limits_t limits;
  struct gci_http_server *server;
  enum server_replies replies;
  struct gci_http_exchange *owed[2048];
  size_t n_owed, requests;
  int input_error; /* < 0: what input() returned */
  unsigned ready;  /* events */
  char *text;      /* zero-terminated */
  size_t len, cap;
};

static inline void run_add(struct server_run *run, const void *bytes, size_t len) {
  if (run->len + len + 1 > run->cap) {
    run->cap = 2 * (run->len + len + 512);
    run->text = realloc(run->text, run->cap);
    if (run->text == NULL) abort();
  }
  if (len > 0) memcpy(run->text + run->len, bytes, len);
  run->len += len;
  run->text[run->len] = '\0';
}

__attribute__((format(printf, 2, 3))) static inline void run_printf(struct server_run *run,
                                                                    const char *format, ...) {
  char line[512];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  run_add(run, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

static inline void run_add_bytes(struct server_run *run, gcache_bytes_t bytes) {
  run_add(run, bytes.base, bytes.len);
}

/* "METHOD target 1.x", a line a header, the body. */
static inline void run_record(struct server_run *run, const struct gci_http_exchange *x) {
  run_add_bytes(run, x->head.method);
  run_add(run, " ", 1);
  run_add_bytes(run, x->head.target);
  run_printf(run, " 1.%d\n", x->head.version_minor);
  for (size_t i = 0; i < x->head.n_headers; i++) {
    run_add(run, "  ", 2);
    run_add_bytes(run, x->head.headers[i].name);
    run_add(run, "=", 1);
    run_add_bytes(run, x->head.headers[i].value);
    run_add(run, "\n", 1);
  }
  if (x->body == NULL) return;
  run_printf(run, "  body %zu:", gcache_value_bytes(x->body).len);
  run_add_bytes(run, gcache_value_bytes(x->body));
  run_add(run, "\n", 1);
}

/* 200, and the request's target as the body. */
static inline void run_reply(struct gci_http_exchange *x) {
  struct gci_http_message answer = {.status = 200, .before = x->head.target};
  gci_http_reply(x, &answer);
}

static inline void on_run_request(void *user, struct gci_http_exchange *x) {
  struct server_run *run = user;
  run->requests++;
  run_record(run, x);
  if (run->replies == REPLY_AT_ONCE) {
    run_reply(x);
  } else if (gci_http_keep(x) != 0) {
    struct gci_http_message busy = {.status = 503};
    gci_http_reply(x, &busy);
  } else {
    if (run->n_owed == sizeof run->owed / sizeof run->owed[0]) abort();
    run->owed[run->n_owed++] = x;
  }
}

static inline void on_run_ready(void *user) {
  ((struct server_run *)user)->ready++;
}

static const struct gci_http_server_events run_events = {on_run_request, on_run_ready};

/* Small enough that tests can pass every one of them. */
static inline gcache_limits_t run_limits(void) {
  gcache_limits_t limits = {0};
  limits.key_max = 4096;
  limits.value_max = 1000;
  limits.line_max = 200;
  limits.head_max = 600;
  limits.head_lines_max = 8;
  limits.chunk_meta_max = 100;
  limits.drain_max = 1000;
  limits.pipelined_max = 4;
  return limits;
}

static inline void run_open(struct server_run *run, enum server_replies replies) {
  memset(run, 0, sizeof *run);
  oom_init(&run->oom);
  gcache_mem_t user = oom_mem(&run->oom);
  run->mem = gci_mem_new(&user);
  run->limits = run_limits();
  run->replies = replies;
  run_add(run, "", 0);
  if (gci_h1_server_open(&run->server, run->mem, &run->limits, &run_events, run) != 0) abort();
}

static inline void run_reply_next(struct server_run *run) {
  assert(run->n_owed > 0);
  struct gci_http_exchange *x = run->owed[0];
  size_t at = run->replies == REPLY_AT_END_REVERSED ? run->n_owed - 1 : 0;
  x = run->owed[at];
  run->n_owed--;
  memmove(run->owed + at, run->owed + at + 1, (run->n_owed - at) * sizeof run->owed[0]);
  run_reply(x);
}

/* One piece. A server that wants no more is answered until it does. */
static inline void run_feed(struct server_run *run, gcache_bytes_t bytes) {
  /* A copy that ends where the bytes end, so that a sanitizer sees one byte too far. */
  char *copy = malloc(bytes.len > 0 ? bytes.len : 1);
  if (copy == NULL) abort();
  if (bytes.len > 0) memcpy(copy, bytes.base, bytes.len);
  gcache_bytes_t rest = gcache_bytes(copy, bytes.len);
  while (run->input_error == 0) {
    ssize_t n = gci_http_server_input(run->server, rest);
    if (n < 0) {
      run->input_error = (int)n;
      break;
    }
    assert((size_t)n <= rest.len);
    rest = gci_bytes_skip(rest, (size_t)n);
    if (rest.len == 0) break;
    assert(!gci_http_server_wants_input(run->server));
    while (run->n_owed > 0 && !gci_http_server_wants_input(run->server))
      run_reply_next(run);
    assert(gci_http_server_wants_input(run->server));
  }
  free(copy);
}

static inline void run_take_output(struct server_run *run) {
  struct gci_out *out = gci_http_server_output(run->server);
  while (out->bytes > 0) {
    gcache_bytes_t slices[3];
    size_t n = gci_out_slices(out, slices, 3), taken = 0;
    for (size_t i = 0; i < n; i++) {
      run_add_bytes(run, slices[i]);
      taken += slices[i].len;
    }
    gci_out_consume(out, taken);
  }
}

/* Answers what is owed and writes the output down, with a last line about the state. */
static inline void run_finish(struct server_run *run) {
  while (run->n_owed > 0)
    run_reply_next(run);
  run_printf(run, "--\n");
  run_take_output(run);
  run_printf(run, "\n-- close %d phase %d bad %d error %d",
             gci_http_server_wants_close(run->server), (int)gci_http_server_phase(run->server),
             (int)gci_http_server_bad_requests(run->server), run->input_error);
}

static inline void run_close(struct server_run *run) {
  gci_http_server_close(run->server);
  gci_mem_unref(run->mem);
  free(run->text);
  oom_assert_empty(&run->oom);
}

/* The whole life with input cut before `cut` and then every `step` bytes. The text is the
 * caller's to free. */
static inline char *run_text(gcache_bytes_t input, size_t cut, size_t step,
                             enum server_replies replies) {
  struct server_run *run = malloc(sizeof *run);
  if (run == NULL) abort();
  run_open(run, replies);
  run_feed(run, gcache_bytes(input.base, cut));
  for (size_t at = cut; at < input.len; at += step) {
    size_t n = input.len - at < step ? input.len - at : step;
    run_feed(run, gcache_bytes((const char *)input.base + at, n));
  }
  run_finish(run);
  char *text = run->text;
  run->text = NULL;
  run_close(run);
  free(run);
  return text;
}

/* The text of the run; aborts unless it is the same whole, byte by byte and cut anywhere (at about
 * `cuts` places). */
static inline char *run_every_way(gcache_bytes_t input, enum server_replies replies, size_t cuts) {
  char *whole = run_text(input, input.len, 1, replies);
  size_t stride = cuts == 0 || input.len <= cuts ? 1 : input.len / cuts;
  for (size_t cut = 0; cut <= input.len; cut += stride) {
    size_t step = cut == 0 ? 1 : input.len;
    char *text = run_text(input, cut, step, replies);
    if (strcmp(whole, text) != 0) {
      fprintf(stderr, "differs when cut at %zu:\n%s\nand whole:\n%s\n", cut, text, whole);
      abort();
    }
    free(text);
  }
  return whole;
}

#endif
