#include "door/peer.h"

#include <stdio.h>
#include <string.h>

#include "core/core.h"
#include "door/batch.h"
#include "wire/route.h"

static void pump(struct gci_door_peer *peer);

static struct gci_mem *mem_of(const struct gci_door_peer *peer) {
  return peer->config->conn.env->mem;
}

/* ------------------------------------------------------------------------- end of a call ---- */

static void check_emptied(struct gci_door_peer *peer) {
  if (!peer->listed && peer->calls == 0 && peer->lanes.connections == 0) peer->emptied(peer);
}

/* ask is gone. The caller checks for emptied. */
static void end_ask(struct gci_ask *ask, int status, gcache_value_t *value, const char *reason) {
  struct gci_door_peer *peer = ask->peer;
  gcache_call_t *call = ask->call;

  gci_link_unlink(&ask->link);
  gci_mem_free(mem_of(peer), ask, sizeof *ask);
  peer->calls--;
  gcache_call_set_data(call, NULL);
  gcache_call_done(call, status, value, reason[0] != '\0' ? reason : NULL);
}

static void fail_ask(struct gci_ask *ask, int status, const char *what, const char *why) {
  char reason[GCI_REASON_MAX + 1];

  if (status == UV_ETIMEDOUT)
    status = UV_ECONNABORTED; /* UV_ETIMEDOUT is the owner's answer, and nobody else's */
  snprintf(reason, sizeof reason, "%s %s: %s", what, ask->peer->url, why);
  end_ask(ask, status, NULL, reason);
}

static void fail_all(struct gci_list *waiting, int status, const char *reason) {
  struct gci_list failed;
  struct gcache_link_s *link;

  gci_list_init(&failed);
  gci_list_move(&failed, waiting); /* calls that come meanwhile are dialled for again */
  while ((link = gci_list_pop_front(&failed)) != NULL)
    fail_ask(gci_container_of(link, struct gci_ask, link), status, "cannot connect to", reason);
}

/* No slow lane can be had. */
static void fail_waiting(struct gci_door_peer *peer, int status, const char *reason) {
  if (reason[0] == '\0') reason = peer->config->conn.error_text(status);
  if (status == UV_ETIMEDOUT) status = UV_EHOSTUNREACH;
  fail_all(&peer->waiting, status, reason);
  if (!gci_lanes_has_fast(&peer->lanes)) fail_all(&peer->quick, status, reason);
}

/* ----------------------------------------------------------------------------- connections -- */

static int has_waiting(const struct gci_door_peer *peer) {
  return !gci_list_empty(&peer->waiting) || !gci_list_empty(&peer->quick) ||
         !gci_list_empty(&peer->large);
}

/* Files c among the lanes by its present state. */
static void file(struct gci_door_peer *peer, struct gci_conn_out *c) {
  if (!c->closing && !peer->listed && !has_waiting(peer) && gci_conn_out_rests(c))
    gci_conn_out_close(c);
  else
    gci_lanes_file(&peer->lanes, c);
}

static void on_opened(void *user, struct gci_conn_out *c, int status, const char *reason) {
  struct gci_door_peer *peer = user;

  gci_lanes_opened(&peer->lanes, c, status);
  if (status == 0) {
    file(peer, c);
    pump(peer);
  } else if (c->lane.bulk) {
    gci_list_move(&peer->waiting, &peer->large); /* a bulk lane would only have been quicker */
    pump(peer);
  } else if (!c->lane.fast && peer->lanes.open == 0 && status != UV_ECANCELED) {
    fail_waiting(peer, status, reason);
  }
}

static struct gci_batch *batch_of(struct gci_trip *trip) {
  return gci_container_of(trip, struct gci_batch, trip);
}

static void free_batch(struct gci_door_peer *peer, struct gci_batch *batch) {
  gcache_value_unref(batch->result.body); /* of an answer that nobody waited for */
  gci_mem_free(mem_of(peer), batch, sizeof *batch);
}

static void on_answered(void *user, struct gci_conn_out *c, struct gci_trip *trip,
                        const struct gci_http_head *head, gcache_value_t *body) {
  struct gci_door_peer *peer = user;
  struct gci_batch *batch = batch_of(trip);
  struct gci_result *result = &batch->result;

  if (gci_list_empty(&batch->asks)) return; /* the answer only had to come before the others */
  gci_question_read_answer(result, gcache_call_op(gci_batch_first(batch)->call), peer->url,
                           peer->config->dialect, head, body);
  gci_lanes_note(&peer->lanes, c, result->is_gcache, result->speaks_2);
}

/* Logged once, until the peer lets us in again: every request would log the same. */
static void note_barred(struct gci_door_peer *peer, const struct gci_result *result) {
  int barred = result->status == UV_EACCES;

  if (barred && !peer->barred)
    gci_env_log(peer->config->conn.env, GCACHE_LOG_WARN, "peer %s; its keys are loaded here",
                result->reason);
  peer->barred = barred;
}

static void end_answered(struct gci_ask *ask, struct gci_result *result) {
  struct gci_door_peer *peer = ask->peer;

  note_barred(peer, result);

  if (gcache_call_op(ask->call) == GCACHE_OP_GET && result->status == 0)
    gci_question_read_value(result, mem_of(peer), peer->url, peer->config->conn.limits->value_max);
  if (ask->large && result->value != NULL &&
      gcache_value_bytes(result->value).len <= GCI_FAST_VALUE_MAX)
    gci_large_note(&peer->known_large, gcache_call_key(ask->call), 0);
  gcache_call_set_stale(ask->call, result->stale_ms);
  gcache_call_set_not_found(ask->call, result->not_found_ms);
  if (result->is_gcache) gcache_call_set_leaving(ask->call, result->leaving);
  end_ask(ask, result->status, result->value, result->reason);
}

/* A groupcache-go that does not know the request for many removes takes each by itself. */
static int wants_them_alone(const struct gci_ask *ask, const struct gci_result *result) {
  return ask->among_many && (result->http_status == 404 || result->http_status == 405);
}

/* A call that a peer answers at once, with little data. */
static int can_be_quick(const struct gci_ask *ask) {
  switch (gcache_call_op(ask->call)) {
  case GCACHE_OP_GET:
    return gcache_call_newer_than(ask->call) == 0;
  case GCACHE_OP_SET:
  case GCACHE_OP_GIVE:
    return gcache_value_bytes(gcache_call_value(ask->call)).len <= GCI_FAST_VALUE_MAX;
  case GCACHE_OP_REMOVE:
  case GCACHE_OP_PING:
    return 1;
  case GCACHE_OP_CLEAR:
    break;
  }
  return 0;
}

static struct gci_list *queue_for(const struct gci_ask *ask) {
  struct gci_door_peer *peer = ask->peer;

  if (ask->large && gci_lanes_uses_bulk(&peer->lanes)) return &peer->large;
  return !ask->slow && can_be_quick(ask) ? &peer->quick : &peer->waiting;
}

static void ask_again(struct gci_ask *ask) {
  gci_list_push_front(queue_for(ask), &ask->link);
}

/* A get over a fast lane is answered from memory or not at all. Nothing is done for it, so it may
 * be sent again however it ended; but not if the peer was silent, as it would be again: the next
 * owner may answer in time. */
static int is_to_go_slowly(const struct gci_ask *ask, const struct gci_batch *batch, int status) {
  gcache_op_t op = gcache_call_op(ask->call);

  if (!batch->fast || (op != GCACHE_OP_GET && op != GCACHE_OP_PING)) return 0;
  if (status < 0) return !batch->silent;
  if (gcache_call_only_cached(ask->call)) return batch->result.large;
  return op == GCACHE_OP_GET && batch->result.http_status == 504;
}

static void end_exchange(struct gci_ask *ask, struct gci_batch *batch, int status,
                         const char *reason) {
  if (is_to_go_slowly(ask, batch, status)) {
    ask->slow = 1;
    ask->large = status == 0 && batch->result.large;
    if (ask->large) gci_large_note(&ask->peer->known_large, gcache_call_key(ask->call), 1);
    ask_again(ask);
  } else if (status == 0 && wants_them_alone(ask, &batch->result)) {
    ask->alone = 1;
    ask_again(ask);
  } else if (status == 0) {
    end_answered(ask, &batch->result);
  } else if (batch->trip.again && !ask->repeated) {
    ask->repeated = 1;
    ask_again(ask);
  } else {
    fail_ask(ask, status, "no answer from",
             reason[0] != '\0' ? reason : "the exchange was cut off");
  }
}

static void on_ended(void *user, struct gci_conn_out *c, struct gci_trip *trip, int status,
                     const char *reason) {
  struct gci_door_peer *peer = user;
  struct gci_batch *batch = batch_of(trip);
  struct gci_list carried;
  struct gcache_link_s *link;

  if (status < 0 && trip->again && c->closing) gci_lanes_close_resting(&peer->lanes);
  batch->silent = c->hung;
  gci_list_init(&carried);
  gci_list_move(&carried, &batch->asks);
  gci_list_each(each, &carried) gci_container_of(each, struct gci_ask, link)->batch = NULL;
  while ((link = gci_list_back(&carried)) != NULL) { /* calls that go again keep their order */
    gci_link_unlink(link);
    end_exchange(gci_container_of(link, struct gci_ask, link), batch, status, reason);
  }
  free_batch(peer, batch);
}

static void on_turned(void *user, struct gci_conn_out *c) {
  struct gci_door_peer *peer = user;

  file(peer, c);
  pump(peer);
}

static void on_closed(void *user, struct gci_conn_out *c) {
  struct gci_door_peer *peer = user;

  gci_lanes_closed(&peer->lanes, c);
  peer->config->connections--;
  /* After a failed dial others may still be open: their end will pump, so there is no hurry to
   * dial; when none is left, nobody else will pump. */
  if (c->lane.fast || c->lane.bulk || c->dial_status == 0 || c->dial_status == UV_ECANCELED ||
      gci_lanes_n_slow(&peer->lanes) == 0)
    pump(peer);
  check_emptied(peer);
}

static const struct gci_conn_out_events conn_events = {on_opened, on_answered, on_ended, on_turned,
                                                       on_closed};

/* ---------------------------------------------------------------------------- begin of one -- */

static int send_batch(struct gci_door_peer *peer, struct gci_conn_out *c, struct gci_batch *batch) {
  const struct gci_door_peer_config *config = peer->config;
  struct gci_question question;
  struct gci_question_way way = {.base_path = config->base_path,
                                 .host = peer->authority,
                                 .self = config->cache->self,
                                 .stay = config->dialect->stay,
                                 .fast = batch->fast,
                                 .auth = config->auth,
                                 .plain = config->dialect->plain && !c->to_gcache};
  int err = gci_batch_write(batch, &question, mem_of(peer), &way);

  if (err < 0) return err;
  err = gci_conn_out_send(c, &batch->trip, &question.message);
  gci_question_fini(&question);
  return err;
}

static void fail_carried(struct gci_batch *batch, int status) {
  struct gcache_link_s *link;

  while ((link = gci_list_pop_front(&batch->asks)) != NULL)
    end_ask(gci_container_of(link, struct gci_ask, link), status, NULL, "");
}

/* Sends the first of queue over c, which has room; without memory the call fails. */
static void set_out(struct gci_door_peer *peer, struct gci_conn_out *c, struct gci_list *queue) {
  struct gci_batch *batch = gci_mem_alloc(mem_of(peer), sizeof *batch);
  struct gci_batch last; /* takes the call for which there is no memory */
  int err = batch == NULL ? UV_ENOMEM : 0;

  if (batch == NULL) batch = &last;
  gci_batch_init(batch);
  gci_batch_load(batch, queue, peer->config->dialect->removes_many);
  batch->fast = c->lane.fast;
  if (err == 0) err = send_batch(peer, c, batch);
  file(peer, c);
  if (err == 0) return;
  fail_carried(batch, err);
  if (batch != &last) free_batch(peer, batch);
}

/* < 0: no memory. */
static int dial(struct gci_door_peer *peer, const struct gci_lane *lane) {
  struct gci_conn_out *c;
  int err = gci_conn_out_open(&c, &peer->config->conn, &peer->lanes.origin, lane, &conn_events,
                              peer);

  if (err < 0) return err;
  gci_lanes_dialed(&peer->lanes, c);
  peer->config->connections++;
  return 0;
}

static size_t count(const struct gci_list *queue, size_t n, size_t enough) {
  gci_list_each(link, queue) {
    if (n == enough) break;
    n++;
  }
  return n;
}

static uint64_t order_of_first(const struct gci_list *queue) {
  struct gcache_link_s *link = gci_list_front(queue);

  return link == NULL ? UINT64_MAX : gci_container_of(link, struct gci_ask, link)->order;
}

/* Getters may take all lanes for long: a ping can have one more. */
static unsigned waits_ping(const struct gci_door_peer *peer) {
  return order_of_first(&peer->waiting) == 0 || order_of_first(&peer->quick) == 0;
}

/* Considers the calls that are to go over slow lanes. */
static int needs_another_slow(const struct gci_door_peer *peer) {
  const struct gci_lanes *lanes = &peer->lanes;
  size_t enough = gci_lanes_enough(lanes), n = count(&peer->waiting, 0, enough);

  if (!gci_lanes_has_fast(lanes)) n = count(&peer->quick, n, enough);
  return gci_lanes_wants_slow(lanes, peer->config->conns_per_peer + waits_ping(peer), n);
}

/* The queue that a slow lane takes from next; NULL: nothing waits. */
static struct gci_list *next_slow(struct gci_door_peer *peer) {
  uint64_t waiting = order_of_first(&peer->waiting), quick = order_of_first(&peer->quick);

  if (gci_lanes_has_fast(&peer->lanes)) quick = UINT64_MAX;
  if (quick == UINT64_MAX && waiting == UINT64_MAX) return NULL;
  return quick < waiting ? &peer->quick : &peer->waiting;
}

static void dial_slow(struct gci_door_peer *peer) {
  while (needs_another_slow(peer)) {
    struct gci_lane lane = gci_lanes_new_slow(&peer->lanes);
    int err = dial(peer, &lane);
    if (err == 0) continue;
    if (gci_lanes_n_slow(&peer->lanes) == 0) fail_waiting(peer, err, "");
    return;
  }
}

/* For a peer that has left the list. */
static void close_if_done(struct gci_door_peer *peer) {
  if (!peer->listed && !has_waiting(peer)) gci_lanes_close_resting(&peer->lanes);
}

/* If none can be dialled, other lanes do as well. */
static void dial_bulk(struct gci_door_peer *peer) {
  while (gci_lanes_wants_bulk(&peer->lanes, count(&peer->large, 0, peer->lanes.dialing_bulk + 1))) {
    struct gci_lane lane = gci_lanes_new_bulk();
    if (dial(peer, &lane) < 0) {
      gci_list_move(&peer->waiting, &peer->large);
      return;
    }
  }
}

/* Gives calls to connections, then dials if there are too few. */
static void pump(struct gci_door_peer *peer) {
  int is_quick = !gci_list_empty(&peer->quick);
  struct gci_conn_out *c;
  struct gci_list *queue;

  gci_lanes_refresh(&peer->lanes);
  while (!gci_list_empty(&peer->quick) && (c = gci_lanes_fast(&peer->lanes)) != NULL)
    set_out(peer, c, &peer->quick);
  while (!gci_list_empty(&peer->large) && (c = gci_lanes_bulk(&peer->lanes)) != NULL)
    set_out(peer, c, &peer->large);
  dial_bulk(peer);
  while ((queue = next_slow(peer)) != NULL && (c = gci_lanes_slow(&peer->lanes)) != NULL)
    set_out(peer, c, queue);
  dial_slow(peer);
  if (is_quick && peer->listed && gci_lanes_wants_fast(&peer->lanes)) {
    struct gci_lane lane = gci_lanes_new_fast();
    dial(peer, &lane); /* without memory there is no new lane this time */
  }
  close_if_done(peer);
}

static int is_ping(const gcache_call_t *call) {
  return gcache_call_op(call) == GCACHE_OP_PING;
}

void gci_door_peer_start(struct gci_door_peer *peer, gcache_call_t *call) {
  struct gci_ask *ask;
  char reason[GCI_REASON_MAX + 1];

  if (peer->config->dialect->gets_only && gcache_call_op(call) != GCACHE_OP_GET && !is_ping(call)) {
    gcache_call_done(call, UV_ENOTSUP, NULL, "golang/groupcache can only get: nothing was sent");
    check_emptied(peer);
    return;
  }
  if (peer->calls >= peer->config->calls_per_peer && !is_ping(call)) {
    snprintf(reason, sizeof reason, "%u calls to %s wait already", peer->calls, peer->url);
    gcache_call_done(call, GCACHE_EBUSY, NULL, reason);
    return;
  }
  ask = gci_mem_alloc(mem_of(peer), sizeof *ask);
  if (ask == NULL) {
    gcache_call_done(call, UV_ENOMEM, NULL, NULL);
    check_emptied(peer);
    return;
  }
  *ask = (struct gci_ask){.peer = peer, .call = call};
  if (!is_ping(call)) ask->order = ++peer->asked; /* a ping does not wait for others either */
  gcache_call_set_data(call, ask);
  gci_link_init(&ask->link);
  if (gci_lanes_uses_bulk(&peer->lanes) && gcache_call_op(call) == GCACHE_OP_GET)
    ask->large = ask->slow = gci_large_has(&peer->known_large, gcache_call_key(call));
  if (is_ping(call))
    gci_list_push_front(queue_for(ask), &ask->link);
  else
    gci_list_push_back(queue_for(ask), &ask->link);
  peer->calls++;
  pump(peer);
  check_emptied(peer);
}

/* Nobody waits for the batch any more. */
static void drop_batch(struct gci_door_peer *peer, struct gci_batch *batch) {
  struct gci_conn_out *c = batch->trip.conn;

  if (gci_conn_out_abandon(&batch->trip)) return; /* freed when it has ended */
  free_batch(peer, batch);
  file(peer, c);
}

/* For a peer that has left the list: nobody waits for answers still to come over its fast lanes. */
static void let_go_if_done(struct gci_door_peer *peer) {
  if (!peer->listed && peer->calls == 0) gci_lanes_break_fast(&peer->lanes);
}

void gci_door_peer_cancel(gcache_call_t *call) {
  struct gci_ask *ask = gcache_call_data(call);
  struct gci_door_peer *peer;

  if (ask == NULL) return;
  peer = ask->peer;
  gci_link_unlink(&ask->link);
  if (ask->batch != NULL && gci_list_empty(&ask->batch->asks)) drop_batch(peer, ask->batch);
  end_ask(ask, UV_ECANCELED, NULL, "");
  /* Other calls of the peer may be about to be cancelled too: nothing waiting is sent before
   * that. */
  if (!gci_job_queued(&peer->pumping))
    gci_env_defer(peer->config->conn.env, GCI_WRITES, &peer->pumping);
  let_go_if_done(peer);
  check_emptied(peer);
}

static void on_pumping(struct gcache_job_s *job) {
  struct gci_door_peer *peer = gci_container_of(job, struct gci_door_peer, pumping);

  pump(peer);
  check_emptied(peer);
}

/* ---------------------------------------------------------------------------------- a peer -- */

void gci_door_peer_enlist(struct gci_door_peer *peer) {
  peer->listed = 1;
}

void gci_door_peer_dismiss(struct gci_door_peer *peer) {
  peer->listed = 0;
  gci_lanes_close_resting(&peer->lanes);
  if (!has_waiting(peer)) gci_lanes_close_dials(&peer->lanes);
  let_go_if_done(peer);
  check_emptied(peer);
}

int gci_door_peer_open(struct gci_door_peer **out, struct gci_door_peer_config *config,
                       const char *url, void (*emptied)(struct gci_door_peer *peer)) {
  struct gci_mem *mem = config->conn.env->mem;
  gcache_bytes_t text = gcache_cstr(url);
  struct gci_door_peer *peer = gci_mem_zalloc(mem, sizeof *peer);
  struct gci_url parts;
  gcache_bytes_t where;
  int err = UV_ENOMEM;

  if (peer == NULL) return UV_ENOMEM;
  peer->config = config;
  peer->url = gci_mem_strdup(mem, text);
  peer->url_len = text.len;
  peer->emptied = emptied;
  gci_job_init(&peer->pumping, on_pumping);
  gci_list_init(&peer->waiting);
  gci_list_init(&peer->quick);
  gci_list_init(&peer->large);
  gci_lanes_init(&peer->lanes, &config->conn);
  if (peer->url != NULL) err = gci_url_read(gcache_bytes(peer->url, text.len), &parts);
  if (err == 0) {
    peer->authority = parts.authority;
    peer->lanes.origin.secure = parts.secure;
    peer->lanes.origin.target.port = parts.port;
    peer->lanes.origin.target.is_unix = parts.path.len > 0;
    where = parts.path.len > 0 ? parts.path : parts.host;
    peer->host_size = where.len + 1;
    peer->lanes.origin.target.host = gci_mem_strdup(mem, where);
    if (peer->lanes.origin.target.host == NULL) err = UV_ENOMEM;
  }
  if (err < 0) {
    gci_door_peer_free(peer);
    return err;
  }
  *out = peer;
  return 0;
}

void gci_door_peer_free(struct gci_door_peer *peer) {
  struct gci_mem *mem = mem_of(peer);

  gci_defer_cancel(&peer->pumping);
  gci_dial_target_fini(&peer->lanes.origin.target);
  gci_mem_free(mem, peer->lanes.origin.target.host, peer->host_size);
  gci_mem_free(mem, peer->url, peer->url_len + 1);
  gci_mem_free(mem, peer, sizeof *peer);
}
