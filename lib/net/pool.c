/* net/pool - see pool.h. Owns nothing: the job is its owner's. */
#include "net/pool.h"

static void on_taken(uv_work_t *uv) {
  struct gci_pool_job *job = uv->data;
  job->work(job);
}

static void on_done(uv_work_t *uv, int status) {
  struct gci_pool_job *job = uv->data;
  job->done(job, status);
}

int gci_pool_start(struct gci_pool_job *job, uv_loop_t *uv, void (*work)(struct gci_pool_job *job),
                   void (*done)(struct gci_pool_job *job, int status)) {
  job->work = work;
  job->done = done;
  job->uv.data = job;
  return uv_queue_work(uv, &job->uv, on_taken, on_done);
}

void gci_pool_cancel(struct gci_pool_job *job) {
  uv_cancel((uv_req_t *)&job->uv);
}
