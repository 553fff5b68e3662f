#include "floor_out.h"

#include <stdlib.h>
#include <string.h>

#include "bench.h"

void floor_out_copy(struct floor_out *out, const char *bytes, size_t len) {
  if (out->cap - out->len < len) {
    out->cap = 2 * (out->cap + len);
    out->bytes = realloc(out->bytes, out->cap);
    if (out->bytes == NULL) bench_need(UV_ENOMEM, "floor");
  }
  memcpy(out->bytes + out->len, bytes, len);
  out->len += len;
}

void floor_out_refer(struct floor_out *out, const char *bytes, size_t len) {
  if (out->n_bufs == out->bufs_cap) {
    out->bufs_cap = 2 * (out->bufs_cap + 1);
    out->bufs = realloc(out->bufs, out->bufs_cap * sizeof *out->bufs);
    if (out->bufs == NULL) bench_need(UV_ENOMEM, "floor");
  }
  out->bufs[out->n_bufs].len = len;
  memcpy(&out->bufs[out->n_bufs++].base, &bytes, sizeof bytes); /* libuv only reads them */
}

/* Drops what has been taken; the number of buffers left, which begin at *first. */
static unsigned take(uv_buf_t *bufs, unsigned n, size_t taken, uv_buf_t **first) {
  while (n > 0 && taken >= bufs->len) {
    taken -= bufs->len;
    bufs++, n--;
  }
  if (n > 0) *bufs = uv_buf_init(bufs->base + taken, (unsigned)(bufs->len - taken));
  *first = bufs;
  return n;
}

int floor_out_flush(struct floor_out *out, uv_stream_t *stream, uv_write_cb written) {
  uv_buf_t one = uv_buf_init(out->bytes, (unsigned)out->len), *bufs = &one;
  unsigned n = out->len > 0;
  if (out->n_bufs > 0) bufs = out->bufs, n = out->n_bufs;
  out->len = out->n_bufs = 0;
  while (n > 0) {
    int taken = uv_try_write(stream, bufs, n);
    if (taken == UV_EAGAIN) break;
    if (taken < 0) return taken;
    n = take(bufs, n, (size_t)taken, &bufs);
  }
  if (n == 0) return 1;
  free(out->held);
  out->held = out->bytes;
  out->bytes = NULL;
  out->cap = 0;
  return uv_write(&out->write, stream, bufs, n, written);
}

void floor_out_free(struct floor_out *out) {
  free(out->held);
  free(out->bytes);
  free(out->bufs);
}
