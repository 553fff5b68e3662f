/* net/socket_file - the file of a listening Unix socket: it is made, and what a crashed process
 * left there is put away before; it is removed at the end.
 *
 * Happy path: open gives a bound socket, remove takes its file away. Failure modes, nothing changed
 * then:
 * UV_EADDRINUSE: somebody answers there, or it is no socket; UV_EACCES, UV_EPERM, UV_ENOENT, ... as
 * bind(), connect() and unlink() say. A socket file at which nobody answers is removed, but none
 * that is seen to have come in the place of the file that was tried, and at the end none that is
 * not the one made here. Both look first and remove then, by name: whoever else makes files there
 * in between is not protected. No link is followed.
 * Owns the file, not the descriptor. */
#ifndef GCI_NET_SOCKET_FILE_H
#define GCI_NET_SOCKET_FILE_H

#include <sys/stat.h>
#include <sys/un.h>

struct gci_socket_file {
  struct sockaddr_un name;
  dev_t device;
  ino_t inode; /* 0: there is none of ours */
};

/* path: zero-terminated, shorter than sun_path (UV_EINVAL). mode: its permissions, whatever the
 * umask. The descriptor, close-on-exec and bound, not listening yet, or < 0. */
int gci_socket_file_open(struct gci_socket_file *f, const char *path, mode_t mode);
void gci_socket_file_remove(struct gci_socket_file *f); /* again is fine */

#endif
