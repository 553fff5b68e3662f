#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "faults.h"
#include "host.h"
#include "net.h"

#define FIRST 100000 /* none of the system's is so high */
#define FILES_MAX 4096
#define ENTRIES_MAX 256

struct entry {
  int fd;
  struct epoll_event event;
  int armed;
};

/* What a descriptor stands for. Two can stand for one. */
struct file {
  unsigned refs;
  struct world_host *host;
  struct world_conn_end *end;
  struct world_listener *listener;
  struct entry *entries; /* of an epoll set */
  size_t n_entries;
};

static struct file *files[FILES_MAX];
static int files_top; /* none is beyond */

static struct file *file_of(int fd) {
  return fd >= FIRST && fd < FIRST + FILES_MAX ? files[fd - FIRST] : NULL;
}

static int new_fd(struct world_host *host, const struct file *like) {
  int i = 0;
  if (host->files >= host->files_max) return UV_EMFILE;
  while (files[i] != NULL)
    if (++i == FILES_MAX) return UV_ENFILE;
  if (i >= files_top) files_top = i + 1;
  files[i] = sim_new(sizeof *files[i]);
  *files[i] = *like;
  files[i]->refs = 1;
  files[i]->host = host;
  host->files++;
  return FIRST + i;
}

int world_file_of_end(struct world_host *host, struct world_conn_end *end) {
  return new_fd(host, &(struct file){.end = end});
}

int world_file_of_listener(struct world_host *host, struct world_listener *listener) {
  return new_fd(host, &(struct file){.listener = listener});
}

struct world_conn_end *world_file_end(int fd) {
  return file_of(fd) == NULL ? NULL : file_of(fd)->end;
}

struct world_listener *world_file_listener(int fd) {
  return file_of(fd) == NULL ? NULL : file_of(fd)->listener;
}

int world_file_exists(int fd) {
  return file_of(fd) != NULL;
}

/* ---- epoll ---- */

static struct entry *entry_of(struct file *set, int fd) {
  for (size_t i = 0; i < set->n_entries; i++)
    if (set->entries[i].fd == fd) return &set->entries[i];
  return NULL;
}

static void remove_entry(struct file *set, struct entry *entry) {
  *entry = set->entries[--set->n_entries];
}

static int is_ready(const struct entry *entry) {
  const struct world_conn_end *end = world_file_end(entry->fd);
  return entry->armed && end != NULL && world_end_writable(end);
}

int world_file_is_epoll_ready(int fd) {
  const struct file *set = file_of(fd);
  for (size_t i = 0; set != NULL && i < set->n_entries; i++)
    if (is_ready(&set->entries[i])) return 1;
  return 0;
}

/* ---- the end of a descriptor ---- */

static void forget_in_sets(int fd) {
  for (int i = 0; i < files_top; i++) {
    struct entry *entry = files[i] == NULL || files[i]->entries == NULL ? NULL
                                                                        : entry_of(files[i], fd);
    if (entry != NULL) remove_entry(files[i], entry);
  }
}

static void unref(struct file *f) {
  if (--f->refs > 0) return;
  if (f->end != NULL) world_end_close(f->end);
  if (f->listener != NULL) world_net_unlisten(f->listener);
  free(f->entries);
  free(f);
}

void world_file_close(int fd) {
  struct file *f = file_of(fd);
  if (f == NULL) return;
  f->host->files--;
  files[fd - FIRST] = NULL;
  if (f->end != NULL) forget_in_sets(fd);
  unref(f);
}

void world_files_forget(struct world_host *host) {
  for (int i = 0; i < files_top; i++) {
    struct file *f = files[i];
    if (f == NULL || f->host != host) continue;
    files[i] = NULL;
    if (--f->refs > 0) continue;
    free(f->entries);
    free(f);
  }
}

int world_file_accept(struct world_host *host, struct world_listener *listener) {
  int error = listener->waiting == 0 ? UV_EAGAIN : world_fault(host->faults, WORLD_OP_ACCEPT);
  if (error == 0 && host->files >= host->files_max) error = UV_EMFILE;
  if (error == UV_ECONNABORTED) world_end_close(world_net_accept(listener));
  if (error < 0) return error;
  return world_file_of_end(host, world_net_accept(listener));
}

/* ---- system calls ---- */

static int failed(int error) {
  errno = -error;
  return -1;
}

static int fault(enum world_op op) {
  return world_fault(world_host_current()->faults, op);
}

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd) {
  if (file_of(fd) == NULL) return __real_close(fd);
  world_file_close(fd);
  return 0;
}

static int open_nothing(void) {
  int error = fault(WORLD_OP_OPEN);
  int fd = error < 0 ? error : new_fd(world_host_current(), &(struct file){0});
  return fd < 0 ? failed(fd) : fd;
}

/* One for programs with 64-bit offsets by default, one for those that ask for them. */
#define WRAP_OPEN(open)                                                                        \
  int __real_##open(const char *path, int flags, ...);                                         \
  int __wrap_##open(const char *path, int flags, ...);                                         \
  int __wrap_##open(const char *path, int flags, ...) {                                        \
    va_list args;                                                                              \
    va_start(args, flags);                                                                     \
    unsigned mode = (flags & O_CREAT) != 0 ? va_arg(args, unsigned) : 0;                       \
    va_end(args);                                                                              \
    if (world_host_current() != NULL && strcmp(path, "/dev/null") == 0) return open_nothing(); \
    return __real_##open(path, flags, mode);                                                   \
  }
WRAP_OPEN(open)
WRAP_OPEN(open64)

int __wrap_dup3(int from, int to, int flags);
int __wrap_dup3(int from, int to, int flags) {
  struct file *f = file_of(from), *over = file_of(to);
  int error = fault(WORLD_OP_DUP);
  (void)flags;
  if (error < 0) return failed(error);
  if (f == NULL || over == NULL) return failed(UV_EBADF);
  files[to - FIRST] = f;
  f->refs++;
  unref(over);
  return to;
}

int __wrap_accept4(int fd, struct sockaddr *name, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *name, socklen_t *len, int flags) {
  struct world_listener *listener = world_file_listener(fd);
  (void)name;
  (void)len;
  (void)flags;
  if (listener == NULL) return failed(UV_ENOTSOCK);
  int accepted = world_file_accept(world_host_current(), listener);
  return accepted < 0 ? failed(accepted) : accepted;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags) {
  struct world_conn_end *end = world_file_end(fd);
  int error = end == NULL ? UV_EBADF : fault(WORLD_OP_SEND);
  size_t sent = 0;
  if ((flags & MSG_NOSIGNAL) == 0) abort(); /* SIGPIPE is the application's */
  if (error < 0 && error != UV_EAGAIN && error != UV_EINTR && error != UV_EBADF &&
      error != UV_ENOBUFS && error != UV_ENOMEM)
    world_end_reset(end), end->error = 0;
  for (size_t i = 0; i < message->msg_iovlen && error == 0; i++) {
    const struct iovec *part = &message->msg_iov[i];
    long n = part->iov_len == 0 ? 0 : world_end_send(end, part->iov_base, part->iov_len);
    if (n < 0) error = (int)n;
    if (n > 0) sent += (size_t)n;
    if (n >= 0 && (size_t)n < part->iov_len) break;
  }
  return sent > 0 || error == 0 ? (ssize_t)sent : failed(error);
}

int __wrap_shutdown(int fd, int how);
int __wrap_shutdown(int fd, int how) {
  struct world_conn_end *end = world_file_end(fd);
  int error = end == NULL ? UV_EBADF : fault(WORLD_OP_SHUT);
  (void)how;
  if (error == 0) error = world_end_shut(end);
  return error < 0 ? failed(error) : 0;
}

int __wrap_epoll_create1(int flags);
int __wrap_epoll_create1(int flags) {
  int error = fault(WORLD_OP_EPOLL_CREATE), fd;
  struct file set = {0};
  (void)flags;
  if (error < 0) return failed(error);
  set.entries = sim_new(ENTRIES_MAX * sizeof *set.entries);
  fd = new_fd(world_host_current(), &set);
  if (fd < 0) free(set.entries);
  return fd < 0 ? failed(fd) : fd;
}

int __wrap_epoll_ctl(int fd, int op, int on, struct epoll_event *event);
int __wrap_epoll_ctl(int fd, int op, int on, struct epoll_event *event) {
  struct file *set = file_of(fd);
  struct entry *entry = set == NULL || set->entries == NULL ? NULL : entry_of(set, on);
  int error = op == EPOLL_CTL_DEL ? 0 : fault(WORLD_OP_EPOLL_CTL);
  if (error < 0) return failed(error);
  if (set == NULL || set->entries == NULL || world_file_end(on) == NULL) return failed(UV_EBADF);
  if (op != EPOLL_CTL_ADD && entry == NULL) return failed(UV_ENOENT);
  if (op == EPOLL_CTL_DEL) {
    remove_entry(set, entry);
    return 0;
  }
  if (op == EPOLL_CTL_ADD && entry != NULL) return failed(UV_EEXIST);
  if (entry == NULL && set->n_entries == ENTRIES_MAX) return failed(UV_ENOSPC);
  if (entry == NULL) entry = &set->entries[set->n_entries++];
  *entry = (struct entry){.fd = on, .event = *event, .armed = 1};
  return 0;
}

int __wrap_epoll_wait(int fd, struct epoll_event *events, int max, int timeout);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int max, int timeout) {
  struct file *set = file_of(fd);
  int n = 0, error = fault(WORLD_OP_EPOLL_WAIT);
  if (timeout != 0) abort(); /* it would block the loop */
  if (error < 0) return failed(error);
  for (size_t i = 0; set != NULL && i < set->n_entries && n < max; i++) {
    struct entry *entry = &set->entries[i];
    if (!is_ready(entry)) continue;
    events[n] = entry->event;
    events[n++].events = EPOLLOUT;
    if ((entry->event.events & EPOLLONESHOT) != 0) entry->armed = 0;
  }
  return n;
}
