/* libuv's TCP streams: connecting, listening, accepting, reading. The library does the writing
 * itself. */
#include <assert.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "files.h"
#include "host.h"
#include "net.h"

#define READS_MAX 32 /* of one stream in one poll */
#define SUGGESTED 65536

static int fault(struct world_handle *h, enum world_op op) {
  return world_fault(h->loop->host->faults, op);
}

static void kick(struct world_handle *h) {
  world_loop_kick(h->loop, h->loop->host->world->now_us + 1);
}

int uv_tcp_init(uv_loop_t *uv, uv_tcp_t *tcp) {
  world_handle_new(uv, tcp, UV_TCP);
  return 0;
}

int uv_tcp_nodelay(uv_tcp_t *tcp, int on) {
  (void)on;
  world_handle_of(tcp);
  return 0;
}

int uv_tcp_keepalive(uv_tcp_t *tcp, int on, unsigned delay_s) {
  struct world_handle *h = world_handle_of(tcp);
  struct world_conn_end *end = h->fd == -1 ? NULL : world_file_end(h->fd);
  if (end == NULL || !on || delay_s == 0) return UV_EINVAL;
  world_end_keep_alive(end, delay_s);
  return 0;
}

/* ---- names ---- */

static void write_name(struct sockaddr *out, int index, uint16_t port, int *len) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
  name.sin_addr.s_addr = htonl(0x0a000001u + (uint32_t)index);
  assert((size_t)*len >= sizeof name);
  memcpy(out, &name, sizeof name);
  *len = sizeof name;
}

/* Its host's index; -1: nobody can live there. */
static int read_name(const struct sockaddr *name, uint16_t *port) {
  struct sockaddr_in in;
  if (name->sa_family != AF_INET) return -1;
  memcpy(&in, name, sizeof in);
  *port = ntohs(in.sin_port);
  uint32_t index = ntohl(in.sin_addr.s_addr) - 0x0a000001u;
  return index < WORLD_HOSTS ? (int)index : -1;
}

int uv_tcp_getpeername(const uv_tcp_t *tcp, struct sockaddr *out, int *len) {
  struct world_handle *h = world_handle_of(tcp);
  struct world_conn_end *end = h->fd == -1 ? NULL : world_file_end(h->fd);
  int error = end == NULL ? UV_EBADF : fault(h, WORLD_OP_NAME);
  if (error == 0 && end->broken) error = UV_ENOTCONN;
  if (error < 0) return error;
  write_name(out, world_end_other(end)->index, world_end_other(end)->port, len);
  return 0;
}

int uv_tcp_getsockname(const uv_tcp_t *tcp, struct sockaddr *out, int *len) {
  struct world_handle *h = world_handle_of(tcp);
  struct world_listener *l = h->fd == -1 ? NULL : world_file_listener(h->fd);
  int error = l == NULL ? UV_EBADF : fault(h, WORLD_OP_NAME);
  if (error < 0) return error;
  write_name(out, l->host->index, l->port, len);
  return 0;
}

/* ---- connecting ---- */

int uv_tcp_connect(uv_connect_t *req, uv_tcp_t *tcp, const struct sockaddr *name,
                   uv_connect_cb cb) {
  struct world_handle *h = world_handle_of(tcp);
  struct world_host *host = h->loop->host;
  uint16_t port = 0;
  int index = read_name(name, &port), error = fault(h, WORLD_OP_CONNECT);
  if (h->is_closing || h->connecting) return UV_EINVAL;
  if (error == 0 && host->files >= host->files_max) error = UV_EMFILE;
  if (error == 0 && index < 0) error = UV_ENETUNREACH;
  if (error < 0) return error;
  req->handle = (uv_stream_t *)tcp;
  req->cb = cb;
  h->connect = req;
  h->connecting = 1;
  h->fd = world_file_of_end(host, world_net_connect(host, index, port));
  return 0;
}

static void told_connected(struct world_handle *h) {
  struct world_conn_end *end = world_file_end(h->fd);
  int status = end->conn->status;
  uv_connect_t *req = h->connect;
  if (status == 0) status = fault(h, WORLD_OP_CONNECTED);
  h->connecting = 0;
  h->connect = NULL;
  h->readable = status == 0;
  req->cb(req, status);
}

/* Whoever still waits for the connection is told before the handle is gone. */
void world_stream_finish_close(struct world_handle *h) {
  uv_connect_t *req = h->connect;
  h->connect = NULL;
  h->connecting = 0;
  if (req != NULL) req->cb(req, UV_ECANCELED);
}

/* ---- listening ---- */

int uv_tcp_bind(uv_tcp_t *tcp, const struct sockaddr *name, unsigned flags) {
  struct world_handle *h = world_handle_of(tcp);
  struct world_host *host = h->loop->host;
  struct world_listener *listener;
  uint16_t port = 0;
  int error = fault(h, WORLD_OP_BIND);
  (void)flags;
  read_name(name, &port);
  if (error == 0 && host->files >= host->files_max) error = UV_EMFILE;
  if (error < 0) return error;
  listener = world_net_listen(host, port);
  if (listener == NULL) return UV_EADDRINUSE;
  h->fd = world_file_of_listener(host, listener);
  return 0;
}

int uv_listen(uv_stream_t *stream, int backlog, uv_connection_cb cb) {
  struct world_handle *h = world_handle_of(stream);
  int error = fault(h, WORLD_OP_LISTEN);
  if (error < 0) return error;
  if (h->is_closing || h->fd == -1) return UV_EINVAL;
  world_file_listener(h->fd)->backlog_max = (unsigned)backlog;
  h->connection_cb = cb;
  h->listening = 1;
  kick(h);
  return 0;
}

int uv_tcp_open(uv_tcp_t *tcp, int fd) {
  struct world_handle *h = world_handle_of(tcp);
  int error = fault(h, WORLD_OP_TCP_OPEN);
  if (error < 0) return error;
  h->fd = fd;
  h->readable = world_file_end(fd) != NULL;
  return 0;
}

int uv_accept(uv_stream_t *server, uv_stream_t *client) {
  struct world_handle *h = world_handle_of(server), *c = world_handle_of(client);
  int error;
  if (h->accepted_fd == -1) return UV_EAGAIN;
  error = fault(h, WORLD_OP_TAKE);
  if (error < 0) {
    world_file_close(h->accepted_fd);
  } else {
    c->fd = h->accepted_fd;
    c->readable = 1;
  }
  h->accepted_fd = -1;
  kick(h);
  return error;
}

/* libuv keeps a descriptor to give up in this case; those who wait are accepted with it and closed.
 * With none left it tells, and tries again. */
static int handle_shortage(struct world_handle *h, struct world_listener *listener, int error) {
  struct world_conn_end *end;
  if (error != UV_EMFILE && error != UV_ENFILE) return error;
  if (sim_rng_percent(&h->loop->host->world->rng, 50)) return error;
  while ((end = world_net_accept(listener)) != NULL)
    world_end_close(end);
  return UV_EAGAIN;
}

static void tell_connections(struct world_handle *h) {
  for (int i = 0; i < READS_MAX && h->listening && h->accepted_fd == -1; i++) {
    struct world_listener *listener = world_file_listener(h->fd);
    int fd = world_file_accept(h->loop->host, listener);
    if (fd == UV_ECONNABORTED) continue;
    if (fd < 0 && fd != UV_EAGAIN) fd = handle_shortage(h, listener, fd);
    if (fd == UV_EAGAIN) return;
    if (fd >= 0) h->accepted_fd = fd;
    h->connection_cb((uv_stream_t *)h->uv, fd < 0 ? fd : 0);
  }
}

/* ---- reading ---- */

int uv_read_start(uv_stream_t *stream, uv_alloc_cb alloc_cb, uv_read_cb read_cb) {
  struct world_handle *h = world_handle_of(stream);
  if (h->is_closing) return UV_EINVAL;
  if (!h->readable) return UV_ENOTCONN;
  h->alloc_cb = alloc_cb;
  h->read_cb = read_cb;
  h->reading = 1;
  kick(h);
  return 0;
}

int uv_read_stop(uv_stream_t *stream) {
  world_handle_of(stream)->reading = 0;
  return 0;
}

static long read_once(struct world_handle *h, const uv_buf_t *buf) {
  struct world_conn_end *end = world_file_end(h->fd);
  int error = world_end_readable(end) ? fault(h, WORLD_OP_READ) : 0;
  if (error == UV_EOF) {
    world_end_cut(end);
    return 0;
  }
  if (error < 0) {
    world_end_reset(end);
    end->error = 0;
    return error;
  }
  return world_end_read(end, buf->base, buf->len);
}

/* As uv__read(): until a read is short, at most so often. */
static void tell_input(struct world_handle *h) {
  for (int i = 0; i < READS_MAX && h->reading; i++) {
    uv_buf_t buf = {0};
    h->alloc_cb(h->uv, SUGGESTED, &buf);
    if (buf.base == NULL || buf.len == 0) {
      h->read_cb((uv_stream_t *)h->uv, UV_ENOBUFS, &buf);
      return;
    }
    long n = read_once(h, &buf);
    if (n > 0) {
      h->read_cb((uv_stream_t *)h->uv, n, &buf);
      if ((size_t)n < buf.len) return;
    } else if (n == UV_EAGAIN) {
      h->read_cb((uv_stream_t *)h->uv, 0, &buf);
      return;
    } else {
      h->reading = 0;
      if (n < 0) h->readable = 0;
      h->read_cb((uv_stream_t *)h->uv, n == 0 ? UV_EOF : n, &buf);
      return;
    }
  }
}

/* ---- poll ---- */

static int is_stream_ready(struct world_handle *h) {
  if (h->is_closing || h->fd == -1) return 0;
  if (h->connecting) return world_file_end(h->fd)->conn->status != 1;
  if (h->listening) return h->accepted_fd == -1 && world_file_listener(h->fd)->waiting > 0;
  return h->reading && world_end_readable(world_file_end(h->fd));
}

int world_handle_is_ready(struct world_handle *h) {
  if (h->uv->type == UV_TCP) return is_stream_ready(h);
  return h->uv->type == UV_POLL && h->active && world_file_is_epoll_ready(h->fd);
}

void world_handle_tell(struct world_handle *h) {
  if (h->uv->type == UV_POLL)
    h->poll_cb((uv_poll_t *)h->uv, 0, UV_READABLE);
  else if (h->connecting)
    told_connected(h);
  else if (h->listening)
    tell_connections(h);
  else
    tell_input(h);
}

/* ---- Unix sockets: members live on hosts of their own, so that nobody has one ---- */

int uv_pipe_init(uv_loop_t *uv, uv_pipe_t *pipe, int ipc) {
  (void)uv, (void)pipe, (void)ipc;
  abort();
}

int uv_pipe_open(uv_pipe_t *pipe, uv_file fd) {
  (void)pipe, (void)fd;
  abort();
}

void uv_pipe_connect(uv_connect_t *req, uv_pipe_t *pipe, const char *name, uv_connect_cb cb) {
  (void)req, (void)pipe, (void)name, (void)cb;
  abort();
}
