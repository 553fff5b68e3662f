/* hitratio - replays a trace on the store itself. */
#ifndef BENCH_HITRATIO_H
#define BENCH_HITRATIO_H

#include "bench.h"
#include "trace.h"

/* Hits of a group that has room for `share` of the trace's keys, by bytes of their values; a key's
 * head, its part of the index and what is remembered of it once it has left come on top, so that
 * as many values fit as into a model of that capacity. Where the trace gives no sizes, all values
 * are of one. */
uint64_t hitratio_store(const struct trace *trace, double share);

/* Reports for o->cluster members, whose room together is pct % of the trace's keys. */
void hitratio_cluster(const struct bench_options *o, const struct trace *trace, double pct);

#endif
