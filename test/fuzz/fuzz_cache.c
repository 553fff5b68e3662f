/* Bytes as operations on a cache of the store, against the model of its unit test: which keys are
 * in, which left, the counters, and that the bytes never exceed the limit and are those of the
 * allocator. The first bytes set its size, how its hashes collide and the order of eviction. */
#include "chosen.h"
#include "plain_asserts.h"

#define CACHE_MODEL_KEYS 256
#include "cache_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const uint64_t masks[] = {UINT64_MAX, 0, 0xff, UINT64_C(0x700000007)};
  static const unsigned divisors[] = {8, 1, 3, 1000};
  static struct world w;
  struct costed costed;
  if (size < 2 || size > 4096) return 0;
  struct gci_mem *mem = costed_mem(&costed);
  gcache_policy_t policy = data[0] & 1 ? GCACHE_POLICY_LRU : GCACHE_POLICY_DEFAULT;
  size_t max_bytes = GCI_CACHE_MIN_BYTES + (size_t)(data[0] >> 6) * 40000;
  fuzz_check(world_open(&w, mem, max_bytes, divisors[data[0] >> 1 & 3], policy) == 0, "open");
  w.costed = &costed;
  w.hash_mask = masks[data[0] >> 3 & 3];
  w.random = (struct random){data + 1, data + size};
  while (w.random.at < w.random.end)
    step(&w);
  check_all(&w);
  gci_cache_close(w.cache);
  fuzz_check(mem->bytes == 0 && mem->blocks == 0, "nothing is left");
  gci_mem_unref(mem);
  return 0;
}
