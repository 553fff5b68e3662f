/* door/work - a blocking getter, run on a thread of libuv's pool (gcache_load_work(),
 * gcache_work_*).
 *
 * Happy path: the work is submitted, runs on a pool thread, leaves its answer in its own struct,
 * and the loop's thread gives that to the load. Failure modes: the work reports a failure; it
 * leaves no answer; or nobody waits any more before a thread is free: then it does not run, and the
 * load fails. The pool thread touches only this struct and malloc(). The injected allocator, values
 * and the load belong to the loop's thread. */
#ifndef GCI_DOOR_WORK_H
#define GCI_DOOR_WORK_H

#include "gcache/gcache.h"

/* For struct gci_core_options. */
int gci_work_start(gcache_load_t *load, gcache_work_cb work, void *arg);
void gci_work_cancel(gcache_load_t *load);

#endif
