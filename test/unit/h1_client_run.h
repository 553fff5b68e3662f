/* h1_client_run - feeds given bytes, cut in given pieces, to a gci_h1_client, and records its
 * behaviour as text: the answers, then its final state. Equal texts mean equal behaviour. Needs
 * neither cmocka nor a loop. */
#ifndef TEST_UNIT_H1_CLIENT_RUN_H
#define TEST_UNIT_H1_CLIENT_RUN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "http/h1.h"
#include "oom.h"

struct client_run {
  struct oom oom;
  struct gci_mem *mem;
  gcache_limits_t limits;
  struct gci_http_client *client;
  gcache_value_t *last_body; /* a reference, of the latest answer */
  int error;                 /* the first one */
  size_t answers;
  char *text; /* zero-terminated */
  size_t len, cap;
};

static inline void client_add(struct client_run *run, gcache_bytes_t bytes) {
  if (run->len + bytes.len + 1 > run->cap) {
    run->cap = 2 * (run->len + bytes.len + 512);
    run->text = realloc(run->text, run->cap);
    if (run->text == NULL) abort();
  }
  if (bytes.len > 0) memcpy(run->text + run->len, bytes.base, bytes.len);
  run->len += bytes.len;
  run->text[run->len] = '\0';
}

/* "status 1.x", a line a header, the body. */
static inline void on_client_response(void *user, void *tag, const struct gci_http_head *head,
                                      gcache_value_t *body) {
  (void)tag;
  struct client_run *run = user;
  char line[64];
  snprintf(line, sizeof line, "%d 1.%d\n", head->status, head->version_minor);
  client_add(run, gcache_cstr(line));
  for (size_t i = 0; i < head->n_headers; i++) {
    client_add(run, gcache_cstr("  "));
    client_add(run, head->headers[i].name);
    client_add(run, gcache_cstr("="));
    client_add(run, head->headers[i].value);
    client_add(run, gcache_cstr("\n"));
  }
  run->answers++;
  gcache_value_unref(run->last_body);
  run->last_body = gcache_value_ref(body);
  if (body == NULL) return;
  snprintf(line, sizeof line, "  body %zu:", gcache_value_bytes(body).len);
  client_add(run, gcache_cstr(line));
  client_add(run, gcache_value_bytes(body));
  client_add(run, gcache_cstr("\n"));
}

static const struct gci_http_client_events client_run_events = {.response = on_client_response};

static inline gcache_limits_t client_limits(void) {
  gcache_limits_t limits = {0};
  limits.value_max = 1000;
  limits.line_max = 200;
  limits.head_max = 600;
  limits.head_lines_max = 8;
  limits.chunk_meta_max = 100;
  return limits;
}

static inline void client_open(struct client_run *run) {
  memset(run, 0, sizeof *run);
  oom_init(&run->oom);
  gcache_mem_t user = oom_mem(&run->oom);
  run->mem = gci_mem_new(&user);
  run->limits = client_limits();
  client_add(run, gcache_cstr(""));
  if (gci_h1_client_open(&run->client, run->mem, &run->limits, &client_run_events, run) != 0)
    abort();
}

static inline int client_ask(struct client_run *run) {
  struct gci_http_message request = {
      .method = GCI_LIT("GET"), .target = GCI_LIT("/x"), .host = GCI_LIT("h")};
  return gci_http_client_send(run->client, &request, &request);
}

/* One piece, in a copy that ends where the bytes end, so that a sanitizer sees one byte too far. */
static inline void client_feed(struct client_run *run, gcache_bytes_t bytes) {
  if (bytes.len == 0) return;
  char *copy = malloc(bytes.len);
  if (copy == NULL) abort();
  memcpy(copy, bytes.base, bytes.len);
  int err = gci_http_client_input(run->client, gcache_bytes(copy, bytes.len));
  if (run->error != 0 && err != run->error) abort();
  run->error = err;
  free(copy);
}

static inline void client_close(struct client_run *run) {
  gcache_value_unref(run->last_body);
  gci_http_client_close(run->client);
  gci_mem_unref(run->mem);
  free(run->text);
  oom_assert_empty(&run->oom);
}

/* The whole life: `asked` requests, input cut before `cut` and then every `step` bytes, and the
 * end. The text is the caller's to free. */
static inline char *client_text(gcache_bytes_t input, size_t asked, size_t cut, size_t step) {
  struct client_run *run = malloc(sizeof *run);
  char line[256];
  if (run == NULL) abort();
  client_open(run);
  for (size_t i = 0; i < asked; i++) {
    if (client_ask(run) != 0) abort();
  }
  client_feed(run, gcache_bytes(input.base, cut));
  for (size_t at = cut; at < input.len; at += step) {
    size_t n = input.len - at < step ? input.len - at : step;
    client_feed(run, gcache_bytes((const char *)input.base + at, n));
  }
  snprintf(line, sizeof line, "-- error %d pending %zu reusable %d begun %d: %s\n", run->error,
           gci_http_client_pending(run->client), gci_http_client_reusable(run->client),
           gci_http_client_begun(run->client, NULL), gci_http_client_reason(run->client));
  client_add(run, gcache_cstr(line));
  int err = gci_http_client_eof(run->client);
  snprintf(line, sizeof line, "-- eof %d: %s\n", err, gci_http_client_reason(run->client));
  client_add(run, gcache_cstr(line));
  char *text = run->text;
  run->text = NULL;
  client_close(run);
  free(run);
  return text;
}

/* The text of the run; aborts unless it is the same whole, byte by byte and cut anywhere (at about
 * `cuts` places, 0: everywhere). */
static inline char *client_every_way(gcache_bytes_t input, size_t asked, size_t cuts) {
  char *whole = client_text(input, asked, input.len, 1);
  size_t stride = cuts == 0 || input.len <= cuts ? 1 : input.len / cuts;
  for (size_t cut = 0; cut <= input.len; cut += stride) {
    char *text = client_text(input, asked, cut, cut == 0 ? 1 : input.len);
    if (strcmp(whole, text) != 0) {
      fprintf(stderr, "differs when cut at %zu:\n%s\nand whole:\n%s\n", cut, text, whole);
      abort();
    }
    free(text);
  }
  return whole;
}

#endif
