#include "door/requests.h"

#include <uv.h>

#include "base/bytes.h"
#include "door/cached.h"
#include "door/exchange.h"
#include "door/serve.h"

/* Results of screening a head: the request is let in; or it is judged when its body is here. */
enum { SCREENED = 1, TO_BE_JUDGED = 2 };

/* A request that waits for the names of peers: its client may be a peer. */
struct caller {
  struct gcache_link_s link; /* in its connection's callers */
  struct gci_known_waiter waiter;
  struct gci_requests *of;
  struct gci_http_exchange *http;
};

static void give(struct gci_http_exchange *http, const gcache_http_reply_t *reply) {
  struct gci_http_message message = {.status = reply->status,
                                     .headers = reply->headers,
                                     .n_headers = reply->n_headers,
                                     .before = reply->part[0],
                                     .value = reply->owner,
                                     .after = reply->part[2]};

  gci_http_reply(http, &message); /* without memory the connection ends */
}

static void on_served(void *user, int status, const gcache_http_reply_t *reply) {
  struct gci_http_exchange *http = user;

  if (status < 0) { /* the client has left; if it still reads, this is not the getter's answer */
    gci_exchange_answer_text(http, 429, GCI_LIT("closed"));
    return;
  }
  give(http, reply);
}

static void start_serve(struct gci_requests *r, struct gci_http_exchange *http) {
  struct gci_serve_request request = {.method = http->head.method,
                                      .path = http->head.target,
                                      .headers = http->head.headers,
                                      .n_headers = http->head.n_headers,
                                      .body = http->body};
  struct gci_serve *serve;

  http->body = NULL; /* moved, so that a set keeps its value without a copy */
  if (gci_serve_start(&serve, r->door, &request, on_served, http) < 0)
    gci_exchange_answer_text(http, 429, GCI_LIT("busy"));
  else
    gci_list_push_back(&r->serves, &serve->link);
}

void gci_requests_init(struct gci_requests *r, struct gci_door *door) {
  *r = (struct gci_requests){.door = door};
  gci_list_init(&r->serves);
  gci_list_init(&r->exchanges);
  gci_list_init(&r->callers);
}

static void free_caller(struct caller *c) {
  struct gci_env *env = c->of->door->env;

  gci_link_unlink(&c->link);
  gci_env_release(env);
  gci_mem_free(env->mem, c, sizeof *c);
}

/* The client has left, or the request is to be given up. */
static void send_away(struct caller *c) {
  gci_known_wait_no_more(&c->of->door->access->known, &c->waiter);
  gci_exchange_answer_text(c->http, 429, GCI_LIT("closed")); /* nobody reads it */
  free_caller(c);
}

/* One request has been given up, and not its connection. */
static void on_gone(struct gci_http_exchange *http) {
  struct gci_requests *r = http->data;

  gci_list_each(link, &r->serves) {
    struct gci_serve *serve = gci_container_of(link, struct gci_serve, link);
    if (serve->user != http) continue;
    gci_link_unlink(link);
    gci_serve_cancel(serve);
    return;
  }
  gci_list_each(link, &r->exchanges) {
    gcache_exchange_t *x = gci_container_of(link, gcache_exchange_t, link);
    if (x->http != http) continue;
    gci_link_unlink(link);
    gci_exchange_leave(x);
    return;
  }
  gci_list_each(link, &r->callers) {
    struct caller *c = gci_container_of(link, struct caller, link);
    if (c->http != http) continue;
    send_away(c);
    return;
  }
}

/* Nonzero: waiting may change the verdict. */
static int may_wait(const struct gci_requests *r, const struct gci_http_head *head,
                    enum gci_verdict verdict) {
  return verdict == GCI_BARRED_LOOKING_UP && !gci_serve_is_ping(r->door, head) &&
         !r->door->closing && gci_known_is_partial(&r->door->access->known);
}

int gci_requests_screen(struct gci_requests *r, const struct gci_http_head *head) {
  enum gci_verdict verdict = GCI_LET_IN;

  if (gci_serve_takes(r->door, head->target))
    verdict = gci_access_judge(r->door->access, &r->visitor, head, 1);
  if (may_wait(r, head, verdict)) return TO_BE_JUDGED;
  return verdict == GCI_LET_IN ? SCREENED : -(int)verdict;
}

/* A request that was let in is not judged again: a signature is accepted once. A request that may
 * wait needs none. */
static enum gci_verdict judge(struct gci_requests *r, const struct gci_http_exchange *http) {
  struct gci_access *access = r->door->access;
  enum gci_verdict verdict = GCI_LET_IN;

  if (http->screened < 0) return (enum gci_verdict) - http->screened;
  if (http->screened != SCREENED)
    verdict = gci_access_judge(access, &r->visitor, &http->head, http->screened != 0);
  if (verdict != GCI_LET_IN || http->screened == 0) return verdict;
  return gci_access_judge_body(access, &http->head, http->body);
}

static void refuse(struct gci_requests *r, struct gci_http_exchange *http,
                   enum gci_verdict verdict) {
  const struct gci_verdict_words *words = gci_access_refuse(r->door->access, verdict);
  struct gci_reply reply;

  gci_reply_text(&reply, words->status, words->reason, gcache_cstr(words->text));
  give(http, &reply.http);
}

/* Too much is in flight: nothing is done for it. */
static void shed(struct gci_requests *r, struct gci_http_exchange *http) {
  struct gci_reply reply;

  gci_reply_busy(&reply, r->door->env->mem);
  give(http, &reply.http);
}

/* Takes a peer's request. */
static void admit(struct gci_requests *r, struct gci_http_exchange *http) {
  struct gci_reply reply;

  if (gci_cached_try(&reply, r->door, &http->head))
    give(http, &reply.http);
  else
    start_serve(r, http);
}

static void on_names_known(struct gci_known_waiter *w) {
  struct caller *c = gci_container_of(w, struct caller, waiter);
  struct gci_requests *r = c->of;
  struct gci_http_exchange *http = c->http;
  enum gci_verdict verdict = judge(r, http);

  free_caller(c);
  if (verdict == GCI_LET_IN)
    admit(r, http);
  else
    refuse(r, http, verdict);
}

/* < 0: it cannot wait. */
static int wait_for_names(struct gci_requests *r, struct gci_http_exchange *http) {
  struct gci_env *env = r->door->env;
  struct caller *c = gci_http_keep(http) < 0 ? NULL : gci_mem_zalloc(env->mem, sizeof *c);

  if (c == NULL) return UV_ENOMEM;
  c->of = r;
  c->http = http;
  c->waiter.address = r->visitor.address;
  c->waiter.told = on_names_known;
  if (gci_known_wait(&r->door->access->known, &c->waiter) < 0) {
    gci_mem_free(env->mem, c, sizeof *c);
    return GCACHE_EBUSY;
  }
  gci_link_init(&c->link);
  gci_list_push_back(&r->callers, &c->link);
  gci_env_hold(env);
  return 0;
}

static void take_peers(struct gci_requests *r, struct gci_http_exchange *http) {
  enum gci_verdict verdict = judge(r, http);

  if (may_wait(r, &http->head, verdict) && wait_for_names(r, http) == 0) return;
  if (verdict == GCI_LET_IN)
    admit(r, http);
  else
    refuse(r, http, verdict);
}

void gci_requests_take(struct gci_requests *r, struct gci_http_exchange *http) {
  gcache_exchange_t *x;

  http->data = r;
  http->gone = on_gone;
  r->taken++;
  if (!gci_in_flight_takes_requests(&r->door->env->mem->in_flight)) {
    shed(r, http);
    return;
  }
  if (gci_serve_takes(r->door, http->head.target)) {
    take_peers(r, http);
  } else if (gci_exchange_open(&x, r->door, http) < 0) {
    gci_exchange_answer_text(http, 503, GCI_LIT("busy"));
  } else {
    gci_list_push_back(&r->exchanges, &x->link);
  }
}

void gci_requests_flushed(struct gci_requests *r) {
  gci_list_each(link, &r->exchanges)
      gci_exchange_flushed(gci_container_of(link, gcache_exchange_t, link));
}

void gci_requests_leave(struct gci_requests *r) {
  struct gcache_link_s *link;

  while ((link = gci_list_pop_front(&r->serves)) != NULL)
    gci_serve_cancel(gci_container_of(link, struct gci_serve, link));
  while ((link = gci_list_pop_front(&r->exchanges)) != NULL)
    gci_exchange_leave(gci_container_of(link, gcache_exchange_t, link));
  while ((link = gci_list_front(&r->callers)) != NULL)
    send_away(gci_container_of(link, struct caller, link));
}
