/* net/listen - see listen.h. Owns the listening handle, a handle to reject with, and two
 * descriptors: the spare, and, while accepting is paused after a failure, the listening socket
 * itself under another number. */
#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop.h"
#include "net/socket_file.h"

#define REST_MS 100

union handle {
  uv_handle_t handle;
  uv_stream_t stream;
  uv_tcp_t tcp;
  uv_pipe_t pipe;
};

struct gci_listen {
  struct gci_env *env;
  uv_loop_t *uv;
  const struct gci_listen_events *events; /* NULL: never opened, nobody to tell */
  void *user;
  uv_handle_type kind; /* UV_TCP, UV_NAMED_PIPE */
  union handle server, rejected;
  struct gci_socket_file file; /* of a Unix socket */
  struct gcache_job_s job;     /* resume, come back, or end, as the state requires */
  struct gcache_deadline_s rest;
  int port, backlog;
  int spare; /* an open descriptor, kept only to be given up; -1: none */
  int aside; /* the listening socket while accepting rests, else -1 */
  unsigned serving : 1, rejecting : 1, reject_next : 1, paused : 1, waiting : 1, closing : 1;
};

static void come_back(struct gci_listen *l);

static void init_handle(struct gci_listen *l, union handle *h) {
  if (l->kind == UV_NAMED_PIPE)
    uv_pipe_init(l->uv, &h->pipe, 0);
  else
    uv_tcp_init(l->uv, &h->tcp);
  h->handle.data = l;
}

/* fd is its own from then on. */
static int take_socket(struct gci_listen *l, int fd) {
  return l->kind == UV_NAMED_PIPE ? uv_pipe_open(&l->server.pipe, fd)
                                  : uv_tcp_open(&l->server.tcp, fd);
}

static int open_spare(void) {
  int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

static void free_listen(struct gci_listen *l) {
  struct gci_loop *loop = gci_loop_of(l->env);

  if (l->spare >= 0) close(l->spare);
  if (l->aside >= 0) close(l->aside);
  gci_mem_free(l->env->mem, l, sizeof *l);
  gci_loop_give(loop);
}

/* Called when a handle has closed; from the loop. */
static void end_if_over(struct gci_listen *l) {
  const struct gci_listen_events *events = l->events;
  void *user = l->user;

  if (!l->closing || l->serving || l->rejecting) return;
  gci_defer_cancel(&l->job);
  free_listen(l);
  if (events != NULL) events->on_closed(user);
}

/* ----------------------------------------------------------------------------------- rests ---- */

static void rest(struct gci_listen *l) {
  if (gci_env_deadline(l->env, &l->rest, gci_env_after_ms(l->env, REST_MS)) < 0)
    gci_env_defer(l->env, GCI_COMPLETIONS, &l->job);
}

static void on_set_aside(uv_handle_t *handle) {
  struct gci_listen *l = handle->data;

  l->serving = 0;
  if (l->closing)
    end_if_over(l);
  else
    rest(l);
}

/* Accepting fails, and libuv would retry at once. dup3() moves the socket onto the spare without
 * needing a new descriptor; closing the handle ends libuv's attempts and frees a descriptor, with
 * which the waiting clients are accepted and closed. */
static void set_aside(struct gci_listen *l) {
  uv_os_fd_t fd = -1;
  int accepted;

  uv_fileno(&l->server.handle, &fd);
  while ((l->aside = dup3(fd, l->spare, O_CLOEXEC)) < 0 && (errno == EBUSY || errno == EINTR)) {
  }
  l->spare = -1;
  gci_env_hold(l->env);
  uv_close(&l->server.handle, on_set_aside);
  for (int i = 0; i < l->backlog; i++) {
    accepted = accept4(l->aside, NULL, NULL, SOCK_CLOEXEC);
    if (accepted < 0) break;
    close(accepted);
  }
  l->spare = open_spare();
}

static void on_rested(struct gcache_deadline_s *deadline) {
  come_back(gci_container_of(deadline, struct gci_listen, rest));
}

/* --------------------------------------------------------------------------------- accepts ---- */

static void on_connected(uv_stream_t *server, int status) {
  struct gci_listen *l = server->data;

  if (l->closing) return;
  if (status < 0)
    set_aside(l);
  else if (l->paused)
    l->waiting = 1; /* libuv polls the socket again after the next uv_accept() */
  else
    l->events->on_connection(l->user, server);
}

static void come_back(struct gci_listen *l) {
  int rc;

  if (l->spare < 0) l->spare = open_spare();
  if (l->spare < 0) {
    rest(l);
    return;
  }
  gci_env_release(l->env);
  init_handle(l, &l->server);
  l->serving = 1;
  rc = take_socket(l, l->aside);
  if (rc == 0) {
    l->aside = -1;
    rc = uv_listen(&l->server.stream, l->backlog, on_connected);
    if (rc < 0) set_aside(l);
  } else {
    gci_env_hold(l->env);
    uv_close(&l->server.handle, on_set_aside);
  }
}

static void on_job(struct gcache_job_s *job) {
  struct gci_listen *l = gci_container_of(job, struct gci_listen, job);

  if (l->closing) {
    end_if_over(l);
  } else if (l->aside >= 0) {
    come_back(l);
  } else if (l->waiting && !l->paused) {
    l->waiting = 0;
    l->events->on_connection(l->user, &l->server.stream);
  }
}

static void on_rejected(uv_handle_t *handle) {
  struct gci_listen *l = handle->data;

  l->rejecting = 0;
  if (l->closing) {
    end_if_over(l);
  } else if (l->reject_next) {
    l->reject_next = 0;
    gci_listen_reject(l);
  }
}

/* One at a time: libuv accepts no more until this one is taken. */
void gci_listen_reject(struct gci_listen *l) {
  if (l->rejecting) {
    l->reject_next = 1;
    return;
  }
  init_handle(l, &l->rejected);
  l->rejecting = 1;
  uv_accept(&l->server.stream, &l->rejected.stream);
  uv_close(&l->rejected.handle, on_rejected);
}

void gci_listen_put_off(struct gci_listen *l) {
  l->paused = l->waiting = 1;
}

void gci_listen_pause(struct gci_listen *l) {
  l->paused = 1;
}

void gci_listen_resume(struct gci_listen *l) {
  l->paused = 0;
  if (l->waiting && !l->closing && !gci_job_queued(&l->job))
    gci_env_defer(l->env, GCI_COMPLETIONS, &l->job);
}

/* ----------------------------------------------------------------------------- open, close ---- */

static int bind_and_listen(struct gci_listen *l, const struct sockaddr *addr) {
  struct sockaddr_storage name = {0};
  int rc, len = sizeof name;

  rc = uv_tcp_bind(&l->server.tcp, addr, 0);
  if (rc == 0) rc = uv_listen(&l->server.stream, l->backlog, on_connected);
  if (rc == 0) rc = uv_tcp_getsockname(&l->server.tcp, (struct sockaddr *)&name, &len);
  l->port = ntohs(name.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&name)->sin6_port
                                             : ((struct sockaddr_in *)&name)->sin_port);
  return rc;
}

/* libuv does not bind the socket: it would remove the file with the handle, no matter whose file it
 * is then, and the handle is closed while accepting rests. */
static int bind_and_listen_unix(struct gci_listen *l, const char *path, unsigned mode) {
  int rc, fd = gci_socket_file_open(&l->file, path, (mode_t)mode);

  if (fd < 0) return fd;
  rc = take_socket(l, fd);
  if (rc < 0)
    close(fd);
  else
    rc = uv_listen(&l->server.stream, l->backlog, on_connected);
  return rc;
}

/* A handle without a socket yet. */
static int open_handle(struct gci_listen **out, struct gci_env *env, uv_loop_t *uv,
                       uv_handle_type kind, int backlog) {
  struct gci_listen *l;
  int spare = open_spare();

  if (spare < 0) return spare;
  l = gci_mem_zalloc(env->mem, sizeof *l);
  if (l == NULL) {
    close(spare);
    return UV_ENOMEM;
  }
  l->env = env;
  l->uv = uv;
  l->kind = kind;
  l->backlog = backlog;
  l->spare = spare;
  l->aside = -1;
  l->serving = 1;
  gci_job_init(&l->job, on_job);
  gci_deadline_init(&l->rest, on_rested);
  gci_loop_take(gci_loop_of(env));
  init_handle(l, &l->server);
  *out = l;
  return 0;
}

static int begin(struct gci_listen **out, struct gci_listen *l, int rc,
                 const struct gci_listen_events *events, void *user) {
  if (rc < 0) {
    gci_listen_close(l);
    return rc;
  }
  l->events = events;
  l->user = user;
  *out = l;
  return 0;
}

int gci_listen_open(struct gci_listen **out, struct gci_env *env, uv_loop_t *uv,
                    const struct sockaddr *addr, int backlog,
                    const struct gci_listen_events *events, void *user) {
  struct gci_listen *l;
  int rc;

  if (addr->sa_family != AF_INET && addr->sa_family != AF_INET6) return UV_EINVAL;
  rc = open_handle(&l, env, uv, UV_TCP, backlog);
  return rc < 0 ? rc : begin(out, l, bind_and_listen(l, addr), events, user);
}

int gci_listen_open_unix(struct gci_listen **out, struct gci_env *env, uv_loop_t *uv,
                         const char *path, unsigned mode, int backlog,
                         const struct gci_listen_events *events, void *user) {
  struct gci_listen *l;
  int rc = open_handle(&l, env, uv, UV_NAMED_PIPE, backlog);

  return rc < 0 ? rc : begin(out, l, bind_and_listen_unix(l, path, mode), events, user);
}

int gci_listen_is_unix(const struct gci_listen *l) {
  return l->kind == UV_NAMED_PIPE;
}

int gci_listen_port(const struct gci_listen *l) {
  return l->port;
}

void gci_listen_close(struct gci_listen *l) {
  l->closing = 1;
  gci_socket_file_remove(&l->file);
  gci_env_deadline_clear(l->env, &l->rest);
  if (l->aside >= 0) gci_env_release(l->env);
  if (l->serving && !uv_is_closing(&l->server.handle)) uv_close(&l->server.handle, on_set_aside);
  if (!l->serving && !l->rejecting && !gci_job_queued(&l->job))
    gci_env_defer(l->env, GCI_COMPLETIONS, &l->job);
}
