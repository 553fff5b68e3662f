/* core/refresh - see refresh.h. */
#include "core/refresh.h"

#include "core/journey.h"

struct refresh {
  struct gcache_req_s req;
  int64_t newer_than;
};

static void on_ended(struct gcache_job_s *job) {
  struct refresh *refresh = gci_container_of(job, struct refresh, req.job);
  struct gci_req_end end = gci_req_end(&refresh->req);
  gci_mem_free(gci_group_mem(end.group), refresh, sizeof *refresh);
  gci_req_release(&end);
}

struct gcache_req_s *gci_refresh_new(gcache_group_t *group, int64_t newer_than) {
  struct refresh *refresh = gci_mem_alloc(gci_group_mem(group), sizeof *refresh);
  if (refresh == NULL) return NULL;
  gci_req_init(&refresh->req, group, on_ended, gci_journey_leave);
  refresh->req.takes = GCI_TAKES_NEWER;
  refresh->newer_than = newer_than;
  if (gci_req_set_deadline(&refresh->req, gci_core_deadline(group->core, 0)) == 0)
    return &refresh->req;
  gci_mem_free(gci_group_mem(group), refresh, sizeof *refresh);
  return NULL;
}

void gci_refresh_drop(struct gcache_req_s *req) {
  gci_env_deadline_clear(req->group->core->env, &req->deadline);
  gci_mem_free(gci_group_mem(req->group), gci_container_of(req, struct refresh, req),
               sizeof(struct refresh));
}

int64_t gci_refresh_newer_than(const struct gcache_req_s *req) {
  if (req->takes != GCI_TAKES_NEWER) return 0;
  return ((const struct refresh *)(const void *)req)->newer_than;
}
