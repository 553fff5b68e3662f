/* The two functions of gcache/proto.h that need a cache: its allocator and its clock. */
#include "gcache/proto.h"

#include <uv.h>

#include "core/core.h"
#include "wire/pack.h"

gcache_value_t *gcache_value_pack(gcache_t *cache, const ProtobufCMessage *message,
                                  int64_t expire_unix_ns) {
  return gci_pack(cache->env->mem, message, expire_unix_ns);
}

void gcache_load_done_message(gcache_load_t *load, const ProtobufCMessage *message,
                              uint64_t ttl_ms) {
  gcache_t *cache = gcache_group_cache(gcache_load_group(load));
  int64_t expire = ttl_ms == 0 ? GCACHE_NEVER : gcache_expire_in(cache, ttl_ms);

  gcache_load_done(load, gcache_value_pack(cache, message, expire));
}
