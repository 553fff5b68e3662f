#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One connection and its requests, in the order of their responses. */
struct connection {
  uv_tcp_t tcp;
  uv_connect_t connect;
  uv_write_t write;
  struct run *run;
  int port;
  struct request **queue;
  size_t n, next; /* next: the one whose response is due */
  char *out, *in;
  size_t out_len, in_len, in_cap;
};

struct run {
  uv_loop_t loop;
  uv_timer_t timer;
  struct connection *connections;
  size_t n_connections, open, answered;
};

static void *need(void *p) {
  if (p == NULL) {
    fputs("demo: out of memory\n", stderr);
    exit(1);
  }
  return p;
}

static void on_closed(uv_handle_t *handle) {
  struct connection *c = handle->data;
  if (--c->run->open == 0) uv_close((uv_handle_t *)&c->run->timer, NULL);
}

static void leave(struct connection *c) {
  if (!uv_is_closing((uv_handle_t *)&c->tcp)) uv_close((uv_handle_t *)&c->tcp, on_closed);
}

static void on_timeout(uv_timer_t *timer) {
  struct run *run = timer->data;
  for (size_t i = 0; i < run->n_connections; i++)
    if (run->connections[i].n > 0) leave(&run->connections[i]);
}

/* A header's value, copied; "" if absent. head is zero-terminated. */
static void header(const char *head, const char *name, char *out, size_t cap) {
  const char *at = strcasestr(head, name);
  out[0] = 0;
  if (at != NULL) {
    at += strlen(name);
    snprintf(out, cap, "%.*s", (int)strcspn(at, "\r"), at);
  }
}

/* Takes the response at the front of the input, if it is complete. Returns its length; 0:
 * incomplete. */
static size_t take_answer(struct connection *c, char *in, size_t in_len) {
  struct request *r = c->queue[c->next];
  char *end = memmem(in, in_len, "\r\n\r\n", 4);
  char length[24];
  size_t head_len, body_len;

  if (end == NULL) return 0;
  head_len = (size_t)(end - in) + 4;
  end[2] = 0;
  header(in, "\r\ncontent-length: ", length, sizeof length);
  body_len = strtoul(length, NULL, 10);
  if (in_len < head_len + body_len) {
    end[2] = '\r';
    return 0;
  }
  r->status = atoi(in + strlen("HTTP/1.1 "));
  header(in, "\r\nx-gcache-from: ", r->from, sizeof r->from);
  r->answered_ns = uv_hrtime();
  r->text = need(malloc(body_len + 1));
  memcpy(r->text, in + head_len, body_len);
  r->text[body_len] = 0;
  r->text_len = body_len;
  return head_len + body_len;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  struct connection *c = handle->data;
  (void)suggested;
  if (c->in_cap - c->in_len < 65536) {
    c->in_cap = 2 * c->in_cap + 65536;
    c->in = need(realloc(c->in, c->in_cap));
  }
  *buf = uv_buf_init(c->in + c->in_len, (unsigned)(c->in_cap - c->in_len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  struct connection *c = stream->data;
  size_t taken = 0, used;
  (void)buf;
  if (n < 0) {
    leave(c);
    return;
  }
  c->in_len += (size_t)n;
  while (c->next < c->n && (used = take_answer(c, c->in + taken, c->in_len - taken)) > 0) {
    taken += used;
    c->next++;
    c->run->answered++;
  }
  c->in_len -= taken;
  memmove(c->in, c->in + taken, c->in_len);
  if (c->next == c->n) leave(c);
}

static void on_written(uv_write_t *write, int status) {
  struct connection *c = write->handle->data;
  if (status < 0) leave(c);
}

static void on_connected(uv_connect_t *connect, int status) {
  struct connection *c = connect->handle->data;
  uv_buf_t buf = uv_buf_init(c->out, (unsigned)c->out_len);
  uint64_t now = uv_hrtime();

  for (size_t i = 0; i < c->n; i++)
    c->queue[i]->sent_ns = now;
  if (status < 0 || uv_write(&c->write, (uv_stream_t *)&c->tcp, &buf, 1, on_written) < 0 ||
      uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) < 0)
    leave(c);
}

static void put_request(struct connection *c, struct request *r) {
  size_t body = r->body != NULL ? strlen(r->body) : 0, room = strlen(r->target) + body + 128;
  c->out = need(realloc(c->out, c->out_len + room));
  c->out_len += (size_t)snprintf(
      c->out + c->out_len, room,
      "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: %zu\r\n\r\n%s", r->method, r->target,
      r->port, body, body ? r->body : "");
  c->queue[c->n++] = r;
}

/* The least loaded connection to port; a new one while there are fewer than per_port. */
static struct connection *choose(struct run *run, int port, int per_port, size_t n_requests) {
  struct connection *best = NULL;
  int count = 0;
  for (size_t i = 0; i < run->n_connections; i++) {
    struct connection *c = &run->connections[i];
    if (c->port != port) continue;
    count++;
    if (best == NULL || c->n < best->n) best = c;
  }
  if (count < per_port) {
    best = &run->connections[run->n_connections++];
    best->port = port;
    best->run = run;
    best->queue = need(calloc(n_requests, sizeof *best->queue));
  }
  return best;
}

static void start(struct run *run, unsigned timeout_ms) {
  uv_timer_init(&run->loop, &run->timer);
  run->timer.data = run;
  uv_timer_start(&run->timer, on_timeout, timeout_ms, 0);
  for (size_t i = 0; i < run->n_connections; i++) {
    struct connection *c = &run->connections[i];
    struct sockaddr_in addr;
    uv_ip4_addr("127.0.0.1", c->port, &addr);
    uv_tcp_init(&run->loop, &c->tcp);
    c->tcp.data = c;
    run->open++;
    if (uv_tcp_connect(&c->connect, &c->tcp, (struct sockaddr *)&addr, on_connected) < 0) leave(c);
  }
}

size_t client_run(struct request *requests, size_t n, int per_port, unsigned timeout_ms) {
  struct run run = {0};

  uv_loop_init(&run.loop);
  run.connections = need(calloc(n, sizeof *run.connections));
  for (size_t i = 0; i < n; i++)
    put_request(choose(&run, requests[i].port, per_port, n), &requests[i]);
  start(&run, timeout_ms);
  uv_run(&run.loop, UV_RUN_DEFAULT);
  uv_loop_close(&run.loop);
  for (size_t i = 0; i < run.n_connections; i++) {
    free(run.connections[i].queue);
    free(run.connections[i].out);
    free(run.connections[i].in);
  }
  free(run.connections);
  return run.answered;
}

void client_free(struct request *requests, size_t n) {
  for (size_t i = 0; i < n; i++)
    free(requests[i].text);
  free(requests);
}
