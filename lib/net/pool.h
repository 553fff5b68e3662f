/* net/pool - one piece of blocking work on a thread of libuv's pool.
 * Happy path: work on a pool thread, then done(0) on the loop. Cancelled before a thread took it:
 * done(UV_ECANCELED), and work never ran. Embedded in its owner, which keeps it until done. */
#ifndef GCI_NET_POOL_H
#define GCI_NET_POOL_H

#include <uv.h>

struct gci_pool_job {
  uv_work_t uv;
  void (*work)(struct gci_pool_job *job); /* pool thread */
  void (*done)(struct gci_pool_job *job, int status);
};

int gci_pool_start(struct gci_pool_job *job, uv_loop_t *uv, void (*work)(struct gci_pool_job *job),
                   void (*done)(struct gci_pool_job *job, int status));
void gci_pool_cancel(struct gci_pool_job *job); /* no effect once a thread has it */

#endif
