/* libuv's requests for its thread pool: names are looked up and work is done later in virtual time.
 * A request that has not begun can be cancelled. */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "host.h"
#include "names.h"
#include "net.h"

#define BEGINS_WITHIN_US 3000
#define LASTS_US 20000

static struct world_loop *loop_of(uv_loop_t *uv) {
  return gci_container_of(uv, struct world_loop, uv);
}

static uint64_t later_us(struct world_loop *loop, uint64_t within_us) {
  struct sim_world *w = loop->host->world;
  return w->now_us + 1 + sim_rng_below(&w->rng, within_us);
}

static void look_up(struct world_request *r) {
  uv_getaddrinfo_t *req = (uv_getaddrinfo_t *)r->uv;
  struct sim_rng *rng = &r->loop->host->world->rng;
  int index = world_name_index(req->hostname);
  r->status = world_fault(r->loop->host->faults, WORLD_OP_LOOKED_UP);
  free(req->hostname);
  req->hostname = NULL;
  if (r->status == 0 && index < 0) r->status = UV_EAI_NONAME;
  if (r->status == 0) r->answer = world_name_answer(index, sim_rng_percent(rng, 10));
}

/* The thread takes it, then is through. What it does shows at the end only. */
static void on_thread(struct sim_event *event) {
  struct world_request *r = gci_container_of(event, struct world_request, event);
  struct world_loop *loop = r->loop;
  if (loop->host->stopped) {
    sim_event_set(loop->host->world, &r->event, later_us(loop, LASTS_US));
    return;
  }
  if (!r->started) {
    r->started = 1;
    sim_event_set(loop->host->world, &r->event, later_us(loop, LASTS_US));
    return;
  }
  r->finished = 1;
  if (r->uv->type == UV_WORK)
    ((uv_work_t *)r->uv)->work_cb((uv_work_t *)r->uv);
  else
    look_up(r);
  world_loop_kick(loop, loop->host->world->now_us);
}

static struct world_request *new_request(struct world_loop *loop, uv_req_t *uv) {
  struct world_request *r = sim_new(sizeof *r);
  r->loop = loop;
  r->uv = uv;
  uv->reserved[0] = r;
  sim_event_init(&r->event, on_thread);
  sim_event_set(loop->host->world, &r->event, later_us(loop, BEGINS_WITHIN_US));
  gci_list_push_back(&loop->requests, &r->link);
  return r;
}

int uv_getaddrinfo(uv_loop_t *uv, uv_getaddrinfo_t *req, uv_getaddrinfo_cb cb, const char *node,
                   const char *service, const struct addrinfo *hints) {
  int error = world_fault(loop_of(uv)->host->faults, WORLD_OP_LOOK_UP);
  (void)service;
  (void)hints;
  if (error < 0) return error;
  req->type = UV_GETADDRINFO;
  req->loop = uv;
  req->cb = cb;
  req->hostname = strdup(node);
  new_request(loop_of(uv), (uv_req_t *)req);
  return 0;
}

int uv_queue_work(uv_loop_t *uv, uv_work_t *req, uv_work_cb work, uv_after_work_cb after) {
  req->type = UV_WORK;
  req->loop = uv;
  req->work_cb = work;
  req->after_work_cb = after;
  new_request(loop_of(uv), (uv_req_t *)req);
  return 0;
}

int uv_cancel(uv_req_t *uv) {
  struct world_request *r = uv->reserved[0];
  if (r->started) return UV_EBUSY;
  r->started = r->finished = 1;
  r->status = uv->type == UV_GETADDRINFO ? UV_EAI_CANCELED : UV_ECANCELED;
  sim_event_clear(r->loop->host->world, &r->event);
  world_loop_kick(r->loop, r->loop->host->world->now_us);
  if (r->cancelled != NULL) r->cancelled(r->arg);
  return 0;
}

void world_request_on_cancel(struct world_loop *loop, void (*cancelled)(void *arg), void *arg) {
  struct gcache_link_s *link = gci_list_back(&loop->requests);
  struct world_request *r = gci_container_of(link, struct world_request, link);
  r->cancelled = cancelled;
  r->arg = arg;
}

int world_requests_ready(struct world_loop *loop) {
  gci_list_each(link, &loop->requests) {
    if (gci_container_of(link, struct world_request, link)->finished) return 1;
  }
  return 0;
}

static struct world_request *first_finished(struct world_loop *loop) {
  gci_list_each(link, &loop->requests) {
    struct world_request *r = gci_container_of(link, struct world_request, link);
    if (r->finished) return r;
  }
  return NULL;
}

void world_requests_tell(struct world_loop *loop) {
  struct world_request *r;
  while ((r = first_finished(loop)) != NULL) {
    uv_req_t *uv = r->uv;
    struct addrinfo *answer = r->answer;
    int status = r->status;
    if (uv->type == UV_GETADDRINFO) free(((uv_getaddrinfo_t *)uv)->hostname);
    r->answer = NULL;
    r->uv = NULL;
    world_request_free(r);
    if (uv->type == UV_WORK)
      ((uv_work_t *)uv)->after_work_cb((uv_work_t *)uv, status);
    else
      ((uv_getaddrinfo_t *)uv)->cb((uv_getaddrinfo_t *)uv, status, answer);
  }
}

void world_request_free(struct world_request *r) {
  if (r->uv != NULL && r->uv->type == UV_GETADDRINFO) free(((uv_getaddrinfo_t *)r->uv)->hostname);
  uv_freeaddrinfo(r->answer);
  sim_event_clear(r->loop->host->world, &r->event);
  gci_link_unlink(&r->link);
  free(r);
}

int uv_random(uv_loop_t *uv, uv_random_t *req, void *out, size_t n, unsigned flags,
              uv_random_cb cb) {
  struct world_host *host = world_host_current();
  int error = world_fault(host->faults, WORLD_OP_RANDOM);
  (void)uv;
  (void)req;
  (void)flags;
  (void)cb;
  for (size_t i = 0; i < n && error == 0; i++)
    ((unsigned char *)out)[i] = (unsigned char)sim_rng_next(&host->world->rng);
  return error;
}
