/* h2_peer - an HTTP/2 peer that is not ours: a plain nghttp2 session on malloc(), which records
 * what it receives, stream by stream. Tests drive it; bytes go in and out in memory. */
#ifndef TEST_H2_PEER_H
#define TEST_H2_PEER_H

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { H2_PEER_STREAMS = 12000 };

struct h2_got {
  char *head; /* "name=value\n", all that came */
  size_t head_len;
  unsigned char *body;
  size_t body_len, body_room;
  int heads;  /* header blocks */
  int whole;  /* END_STREAM has come */
  int closed; /* with code: as which of all streams; 0: not yet */
  uint32_t code;
  const unsigned char *send; /* what is being sent as our body */
  size_t send_len, send_at;
};

struct h2_peer {
  nghttp2_session *ng;
  struct h2_got *got; /* by stream number / 2 */
  int goaway;         /* has come */
  uint32_t goaway_code;
  int32_t goaway_last;
  size_t pings_acked, settings;
  int n_closed;
  int32_t last;         /* stream whose head came last */
  unsigned char *bytes; /* to send, in one piece */
  size_t n_bytes, bytes_room;
};

static inline struct h2_got *h2_got(struct h2_peer *p, int32_t id) {
  if (id < 1 || id / 2 >= H2_PEER_STREAMS) abort();
  return &p->got[id / 2];
}

static inline void h2_grow(unsigned char **bytes, size_t *room, size_t need) {
  if (need <= *room) return;
  *room = need * 2 + 256;
  *bytes = realloc(*bytes, *room);
  if (*bytes == NULL) abort();
}

static inline int h2_peer_on_begin(nghttp2_session *ng, const nghttp2_frame *frame, void *user) {
  struct h2_peer *p = user;
  (void)ng;
  h2_got(p, frame->hd.stream_id)->heads++;
  p->last = frame->hd.stream_id;
  return 0;
}

static inline int h2_peer_on_header(nghttp2_session *ng, const nghttp2_frame *frame,
                                    const uint8_t *name, size_t name_len, const uint8_t *value,
                                    size_t value_len, uint8_t flags, void *user) {
  struct h2_got *got = h2_got(user, frame->hd.stream_id);
  (void)ng;
  (void)flags;
  got->head = realloc(got->head, got->head_len + name_len + value_len + 3);
  if (got->head == NULL) abort();
  got->head_len += (size_t)sprintf(got->head + got->head_len, "%.*s=%.*s\n", (int)name_len,
                                   (const char *)name, (int)value_len, (const char *)value);
  return 0;
}

static inline int h2_peer_on_frame(nghttp2_session *ng, const nghttp2_frame *frame, void *user) {
  struct h2_peer *p = user;
  (void)ng;
  switch (frame->hd.type) {
  case NGHTTP2_GOAWAY:
    p->goaway = 1;
    p->goaway_code = frame->goaway.error_code;
    p->goaway_last = frame->goaway.last_stream_id;
    break;
  case NGHTTP2_PING:
    if (frame->hd.flags & NGHTTP2_FLAG_ACK) p->pings_acked++;
    break;
  case NGHTTP2_SETTINGS:
    p->settings++;
    break;
  case NGHTTP2_HEADERS:
  case NGHTTP2_DATA:
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) h2_got(p, frame->hd.stream_id)->whole = 1;
    break;
  default:
    break;
  }
  return 0;
}

static inline int h2_peer_on_data(nghttp2_session *ng, uint8_t flags, int32_t id,
                                  const uint8_t *data, size_t len, void *user) {
  struct h2_got *got = h2_got(user, id);
  (void)ng;
  (void)flags;
  h2_grow(&got->body, &got->body_room, got->body_len + len);
  memcpy(got->body + got->body_len, data, len);
  got->body_len += len;
  return 0;
}

static inline int h2_peer_on_close(nghttp2_session *ng, int32_t id, uint32_t code, void *user) {
  struct h2_peer *p = user;
  struct h2_got *got = h2_got(p, id);
  (void)ng;
  got->closed = ++p->n_closed;
  got->code = code;
  return 0;
}

static inline ssize_t h2_peer_on_read(nghttp2_session *ng, int32_t id, uint8_t *buf, size_t max,
                                      uint32_t *flags, nghttp2_data_source *source, void *user) {
  struct h2_got *got = h2_got(user, id);
  size_t n = got->send_len - got->send_at;
  (void)ng;
  (void)source;
  if (n > max) n = max;
  memcpy(buf, got->send + got->send_at, n);
  got->send_at += n;
  if (got->send_at == got->send_len) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return (ssize_t)n;
}

/* options may be NULL. Its SETTINGS are the caller's to submit. */
static inline void h2_peer_open(struct h2_peer *p, int is_server, const nghttp2_option *options) {
  nghttp2_session_callbacks *callbacks;
  memset(p, 0, sizeof *p);
  p->got = calloc(H2_PEER_STREAMS, sizeof *p->got);
  if (p->got == NULL || nghttp2_session_callbacks_new(&callbacks) != 0) abort();
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, h2_peer_on_begin);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, h2_peer_on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, h2_peer_on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, h2_peer_on_data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, h2_peer_on_close);
  int err = is_server ? nghttp2_session_server_new2(&p->ng, callbacks, p, options)
                      : nghttp2_session_client_new2(&p->ng, callbacks, p, options);
  if (err != 0) abort();
  nghttp2_session_callbacks_del(callbacks);
}

static inline void h2_peer_close(struct h2_peer *p) {
  nghttp2_session_del(p->ng);
  for (size_t i = 0; i < H2_PEER_STREAMS; i++) {
    free(p->got[i].head);
    free(p->got[i].body);
  }
  free(p->got);
  free(p->bytes);
}

/* All that it has to send, in one piece, valid until the next call. */
static inline gcache_bytes_t h2_peer_bytes(struct h2_peer *p) {
  const uint8_t *data;
  ssize_t n;
  p->n_bytes = 0;
  while ((n = nghttp2_session_mem_send(p->ng, &data)) > 0) {
    h2_grow(&p->bytes, &p->bytes_room, p->n_bytes + (size_t)n);
    memcpy(p->bytes + p->n_bytes, data, (size_t)n);
    p->n_bytes += (size_t)n;
  }
  if (n < 0) abort();
  return gcache_bytes(p->bytes, p->n_bytes);
}

static inline nghttp2_nv h2_nv(const char *name, const char *value) {
  return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                      strlen(value), NGHTTP2_NV_FLAG_NONE};
}

/* A request with these fields; body NULL: none. */
static inline int32_t h2_peer_ask(struct h2_peer *p, const nghttp2_nv *nv, size_t n,
                                  const void *body, size_t len) {
  nghttp2_data_provider provider = {.read_callback = h2_peer_on_read};
  int32_t id = nghttp2_submit_request(p->ng, NULL, nv, n, body == NULL ? NULL : &provider, NULL);
  if (id < 0) abort();
  struct h2_got *got = h2_got(p, id);
  got->send = body;
  got->send_len = len;
  return id;
}

static inline int32_t h2_peer_put(struct h2_peer *p, const char *method, const char *path,
                                  const void *body, size_t len) {
  nghttp2_nv nv[] = {h2_nv(":method", method), h2_nv(":scheme", "http"), h2_nv(":path", path),
                     h2_nv(":authority", "h")};
  return h2_peer_ask(p, nv, 4, body, len);
}

static inline int32_t h2_peer_get(struct h2_peer *p, const char *path) {
  return h2_peer_put(p, "GET", path, NULL, 0);
}

/* An answer; body NULL: none. */
static inline void h2_peer_answer(struct h2_peer *p, int32_t id, const nghttp2_nv *nv, size_t n,
                                  const void *body, size_t len) {
  nghttp2_data_provider provider = {.read_callback = h2_peer_on_read};
  struct h2_got *got = h2_got(p, id);
  got->send = body;
  got->send_len = len;
  if (nghttp2_submit_response(p->ng, id, nv, n, body == NULL ? NULL : &provider) != 0) abort();
}

static inline void h2_peer_greet(struct h2_peer *p) {
  if (nghttp2_submit_settings(p->ng, NGHTTP2_FLAG_NONE, NULL, 0) != 0) abort();
}

#endif
