/* h1_refusals - a request is put together and must be refused, or accepted, however it is cut. A
 * second request follows each, which must never be seen after a refused one. The group's state
 * counts refusals. */
#ifndef TEST_UNIT_H1_REFUSALS_H
#define TEST_UNIT_H1_REFUSALS_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "h1_server_run.h"

static const char SMUGGLED[] = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";

struct oddity {
  const char *request, *record;
};

/* A request being put together; bytes of any value. */
struct message {
  char bytes[2048];
  size_t len;
};

static inline void put(struct message *m, const char *text) {
  size_t len = strlen(text);
  assert_true(m->len + len < sizeof m->bytes);
  memcpy(m->bytes + m->len, text, len);
  m->len += len;
}

static inline void put_byte(struct message *m, int c) {
  assert_true(m->len < sizeof m->bytes);
  m->bytes[m->len++] = (char)c;
}

static inline gcache_bytes_t bytes_of(const struct message *m) {
  return gcache_bytes(m->bytes, m->len);
}

/* counts in *state */
static inline void refused(void **state, struct message *m, int status) {
  char expected[256];
  put(m, SMUGGLED);
  char *text = run_every_way(bytes_of(m), REPLY_AT_ONCE, 0);
  snprintf(expected, sizeof expected,
           "--\nHTTP/1.1 %d %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n\n"
           "-- close 1 phase 0 bad 1 error 0",
           status, gci_http_status_text(status));
  if (strcmp(text, expected) != 0)
    fail_msg("not refused with %d: %.*s\n%s", status, (int)m->len, m->bytes, text);
  free(text);
  ++*(size_t *)*state;
}

/* The first request is seen as `record`; the one behind it is seen too. */
static inline void accepted(struct message *m, const char *record) {
  put(m, SMUGGLED);
  char *text = run_every_way(bytes_of(m), REPLY_AT_ONCE, 0);
  size_t len = strlen(record);
  if (strncmp(text, record, len) != 0 ||
      strncmp(text + len, "GET /smuggled 1.1\n  Host=h\n--\n", 29) != 0)
    fail_msg("not accepted: %.*s\n%s", (int)m->len, m->bytes, text);
  free(text);
}

/* As refused(), but a lawful part may be taken before. */
static inline void refused_in_the_end(void **state, struct message *m) {
  put(m, SMUGGLED);
  char *text = run_every_way(bytes_of(m), REPLY_AT_ONCE, 0);
  const char *last = strstr(
      text, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n\n"
            "-- close 1 phase 0 bad 1 error 0");
  if (last == NULL || strstr(text, "/smuggled") != NULL)
    fail_msg("not refused: %.*s\n%s", (int)m->len, m->bytes, text);
  free(text);
  ++*(size_t *)*state;
}

static inline void refused_text(void **state, const char *text, int status) {
  struct message m = {.len = 0};
  put(&m, text);
  refused(state, &m, status);
}

/* "<line>\r\nHost: h\r\n\r\n" */
static inline void refused_line(void **state, const char *line, int status) {
  struct message m = {.len = 0};
  put(&m, line);
  put(&m, "\r\nHost: h\r\n\r\n");
  refused(state, &m, status);
}

static inline void refused_headers(void **state, const char *headers, int status) {
  struct message m = {.len = 0};
  put(&m, "PUT /x HTTP/1.1\r\nHost: h\r\n");
  put(&m, headers);
  put(&m, "\r\n");
  refused(state, &m, status);
}

static inline void refused_chunks(void **state, const char *chunks, int status) {
  struct message m = {.len = 0};
  put(&m, "PUT /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  put(&m, chunks);
  refused(state, &m, status);
}

static inline int tell_count(void **state) {
  size_t count = *(size_t *)*state;
  printf("[          ] %zu malformed requests refused, each cut everywhere\n", count);
  free(*state);
  return 0;
}

static inline int begin_counting(void **state) {
  *state = calloc(1, sizeof(size_t));
  return *state == NULL;
}

#endif
