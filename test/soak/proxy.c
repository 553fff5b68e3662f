#include "proxy.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE 65536

struct proxy_pair;

/* One direction's source: what it reads is written to the other. */
struct end {
  uv_tcp_t tcp;
  struct proxy_pair *pair;
  struct end *other;
  int writing, ended;
};

struct proxy_pair {
  struct proxy *proxy;
  struct proxy_pair *next, **link;
  struct end in, out;
  uv_connect_t connect;
  uint64_t passed;
  int open; /* sockets that have not closed */
  int closing;
};

/* Bytes on their way, perhaps a while. */
struct piece {
  uv_write_t write;
  uv_timer_t timer;
  struct end *to;
  struct proxy_pair *pair;
  size_t len;
  char bytes[];
};

/* ----------------------------------------------------------------------------------- close ---- */

static void on_end_closed(uv_handle_t *handle) {
  struct proxy_pair *pair = ((struct end *)(void *)handle)->pair;
  if (--pair->open == 0) free(pair);
}

static void pair_close(struct proxy_pair *pair, int reset) {
  if (pair->closing) return;
  pair->closing = 1;
  *pair->link = pair->next;
  if (pair->next != NULL) pair->next->link = pair->link;
  struct end *ends[] = {&pair->in, &pair->out};
  for (int i = 0; i < 2; i++) {
    if (!reset || uv_tcp_close_reset(&ends[i]->tcp, on_end_closed) < 0)
      uv_close((uv_handle_t *)&ends[i]->tcp, on_end_closed);
  }
  if (reset) pair->proxy->resets++;
}

/* ------------------------------------------------------------------------------------ pass ---- */

static void on_allocated(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  (void)handle;
  (void)suggested;
  struct piece *piece = malloc(sizeof *piece + PIECE);
  if (piece == NULL) abort();
  *buf = uv_buf_init(piece->bytes, PIECE);
}

static struct piece *piece_of(const uv_buf_t *buf) {
  return (struct piece *)(void *)(buf->base - offsetof(struct piece, bytes));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

/* A piece at a time in each direction: the other side's pace is passed on. */
static void read_on(struct end *from) {
  if (!from->pair->closing && !from->ended)
    uv_read_start((uv_stream_t *)&from->tcp, on_allocated, on_read);
}

static void on_written(uv_write_t *write, int status) {
  struct piece *piece = (struct piece *)(void *)write;
  struct proxy_pair *pair = piece->pair;
  if (status < 0)
    pair_close(pair, 0);
  else
    read_on(piece->to->other);
  free(piece);
}

static void pass(struct piece *piece) {
  struct proxy_pair *pair = piece->pair;
  struct proxy *proxy = pair->proxy;
  uv_buf_t buf = uv_buf_init(piece->bytes, (unsigned)piece->len);
  if (pair->closing || proxy->fault == PROXY_SILENCE) {
    free(piece);
    return;
  }
  if (proxy->fault == PROXY_TRUNCATE && pair->passed + piece->len > proxy->amount) {
    free(piece);
    pair_close(pair, 1);
    return;
  }
  pair->passed += piece->len;
  proxy->passed += piece->len;
  if (uv_write(&piece->write, (uv_stream_t *)&piece->to->tcp, &buf, 1, on_written) == 0) return;
  free(piece);
  pair_close(pair, 0);
}

static void on_timer_closed(uv_handle_t *handle) {
  struct piece *piece = handle->data;
  struct proxy_pair *pair = piece->pair;
  pass(piece);
  if (--pair->open == 0) free(pair);
}

static void on_delayed(uv_timer_t *timer) {
  uv_close((uv_handle_t *)timer, on_timer_closed);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  struct end *from = (struct end *)(void *)stream;
  struct proxy_pair *pair = from->pair;
  struct piece *piece = buf->base == NULL ? NULL : piece_of(buf);
  if (n <= 0) {
    free(piece);
    if (n < 0) pair_close(pair, n != UV_EOF);
    return;
  }
  uv_read_stop(stream);
  piece->to = from->other;
  piece->pair = pair;
  piece->len = (size_t)n;
  if (pair->proxy->fault != PROXY_DELAY) {
    pass(piece);
    return;
  }
  uv_timer_init(stream->loop, &piece->timer);
  piece->timer.data = piece;
  pair->open++;
  uv_timer_start(&piece->timer, on_delayed, pair->proxy->amount, 0);
}

/* ------------------------------------------------------------------------------------ open ---- */

static void on_connected(uv_connect_t *connect, int status) {
  struct proxy_pair *pair = connect->data;
  if (pair->closing) return;
  if (status < 0) {
    pair_close(pair, 1);
    return;
  }
  read_on(&pair->in);
  read_on(&pair->out);
}

/* fd: who is met; -1: whom libuv has accepted. */
static void join(struct proxy *proxy, int fd) {
  uv_stream_t *server = (uv_stream_t *)&proxy->tcp;
  struct proxy_pair *pair = calloc(1, sizeof *pair);
  struct sockaddr_in address;
  int rc;
  if (pair == NULL) abort();
  pair->proxy = proxy;
  pair->in.pair = pair->out.pair = pair;
  pair->in.other = &pair->out;
  pair->out.other = &pair->in;
  pair->connect.data = pair;
  pair->open = 2;
  pair->next = proxy->pairs;
  pair->link = &proxy->pairs;
  if (pair->next != NULL) pair->next->link = &pair->next;
  proxy->pairs = pair;
  proxy->connections++;
  uv_tcp_init(server->loop, &pair->in.tcp);
  uv_tcp_init(server->loop, &pair->out.tcp);
  uv_ip4_addr("127.0.0.1", proxy->target, &address);
  rc = fd < 0 ? uv_accept(server, (uv_stream_t *)&pair->in.tcp) : uv_tcp_open(&pair->in.tcp, fd);
  if (rc < 0 && fd >= 0) close(fd);
  if (rc < 0 || proxy->target == 0 ||
      uv_tcp_connect(&pair->connect, &pair->out.tcp, (struct sockaddr *)&address, on_connected) <
          0) {
    pair_close(pair, 1);
    return;
  }
  uv_tcp_nodelay(&pair->in.tcp, 1);
  uv_tcp_nodelay(&pair->out.tcp, 1);
}

/* libuv since 1.45 accepts one a turn. A turn of this loop is long where the machine does much
 * else, and a connection that is not accepted is a fault that nobody ordered. */
static void on_connection(uv_stream_t *server, int status) {
  struct proxy *proxy = (struct proxy *)(void *)server;
  uv_os_fd_t listening;
  int fd;
  if (status < 0) abort();
  join(proxy, -1);
  if (uv_fileno((uv_handle_t *)server, &listening) < 0) abort();
  while ((fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
    join(proxy, fd);
}

int proxy_open(struct proxy *proxy, uv_loop_t *loop) {
  struct sockaddr_in address;
  struct sockaddr_storage name;
  int len = sizeof name, rc;
  memset(proxy, 0, sizeof *proxy);
  uv_ip4_addr("127.0.0.1", 0, &address);
  rc = uv_tcp_init(loop, &proxy->tcp);
  if (rc == 0) rc = uv_tcp_bind(&proxy->tcp, (struct sockaddr *)&address, 0);
  if (rc == 0) rc = uv_listen((uv_stream_t *)&proxy->tcp, 512, on_connection);
  if (rc == 0) rc = uv_tcp_getsockname(&proxy->tcp, (struct sockaddr *)&name, &len);
  proxy->port = ntohs(((struct sockaddr_in *)&name)->sin_port);
  return rc;
}

/* What was lost in silence is never to come. */
void proxy_set(struct proxy *proxy, enum proxy_fault fault, uint64_t amount) {
  if (proxy->fault == PROXY_SILENCE) proxy_reset_all(proxy);
  proxy->fault = fault;
  proxy->amount = amount;
}

void proxy_reset_all(struct proxy *proxy) {
  while (proxy->pairs != NULL)
    pair_close(proxy->pairs, 1);
}
