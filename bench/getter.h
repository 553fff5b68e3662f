/* getter - the getter of the measurements between processes: a value of the member's size, at once,
 * or for keys that begin with "slow" after SLOW_MS. The group's data is its struct bench_member. */
#ifndef BENCH_GETTER_H
#define BENCH_GETTER_H

#include <stdint.h>

#include <gcache/gcache.h>

#define SLOW_MS 50

void getter_run(gcache_load_t *load);
uint64_t getter_runs(void); /* so far, in this process */

#endif
