/* net/socket_file - the file of a listening Unix socket: removes the file of a crashed process,
 * makes a new one, and removes that at the end.
 *
 * Happy path: open gives a bound socket, remove takes its file away. Failure modes, with nothing
 * changed: UV_EADDRINUSE: somebody answers there, or it is no socket; UV_EACCES, UV_EPERM,
 * UV_ENOENT, ... as bind(), connect() and unlink() return. A socket file at which nobody answers is
 * removed; but not if another file is seen in its place by then, and at the end not if it is no
 * longer the file made here. Both check first and then remove, by name: files that others make
 * there in between are not protected. No link is followed.
 * Owns the file, not the descriptor. */
#ifndef GCI_NET_SOCKET_FILE_H
#define GCI_NET_SOCKET_FILE_H

#include <sys/stat.h>
#include <sys/un.h>

struct gci_socket_file {
  struct sockaddr_un name;
  dev_t device;
  ino_t inode; /* 0: no file of ours */
};

/* path: zero-terminated, shorter than sun_path (UV_EINVAL). mode: its permissions, whatever the
 * umask. The descriptor, close-on-exec and bound, not listening yet, or < 0. */
int gci_socket_file_open(struct gci_socket_file *f, const char *path, mode_t mode);
void gci_socket_file_remove(struct gci_socket_file *f); /* again is fine */

#endif
