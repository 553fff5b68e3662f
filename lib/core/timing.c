/* core/timing - see timing.h. The lowest bit of began_ns marks a hit, which stands for others. */
#include "core/timing.h"

#include <uv.h>

#define HIT UINT64_C(1)
#define NS_PER_S 1e9

static const uint64_t bounds_ns[GCACHE_HISTOGRAM_BUCKETS - 1] = {
    1000,      2500,      5000,       10000,      25000,      50000,      100000,   250000,
    500000,    1000000,   2500000,    5000000,    10000000,   25000000,   50000000, 100000000,
    250000000, 500000000, 1000000000, 2500000000, 5000000000, 10000000000};

double gcache_histogram_bound(size_t bucket) {
  if (bucket >= GCACHE_HISTOGRAM_BUCKETS - 1) return __builtin_huge_val();
  return (double)bounds_ns[bucket] / NS_PER_S;
}

static size_t bucket_of(uint64_t ns) {
  size_t low = 0, high = GCACHE_HISTOGRAM_BUCKETS - 1;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (ns <= bounds_ns[middle])
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

void gci_histogram_add(gcache_histogram_t *h, uint64_t ns, uint64_t weight) {
  h->count += weight;
  h->sum_ns += ns * weight;
  h->buckets[bucket_of(ns)] += weight;
}

/* 1 to 127 with equal probability: 64 on average. */
static void draw(gcache_group_t *group) {
  uint64_t *random = &group->timing_random;
  do {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    group->hits_to_timed = *random >> 57;
  } while (group->hits_to_timed == 0);
}

/* The sequence is predictable, which does no harm. */
void gci_timing_init(gcache_group_t *group) {
  group->timing_random = gci_core_hash(group->core, gcache_cstr(group->name)) | 1;
  draw(group);
}

static uint64_t now_ns(const gcache_group_t *group) {
  return gci_env_mono_ns(group->core->env);
}

void gci_timing_begin_hit(struct gcache_req_s *req) {
  draw(req->group);
  req->began_ns = now_ns(req->group) | HIT;
}

void gci_timing_begin_miss(struct gcache_req_s *req) {
  uint64_t ns = req->began_ns != 0 ? req->began_ns : now_ns(req->group);
  req->began_ns = ns < 2 ? 2 : ns & ~HIT;
}

static gcache_histogram_t *histogram_of(const struct gcache_req_s *req) {
  gcache_latencies_t *get = &req->group->stats.get;
  if (req->status != 0) return &get->failed;
  if (req->ms > 0) return &get->stale;
  switch ((gcache_from_t)req->from) {
  case GCACHE_FROM_MAIN:
    return &get->main;
  case GCACHE_FROM_HOT:
    return &get->hot;
  case GCACHE_FROM_PEER:
    return &get->peer;
  case GCACHE_FROM_LOAD:
  case GCACHE_FROM_NONE:
    break;
  }
  return &get->load;
}

void gci_timing_end(struct gcache_req_s *req) {
  uint64_t began = req->began_ns & ~HIT, now = now_ns(req->group);
  uint64_t weight = req->began_ns & HIT ? GCI_TIMING_ONE_IN : 1;
  req->began_ns = 0;
  if (req->status == UV_ECANCELED) return;
  gci_histogram_add(histogram_of(req), now > began ? now - began : 0, weight);
}
