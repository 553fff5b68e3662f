/* core/change - see change.h. */
#include "core/change.h"

#include <assert.h>
#include <string.h>
#include <uv.h>

#include "base/value.h"
#include "core/call.h"
#include "core/health.h"
#include "core/memory.h"
#include "core/report.h"
#include "core/req.h"
#include "core/tell.h"

#define ROUNDS 2

struct change;

/* One member's part of the change. */
struct errand {
  gcache_call_t call; /* of the round under way */
  struct change *change;
  struct gci_peer *peer; /* a reference; NULL: this member, without a list */
  size_t place;          /* in the report */
  unsigned owed;         /* answers in this round and those to come */
  int calling;           /* a call is under way */
};

struct change {
  gcache_change_t *req; /* not to be touched once over */
  gcache_group_t *group;
  gcache_op_t op;
  gcache_bytes_t key;
  uint64_t hash;
  gcache_value_t *value;
  uint64_t deadline_ms;
  int drop_here;    /* a client-only member: forgets, and is not reported */
  int over;         /* the report is final; late answers are ignored */
  unsigned pass;    /* lists tried before this one */
  int is_stored;    /* by the keeper, since the pass before */
  uint64_t version; /* of the list */
  unsigned round;
  size_t asked; /* members of this round that have not answered */
  size_t refs;  /* the request, and every call under way */
  size_t n;
  /* The errand that stores the value of a set: the owner's, or the acting owner's if the owner is
   * out. */
  size_t keeper;
  struct gci_report *report; /* NULL: handed on to the next list's change */
  struct errand errands[];
};

static const struct gci_call_maker errand_maker;

/* ------------------------------------------------------------------------------ memory ---- */

static size_t change_size(size_t n, size_t key_len) {
  return sizeof(struct change) + n * sizeof(struct errand) + key_len;
}

static void unref(struct change *change) {
  if (--change->refs > 0) return;
  for (size_t i = 0; i < change->n; i++)
    gci_peer_unref(change->errands[i].peer);
  gci_report_end(change->report);
  gcache_value_unref(change->value);
  gci_mem_free(gci_group_mem(change->group), change, change_size(change->n, change->key.len));
}

static void add(struct change *change, size_t i, struct gci_peer *peer) {
  struct errand *errand = &change->errands[i];
  const struct gci_peers *peers = &change->group->core->peers;
  errand->change = change;
  errand->peer = peer == NULL ? NULL : gci_peer_ref(peer);
  errand->owed = change->op == GCACHE_OP_CLEAR ? ROUNDS : 1;
  errand->place = gci_report_place(change->report, peer == NULL ? 0 : gci_peers_index(peers, peer),
                                   peer);
}

/* Nonzero: the owner can store a value itself, even if it must first be told of a change. */
static int stores(const struct gci_peer *owner) {
  return !gci_health_is_down(owner) && !owner->health.leaving;
}

/* The member that stores a value in place of an owner that is down or leaves; NULL: none. A remove
 * goes to the acting owner after the owner, as to all others: the acting owner may take the owner
 * for up, and fetch from it the value that is being removed. The same can happen when the acting
 * owner is sent a set, before the owner is reached and after the value has expired here; but with
 * an owner that is down no set succeeds, and nothing is kept from one that leaves (core/fetch). */
static struct gci_peer *acting_owner(const struct change *change, const struct gci_peer *owner) {
  gcache_t *core = change->group->core;
  if (change->op != GCACHE_OP_SET || owner == NULL || stores(owner)) return NULL;
  struct gci_peer *acting = gci_health_owner(core, change->key, NULL);
  return acting != NULL ? acting : core->peers.self;
}

/* The owner first, then the acting owner, then the others as listed. A clear has no key and takes
 * all as listed. */
static void add_members(struct change *change) {
  const struct gci_peers *peers = &change->group->core->peers;
  struct gci_peer *owner = NULL;
  size_t n = 0;
  if (change->op != GCACHE_OP_CLEAR) owner = gci_peers_owner(peers, change->key);
  struct gci_peer *acting = acting_owner(change, owner);
  if (owner != NULL || peers->n == 0) add(change, n++, owner);
  if (acting != NULL) add(change, n++, acting);
  for (size_t i = 0; i < peers->n; i++) {
    if (peers->list[i] != owner && peers->list[i] != acting) add(change, n++, peers->list[i]);
  }
  assert(n == change->n);
  change->keeper = acting != NULL;
}

/* Takes over the report of the previous list, if there was one. */
static struct change *change_new(gcache_group_t *group, const struct gci_change_order *order,
                                 struct gci_report **before) {
  struct gci_mem *mem = gci_group_mem(group);
  size_t members = group->core->peers.n, n = members == 0 ? 1 : members;
  struct change *change = gci_mem_zalloc(mem, change_size(n, order->key.len));
  if (change == NULL) return NULL;
  change->report = gci_report_begin(mem, group->core, before == NULL ? NULL : *before);
  if (change->report == NULL) {
    gci_mem_free(mem, change, change_size(n, order->key.len));
    return NULL;
  }
  if (before != NULL) *before = NULL;
  char *own_key = (char *)&change->errands[n];
  if (order->key.len > 0) memcpy(own_key, order->key.base, order->key.len);
  change->group = group;
  change->op = order->op;
  change->key = gcache_bytes(own_key, order->key.len);
  change->hash = gci_core_hash(group->core, change->key);
  change->value = gcache_value_ref(order->value);
  change->drop_here = gci_core_is_client_only(group->core);
  change->version = group->core->lists.version;
  change->refs = 1;
  change->n = n;
  add_members(change);
  return change;
}

/* ------------------------------------------------------------------------------ one errand ---- */

static void record(struct errand *errand, int status, const char *reason) {
  struct change *change = errand->change;
  errand->owed--;
  change->asked--;
  gci_report_add(change->report, errand->place, status, reason);
}

/* Only the owner or the acting owner stores a value: another copy could outlive a later set
 * (P2). */
static gcache_op_t op_for(const struct errand *errand) {
  const struct change *change = errand->change;
  int is_keeper = errand == &change->errands[change->keeper];
  return change->op == GCACHE_OP_SET && !is_keeper ? GCACHE_OP_REMOVE : change->op;
}

/* The peer is told later. */
static void miss(const struct errand *errand, enum gci_missed_weight weight) {
  const struct change *change = errand->change;
  gci_tell_missed(change->group->core, errand->peer, change->group->name, op_for(errand),
                  change->key, weight);
}

static int act_here(struct change *change, gcache_op_t op) {
  if (op == GCACHE_OP_SET)
    return gci_memory_set(change->group, change->key, change->hash, change->value);
  if (op == GCACHE_OP_REMOVE)
    gci_memory_drop(change->group, change->key, change->hash);
  else
    gci_memory_clear(change->group);
  return 0;
}

static void record_down(struct errand *errand) {
  char reason[GCI_TELL_REASON_MAX];
  record(errand, gci_tell_down_reason(errand->peer, reason), reason);
  miss(errand, GCI_MISSED);
}

static void run_errand(struct errand *errand) {
  struct change *change = errand->change;
  gcache_op_t op = op_for(errand);
  if (op == GCACHE_OP_SET && change->is_stored) {
    record(errand, 0, NULL);
    return;
  }
  if (errand->peer == NULL || errand->peer->is_self) {
    record(errand, act_here(change, op), NULL);
    return;
  }
  if (gci_health_is_down(errand->peer)) {
    record_down(errand);
    return;
  }
  errand->calling = 1;
  change->refs++;
  gci_call_begin(&errand->call, &errand_maker, change->group, errand->peer, op, change->key,
                 op == GCACHE_OP_SET ? change->value : NULL);
}

/* ------------------------------------------------------------------------------ rounds ---- */

static gcache_op_t drop_op(const struct change *change) {
  return change->op == GCACHE_OP_CLEAR ? GCACHE_OP_CLEAR : GCACHE_OP_REMOVE;
}

static int has_new_list(const struct change *change) {
  return change->version != change->group->core->lists.version;
}

static void begin_round(struct change *change) {
  unsigned round = change->round++;
  int is_clear = change->op == GCACHE_OP_CLEAR;
  size_t first = is_clear || round == 0 ? 0 : change->keeper + 1;
  size_t end = is_clear || round > 0 ? change->n : change->keeper + 1;
  if (change->drop_here && (is_clear || round > 0)) {
    act_here(change, drop_op(change));
  }
  change->asked = end - first;
  for (size_t i = first; i < end; i++) {
    run_errand(&change->errands[i]);
  }
}

static void finish(struct change *change, int status) {
  change->over = 1;
  gci_req_finish(&change->req->priv, status, NULL, NULL, GCACHE_FROM_NONE);
}

/* By the list in force: this member does its part now, the others are told theirs later. */
static void leave_to_tell(struct change *change) {
  gcache_t *core = change->group->core;
  act_here(change, drop_op(change));
  gci_tell_all_missed(core, change->group->name, change->op, change->key);
}

static void go_again(struct change *change);

static void run_rounds(struct change *change) {
  while (change->asked == 0 && change->round < ROUNDS) {
    begin_round(change);
  }
  if (change->asked > 0) return;
  if (has_new_list(change))
    go_again(change);
  else
    finish(change, gci_report_status(change->report));
}

/* Makes the change once more, by the list in force. No call is under way. */
static void go_again(struct change *change) {
  struct gci_change_order order = {change->op, change->key, change->value};
  int has_passes = change->pass + 1 < GCI_CHANGE_PASSES;
  struct change *next = has_passes ? change_new(change->group, &order, &change->report) : NULL;
  if (next == NULL) {
    leave_to_tell(change);
    gci_report_add_others(change->report, has_passes ? UV_ENOMEM : UV_EAGAIN,
                          "the member list is changing; all members are told later");
    finish(change, GCACHE_EPARTIAL);
    return;
  }
  next->pass = change->pass + 1;
  next->is_stored = next->errands[next->keeper].peer == change->errands[change->keeper].peer;
  next->deadline_ms = change->deadline_ms;
  next->req = change->req;
  next->req->work = next;
  change->over = 1;
  unref(change);
  run_rounds(next);
}

static uint64_t deadline_ms(const gcache_call_t *call) {
  const struct change *change = ((const struct errand *)(const void *)call)->change;
  return change->over ? 0 : change->deadline_ms;
}

static void on_done(gcache_call_t *call, int status, gcache_value_t *value, const char *reason) {
  struct errand *errand = gci_container_of(call, struct errand, call);
  struct change *change = errand->change;
  assert(value == NULL);
  (void)value;
  errand->calling = 0;
  if (!change->over) {
    record(errand, status, reason);
    if (!gci_tell_is_answer(call->op, status)) miss(errand, GCI_MISSED);
    run_rounds(change);
  }
  unref(change);
}

static const struct gci_call_maker errand_maker = {deadline_ms, on_done};

/* ------------------------------------------------------------------------------ start, end ---- */

/* Out of time: a peer that has not answered yet, or was not asked, is told later; this member does
 * its part now. */
static void run_out(struct errand *errand) {
  struct change *change = errand->change;
  if (errand->peer != NULL && !errand->peer->is_self) {
    miss(errand, GCI_MISSED_GENTLE);
  } else {
    act_here(change, op_for(errand));
    errand->owed = 0;
  }
}

/* The change is out of time or cancelled, or the group closes. */
static void on_left(struct gcache_req_s *req, int status) {
  gcache_change_t *user = gci_container_of(req, gcache_change_t, priv);
  struct change *change = user->work;
  if (change->over) {
    gci_req_overrule(req, status);
    return;
  }
  change->over = 1;
  if (status == UV_ETIMEDOUT && change->drop_here) act_here(change, drop_op(change));
  for (size_t i = 0; i < change->n; i++) {
    struct errand *errand = &change->errands[i];
    if (status == UV_ETIMEDOUT && errand->owed > 0) run_out(errand);
    if (errand->owed > 0) gci_report_add(change->report, errand->place, status, NULL);
    if (errand->calling) gci_call_hint(&errand->call);
  }
  if (status == UV_ETIMEDOUT && has_new_list(change)) leave_to_tell(change);
  int end = status == UV_ECANCELED ? status : GCACHE_EPARTIAL;
  gci_req_finish(req, end, NULL, NULL, GCACHE_FROM_NONE);
}

/* A new list has come between the last answer and the report of success. */
static void resume(struct change *change) {
  struct gcache_req_s *req = &change->req->priv;
  change->over = 0;
  req->state = GCI_REQ_WAITING;
  if (gci_req_set_deadline(req, change->deadline_ms) < 0) change->pass = GCI_CHANGE_PASSES;
  go_again(change);
}

static void on_changed(struct gcache_job_s *job) {
  gcache_change_t *req = gci_container_of(job, gcache_change_t, priv.job);
  struct change *change = req->work;
  if (req->priv.status == 0 && has_new_list(change)) {
    resume(change);
    return;
  }
  struct gci_req_end end = gci_req_end(&req->priv);
  req->work = NULL;
  req->cb(req, end.status, change->report->results, change->report->n);
  unref(change);
  gci_req_release(&end);
}

int gci_change_start(gcache_change_t *req, gcache_group_t *group,
                     const struct gci_change_order *order, uint64_t timeout_ms,
                     gcache_change_cb cb) {
  if (cb == NULL) return UV_EINVAL;
  if (group->closing) return GCACHE_ECLOSING;
  gci_req_init(&req->priv, group, on_changed, on_left);
  struct change *change = change_new(group, order, NULL);
  if (change == NULL) return UV_ENOMEM;
  change->deadline_ms = gci_core_deadline(group->core, timeout_ms);
  int rc = gci_req_set_deadline(&req->priv, change->deadline_ms);
  if (rc < 0) {
    unref(change);
    return rc;
  }
  req->cb = cb;
  req->work = change;
  change->req = req;
  req->priv.state = GCI_REQ_WAITING;
  gci_req_begin(&req->priv);
  run_rounds(change);
  return 0;
}

void gcache_change_cancel(gcache_change_t *req) {
  gci_req_cancel(&req->priv);
}
