#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "raw.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* -------------------------------------------------------------------------- one connection -- */

static struct raw *open_raw(uv_loop_t *loop) {
  struct raw *c = calloc(1, sizeof *c);

  c->in_cap = 4096;
  c->in = calloc(1, c->in_cap);
  place_init(loop, &c->at);
  c->tcp.data = c;
  return c;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  struct raw *c = handle->data;

  (void)suggested;
  if (c->in_cap - c->in_len < 4097) {
    c->in_cap *= 2;
    c->in = realloc(c->in, c->in_cap);
  }
  *buf = uv_buf_init(c->in + c->in_len, (unsigned)(c->in_cap - c->in_len - 1));
}

/* Length of the request that begins in len bytes at text, 0 if its head is not whole yet. */
static size_t whole_request(const char *text, size_t len) {
  const char *end, *length;
  size_t body = 0;

  if (text == NULL) return 0; /* nothing was ever received */
  end = memmem(text, len, "\r\n\r\n", 4);
  length = memmem(text, len, "Content-Length: ", 16);
  if (end == NULL) return 0;
  if (length != NULL && length < end) body = strtoul(length + 16, NULL, 10);
  return (size_t)(end + 4 - text) + body;
}

static void count_requests(struct raw *c) {
  size_t at = 0, len;
  int seen = 0;

  while (at < c->in_len && (len = whole_request(c->in + at, c->in_len - at)) > 0 &&
         at + len <= c->in_len) {
    c->request = c->in + at;
    c->request_len = len;
    at += len;
    if (++seen <= c->requests) continue;
    c->requests++;
    c->server->requests++;
    if (c->server->on_request != NULL) c->server->on_request(c);
  }
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  struct raw *c = stream->data;

  (void)buf;
  if (n > 0) {
    c->reads++;
    c->in_len += (size_t)n;
    c->in[c->in_len] = '\0';
    if (c->server != NULL) count_requests(c);
  } else if (n < 0) {
    c->ended = 1;
    c->end_status = (int)n;
    uv_read_stop(stream);
  }
}

static void on_connected(uv_connect_t *connect, int status) {
  struct raw *c = connect->data;

  if (status < 0) {
    c->ended = 1;
    c->end_status = status;
    return;
  }
  c->connected = 1;
  if (!c->paused) uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}

struct raw *raw_connect(uv_loop_t *loop, int port) {
  struct raw *c = open_raw(loop);

  c->connect.data = c;
  place_connect(&c->connect, &c->at, port, on_connected);
  return c;
}

struct raw *raw_connect_from(uv_loop_t *loop, const char *from, int port) {
  struct raw *c = open_raw(loop);
  struct sockaddr_storage at = {0}, to = {0};

  if (strchr(from, ':') != NULL) {
    uv_ip6_addr(from, 0, (struct sockaddr_in6 *)&at);
    uv_ip6_addr(from, port, (struct sockaddr_in6 *)&to);
  } else {
    uv_ip4_addr(from, 0, (struct sockaddr_in *)&at);
    uv_ip4_addr(strncmp(from, "127.", 4) == 0 ? "127.0.0.1" : from, port,
                (struct sockaddr_in *)&to);
  }
  c->connect.data = c;
  assert_int_equal(uv_tcp_bind(&c->tcp, (const struct sockaddr *)&at, 0), 0);
  assert_int_equal(uv_tcp_connect(&c->connect, &c->tcp, (const struct sockaddr *)&to, on_connected),
                   0);
  return c;
}

struct sent {
  uv_write_t req;
  char bytes[];
};

static void on_sent(uv_write_t *req, int status) {
  (void)status;
  free(req->data);
}

void raw_send(struct raw *c, const char *bytes, size_t len) {
  struct sent *sent = malloc(sizeof *sent + len);
  uv_buf_t buf;

  memcpy(sent->bytes, bytes, len);
  sent->req.data = sent;
  buf = uv_buf_init(sent->bytes, (unsigned)len);
  if (uv_write(&sent->req, (uv_stream_t *)&c->tcp, &buf, 1, on_sent) < 0) free(sent);
}

void raw_say(struct raw *c, const char *text) {
  raw_send(c, text, strlen(text));
}

void raw_dribble(struct raw *c, const char *text) {
  for (; *text != '\0'; text++) {
    raw_send(c, text, 1);
    uv_run(c->tcp.loop, UV_RUN_NOWAIT);
  }
}

void raw_pause(struct raw *c) {
  c->paused = 1;
  if (c->connected) uv_read_stop((uv_stream_t *)&c->tcp);
}

void raw_resume(struct raw *c) {
  c->paused = 0;
  uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}

static void on_finished(uv_shutdown_t *req, int status) {
  (void)status;
  free(req);
}

void raw_finish(struct raw *c) {
  uv_shutdown_t *req = malloc(sizeof *req);

  if (uv_shutdown(req, (uv_stream_t *)&c->tcp, on_finished) < 0) free(req);
}

static void on_closed(uv_handle_t *handle) {
  ((struct raw *)handle->data)->closed = 1;
}

void raw_close(struct raw *c) {
  if (!uv_is_closing((uv_handle_t *)&c->tcp)) uv_close((uv_handle_t *)&c->tcp, on_closed);
}

void raw_reset(struct raw *c) {
  if (c->tcp.type != UV_TCP || uv_tcp_close_reset(&c->tcp, on_closed) < 0) raw_close(c);
}

void raw_free(struct raw *c) {
  assert_true(c->closed);
  free(c->in);
  free(c);
}

/* ------------------------------------------------------------------------------- a server -- */

static void on_connection(uv_stream_t *stream, int status) {
  struct raw_server *s = stream->data;
  struct raw *c = open_raw(stream->loop);

  assert_int_equal(status, 0);
  assert_true(s->n < RAW_CONNECTIONS);
  assert_int_equal(uv_accept(stream, (uv_stream_t *)&c->tcp), 0);
  c->server = s;
  c->connected = 1;
  s->connections[s->n++] = c;
  uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}

static void on_server_closed(uv_handle_t *handle) {
  ((struct raw_server *)handle->data)->closed = 1;
}

void raw_server_open(struct raw_server *s, uv_loop_t *loop, void (*on_request)(struct raw *c)) {
  memset(s, 0, sizeof *s);
  s->on_request = on_request;
  place_init(loop, &s->at);
  s->tcp.data = s;
  s->port = place_listen(&s->at, on_connection);
  place_url(s->url, sizeof s->url, s->port);
}

void raw_server_stop(struct raw_server *s) {
  if (!uv_is_closing((uv_handle_t *)&s->tcp)) uv_close((uv_handle_t *)&s->tcp, on_server_closed);
}

void raw_server_close(struct raw_server *s) {
  raw_server_stop(s);
  for (int i = 0; i < s->n; i++)
    raw_close(s->connections[i]);
}

void raw_server_free(struct raw_server *s) {
  assert_true(s->closed);
  for (int i = 0; i < s->n; i++)
    raw_free(s->connections[i]);
}

void raw_server_end(struct raw_server *s) {
  uv_loop_t *loop = uv_handle_get_loop((uv_handle_t *)&s->tcp);

  raw_server_close(s);
  run_loop_until(loop, &s->closed, 1);
  for (int i = 0; i < s->n; i++)
    run_loop_until(loop, &s->connections[i]->closed, 1);
  raw_server_free(s);
}

/* GetResponse{value, expire 0}; value shorter than 128 bytes. */
void raw_answer_value(struct raw *c, const char *value) {
  size_t len = strlen(value);
  char text[512];
  int head = snprintf(text, sizeof text,
                      "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n"
                      "Content-Length: %zu\r\n\r\n\x0a%c%s\x18",
                      len + 4, (int)len, value);

  assert_true(len > 0 && len < 128);
  text[head] = '\0'; /* expire: 0 */
  raw_send(c, text, (size_t)head + 1);
}

const char *raw_find(const struct raw *c, const char *needle) {
  return memmem(c->in, c->in_len, needle, strlen(needle));
}

int raw_count(const struct raw *c, const char *needle) {
  const char *at = c->in, *end = c->in + c->in_len;
  int n = 0;

  while ((at = memmem(at, (size_t)(end - at), needle, strlen(needle))) != NULL) {
    at += strlen(needle);
    n++;
  }
  return n;
}

/* -------------------------------------------------------------------------------- the loop -- */

void run_loop_until(uv_loop_t *loop, const int *flag, int n) {
  while (*flag < n)
    if (uv_run(loop, UV_RUN_ONCE) == 0 && *flag < n)
      fail_msg("the loop ended with %d of %d", *flag, n);
}

void run_loop_turns(uv_loop_t *loop, int turns) {
  for (int i = 0; i < turns; i++)
    uv_run(loop, UV_RUN_NOWAIT);
}
