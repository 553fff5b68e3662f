/* base/defer - see defer.h. Owns nothing; cannot fail. */
#include "base/defer.h"

void gci_defer_init(struct gci_defer *defer) {
  gci_list_init(&defer->queue);
}

void gci_defer_drain(struct gci_defer *defer) {
  struct gci_list now;
  struct gcache_link_s *link;
  gci_list_init(&now);
  gci_list_move(&now, &defer->queue);
  while ((link = gci_list_pop_front(&now)) != NULL) {
    struct gcache_job_s *job = gci_container_of(link, struct gcache_job_s, link);
    job->run(job);
  }
}
