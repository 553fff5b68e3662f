/* net/file - reads a whole file, without the loop waiting for the disk: threads of libuv's pool do.
 *
 * Happy path: start, done with 0 and the bytes. Failure modes: what open, read and close have to
 * say; UV_EINVAL: it is no regular file; UV_EFBIG: it is longer than max; UV_ENOMEM; in start too,
 * and nothing was begun then. done runs exactly once, from the loop, unless it was cancelled: then
 * never. What a thread is busy with cannot be stopped: nobody but gci_loop_close() waits for it.
 * Keeps the loop alive while it runs. */
#ifndef GCI_NET_FILE_H
#define GCI_NET_FILE_H

#include "base/env.h"

struct gci_file;

typedef void (*gci_file_cb)(void *user, int status, gcache_bytes_t bytes); /* borrowed */

int gci_file_read(struct gci_file **out, struct gci_env *env, struct uv_loop_s *uv,
                  const char *path, size_t max, gci_file_cb done, void *user);
void gci_file_cancel(struct gci_file *file);

#endif
