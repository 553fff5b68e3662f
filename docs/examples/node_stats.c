/* GET /stats: every counter gcache keeps, under the names the headers give them. */
#include "node.h"
#include "node_http.h"

static void put_cache(struct text *t, const char *name, const gcache_cache_stats_t *s) {
  text_open(t, name, '{');
  text_put_count(t, "bytes", s->bytes);
  text_put_count(t, "items", s->items);
  text_put_count(t, "gets", s->gets);
  text_put_count(t, "hits", s->hits);
  text_put_count(t, "evictions", s->evictions);
  text_put_count(t, "expirations", s->expirations);
  text_close(t, '}');
}

static void put_group(struct text *t, const gcache_group_t *group) {
  gcache_group_stats_t s;

  gcache_group_stats(group, &s);
  text_open(t, NULL, '{');
  text_put_string(t, "name", gcache_group_name(group));
  text_put_count(t, "gets", s.gets);
  text_put_count(t, "hits", s.hits);
  text_put_count(t, "loads", s.loads);
  text_put_count(t, "loads_deduped", s.loads_deduped);
  text_put_count(t, "local_loads", s.local_loads);
  text_put_count(t, "local_load_errs", s.local_load_errs);
  text_put_count(t, "peer_loads", s.peer_loads);
  text_put_count(t, "peer_errors", s.peer_errors);
  text_put_count(t, "server_requests", s.server_requests);
  text_put_count(t, "not_kept", s.not_kept);
  text_put_count(t, "timeouts", s.timeouts);
  text_put_count(t, "cancels", s.cancels);
  text_put_count(t, "waiting", s.waiting);
  text_put_count(t, "loading", s.loading);
  text_put_count(t, "max_bytes", s.max_bytes);
  text_put_count(t, "index_bytes", s.index_bytes);
  text_put_count(t, "stale", s.stale);
  text_put_count(t, "refreshes", s.refreshes);
  text_put_count(t, "absent", s.absent);
  put_cache(t, "main", &s.main);
  put_cache(t, "hot", &s.hot);
  text_close(t, '}');
}

static void put_peer(struct text *t, const gcache_peer_stats_t *s) {
  text_open(t, NULL, '{');
  text_put_string(t, "url", s->url);
  text_put_count(t, "is_self", s->is_self);
  text_put_count(t, "gets", s->gets);
  text_put_count(t, "sets", s->sets);
  text_put_count(t, "removes", s->removes);
  text_put_count(t, "clears", s->clears);
  text_put_count(t, "failures", s->failures);
  text_put_count(t, "running", s->running);
  text_put_number(t, "last_error", s->last_error);
  text_close(t, '}');
}

void stats_answer(struct node *node, gcache_exchange_t *x) {
  gcache_stats_t s;
  gcache_peer_stats_t peer;
  struct text json = {0};

  gcache_stats(node->cache, &s);
  text_open(&json, NULL, '{');
  text_put_string(&json, "self", node->self);
  text_put_string(&json, "version", gcache_version_string());
  text_open(&json, "cache", '{');
  text_put_count(&json, "groups", s.groups);
  text_put_count(&json, "peers", s.peers);
  text_put_count(&json, "memory_bytes", s.memory_bytes);
  text_put_count(&json, "connections_in", s.connections_in);
  text_put_count(&json, "connections_out", s.connections_out);
  text_put_count(&json, "refused", s.refused);
  text_put_count(&json, "forbidden", s.forbidden);
  text_put_count(&json, "bad_requests", s.bad_requests);
  text_close(&json, '}');
  text_open(&json, "groups", '[');
  for (size_t i = 0; i < node->options.n_groups; i++)
    put_group(&json, gcache_group_find(node->cache, node->options.groups[i].name));
  text_close(&json, ']');
  text_open(&json, "peers", '[');
  for (size_t i = 0; gcache_peer_stats(node->cache, i, &peer) == 0; i++)
    put_peer(&json, &peer);
  text_close(&json, ']');
  text_close(&json, '}');
  reply_json(x, 200, &json);
}
