/* door_answers - checks a server's output by rules of its own: HTTP/1.1 responses one after the
 * other, or HTTP/2 frames. Strict: output that a client could read in two ways is wrong. */
#ifndef TEST_FUZZ_DOOR_ANSWERS_H
#define TEST_FUZZ_DOOR_ANSWERS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

struct door_answer {
  int status, has_length, is_chunked, closes;
  size_t length;
};

static inline int door_line_is(const unsigned char *line, size_t len, const char *name) {
  size_t n = strlen(name);
  return len >= n && gci_bytes_equal_nocase(gcache_bytes(line, n), gcache_bytes(name, n));
}

static inline const char *door_read_line(struct door_answer *a, const unsigned char *line,
                                         size_t len) {
  const unsigned char *colon = memchr(line, ':', len);
  if (colon == NULL || colon == line) return "a header line has a name";
  for (size_t i = 0; i < len; i++)
    if (line[i] != '\t' && (line[i] < ' ' || line[i] == 0x7f)) return "no control bytes in a head";
  if (door_line_is(line, len, "Content-Length: ")) {
    if (a->has_length) return "one length";
    a->has_length = 1;
    a->length = (size_t)strtoull((const char *)line + 16, NULL, 10);
  }
  if (door_line_is(line, len, "Transfer-Encoding: chunked")) a->is_chunked = 1;
  if (door_line_is(line, len, "Connection: close")) a->closes = 1;
  return NULL;
}

/* *used: of a whole head; 0: it is not whole. */
static inline const char *door_read_head(struct door_answer *a, const unsigned char *p, size_t len,
                                         size_t *used) {
  const unsigned char *end = p == NULL ? NULL : memmem(p, len, "\r\n\r\n", 4), *line, *next;
  memset(a, 0, sizeof *a);
  *used = 0;
  if (len >= 9 && memcmp(p, "HTTP/1.1 ", 9) != 0) return "an answer begins with its version";
  if (end == NULL) return NULL;
  a->status = atoi((const char *)p + 9);
  if (a->status < 100 || a->status > 599) return "a status";
  line = (const unsigned char *)memchr(p, '\n', (size_t)(end - p) + 2) + 1;
  for (; line < end; line = next) {
    next = (const unsigned char *)memchr(line, '\n', (size_t)(end - line) + 2) + 1;
    if (next[-2] != '\r') return "lines end with CRLF";
    const char *wrong = door_read_line(a, line, (size_t)(next - line) - 2);
    if (wrong != NULL) return wrong;
  }
  if (a->has_length && a->is_chunked) return "a length, or chunks";
  *used = (size_t)(end + 4 - p);
  return NULL;
}

/* Of a whole body; SIZE_MAX: it is not whole; *wrong: it is none. */
static inline size_t door_read_chunks(const unsigned char *p, size_t len, const char **wrong) {
  size_t at = 0;
  for (;;) {
    const unsigned char *end = memmem(p + at, len - at, "\r\n", 2);
    char *stop;
    if (end == NULL) return SIZE_MAX;
    size_t n = (size_t)strtoull((const char *)p + at, &stop, 16);
    if ((const unsigned char *)stop != end) *wrong = "a chunk has a size";
    at = (size_t)(end + 2 - p);
    if (*wrong != NULL || len - at < n + 2) return SIZE_MAX;
    if (memcmp(p + at + n, "\r\n", 2) != 0) *wrong = "a chunk ends with CRLF";
    at += n + 2;
    if (n == 0 || *wrong != NULL) return at;
  }
}

static inline const char *door_answers_1_wrong(const unsigned char *p, size_t len) {
  const char *wrong = NULL;
  size_t used, body;
  struct door_answer a;
  while (len > 0) {
    wrong = door_read_head(&a, p, len, &used);
    if (wrong != NULL || used == 0) return wrong;
    p += used;
    len -= used;
    if (len >= 5 && memcmp(p, "HTTP/", 5) == 0) continue; /* without a body, as to HEAD */
    body = a.has_length ? a.length : 0;
    if (a.is_chunked) body = door_read_chunks(p, len, &wrong);
    if (wrong != NULL) return wrong;
    if (!a.has_length && !a.is_chunked && a.closes) return NULL; /* to the end: HTTP/1.0 */
    if (body > len) return NULL;                                 /* cut short */
    p += body;
    len -= body;
    if (a.closes && len > 0) return "nothing follows the last answer";
  }
  return NULL;
}

static inline const char *door_answers_2_wrong(const unsigned char *p, size_t len) {
  while (len >= 9) {
    size_t n = (size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2];
    if (n > 16384 || p[3] > 9 || (p[5] & 0x80)) return "a frame";
    if (n > len - 9) return NULL;
    p += 9 + n;
    len -= 9 + n;
  }
  return NULL;
}

/* NULL: nothing is. */
static inline const char *door_answers_wrong(const unsigned char *p, size_t len) {
  if (len == 0) return NULL;
  return p[0] == 'H' ? door_answers_1_wrong(p, len) : door_answers_2_wrong(p, len);
}

#endif
