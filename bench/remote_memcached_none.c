/* memcached in a build without libmemcached. */
#include <stdio.h>

#include "remote.h"

static int start(struct server *s, const struct work *w) {
  (void)s, (void)w;
  fputs("gcache-bench: memcached is left out: built without libmemcached\n", stderr);
  return 0;
}

const struct remote_system remote_memcached = {"memcached", 0, start, NULL};
