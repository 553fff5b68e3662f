#include "network.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "exchange.h"
#include "hand.h"
#include "member.h"
#include "ping.h"
#include "source.h"

/* ---- at the peer ---- */

static void check_answer(struct sim_exchange *x, int status, gcache_value_t *value) {
  struct sim_member *m = &x->net->cluster->members[x->to];
  struct promises_end end = {.status = status, .wall_unix_ns = sim_member_unix_ns(m)};
  if (x->op != GCACHE_OP_GET) {
    promises_upcall(oracle_of(x), "an answer");
    if (status != 0 && status != UV_ECANCELED &&
        (x->op != GCACHE_OP_SET || status != GCACHE_ENOROOM))
      promises_break(oracle_of(x), "P8: member %d answered op %d with %d", x->to, (int)x->op,
                     status);
    return;
  }
  x->value = (struct sim_value){0};
  if (value != NULL && !sim_value_read(value, &x->value))
    promises_break(oracle_of(x), "P2: an answer of member %d: the bytes are broken", x->to);
  end.serial = x->value.serial;
  end.stale_ms = x->stale_ms = gcache_answer_stale(&x->req);
  x->not_found_ms = x->is_go ? 0 : gcache_answer_not_found(&x->req);
  if (x->is_go && x->stale_ms > 0)
    promises_break(oracle_of(x), "P6: member %d gave value %" PRIu64 ", stale, to a Go asker",
                   x->to, x->value.serial);
  end.cause = sim_source_cause(x->reason, &end.cause_hinted);
  promises_ended(oracle_of(x), x->request, &end);
}

static void on_answered(gcache_answer_t *req, int status, gcache_value_t *value,
                        const char *reason) {
  struct sim_exchange *x = req->data;
  if (x->phase != ANSWERING)
    promises_break(oracle_of(x), "P10: member %d answered op %d twice", x->to, (int)x->op);
  snprintf(x->reason, sizeof x->reason, "%s", reason);
  sim_trace(world_of(x), "m%d key %u: answers m%d's op %d with %d '%s'", x->to, x->key, x->from,
            (int)x->op, status, reason);
  check_answer(x, status, value);
  memset(req, 0xdb, sizeof *req);
  sim_event_clear(world_of(x), &x->hangup);
  char words[sizeof x->reason];
  memcpy(words, x->reason, sizeof words);
  sim_exchange_return(x, status, words);
}

/* The member's status for a question it does not take; 0: it does. */
static int ask(struct sim_exchange *x, struct sim_member *m) {
  char text[16];
  gcache_bytes_t key = gcache_bytes(NULL, 0);
  gcache_value_t *value = NULL;
  if (x->op != GCACHE_OP_CLEAR) key = gcache_bytes(text, sim_key_write(x->key, text));
  if (x->op == GCACHE_OP_SET) {
    value = sim_value_make(m->mem, &x->value);
    promises_set_landed(oracle_of(x), x->value.serial);
  }
  memset(&x->req, 0x5a, sizeof x->req);
  x->req.data = x;
  promises_enter(oracle_of(x));
  int status = x->op == GCACHE_OP_GET && !x->is_go
                   ? gcache_answer_get(&x->req, &m->core, gcache_cstr(x->group), key, x->newer_than,
                                       x->timeout_ms, on_answered)
                   : gcache_answer(&x->req, &m->core, x->op, gcache_cstr(x->group), key, value,
                                   x->timeout_ms, on_answered);
  promises_leave(oracle_of(x));
  gcache_value_unref(value);
  return status;
}

static void arrive(struct sim_exchange *x) {
  struct sim_member *m = &x->net->cluster->members[x->to];
  if (x->net->blocked[x->from][x->to]) {
    sim_exchange_lose(x);
    return;
  }
  if (m->life == SIM_DOWN) {
    sim_exchange_return(x, UV_ECONNREFUSED, "connection refused");
    return;
  }
  sim_trace(world_of(x), "m%d key %u: m%d's op %d arrives", x->to, x->key, x->from, (int)x->op);
  if (x->op == GCACHE_OP_GET)
    x->request = promises_began(oracle_of(x), PROMISES_ANSWER, x->to, x->key,
                                sim_member_due_us(m, x->timeout_ms));
  x->phase = ANSWERING;
  int status = ask(x, m);
  if (status == 0) return;
  if (status != GCACHE_ENOGROUP && status != GCACHE_ECLOSING && status != UV_EINVAL)
    promises_break(oracle_of(x), "member %d: gcache_answer returned %d", x->to, status);
  if (x->op == GCACHE_OP_GET) promises_refused(oracle_of(x), x->request);
  sim_exchange_return(x, status, "refused");
}

static void on_travelled(struct sim_event *event) {
  struct sim_exchange *x = gci_container_of(event, struct sim_exchange, travel);
  if (x->phase == ASKING) {
    arrive(x);
    return;
  }
  if (x->phase == RETURNING && x->call != NULL && x->net->blocked[x->to][x->from]) {
    sim_exchange_lose(x);
    return;
  }
  if (x->call != NULL)
    sim_exchange_done(x, x->phase == LOST ? GCACHE_EPEER : x->status,
                      x->phase == LOST ? "connection lost" : x->reason);
  sim_exchange_destroy(x);
}

static void on_hung_up(struct sim_event *event) {
  struct sim_exchange *x = gci_container_of(event, struct sim_exchange, hangup);
  if (x->phase != ANSWERING) return;
  sim_trace(world_of(x), "m%d key %u: m%d hangs up", x->to, x->key, x->from);
  if (x->op == GCACHE_OP_GET) promises_cancelled(oracle_of(x), x->request);
  promises_enter(oracle_of(x));
  gcache_answer_cancel(&x->req);
  promises_leave(oracle_of(x));
}

/* ---- the transport ---- */

static void sent_question(struct sim_exchange *x) {
  promises_question_sent(oracle_of(x), x->from, x->key);
  promises_asks(oracle_of(x), x->from, x->to, x->key);
}

static void on_started(gcache_transport_t *t, gcache_call_t *call) {
  struct sim_member *m = t->data;
  struct sim_network *net = &m->cluster->network;
  if (gcache_call_op(call) == GCACHE_OP_PING) {
    sim_ping_start(m, call);
    return;
  }
  if (sim_hand_is(call)) {
    sim_hand_start(m, call);
    return;
  }
  struct sim_exchange *x = sim_new(sizeof *x);
  x->net = net;
  x->call = call;
  x->from = m->index;
  x->to = sim_member_of_url(m->cluster, gcache_call_peer(call));
  x->op = gcache_call_op(call);
  snprintf(x->group, sizeof x->group, "%s", gcache_call_group(call));
  x->newer_than = gcache_call_newer_than(call);
  x->is_go = sim_rng_percent(&world_of(x)->rng, m->cluster->config.go_percent);
  x->timeout_ms = gcache_call_time_left_ms(call);
  if (x->timeout_ms == 0) x->timeout_ms = 1;
  sim_event_init(&x->travel, on_travelled);
  sim_event_init(&x->hangup, on_hung_up);
  gci_list_push_back(&net->exchanges, &x->link);
  gcache_call_set_data(call, x);
  net->sent++;
  promises_upcall(oracle_of(x), "a transport's start");
  int group = sim_group_of_word(x->group);
  if (x->to < 0 || x->to == x->from || group < 0 ||
      (x->op != GCACHE_OP_CLEAR && !sim_key_read(gcache_call_key(call), &x->key)))
    promises_break(oracle_of(x), "member %d: a call to '%s', group '%s', key %u", x->from,
                   gcache_call_peer(call), x->group, x->key);
  if (oracle_of(x)->broken[0] != '\0') x->to = x->from;
  if (x->op == GCACHE_OP_CLEAR) x->key = (unsigned)group;
  if (x->op == GCACHE_OP_SET && !sim_value_read(gcache_call_value(call), &x->value))
    promises_break(oracle_of(x), "P2: a set of member %d: the bytes are broken", x->from);
  sim_trace(world_of(x), "m%d key %u: asks m%d, op %d, %" PRId64 " ms", x->from, x->key, x->to,
            (int)x->op, (int64_t)x->timeout_ms);
  if (x->op == GCACHE_OP_GET)
    sent_question(x);
  else
    promises_change_sent(oracle_of(x), sim_exchange_kind(x->op), x->key);
  x->sent_seq = oracle_of(x)->seq;
  if (net->cluster->config.loss_percent > 0 && sim_rng_percent(&world_of(x)->rng, 2)) {
    /* A transport may answer at once. */
    int busy = sim_rng_percent(&world_of(x)->rng, 50);
    sim_exchange_done(x, busy ? GCACHE_EBUSY : UV_ENETUNREACH, "not sent");
    sim_exchange_destroy(x);
    return;
  }
  sim_exchange_send(x, ASKING, x->from, x->to);
}

/* A transport may answer at once, tell the peer and wait for its answer, or do nothing. */
static void on_cancelled(gcache_transport_t *t, gcache_call_t *call) {
  if (gcache_call_op(call) == GCACHE_OP_PING) {
    sim_ping_cancel(call);
    return;
  }
  if (sim_hand_is(call)) {
    sim_hand_cancel(call);
    return;
  }
  struct sim_exchange *x = gcache_call_data(call);
  unsigned dice = (unsigned)sim_rng_below(&world_of(x)->rng, 100);
  (void)t;
  promises_upcall(oracle_of(x), "a transport's cancel");
  if (x->left || gcache_call_time_left_ms(call) != 0)
    promises_break(oracle_of(x),
                   "P3: member %d is told %s that nobody waits for op %d to member %d, key %u",
                   x->from, x->left ? "twice" : "wrongly", (int)x->op, x->to, x->key);
  x->left = 1;
  if (x->op == GCACHE_OP_GET) promises_question_told(oracle_of(x), x->from, x->key);
  sim_trace(world_of(x), "m%d key %u: leaves op %d to m%d", x->from, x->key, (int)x->op, x->to);
  if (dice < 70 && x->phase <= ANSWERING)
    sim_event_set(world_of(x), &x->hangup, world_of(x)->now_us + sim_exchange_latency(x));
  if (dice >= 50) return;
  sim_exchange_done(x, UV_ECANCELED, NULL);
  if (x->phase > ANSWERING) sim_exchange_destroy(x);
}

static void on_listed(gcache_transport_t *t, const char *const urls[], size_t n) {
  (void)urls;
  (void)n;
  sim_member_listed(t->data);
}

void sim_network_transport(struct sim_network *net, struct sim_member *m) {
  (void)net;
  memset(&m->transport, 0, sizeof m->transport);
  m->transport.size = sizeof m->transport;
  m->transport.data = m;
  m->transport.start = on_started;
  m->transport.cancel = on_cancelled;
  m->transport.peers = on_listed;
  m->transport.can = GCACHE_CAN_PING | GCACHE_CAN_ASK_CACHED | GCACHE_CAN_GIVE;
}

/* ---- weather ---- */

void sim_network_init(struct sim_network *net, struct sim_cluster *cluster) {
  memset(net, 0, sizeof *net);
  net->cluster = cluster;
  gci_list_init(&net->exchanges);
  gci_list_init(&net->pings);
  gci_list_init(&net->hands);
}

void sim_network_fini(struct sim_network *net) {
  sim_ping_crashed(net, -1);
  sim_hand_crashed(net, -1);
  while (!gci_list_empty(&net->exchanges))
    sim_exchange_destroy(
        gci_container_of(gci_list_front(&net->exchanges), struct sim_exchange, link));
}

static void crash_exchange(struct sim_exchange *x, int member) {
  int asker = x->from == member, answerer = x->to == member && x->phase == ANSWERING;
  if (asker) sim_exchange_settle(x);
  if (asker && x->phase == ANSWERING && !answerer)
    sim_event_set(world_of(x), &x->hangup, world_of(x)->now_us + sim_exchange_latency(x));
  if (asker && x->phase > ANSWERING)
    sim_exchange_destroy(x);
  else if (answerer)
    sim_exchange_lose(x);
}

void sim_network_crashed(struct sim_network *net, int member) {
  sim_ping_crashed(net, member);
  sim_hand_crashed(net, member);
  struct gcache_link_s *next;
  for (struct gcache_link_s *link = net->exchanges.head.next; link != &net->exchanges.head;
       link = next) {
    next = link->next;
    crash_exchange(gci_container_of(link, struct sim_exchange, link), member);
  }
}

int sim_network_calls_of(const struct sim_network *net, int member) {
  gci_list_each(link, &net->exchanges) {
    const struct sim_exchange *x = gci_container_of(link, struct sim_exchange, link);
    if (x->from == member && x->call != NULL) return 1;
  }
  return 0;
}

void sim_network_part(struct sim_network *net, uint64_t side, int directed) {
  for (int i = 0; i < SIM_MEMBERS; i++)
    for (int j = 0; j < SIM_MEMBERS; j++) {
      int out = side >> i & 1, in = side >> j & 1;
      net->blocked[i][j] = directed ? out && !in : out != in;
    }
}
