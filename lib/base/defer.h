/* base/defer - the completion queue: callbacks run from the loop, never from inside a call (P10).
 *
 * A job (struct gcache_job_s, declared in gcache.h because requests embed it) is embedded in its
 * owner and queued at most once; its run may free it. The drain moves the queue to a local head
 * first, so that jobs queued by a callback run in the next drain, and no callback can starve the
 * loop. */
#ifndef GCI_BASE_DEFER_H
#define GCI_BASE_DEFER_H

#include "base/list.h"

struct gci_defer {
  struct gci_list queue;
};

void gci_defer_init(struct gci_defer *defer);
static inline void gci_job_init(struct gcache_job_s *job, void (*run)(struct gcache_job_s *job)) {
  gci_link_init(&job->link);
  job->run = run;
}
static inline int gci_job_queued(const struct gcache_job_s *job) {
  return gci_link_linked(&job->link);
}
/* Nonzero if the queue was empty: wake the loop. The job must not be queued already. */
static inline int gci_defer_push(struct gci_defer *defer, struct gcache_job_s *job) {
  int was_empty = gci_list_empty(&defer->queue);
  gci_list_push_back(&defer->queue, &job->link);
  return was_empty;
}
static inline void gci_defer_cancel(struct gcache_job_s *job) {
  gci_link_unlink(&job->link);
}
static inline int gci_defer_empty(const struct gci_defer *defer) {
  return gci_list_empty(&defer->queue);
}
void gci_defer_drain(struct gci_defer *defer);

#endif
