/* node_source - where values come from when no cache has them: the getters of the node's groups. */
#ifndef NODE_SOURCE_H
#define NODE_SOURCE_H

#include <gcache/gcache.h>
#include <uv.h>

/* What gcache_group_data() is in every group. */
struct source {
  gcache_getter_cb getter;
  gcache_load_cancel_cb cancel; /* may be NULL */
  const char *self;             /* this node's URL */
  uint64_t ttl_ms;              /* for values that do not say; 0: for ever */

  uv_loop_t *loop; /* demo */
  uint64_t runs;

  const char *file; /* sqlite */
  uv_mutex_t mutex;
  struct connection *idle; /* guarded by mutex */
};

/* Answers from a timer, at once, or never well: it shows what a getter can do. */
void source_demo(struct source *s, uv_loop_t *loop);
/* Reads rows in libuv's thread pool. -1: told on stderr why the file cannot be read. */
int source_sqlite(struct source *s, const char *file);
/* When the cache is closed. */
void source_close(struct source *s);

#endif
