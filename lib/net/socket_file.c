#include "net/socket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define PERMISSIONS 0777u

static const struct sockaddr *name_of(const struct gci_socket_file *f) {
  return (const struct sockaddr *)(const void *)&f->name;
}

static int open_socket(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  return fd < 0 ? -errno : fd;
}

/* Does not follow links: bind() failed on the name itself. */
static int look(const struct gci_socket_file *f, struct stat *found) {
  return lstat(f->name.sun_path, found) < 0 ? -errno : 0;
}

static int is_same(const struct stat *a, const struct stat *b) {
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* 0: somebody listens, or the backlog is too full to tell. UV_ECONNREFUSED: nobody listens. */
static int knock(const struct gci_socket_file *f) {
  int fd = open_socket(), rc;

  if (fd < 0) return fd;
  do
    rc = connect(fd, name_of(f), sizeof f->name) < 0 ? -errno : 0;
  while (rc == UV_EINTR);
  close(fd);
  return rc == UV_EAGAIN ? 0 : rc;
}

/* Removes the file in the way if it is a socket at which nobody listens. */
static int put_away(const struct gci_socket_file *f) {
  struct stat before, after;
  int rc = look(f, &before);

  if (rc < 0) return rc == UV_ENOENT ? 0 : rc; /* it has just disappeared */
  if (!S_ISSOCK(before.st_mode)) return UV_EADDRINUSE;
  rc = knock(f);
  if (rc == UV_ENOENT) return 0;
  if (rc != UV_ECONNREFUSED) return rc == 0 ? UV_EADDRINUSE : rc;
  if (look(f, &after) < 0 || !is_same(&before, &after)) return UV_EADDRINUSE;
  return unlink(f->name.sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

/* mode: set on the socket before it has a name; Linux gives it to the file. */
static int bind_to(const struct gci_socket_file *f, int fd, mode_t mode) {
  if (fchmod(fd, mode) < 0) return -errno;
  return bind(fd, name_of(f), sizeof f->name) < 0 ? -errno : 0;
}

/* The file was made with mode less the umask, so mostly there is nothing to do. No link is
 * followed: anybody who may write to the directory could have put one in the file's place. Nobody
 * can connect before the socket listens, and by then the permissions are in force. */
static int take(struct gci_socket_file *f, mode_t mode) {
  struct stat made;
  int rc = look(f, &made);

  if (rc < 0) return rc;
  if (!S_ISSOCK(made.st_mode)) return UV_EADDRINUSE;
  f->device = made.st_dev;
  f->inode = made.st_ino;
  if ((made.st_mode & PERMISSIONS) == mode) return 0;
  if (fchmodat(AT_FDCWD, f->name.sun_path, mode, AT_SYMLINK_NOFOLLOW) == 0) return 0;
  rc = -errno;
  gci_socket_file_remove(f);
  return rc;
}

int gci_socket_file_open(struct gci_socket_file *f, const char *path, mode_t mode) {
  size_t len = strlen(path);
  int fd, rc;

  *f = (struct gci_socket_file){.name.sun_family = AF_UNIX};
  if (len == 0 || len >= sizeof f->name.sun_path) return UV_EINVAL;
  memcpy(f->name.sun_path, path, len);
  fd = open_socket();
  if (fd < 0) return fd;
  rc = bind_to(f, fd, mode);
  if (rc == UV_EADDRINUSE) {
    rc = put_away(f);
    if (rc == 0) rc = bind_to(f, fd, mode);
  }
  if (rc == 0) rc = take(f, mode);
  if (rc == 0) return fd;
  close(fd);
  return rc;
}

void gci_socket_file_remove(struct gci_socket_file *f) {
  struct stat found;

  if (f->inode != 0 && look(f, &found) == 0 && found.st_dev == f->device &&
      found.st_ino == f->inode)
    unlink(f->name.sun_path);
  f->inode = 0;
}
