/* ratelimit - tells whether a user may do something now. The rules are in redis and read through
 * the cache: a rule is read from redis once in a while for the whole cluster, and a changed rule is
 * in force on all members when PUT /rule has been answered. The counting is not cached: each member
 * counts the requests it has allowed.
 *     ratelimit --listen 127.0.0.1:8080 --source 127.0.0.1:6379
 * (or --source /path/of/redis.socket)
 *     GET /allow/USER     200 or 429; the rule's limit per minute in X-Limit
 *     PUT /rule/USER      body: the limit per minute
 * In redis: HSET rules USER LIMIT. A user without a rule is allowed DEFAULT_LIMIT per minute. */
#include <hiredis/hiredis.h>
#include <hiredis/async.h>
#include <hiredis/adapters/libuv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "member.h"

#define DEFAULT_LIMIT 60
#define COUNTERS 4096 /* users counted at a time; two users in one slot are counted as one */

static struct counter {
  uint64_t minute;
  unsigned used;
} counters[COUNTERS];

/* ----------------------------------------------------------------------------------- redis ---- */

static void on_lost(const redisAsyncContext *redis, int status) {
  struct member *m = redis->data;

  (void)status;
  m->backend = NULL; /* hiredis frees it and has answered all commands; the next command connects */
}

static void on_connected(const redisAsyncContext *redis, int status) {
  if (status != REDIS_OK) on_lost(redis, status);
}

static redisAsyncContext *connect_redis(struct member *m) {
  char host[64] = "127.0.0.1";
  int port = 6379;
  redisAsyncContext *redis;

  sscanf(m->source, "%63[^:]:%d", host, &port);
  redis = m->source[0] == '/' ? redisAsyncConnectUnix(m->source) : redisAsyncConnect(host, port);
  if (redis == NULL || redis->err != 0 || redisLibuvAttach(redis, uv_default_loop()) != REDIS_OK) {
    if (redis != NULL) redisAsyncFree(redis);
    return NULL;
  }
  redis->data = m;
  redisAsyncSetDisconnectCallback(redis, on_lost);
  redisAsyncSetConnectCallback(redis, on_connected);
  return m->backend = redis;
}

static redisAsyncContext *redis_of(struct member *m) {
  return m->backend != NULL ? m->backend : connect_redis(m);
}

static void on_rule(redisAsyncContext *redis, void *r, void *arg) {
  const redisReply *reply = r;
  gcache_load_t *load = arg;

  if (reply == NULL)
    gcache_load_fail(load, GCACHE_ELOAD, redis->errstr);
  else if (reply->type == REDIS_REPLY_STRING)
    gcache_load_done_copy(load, gcache_bytes(reply->str, (size_t)reply->len), 60 * 1000);
  else if (reply->type == REDIS_REPLY_NIL)
    gcache_load_fail(load, GCACHE_ENOTFOUND, "no rule");
  else
    gcache_load_fail(load, GCACHE_ELOAD,
                     reply->type == REDIS_REPLY_ERROR ? reply->str : "the rule is not a string");
}

static void on_load(gcache_load_t *load) {
  gcache_bytes_t user = gcache_load_key(load);
  redisAsyncContext *redis = redis_of(gcache_group_data(gcache_load_group(load)));

  if (redis == NULL ||
      redisAsyncCommand(redis, on_rule, load, "HGET rules %b", user.base, user.len) != REDIS_OK)
    gcache_load_fail(load, GCACHE_ELOAD, "no connection to redis");
}

/* ----------------------------------------------------------------------------------- allow ---- */

static struct counter *counter_of(gcache_bytes_t user) {
  const unsigned char *byte = user.base;
  uint32_t hash = 2166136261u;

  for (size_t i = 0; i < user.len; i++)
    hash = (hash ^ byte[i]) * 16777619u;
  return &counters[hash % COUNTERS];
}

static void reply_allow(struct member *m, gcache_exchange_t *x, gcache_bytes_t user,
                        gcache_value_t *rule) {
  struct counter *counter = counter_of(user);
  uint64_t minute = uv_now(uv_default_loop()) / 60000;
  unsigned limit = DEFAULT_LIMIT;
  char text[16];
  gcache_header_t header = {{"X-Limit", 7}, {text, 0}};
  int allowed;

  (void)m;
  if (rule != NULL) {
    gcache_bytes_t b = gcache_value_bytes(rule);
    snprintf(text, sizeof text, "%.*s", (int)b.len, (const char *)b.base);
    limit = (unsigned)strtoul(text, NULL, 10);
  }
  if (counter->minute != minute) *counter = (struct counter){.minute = minute};
  allowed = counter->used < limit;
  counter->used += (unsigned)allowed;
  header.value.len = (size_t)snprintf(text, sizeof text, "%u", limit);
  if (gcache_exchange_reply(x, allowed ? 200 : 429, &header, 1, gcache_bytes(NULL, 0)) < 0)
    gcache_exchange_abort(x);
}

/* ------------------------------------------------------------------------------------ rule ---- */

struct change {
  gcache_change_t remove;
  struct member *m;
  gcache_exchange_t *x;
  gcache_bytes_t user; /* of the exchange */
};

static void on_removed(gcache_change_t *req, int status, const gcache_peer_result_t *peers,
                       size_t n) {
  struct change *c = req->data;

  (void)peers, (void)n;
  answer_text(c->x, status == 0 ? 200 : 202,
              status == 0 ? "in force\n" : "not yet in force on all members\n");
  free(c);
}

/* The data has changed: now remove the cached copies. */
static void on_written(redisAsyncContext *redis, void *r, void *arg) {
  const redisReply *reply = r;
  struct change *c = arg;

  (void)redis;
  if (reply != NULL && reply->type == REDIS_REPLY_INTEGER &&
      gcache_remove(&c->remove, c->m->group, c->user, 0, on_removed) == 0)
    return;
  answer_text(c->x, 503, "not changed\n");
  free(c);
}

static void put_rule(struct member *m, gcache_exchange_t *x, gcache_bytes_t user) {
  gcache_value_t *body = gcache_exchange_body(x);
  redisAsyncContext *redis = redis_of(m);
  struct change *c = calloc(1, sizeof *c);

  if (body != NULL && redis != NULL && c != NULL) {
    gcache_bytes_t limit = gcache_value_bytes(body);
    *c = (struct change){.remove.data = c, .m = m, .x = x, .user = user};
    if (redisAsyncCommand(redis, on_written, c, "HSET rules %b %b", user.base, user.len, limit.base,
                          limit.len) == REDIS_OK)
      return;
  }
  free(c);
  answer_text(x, body == NULL ? 400 : 503,
              body == NULL ? "the body must be the limit\n" : "no connection to redis\n");
}

static void answer(struct member *m, gcache_exchange_t *x) {
  gcache_bytes_t user = path_behind(x, "/rule/");

  if (user.len > 0) {
    put_rule(m, x, user);
  } else if ((user = path_behind(x, "/allow/")).len > 0) {
    answer_key(m, x, user, reply_allow);
  } else {
    answer_text(x, 404, "GET /allow/USER, PUT /rule/USER\n");
  }
}

static void ended(struct member *m) {
  if (m->backend != NULL) redisAsyncFree(m->backend);
}

int main(int argc, char **argv) {
  struct member m = {.name = "ratelimit", .getter = on_load, .answer = answer, .ended = ended};
  gcache_group_options_t group;

  gcache_group_options_init(&group);
  group.max_bytes = 16 << 20;
  group.not_found_ms = 60 * 1000;  /* most users have no rule */
  group.error_ms = 60 * 60 * 1000; /* if redis fails, the old rules hold for an hour */
  return member_run(&m, &group, argc, argv);
}
