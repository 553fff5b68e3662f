/* redis in a build without hiredis. */
#include <stdio.h>

#include "remote.h"

static int start(struct server *s, const struct work *w) {
  (void)s, (void)w;
  fputs("gcache-bench: redis is left out: built without hiredis\n", stderr);
  return 0;
}

const struct remote_system remote_redis = {"redis", 0, start, NULL};
const struct remote_system remote_redis_hiredis = {"redis-hiredis", 0, start, NULL};
const struct remote_system remote_redis_pipelined = {"redis-pipelined", 0, start, NULL};
