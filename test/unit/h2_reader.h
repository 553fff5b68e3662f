/* h2_reader - reads the HTTP/2 output of one side, frame by frame, independently of its input. */
#ifndef TEST_H2_READER_H
#define TEST_H2_READER_H

#include <nghttp2/nghttp2.h>

#include "h2_frames.h"
#include "http/out.h"

#ifndef H2_READER_STREAMS
#define H2_READER_STREAMS 4096
#endif

struct h2_read {
  int status; /* of the last head */
  int reset, whole;
  uint32_t code;
  size_t data;
  uint64_t windows; /* sum of the increments */
};

struct h2_reader {
  nghttp2_hd_inflater *inflater;
  unsigned char buf[1 << 15];
  size_t len;
  size_t frames[16]; /* by type */
  int goaway;
  uint32_t goaway_code;
  int32_t goaway_last;
  struct h2_read streams[H2_READER_STREAMS]; /* by number / 2; first: the connection */
};

static inline void h2_reader_open(struct h2_reader *r) {
  memset(r, 0, sizeof *r);
  if (nghttp2_hd_inflate_new(&r->inflater) != 0) abort();
}

static inline void h2_reader_close(struct h2_reader *r) {
  nghttp2_hd_inflate_del(r->inflater);
}

static inline uint32_t h2_u32(const unsigned char *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void h2_read_head(struct h2_reader *r, struct h2_read *s, const unsigned char *p,
                                size_t len) {
  int flags = 0;
  do {
    nghttp2_nv nv;
    ssize_t n = nghttp2_hd_inflate_hd2(r->inflater, &nv, &flags, p, len, 1);
    if (n < 0) abort();
    p += n;
    len -= (size_t)n;
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) && nv.namelen == 7 && memcmp(nv.name, ":status", 7) == 0)
      s->status = atoi((const char *)nv.value);
  } while (!(flags & NGHTTP2_HD_INFLATE_FINAL));
  nghttp2_hd_inflate_end_headers(r->inflater);
}

static inline void h2_read_frame(struct h2_reader *r, const unsigned char *p, size_t len) {
  int type = p[3], flags = p[4];
  uint32_t id = h2_u32(p + 5);
  if (type > 15) abort();
  struct h2_read *s = &r->streams[(id + 1) / 2 % H2_READER_STREAMS];
  r->frames[type]++;
  p += 9;
  if (type == F_HEADERS) h2_read_head(r, s, p, len);
  if (type == F_DATA) s->data += len;
  if ((type == F_HEADERS || type == F_DATA) && (flags & F_END_STREAM)) s->whole = 1;
  if (type == F_WINDOW_UPDATE) s->windows += h2_u32(p);
  if (type == F_RST_STREAM) {
    s->reset = 1;
    s->code = h2_u32(p);
  }
  if (type == F_GOAWAY) {
    r->goaway = 1;
    r->goaway_last = (int32_t)h2_u32(p);
    r->goaway_code = h2_u32(p + 4);
  }
}

static inline void h2_reader_take(struct h2_reader *r, gcache_bytes_t bytes) {
  const unsigned char *in = bytes.base;
  size_t left = bytes.len;
  while (left > 0) {
    size_t want = r->len < 9 ? 9
                             : 9 + ((size_t)r->buf[0] << 16 | (size_t)r->buf[1] << 8 | r->buf[2]);
    if (want > sizeof r->buf) abort();
    size_t n = want - r->len < left ? want - r->len : left;
    memcpy(r->buf + r->len, in, n);
    r->len += n;
    in += n;
    left -= n;
    if (r->len < 9) continue;
    size_t payload = (size_t)r->buf[0] << 16 | (size_t)r->buf[1] << 8 | r->buf[2];
    if (r->len < 9 + payload) continue;
    h2_read_frame(r, r->buf, payload);
    r->len = 0;
  }
}

static inline size_t h2_reader_take_out(struct h2_reader *r, struct gci_out *out) {
  size_t all = 0;
  while (out->bytes > 0) {
    gcache_bytes_t slices[8];
    size_t n = gci_out_slices(out, slices, 8), sum = 0;
    for (size_t i = 0; i < n; i++) {
      h2_reader_take(r, slices[i]);
      sum += slices[i].len;
    }
    gci_out_consume(out, sum);
    all += sum;
  }
  return all;
}

static inline struct h2_read *h2_reader_stream(struct h2_reader *r, uint32_t id) {
  return &r->streams[(id + 1) / 2 % H2_READER_STREAMS];
}

#endif
