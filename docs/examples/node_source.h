/* node_source - the sources of values: the getters of the node's groups. */
#ifndef NODE_SOURCE_H
#define NODE_SOURCE_H

#include <gcache/gcache.h>
#include <uv.h>

/* gcache_group_data() of every group. */
struct source {
  gcache_getter_cb getter;
  gcache_load_cancel_cb cancel; /* may be NULL */
  const char *self;             /* this node's URL */
  uint64_t ttl_ms;              /* of values whose source gives none; 0: for ever */

  uv_loop_t *loop; /* demo */
  uint64_t runs;

  const char *file; /* sqlite */
  uv_mutex_t mutex;
  struct connection *idle; /* guarded by mutex */
};

/* Answers at once, from a timer, or with a failure: shows what a getter can do. */
void source_demo(struct source *s, uv_loop_t *loop);
/* Reads rows on libuv's thread pool. -1: stderr says why the file cannot be read. */
int source_sqlite(struct source *s, const char *file);
/* Call when the cache has closed. */
void source_close(struct source *s);

#endif
