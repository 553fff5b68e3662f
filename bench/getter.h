/* getter - the getter for the measurements between processes: gives a value of the member's size,
 * at once, or after SLOW_MS for keys that begin with "slow". The group's data is its struct
 * bench_member. */
#ifndef BENCH_GETTER_H
#define BENCH_GETTER_H

#include <stdint.h>

#include <gcache/gcache.h>

#define SLOW_MS 50

void getter_run(gcache_load_t *load);
uint64_t getter_runs(void); /* so far, in this process */

#endif
