/* floor_out - the bytes that a connection of the floor is about to write: short ones copied one
 * after the other, long ones by reference. */
#ifndef BENCH_FLOOR_OUT_H
#define BENCH_FLOOR_OUT_H

#include <stddef.h>

#include <uv.h>

struct floor_out {
  char *bytes, *held; /* held: being written */
  size_t len, cap;
  uv_buf_t *bufs; /* in place of bytes, for answers that are long */
  unsigned n_bufs, bufs_cap;
  uv_write_t write;
};

void floor_out_copy(struct floor_out *out, const char *bytes, size_t len);
void floor_out_refer(struct floor_out *out, const char *bytes, size_t len);

/* What the kernel takes at once; 1: all of it, 0: the rest is being written, and written() will
 * run. Until then it may not be called again. Negative: the connection is broken. */
int floor_out_flush(struct floor_out *out, uv_stream_t *stream, uv_write_cb written);

void floor_out_free(struct floor_out *out);

#endif
