/* find/options - an application's options, checked and completed. Owns nothing. */
#include <string.h>
#include <uv.h>

#include "find/find.h"

#define DEBOUNCE_MS 200
#define MS_MAX ((uint64_t)24 * 3600 * 1000)

void gcache_find_options_init_size(gcache_find_options_t *o, size_t size) {
  memset(o, 0, size);
  o->size = size;
}

static int refuse(const gcache_find_options_t *o, const char *why) {
  gci_env_log(o->cache->env, GCACHE_LOG_WARN, "gcache_find: %s", why);
  return UV_EINVAL;
}

static int has_unknown(const gcache_find_options_t *in) {
  const char *bytes = (const char *)in;

  for (size_t i = sizeof *in; i < in->size; i++)
    if (bytes[i] != 0) return 1;
  return 0;
}

int gci_find_options_read(gcache_find_options_t *out, const gcache_find_options_t *in,
                          uint64_t interval_ms) {
  memset(out, 0, sizeof *out);
  if (in->size < offsetof(gcache_find_options_t, interval_ms) || in->cache == NULL)
    return UV_EINVAL;
  memcpy(out, in, in->size < sizeof *out ? in->size : sizeof *out);
  if (has_unknown(in))
    return refuse(out, "options are set that this version of gcache does not know");
  if (out->interval_ms == 0) out->interval_ms = interval_ms;
  if (out->debounce_ms == 0) out->debounce_ms = DEBOUNCE_MS;
  if (out->min_peers == 0) out->min_peers = 1;
  if (out->interval_ms > MS_MAX || out->debounce_ms > MS_MAX)
    return refuse(out, "interval_ms or debounce_ms is over a day");
  if (out->min_peers > GCI_FIND_MEMBERS)
    return refuse(out, "min_peers is larger than the longest list a cache takes");
  if ((int)out->ip < GCACHE_FIND_IP_AS_SELF || out->ip > GCACHE_FIND_IPV6)
    return refuse(out, "ip has an unknown value");
  return 0;
}
