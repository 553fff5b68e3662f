/* floor_client - see floor_http.h. */
#include <stdlib.h>
#include <string.h>

#include <llhttp.h>
#include <uv.h>

#include "floor_http.h"
#include "floor_out.h"

enum { READ_BYTES = 64 * 1024 };

static const char before_key[] = "GET /_groupcache/bench/";
static const char after_key[] = " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

struct question {
  uint64_t sent_ns;
  unsigned slot;
};

struct asking {
  uv_tcp_t tcp;
  uv_connect_t connect;
  llhttp_t parser;
  struct floor_out out;
  struct client *client;
  struct question *questions; /* a ring, in the order asked */
  unsigned first, n, cap;
  size_t body_len;
  int writing;
};

struct client {
  struct meter *meter;
  llhttp_settings_t settings;
  struct asking *connections;
  unsigned n_connections;
  char bytes[READ_BYTES];
};

static void ask(struct asking *c, unsigned slot, uint64_t now_ns) {
  char key[KEY_SIZE];
  meter_key(c->client->meter, slot, key);
  c->questions[(c->first + c->n++) % c->cap] = (struct question){now_ns, slot};
  floor_out_copy(&c->out, before_key, sizeof before_key - 1);
  floor_out_copy(&c->out, key, KEY_SIZE);
  floor_out_copy(&c->out, after_key, sizeof after_key - 1);
}

static int on_body(llhttp_t *parser, const char *at, size_t len) {
  struct asking *c = parser->data;
  (void)at;
  c->body_len += len;
  return 0;
}

static int on_answered(llhttp_t *parser) {
  struct asking *c = parser->data;
  struct meter *m = c->client->meter;
  struct question q = c->questions[c->first];
  uint64_t now = bench_now_ns();

  if (parser->status_code != 200 || c->body_len != m->work->value_bytes || c->n == 0)
    bench_need(UV_EIO, "an answer is wrong");
  c->body_len = 0;
  c->first = (c->first + 1) % c->cap;
  c->n--;
  if (meter_answered(m, q.sent_ns, now, 0))
    ask(c, q.slot, now);
  else
    uv_stop(uv_default_loop());
  return 0;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  struct asking *c = (struct asking *)handle;
  (void)suggested;
  *buf = uv_buf_init(c->client->bytes, READ_BYTES);
}

static void on_written(uv_write_t *write, int status);

static void flush(struct asking *c) {
  int rc = floor_out_flush(&c->out, (uv_stream_t *)&c->tcp, on_written);
  bench_need(rc, "write");
  c->writing = rc == 0;
}

static void on_written(uv_write_t *write, int status) {
  bench_need(status, "write");
  flush((struct asking *)write->handle);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  struct asking *c = (struct asking *)stream;
  bench_need((int)n, "read");
  if (n == 0) return;
  if (llhttp_execute(&c->parser, buf->base, (size_t)n) != HPE_OK) bench_need(UV_EPROTO, "answer");
  if (!c->writing) flush(c);
}

static void on_connected(uv_connect_t *connect, int status) {
  struct asking *c = (struct asking *)connect->handle;
  struct client *client = c->client;
  bench_need(status, "connect");
  uv_tcp_nodelay(&c->tcp, 1);
  uv_read_start(connect->handle, on_alloc, on_read);
  for (unsigned i = (unsigned)(c - client->connections); i < client->meter->work->outstanding;
       i += client->n_connections)
    ask(c, i, bench_now_ns());
  flush(c);
}

static void open_connection(struct client *client, struct asking *c, int port) {
  struct sockaddr_in address;
  c->client = client;
  c->cap = client->meter->work->outstanding;
  c->questions = calloc(c->cap, sizeof *c->questions);
  if (c->questions == NULL) bench_need(UV_ENOMEM, "questions");
  llhttp_init(&c->parser, HTTP_RESPONSE, &client->settings);
  c->parser.data = c;
  uv_tcp_init(uv_default_loop(), &c->tcp);
  uv_ip4_addr("127.0.0.1", port, &address);
  bench_need(uv_tcp_connect(&c->connect, &c->tcp, (struct sockaddr *)&address, on_connected),
             "connect");
}

void floor_ask(struct meter *m, int port, unsigned n_connections) {
  static struct client client;
  client.meter = m;
  client.n_connections = n_connections;
  client.connections = calloc(n_connections, sizeof *client.connections);
  if (client.connections == NULL) bench_need(UV_ENOMEM, "connections");
  llhttp_settings_init(&client.settings);
  client.settings.on_body = on_body;
  client.settings.on_message_complete = on_answered;
  for (unsigned i = 0; i < n_connections; i++)
    open_connection(&client, &client.connections[i], port);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
