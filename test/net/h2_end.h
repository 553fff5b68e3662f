/* h2_end - the other end of a connection, speaking HTTP/2 with nghttp2 over raw's plain bytes.
 * Received bytes are fed to it, and its output is sent, between the turns of the loop, so that a
 * test can stop at any frame. Include cmocka first. */
#ifndef TEST_NET_H2_END_H
#define TEST_NET_H2_END_H

#include "gcache/gcache.h"

#include "../unit/h2_peer.h"
#include "raw.h"

struct h2_end {
  struct raw *raw;
  struct h2_peer peer;
  size_t fed;   /* of what raw has received */
  int dumb;     /* says nothing by itself, not even to a PING */
  int received; /* the error nghttp2 found; 0: none */
};

static inline void h2_end_open(struct h2_end *e, struct raw *raw, int is_server) {
  memset(e, 0, sizeof *e);
  e->raw = raw;
  h2_peer_open(&e->peer, is_server, NULL);
}

static inline void h2_end_close(struct h2_end *e) {
  h2_peer_close(&e->peer);
}

static inline void h2_end_say(struct h2_end *e) {
  gcache_bytes_t bytes = h2_peer_bytes(&e->peer);
  if (bytes.len > 0) raw_send(e->raw, bytes.base, bytes.len);
}

static inline void h2_end_step(struct h2_end *e) {
  size_t n = e->raw->in_len - e->fed;
  if (n > 0 && e->received == 0) {
    ssize_t took = nghttp2_session_mem_recv(e->peer.ng, (uint8_t *)e->raw->in + e->fed, n);
    if (took < 0) e->received = (int)took;
    e->fed += n;
  }
  if (!e->dumb && e->raw->connected && !e->raw->ended) h2_end_say(e);
}

/* SETTINGS of one entry. */
static inline void h2_end_set(struct h2_end *e, int32_t id, uint32_t value) {
  nghttp2_settings_entry entry = {id, value};
  if (nghttp2_submit_settings(e->peer.ng, NGHTTP2_FLAG_NONE, &entry, 1) != 0) abort();
}

/* The stream on which that path was asked for, the n-th time; 0: none. */
static inline int32_t h2_end_find(struct h2_end *e, const char *path, int n) {
  char line[128];
  snprintf(line, sizeof line, ":path=%s\n", path);
  for (int32_t id = 1; id / 2 < H2_PEER_STREAMS && h2_got(&e->peer, id)->heads > 0; id += 2) {
    const char *head = h2_got(&e->peer, id)->head;
    if (head != NULL && strstr(head, line) != NULL && --n == 0) return id;
  }
  return 0;
}

static inline int h2_end_asked(struct h2_end *e) {
  int n = 0;
  while (h2_got(&e->peer, 2 * n + 1)->heads > 0)
    n++;
  return n;
}

/* GetResponse{"there", expire 0}. */
static inline void h2_end_answer(struct h2_end *e, int32_t id) {
  static const char there[] = "\x0a\x05there\x18";
  nghttp2_nv nv[] = {h2_nv(":status", "200"), h2_nv("content-type", "application/x-protobuf")};
  h2_peer_answer(&e->peer, id, nv, 2, there, sizeof there);
}

#endif
