/* world/faults - errors that the system and libuv may return.
 *
 * Every call that can fail asks here first. Calls are counted; one of them, chosen by its number,
 * fails with an error from the list of its kind, or any call does by chance. Nothing fails while
 * faults are off. */
#ifndef WORLD_FAULTS_H
#define WORLD_FAULTS_H

#include <stddef.h>
#include <stdint.h>

struct sim_rng;

#define WORLD_OPS(XX)                                                                           \
  XX(CONNECT, "connect", UV_EMFILE, UV_ENFILE, UV_ENOBUFS, UV_ENOMEM, UV_EADDRNOTAVAIL,         \
     UV_ENETUNREACH, UV_EACCES)                                                                 \
  XX(CONNECTED, "connected", UV_ECONNREFUSED, UV_ETIMEDOUT, UV_ECONNRESET, UV_EHOSTUNREACH,     \
     UV_ENETUNREACH)                                                                            \
  XX(BIND, "bind", UV_EACCES, UV_EADDRINUSE, UV_EADDRNOTAVAIL, UV_EMFILE)                       \
  XX(LISTEN, "listen", UV_EADDRINUSE)                                                           \
  XX(ACCEPT, "accept", UV_EMFILE, UV_ENFILE, UV_ENOBUFS, UV_ENOMEM, UV_ECONNABORTED)            \
  XX(TAKE, "uv_accept", UV_EINVAL)                                                              \
  XX(OPEN, "open", UV_EMFILE, UV_ENFILE, UV_ENOMEM)                                             \
  XX(DUP, "dup3", UV_EBUSY, UV_EINTR)                                                           \
  XX(TCP_OPEN, "uv_tcp_open", UV_EEXIST)                                                        \
  XX(NAME, "getsockname", UV_ENOBUFS, UV_ENOTCONN)                                              \
  XX(READ, "read", UV_ECONNRESET, UV_ETIMEDOUT, UV_EHOSTUNREACH, UV_ENOBUFS, UV_ENOMEM, UV_EOF) \
  XX(SEND, "sendmsg", UV_EPIPE, UV_ECONNRESET, UV_ETIMEDOUT, UV_ENOBUFS, UV_ENOMEM, UV_EINTR,   \
     UV_EAGAIN)                                                                                 \
  XX(SHUT, "shutdown", UV_ENOTCONN)                                                             \
  XX(EPOLL_CREATE, "epoll_create1", UV_EMFILE, UV_ENFILE, UV_ENOMEM)                            \
  XX(EPOLL_CTL, "epoll_ctl", UV_ENOMEM, UV_ENOSPC)                                              \
  XX(EPOLL_WAIT, "epoll_wait", UV_EINTR)                                                        \
  XX(POLL_INIT, "uv_poll_init", UV_ENOMEM, UV_EPERM)                                            \
  XX(LOOK_UP, "uv_getaddrinfo", UV_ENOMEM)                                                      \
  XX(LOOKED_UP, "looked up", UV_EAI_AGAIN, UV_EAI_NONAME, UV_EAI_FAIL, UV_EAI_MEMORY)           \
  XX(RANDOM, "uv_random", UV_EIO, UV_ENOSYS)

enum world_op {
#define XX(name, ...) WORLD_OP_##name,
  WORLD_OPS(XX)
#undef XX
      WORLD_OPS_COUNT
};

struct world_faults {
  struct sim_rng *rng;
  int off;
  unsigned permille[WORLD_OPS_COUNT]; /* by chance */
  uint64_t calls;                     /* so far, while not off */
  uint64_t fail_at;                   /* this one, 1 up; 0: none */
  unsigned variant;                   /* which error of its kind's list */
  uint64_t injected[WORLD_OPS_COUNT];
  unsigned char *log; /* the kind of each call, where a number is to be chosen; NULL: not kept */
  size_t log_cap;
};

void world_faults_init(struct world_faults *faults, struct sim_rng *rng);
/* 0, or the error that this call is to fail with. */
int world_fault(struct world_faults *faults, enum world_op op);
const char *world_op_word(enum world_op op);
unsigned world_op_variants(enum world_op op);
int world_op_error(enum world_op op, unsigned variant);
uint64_t world_faults_injected(const struct world_faults *faults);

#endif
