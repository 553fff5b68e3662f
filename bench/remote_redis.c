/* remote_redis - redis, with hiredis as the client in three ways: one request per connection,
 * waiting for the oldest one; one connection with the asynchronous API on libuv's loop, as in its
 * manual; and batches on one connection, waiting for all replies. The requests of the first and the
 * last are formatted here, which costs less than in hiredis. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>
#include <hiredis/async.h>
#include <hiredis/adapters/libuv.h>

#include "meter.h"

#define BEFORE_KEY "*2\r\n$3\r\nGET\r\n$16\r\n"
enum { BEFORE_KEY_LEN = sizeof BEFORE_KEY - 1, COMMAND_LEN = BEFORE_KEY_LEN + KEY_SIZE + 2 };

static void write_get(struct meter *m, unsigned slot, char command[COMMAND_LEN]) {
  memcpy(command, BEFORE_KEY, BEFORE_KEY_LEN);
  meter_key(m, slot, command + BEFORE_KEY_LEN);
  memcpy(command + BEFORE_KEY_LEN + KEY_SIZE, "\r\n", 2);
}

static void check(const redisReply *reply, size_t value_bytes) {
  if (reply == NULL || reply->type != REDIS_REPLY_STRING || (size_t)reply->len != value_bytes)
    bench_need(UV_EIO, "redis: an answer is wrong");
}

/* -------------------------------------------------------------------------------- the server -- */

static void fill(const struct server *s, const struct work *w) {
  redisContext *c = redisConnect("127.0.0.1", s->port);
  char *value = calloc(1, w->value_bytes), key[KEY_SIZE];
  if (c == NULL || c->err != 0 || value == NULL) bench_need(UV_ECONNREFUSED, "redis");
  for (uint64_t i = 0; i < w->n_keys; i++) {
    redisReply *reply;
    bench_key(key, i);
    reply = redisCommand(c, "SET %b %b", key, (size_t)KEY_SIZE, value, w->value_bytes);
    if (reply == NULL || reply->type != REDIS_REPLY_STATUS) bench_need(UV_EIO, "redis");
    freeReplyObject(reply);
  }
  free(value);
  redisFree(c);
}

static int start(struct server *s, const struct work *w) {
  char port[16];
  const char *args[] = {"redis-server", "--port", port,           "--bind", "127.0.0.1",
                        "--save",       "",       "--appendonly", "no",     NULL};
  s->dir[0] = '\0';
  s->port = process_free_port();
  snprintf(port, sizeof port, "%d", s->port);
  if (!process_exec(s, args)) {
    fputs("gcache-bench: redis is left out: redis-server is not installed\n", stderr);
    return 0;
  }
  fill(s, w);
  return 1;
}

/* ---------------------------------------------------------------------- by the loop's events -- */

struct asker {
  redisAsyncContext *connection;
  struct meter *meter;
  uint64_t sent_ns;
  unsigned slot;
};

static void on_answered(redisAsyncContext *connection, void *reply, void *arg);

static void ask(struct asker *a, uint64_t now_ns) {
  char key[KEY_SIZE];
  meter_key(a->meter, a->slot, key);
  a->sent_ns = now_ns;
  if (redisAsyncCommand(a->connection, on_answered, a, "GET %b", key, (size_t)KEY_SIZE) != REDIS_OK)
    bench_need(UV_EIO, "redis");
}

static void on_answered(redisAsyncContext *connection, void *reply, void *arg) {
  struct asker *a = arg;
  uint64_t now = bench_now_ns();
  (void)connection;
  check(reply, a->meter->work->value_bytes);
  if (meter_answered(a->meter, a->sent_ns, now, 0))
    ask(a, now);
  else
    uv_stop(uv_default_loop());
}

static void ask_on_loop(const struct server *s, const struct work *w, double out[N_FIGURES]) {
  static struct meter m;
  struct asker *askers = calloc(w->outstanding, sizeof *askers);
  redisAsyncContext *c = redisAsyncConnect("127.0.0.1", s->port);
  if (askers == NULL) bench_need(UV_ENOMEM, "askers");
  if (c == NULL || c->err != 0) bench_need(UV_ECONNREFUSED, "redis");
  redisLibuvAttach(c, uv_default_loop());
  c->c.reader->maxbuf = 0; /* buffers are kept, however long */
  meter_init(&m, w, s->pid);
  for (unsigned i = 0; i < w->outstanding; i++) {
    askers[i] = (struct asker){.connection = c, .meter = &m, .slot = i};
    ask(&askers[i], bench_now_ns());
  }
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  meter_say(&m, out);
}

/* ---------------------------------------------------------------------------- without a loop -- */

static redisContext *open_connection(const struct server *s) {
  redisContext *c = redisConnect("127.0.0.1", s->port);
  if (c == NULL || c->err != 0) bench_need(UV_ECONNREFUSED, "redis");
  c->reader->maxbuf = 0;
  return c;
}

static void append_get(redisContext *c, struct meter *m, unsigned slot) {
  char command[COMMAND_LEN];
  write_get(m, slot, command);
  if (redisAppendFormattedCommand(c, command, COMMAND_LEN) != REDIS_OK)
    bench_need(UV_ENOMEM, "redis");
}

static void receive(redisContext *c, const struct meter *m) {
  void *reply = NULL;
  redisGetReply(c, &reply);
  check(reply, m->work->value_bytes);
  freeReplyObject(reply);
}

static void flush(redisContext *c) {
  int done = 0;
  while (!done)
    if (redisBufferWrite(c, &done) != REDIS_OK) bench_need(UV_EIO, "redis");
}

/* The one asked longest ago is waited for, and asked again at once. */
static void ask_on_many(const struct server *s, const struct work *w, double out[N_FIGURES]) {
  static struct meter m;
  redisContext **connections = calloc(w->outstanding, sizeof(redisContext *));
  uint64_t *sent_ns = calloc(w->outstanding, sizeof *sent_ns);
  unsigned slot = 0;
  if (connections == NULL || sent_ns == NULL) bench_need(UV_ENOMEM, "connections");
  meter_init(&m, w, s->pid);
  for (unsigned i = 0; i < w->outstanding; i++) {
    connections[i] = open_connection(s);
    sent_ns[i] = bench_now_ns();
    append_get(connections[i], &m, i);
    flush(connections[i]);
  }
  for (;;) {
    uint64_t now;
    receive(connections[slot], &m);
    now = bench_now_ns();
    if (!meter_answered(&m, sent_ns[slot], now, 0)) break;
    sent_ns[slot] = now;
    append_get(connections[slot], &m, slot);
    flush(connections[slot]);
    slot = (slot + 1) % w->outstanding;
  }
  meter_say(&m, out);
}

/* 0: that was the last. */
static int ask_batch(redisContext *c, struct meter *m) {
  uint64_t sent_ns = bench_now_ns();
  int more = 1;
  for (unsigned i = 0; i < m->work->outstanding; i++)
    append_get(c, m, i);
  for (unsigned i = 0; i < m->work->outstanding; i++) {
    receive(c, m);
    more = meter_answered(m, sent_ns, bench_now_ns(), 0);
  }
  return more;
}

static void ask_by_hand(const struct server *s, const struct work *w, double out[N_FIGURES]) {
  static struct meter m;
  redisContext *c = open_connection(s);
  meter_init(&m, w, s->pid);
  while (ask_batch(c, &m)) {
  }
  meter_say(&m, out);
}

const struct remote_system remote_redis = {"redis", 0, start, ask_on_many};
const struct remote_system remote_redis_hiredis = {"redis-hiredis", 0, start, ask_on_loop};
const struct remote_system remote_redis_pipelined = {"redis-pipelined", 0, start, ask_by_hand};
