/* floor_server - see floor_http.h. A connection is not read while a response waits to be
 * written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <llhttp.h>
#include <uv.h>

#include "floor.h"
#include "floor_http.h"
#include "floor_out.h"

enum { COPIED_MAX = 4096, READ_BYTES = 64 * 1024, URL_MAX = 128 };

struct served {
  uv_tcp_t tcp;
  llhttp_t parser;
  struct floor_out out;
  size_t url_len;
  char url[URL_MAX];
};

static struct {
  struct floor table;
  size_t value_bytes, head_len;
  char head[80];
  llhttp_settings_t settings;
  uv_tcp_t listener;
  char bytes[READ_BYTES];
} server;

static int on_url(llhttp_t *parser, const char *at, size_t len) {
  struct served *c = parser->data;
  if (len > URL_MAX - c->url_len) bench_need(UV_EMSGSIZE, "floor");
  memcpy(c->url + c->url_len, at, len);
  c->url_len += len;
  return 0;
}

static int on_request(llhttp_t *parser) {
  struct served *c = parser->data;
  const struct floor_item *item = NULL;
  if (c->url_len >= KEY_SIZE) item = floor_find(&server.table, c->url + c->url_len - KEY_SIZE);
  c->url_len = 0;
  if (item == NULL) bench_need(UV_ENOENT, "floor");
  if (server.value_bytes <= COPIED_MAX) {
    floor_out_copy(&c->out, server.head, server.head_len);
    floor_out_copy(&c->out, item->value, server.value_bytes);
  } else {
    floor_out_refer(&c->out, server.head, server.head_len);
    floor_out_refer(&c->out, item->value, server.value_bytes);
  }
  return 0;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  (void)handle, (void)suggested;
  *buf = uv_buf_init(server.bytes, READ_BYTES);
}

static void on_closed(uv_handle_t *handle) {
  struct served *c = (struct served *)handle;
  floor_out_free(&c->out);
  free(c);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static void on_written(uv_write_t *write, int status) {
  if (status == 0)
    uv_read_start(write->handle, on_alloc, on_read);
  else if (!uv_is_closing((uv_handle_t *)write->handle))
    uv_close((uv_handle_t *)write->handle, on_closed);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  struct served *c = (struct served *)stream;
  int rc = (int)n;
  if (n == 0) return;
  if (n > 0 && llhttp_execute(&c->parser, buf->base, (size_t)n) != HPE_OK)
    bench_need(UV_EPROTO, "floor");
  if (n > 0) rc = floor_out_flush(&c->out, stream, on_written);
  if (rc == 0) uv_read_stop(stream);
  if (rc < 0) uv_close((uv_handle_t *)stream, on_closed); /* the asker has gone */
}

static void on_connected(uv_stream_t *listener, int status) {
  struct served *c = calloc(1, sizeof *c);
  if (c == NULL || status < 0) bench_need(UV_ENOMEM, "floor");
  uv_tcp_init(uv_default_loop(), &c->tcp);
  bench_need(uv_accept(listener, (uv_stream_t *)&c->tcp), "accept");
  uv_tcp_nodelay(&c->tcp, 1);
  llhttp_init(&c->parser, HTTP_REQUEST, &server.settings);
  c->parser.data = c;
  uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}

int floor_serve(const struct work *w) {
  struct sockaddr_in address;
  int len = sizeof address;

  floor_open(&server.table, w->n_keys, w->value_bytes);
  server.value_bytes = w->value_bytes;
  server.head_len = (size_t)snprintf(server.head, sizeof server.head,
                                     "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                                     w->value_bytes);
  llhttp_settings_init(&server.settings);
  server.settings.on_url = on_url;
  server.settings.on_message_complete = on_request;
  uv_tcp_init(uv_default_loop(), &server.listener);
  uv_ip4_addr("127.0.0.1", 0, &address);
  bench_need(uv_tcp_bind(&server.listener, (struct sockaddr *)&address, 0), "bind");
  bench_need(uv_listen((uv_stream_t *)&server.listener, 128, on_connected), "listen");
  bench_need(uv_tcp_getsockname(&server.listener, (struct sockaddr *)&address, &len), "floor");
  return ntohs(address.sin_port);
}
