/* net/file - reads a whole file on threads of libuv's pool, so that the loop does not wait for the
 * disk.
 *
 * Happy path: start, done with 0 and the bytes. Failure modes: errors of open, read and close;
 * UV_EINVAL: it is no regular file; UV_EFBIG: it is longer than max; UV_ENOMEM, also from start,
 * and nothing was begun then. done runs exactly once, from the loop; after a cancel never. A
 * request that a thread is busy with cannot be stopped: only gci_loop_close() waits for it. Keeps
 * the loop alive while it runs. */
#ifndef GCI_NET_FILE_H
#define GCI_NET_FILE_H

#include "base/env.h"

struct gci_file;

typedef void (*gci_file_cb)(void *user, int status, gcache_bytes_t bytes); /* borrowed */

int gci_file_read(struct gci_file **out, struct gci_env *env, struct uv_loop_s *uv,
                  const char *path, size_t max, gci_file_cb done, void *user);
void gci_file_cancel(struct gci_file *file);

#endif
