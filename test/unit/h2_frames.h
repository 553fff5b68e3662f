/* h2_frames - hand-made HTTP/2 frames that a real peer would not send. */
#ifndef TEST_H2_FRAMES_H
#define TEST_H2_FRAMES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gcache/gcache.h"

enum {
  F_DATA = 0,
  F_HEADERS = 1,
  F_PRIORITY = 2,
  F_RST_STREAM = 3,
  F_SETTINGS = 4,
  F_PUSH_PROMISE = 5,
  F_PING = 6,
  F_GOAWAY = 7,
  F_WINDOW_UPDATE = 8,
  F_CONTINUATION = 9,
  F_UNKNOWN = 0xfa
};
enum { F_END_STREAM = 1, F_ACK = 1, F_END_HEADERS = 4, F_PADDED = 8 };

#define H2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

struct h2_frames {
  unsigned char *bytes;
  size_t len, room;
  size_t frames;
};

static inline void frames_raw(struct h2_frames *f, const void *bytes, size_t len) {
  if (f->len + len > f->room) {
    f->room = (f->len + len) * 2;
    f->bytes = realloc(f->bytes, f->room);
    if (f->bytes == NULL) abort();
  }
  if (len > 0) memcpy(f->bytes + f->len, bytes, len);
  f->len += len;
}

static inline void frames_add(struct h2_frames *f, int type, int flags, uint32_t stream,
                              const void *payload, size_t len) {
  unsigned char head[9] = {
      (unsigned char)(len >> 16),    (unsigned char)(len >> 8),    (unsigned char)len,
      (unsigned char)type,           (unsigned char)flags,         (unsigned char)(stream >> 24),
      (unsigned char)(stream >> 16), (unsigned char)(stream >> 8), (unsigned char)stream};
  frames_raw(f, head, sizeof head);
  frames_raw(f, payload, len);
  f->frames++;
}

/* One field, literal, without indexing (RFC 7541, 6.2.2); short ones. Gives its length. */
static inline size_t frames_field(unsigned char *out, const char *name, const char *value) {
  size_t n = strlen(name), v = strlen(value), at = 0;
  if (n > 126 || v > 126) abort();
  out[at++] = 0;
  out[at++] = (unsigned char)n;
  memcpy(out + at, name, n);
  at += n;
  out[at++] = (unsigned char)v;
  memcpy(out + at, value, v);
  return at + v;
}

/* GET path by http of host h. */
static inline size_t frames_get_block(unsigned char *out, const char *path) {
  size_t at = frames_field(out, ":method", "GET");
  at += frames_field(out + at, ":scheme", "http");
  at += frames_field(out + at, ":path", path);
  return at + frames_field(out + at, ":authority", "h");
}

static inline void frames_get(struct h2_frames *f, uint32_t stream, int flags) {
  unsigned char block[600];
  frames_add(f, F_HEADERS, flags, stream, block, frames_get_block(block, "/a"));
}

static inline void frames_u32(struct h2_frames *f, int type, uint32_t stream, uint32_t n) {
  unsigned char p[4] = {(unsigned char)(n >> 24), (unsigned char)(n >> 16), (unsigned char)(n >> 8),
                        (unsigned char)n};
  frames_add(f, type, 0, stream, p, 4);
}

/* What a client says first. */
static inline void frames_greet(struct h2_frames *f) {
  frames_raw(f, H2_PREFACE, sizeof H2_PREFACE - 1);
  frames_add(f, F_SETTINGS, 0, 0, NULL, 0);
}

static inline gcache_bytes_t frames_bytes(const struct h2_frames *f) {
  return gcache_bytes(f->bytes, f->len);
}

static inline void frames_free(struct h2_frames *f) {
  free(f->bytes);
  memset(f, 0, sizeof *f);
}

#endif
