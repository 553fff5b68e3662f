/* model - simple caches of numbered keys, to compare the store with. Each replays a trace with room
 * for `capacity` bytes of values and returns the number of hits. A value larger than the capacity
 * is never kept. The models count values only: no heads, no index, no memory for ghosts. */
#ifndef BENCH_MODEL_H
#define BENCH_MODEL_H

#include "trace.h"

uint64_t model_fifo(const struct trace *trace, uint64_t capacity);
uint64_t model_lru(const struct trace *trace, uint64_t capacity);
uint64_t model_sieve(const struct trace *trace, uint64_t capacity);
uint64_t model_s3fifo(const struct trace *trace, uint64_t capacity);
uint64_t model_arc(const struct trace *trace, uint64_t capacity);
uint64_t model_wtinylfu(const struct trace *trace, uint64_t capacity);
/* Knows the future. With sizes: who is asked for again last leaves, whatever its size; it is no
 * bound then, because finding the best choice for values of mixed size is NP-hard. */
uint64_t model_belady(const struct trace *trace, uint64_t capacity);

#endif
