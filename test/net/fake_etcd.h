/* fake_etcd - an etcd whose responses the test sets, for one key space and one lease. */
#ifndef TEST_NET_FAKE_ETCD_H
#define TEST_NET_FAKE_ETCD_H

#include "finder.h"

enum fake_path { FAKE_RANGE, FAKE_WATCH, FAKE_GRANT, FAKE_PUT, FAKE_KEEP, FAKE_REVOKE, FAKE_PATHS };

static const char *const fake_paths[FAKE_PATHS] = {"/v3/kv/range",        "/v3/watch",
                                                   "/v3/lease/grant",     "/v3/kv/put",
                                                   "/v3/lease/keepalive", "/v3/lease/revoke"};

#define FAKE_HANG ((const char *)1)

struct fake_etcd {
  struct raw_server server;
  const char
      *says[FAKE_PATHS]; /* a JSON body; or all of an answer, from "HTTP/1.1" on; FAKE_HANG */
  int asked[FAKE_PATHS];
  char last[FAKE_PATHS][1024]; /* the latest request */
  struct raw *watch;           /* the latest; NULL: none, or it has gone */
};

static struct fake_etcd *the_fake; /* raw servers have nothing to hang it on */

/* Connections that the other side is done with make room for others. */
static void fake_reap(struct fake_etcd *f) {
  struct raw_server *s = &f->server;
  int kept = 0;

  for (int i = 0; i < s->n; i++) {
    struct raw *c = s->connections[i];
    if (c == f->watch && c->ended) f->watch = NULL;
    if (c->closed) {
      raw_free(c);
      continue;
    }
    if (c->ended && !uv_is_closing((uv_handle_t *)&c->tcp)) raw_close(c);
    s->connections[kept++] = c;
  }
  s->n = kept;
}

static void fake_answer(struct raw *c, const char *said) {
  char head[200];

  if (strncmp(said, "HTTP/", 5) != 0) {
    snprintf(head, sizeof head,
             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
             strlen(said));
    raw_say(c, head);
  }
  raw_say(c, said);
}

static void fake_push(struct raw *watch, const char *message) {
  char head[40];

  snprintf(head, sizeof head, "%zx\r\n", strlen(message));
  raw_say(watch, head);
  raw_say(watch, message);
  raw_say(watch, "\r\n");
}

static void fake_request(struct raw *c) {
  struct fake_etcd *f = the_fake;
  int i = 0;

  while (i < FAKE_PATHS && raw_find(c, fake_paths[i]) == NULL)
    i++;
  assert_true(i < FAKE_PATHS);
  f->asked[i]++;
  snprintf(f->last[i], sizeof f->last[i], "%.*s", (int)c->request_len, c->request);
  if (f->says[i] == FAKE_HANG) return;
  if (i == FAKE_WATCH && f->says[i] == NULL) {
    raw_say(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    fake_push(c, "{\"result\":{\"header\":{\"revision\":\"9\"},\"created\":true}}\n");
    f->watch = c;
  } else {
    fake_answer(c, f->says[i]);
  }
  fake_reap(f);
}

static void fake_open(struct fake_etcd *f, uv_loop_t *loop) {
  memset(f, 0, sizeof *f);
  the_fake = f;
  raw_server_open(&f->server, loop, fake_request);
  f->says[FAKE_RANGE] =
      "{\"header\":{\"revision\":\"5\"},\"kvs\":[{\"value\":\"aHR0cDovLzEwLjAuMC4yOjgw\"}]}";
  f->says[FAKE_GRANT] = "{\"ID\":\"7587\",\"TTL\":\"10\"}";
  f->says[FAKE_PUT] = "{}";
  f->says[FAKE_KEEP] = "{\"result\":{\"ID\":\"7587\",\"TTL\":\"10\"}}";
  f->says[FAKE_REVOKE] = "{}";
}

static void fake_close(struct fake_etcd *f) {
  raw_server_close(&f->server);
  run_loop_until(f->server.tcp.loop, &f->server.closed, 1);
  run_loop_turns(f->server.tcp.loop, 3);
  raw_server_free(&f->server);
}

#endif
