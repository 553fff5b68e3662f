/* core/remove_many - gcache_remove_many(): the owner of each key forgets it first, then everybody
 * else does.
 *
 * The keys are sorted by owner: a segment each. Every member has one errand, which passes through
 * the segments, key by key, with a window of calls under way: first its own segment; then those of
 * others, each as soon as its owner has finished it, in the order in which they became ready. So a
 * slow or dead owner delays other members only for its own keys, and each member needs a position
 * in the order and a window, not a call for each key.
 *
 * A member is gone if it is down, or if all its calls fail, one window long: it is not asked for
 * the rest. A refusal of one key is no failure in this sense. Removes that a member has not made
 * are told to it later (core/tell), unless the application cancelled. This member does its part
 * itself, without a call. A client-only member is not reported; it forgets a segment when the
 * segment is ready.
 *
 * If another list has been put in force by the end, everything is done once more by that list, as
 * in core/change.
 *
 * Ends as a change does (core/change): with the last answer, or early; then the calls under way are
 * cancelled and counted to their end. Owns a block per list with keys and errands, and its report.
 * Fails: starting, with UV_ENOMEM, UV_EMSGSIZE, UV_EINVAL, UV_E2BIG, GCACHE_ECLOSING. */
#include <assert.h>
#include <string.h>
#include <uv.h>

#include "base/value.h"
#include "core/ask.h"
#include "core/call.h"
#include "core/change.h"
#include "core/health.h"
#include "core/memory.h"
#include "core/report.h"
#include "core/tell.h"
#include "gcache/many.h"

/* Calls under way at a time: per member, and in all, unless that leaves a member less than the
 * least. */
enum { WINDOW_MAX = 256, WINDOW_MIN = 8, WINDOW_ALL = 4096 };

struct removal;
struct errand;

struct question {
  gcache_call_t call;
  struct errand *errand;
  struct question *next_free;
  int calling;
};

struct errand {
  struct removal *removal;
  struct gci_peer *peer; /* a reference; NULL: this member, without a list */
  size_t place;          /* in the report */
  size_t stop;           /* 0: its own segment; i: ready[i - 1]; beyond the members: finished */
  size_t done;           /* keys of that segment that it was sent */
  size_t running;
  size_t failures; /* in a row */
  struct question *free;
  int gone;    /* the keys that follow are not sent, but told later, */
  int refuses; /* or, if it cannot remove, not even told */
  int finished;
};

struct removal {
  gcache_change_t *req; /* not to be touched once over */
  gcache_group_t *group;
  uint64_t deadline_ms;
  uint64_t version; /* of the list */
  unsigned pass;    /* lists tried before this one */
  size_t size;      /* of the block */
  size_t key_bytes;
  size_t refs; /* the request, and every call under way */
  size_t n, members, window;
  size_t unfinished; /* members */
  size_t n_ready;
  int over;
  int drop_here;              /* a client-only member */
  gcache_bytes_t *keys;       /* n, by owner */
  size_t *ends;               /* of the segments in keys */
  size_t *ready;              /* members that have finished their own segment */
  struct gci_report *report;  /* NULL: handed on to the next list's removal */
  struct question *questions; /* window of every member, one after the other */
  struct errand errands[];
};

static const struct gci_call_maker question_maker;

/* ------------------------------------------------------------------------------ memory ---- */

static void unref(struct removal *r) {
  if (--r->refs > 0) return;
  for (size_t i = 0; i < r->members; i++)
    gci_peer_unref(r->errands[i].peer);
  gci_report_end(r->report);
  gci_mem_free(gci_group_mem(r->group), r, r->size);
}

static size_t window_of(size_t n, size_t members) {
  size_t window = WINDOW_ALL / members;
  if (window < WINDOW_MIN) window = WINDOW_MIN;
  if (window > WINDOW_MAX) window = WINDOW_MAX;
  return window < n ? window : n;
}

static size_t size_of(size_t n, size_t members, size_t window, size_t key_bytes) {
  size_t member = sizeof(struct errand) + 2 * sizeof(size_t) + window * sizeof(struct question);
  return sizeof(struct removal) + members * member +
         n * (sizeof(gcache_bytes_t) + sizeof(uint32_t)) + key_bytes;
}

/* owners: room for n. */
static void sort_keys(struct removal *r, const gcache_bytes_t keys[], uint32_t *owners,
                      char *bytes) {
  const struct gci_peers *peers = &r->group->core->peers;
  for (size_t i = 0; i < r->n; i++) {
    if (peers->placement != NULL)
      owners[i] = (uint32_t)gci_placement_owner(peers->placement, keys[i]);
    r->ends[owners[i]]++;
  }
  size_t begin = 0;
  for (size_t m = 0; m < r->members; m++) {
    size_t len = r->ends[m];
    r->ends[m] = begin;
    begin += len;
  }
  for (size_t i = 0; i < r->n; i++) {
    r->keys[r->ends[owners[i]]++] = gcache_bytes(bytes, keys[i].len);
    if (keys[i].len > 0) memcpy(bytes, keys[i].base, keys[i].len);
    bytes += keys[i].len;
  }
}

static void add_members(struct removal *r) {
  const gcache_t *core = r->group->core;
  for (size_t i = 0; i < r->members; i++) {
    struct errand *errand = &r->errands[i];
    errand->removal = r;
    if (core->peers.n > 0) errand->peer = gci_peer_ref(core->peers.list[i]);
    errand->place = gci_report_place(r->report, i, errand->peer);
    for (size_t w = r->window; w-- > 0;) {
      struct question *question = &r->questions[i * r->window + w];
      question->errand = errand;
      question->next_free = errand->free;
      errand->free = question;
    }
  }
}

/* Takes over the report of the previous list, if there was one. */
static struct removal *removal_new(gcache_group_t *group, const gcache_bytes_t keys[], size_t n,
                                   size_t key_bytes, struct gci_report **before) {
  struct gci_mem *mem = gci_group_mem(group);
  size_t listed = group->core->peers.n, members = listed == 0 ? 1 : listed;
  size_t window = window_of(n, members), size = size_of(n, members, window, key_bytes);
  struct removal *r = gci_mem_zalloc(mem, size);
  if (r == NULL) return NULL;
  r->report = gci_report_begin(mem, group->core, before == NULL ? NULL : *before);
  if (r->report == NULL) {
    gci_mem_free(mem, r, size);
    return NULL;
  }
  if (before != NULL) *before = NULL;
  r->group = group;
  r->version = group->core->lists.version;
  r->size = size;
  r->key_bytes = key_bytes;
  r->refs = 1;
  r->n = n;
  r->members = r->unfinished = members;
  r->window = window;
  r->drop_here = gci_core_is_client_only(group->core);
  r->questions = (struct question *)(void *)&r->errands[members];
  r->ends = (size_t *)(void *)&r->questions[members * window];
  r->ready = &r->ends[members];
  r->keys = (gcache_bytes_t *)(void *)&r->ready[members];
  uint32_t *owners = (uint32_t *)(void *)&r->keys[n];
  sort_keys(r, keys, owners, (char *)&owners[n]);
  add_members(r);
  return r;
}

/* ------------------------------------------------------------------------------ one member ---- */

static size_t begin_of(const struct removal *r, size_t segment) {
  return segment == 0 ? 0 : r->ends[segment - 1];
}

static void drop(struct removal *r, gcache_bytes_t key) {
  gci_memory_drop(r->group, key, gci_core_hash(r->group->core, key));
}

/* The other members may now be asked for the keys of that member. */
static void make_ready(struct removal *r, size_t segment) {
  r->ready[r->n_ready++] = segment;
  for (size_t i = begin_of(r, segment); r->drop_here && i < r->ends[segment]; i++)
    drop(r, r->keys[i]);
}

static int is_here(const struct errand *errand) {
  return errand->peer == NULL || errand->peer->is_self;
}

/* Nonzero: nothing more has to be told about the keys that follow. */
static int is_told_all(const struct errand *errand) {
  const char *group = errand->removal->group->name;
  if (!errand->gone) return 0;
  return errand->refuses || gci_missed_covers(&errand->peer->missed, group);
}

static void miss(const struct errand *errand, gcache_bytes_t key, enum gci_missed_weight weight) {
  gcache_group_t *group = errand->removal->group;
  gci_tell_missed(group->core, errand->peer, group->name, GCACHE_OP_REMOVE, key, weight);
}

/* Leaves the key to core/tell, without a call. */
static void hand_over(const struct errand *errand, gcache_bytes_t key) {
  if (is_here(errand))
    drop(errand->removal, key);
  else
    miss(errand, key, errand->removal->over ? GCI_MISSED_GENTLE : GCI_MISSED);
}

/* The next key in its order; NULL: there is none now. */
static const gcache_bytes_t *next_key(struct errand *errand) {
  struct removal *r = errand->removal;
  size_t own = (size_t)(errand - r->errands);
  for (;;) {
    if (errand->stop > r->n_ready) return NULL;
    size_t segment = errand->stop == 0 ? own : r->ready[errand->stop - 1];
    int is_done = is_told_all(errand) || (errand->stop > 0 && segment == own);
    size_t key = begin_of(r, segment) + errand->done;
    if (!is_done && key < r->ends[segment]) {
      errand->done++;
      return &r->keys[key];
    }
    if (errand->stop == 0 && errand->running > 0) return NULL;
    if (errand->stop == 0) make_ready(r, own);
    errand->stop++;
    errand->done = 0;
  }
}

static void ask(struct errand *errand, gcache_bytes_t key) {
  struct removal *r = errand->removal;
  struct question *question = errand->free;
  errand->free = question->next_free;
  errand->running++;
  question->calling = 1;
  r->refs++;
  gci_call_begin(&question->call, &question_maker, r->group, errand->peer, GCACHE_OP_REMOVE, key,
                 NULL);
}

static void fail(struct errand *errand, int status, const char *reason) {
  gci_report_add(errand->removal->report, errand->place, status, reason);
}

/* If there is nothing to send, there is nothing to report. */
static void go_down(struct errand *errand) {
  char reason[GCI_TELL_REASON_MAX];
  errand->gone = 1;
  if (errand->removal->n == 0 || errand->finished) return;
  fail(errand, gci_tell_down_reason(errand->peer, reason), reason);
}

static void work(struct errand *errand) {
  struct removal *r = errand->removal;
  const gcache_bytes_t *key;
  if (!is_here(errand) && !errand->gone && gci_health_is_down(errand->peer)) go_down(errand);
  while ((is_here(errand) || errand->gone || errand->free != NULL || r->n == 0) &&
         (key = next_key(errand)) != NULL) {
    if (is_here(errand) || errand->gone)
      hand_over(errand, *key);
    else
      ask(errand, *key);
  }
  if (errand->finished || errand->stop <= r->members || errand->running > 0) return;
  errand->finished = 1;
  r->unfinished--;
}

/* ------------------------------------------------------------------------------ all ---- */

static int has_new_list(const struct removal *r) {
  return r->version != r->group->core->lists.version;
}

static void finish(struct removal *r, int status) {
  r->over = 1;
  gci_req_finish(&r->req->priv, status, NULL, NULL, GCACHE_FROM_NONE);
}

/* By the list in force: this member does its part now, the others are told theirs later; more keys
 * than can be remembered become a clear. */
static void leave_to_tell(struct removal *r) {
  gcache_t *core = r->group->core;
  int has_room = 1;
  for (size_t i = 0; i < r->n; i++) {
    drop(r, r->keys[i]);
    if (!has_room) continue;
    has_room = gci_spreads_have_room(core);
    gcache_op_t op = has_room ? GCACHE_OP_REMOVE : GCACHE_OP_CLEAR;
    gci_tell_all_missed(core, r->group->name, op, r->keys[i]);
  }
}

static void go_again(struct removal *r);

/* Works on first, and on the others when a segment has become ready. */
static void work_on(struct removal *r, struct errand *first) {
  size_t ready = r->n_ready;
  if (first != NULL) work(first);
  if (first == NULL || ready != r->n_ready) {
    do {
      ready = r->n_ready;
      for (size_t i = 0; i < r->members; i++)
        work(&r->errands[i]);
    } while (ready != r->n_ready);
  }
  if (r->unfinished > 0) return;
  if (has_new_list(r))
    go_again(r);
  else
    finish(r, gci_report_status(r->report));
}

/* Does everything once more, by the list in force. No call is under way. */
static void go_again(struct removal *r) {
  int has_passes = r->pass + 1 < GCI_CHANGE_PASSES;
  struct removal *next = NULL;
  if (has_passes) next = removal_new(r->group, r->keys, r->n, r->key_bytes, &r->report);
  if (next == NULL) {
    leave_to_tell(r);
    gci_report_add_others(r->report, has_passes ? UV_ENOMEM : UV_EAGAIN,
                          "the member list is changing; all members are told later");
    finish(r, GCACHE_EPARTIAL);
    return;
  }
  next->pass = r->pass + 1;
  next->deadline_ms = r->deadline_ms;
  next->req = r->req;
  next->req->work = next;
  r->over = 1;
  unref(r);
  work_on(next, NULL);
}

/* The peer's own answer, which says nothing about the next key: a group that is not open now may be
 * when that key's turn comes, and hold what it has fetched from an owner that was slow. */
static int is_of_one_key(int status) {
  return status == UV_EINVAL || status == UV_EMSGSIZE || status == GCACHE_ENOROOM ||
         status == GCACHE_ENOGROUP;
}

static void record(struct errand *errand, int status, const char *reason) {
  errand->failures = status == 0 || is_of_one_key(status) ? 0 : errand->failures + 1;
  if (errand->failures >= errand->removal->window) {
    errand->gone = 1;
    errand->refuses = gci_tell_is_answer(GCACHE_OP_REMOVE, status);
  }
  if (status != 0) fail(errand, status, reason);
}

static uint64_t deadline_ms(const gcache_call_t *call) {
  const struct removal *r = ((const struct question *)(const void *)call)->errand->removal;
  return r->over ? 0 : r->deadline_ms;
}

static void on_done(gcache_call_t *call, int status, gcache_value_t *value, const char *reason) {
  struct question *question = gci_container_of(call, struct question, call);
  struct errand *errand = question->errand;
  struct removal *r = errand->removal;
  assert(value == NULL);
  (void)value;
  question->calling = 0;
  question->next_free = errand->free;
  errand->free = question;
  errand->running--;
  if (!r->over) {
    record(errand, status, reason);
    if (!gci_tell_is_answer(GCACHE_OP_REMOVE, status)) miss(errand, call->key, GCI_MISSED);
    work_on(r, errand);
  }
  unref(r);
}

static const struct gci_call_maker question_maker = {deadline_ms, on_done};

/* ------------------------------------------------------------------------------ start, end ---- */

/* Makes the rest of its own keys, so that all segments are ready. */
static void run_out_of_own(struct errand *errand) {
  struct removal *r = errand->removal;
  size_t own = (size_t)(errand - r->errands);
  if (errand->stop > 0) return;
  for (size_t i = begin_of(r, own) + errand->done; i < r->ends[own]; i++)
    hand_over(errand, r->keys[i]);
  make_ready(r, own);
  errand->stop = 1;
  errand->done = 0;
}

/* Out of time: this member does its part now, the others are told theirs later. */
static void run_out(struct removal *r) {
  for (size_t i = 0; i < r->members * r->window; i++) {
    struct question *question = &r->questions[i];
    if (question->calling) miss(question->errand, question->call.key, GCI_MISSED_GENTLE);
  }
  for (size_t i = 0; i < r->members; i++)
    run_out_of_own(&r->errands[i]);
  for (size_t i = 0; i < r->members; i++) {
    struct errand *errand = &r->errands[i];
    const gcache_bytes_t *key;
    errand->gone = !is_here(errand);
    while ((key = next_key(errand)) != NULL)
      hand_over(errand, *key);
    if (is_here(errand)) errand->finished = 1;
  }
}

/* The removal is out of time or cancelled, or the group closes. */
static void on_left(struct gcache_req_s *req, int status) {
  gcache_change_t *user = gci_container_of(req, gcache_change_t, priv);
  struct removal *r = user->work;
  if (r->over) {
    gci_req_overrule(req, status);
    return;
  }
  r->over = 1;
  if (status == UV_ETIMEDOUT) run_out(r);
  if (status == UV_ETIMEDOUT && has_new_list(r)) leave_to_tell(r);
  for (size_t i = 0; i < r->members; i++) {
    if (!r->errands[i].finished) fail(&r->errands[i], status, NULL);
  }
  for (size_t i = 0; i < r->members * r->window; i++) {
    if (r->questions[i].calling) gci_call_hint(&r->questions[i].call);
  }
  int end = status == UV_ECANCELED ? status : GCACHE_EPARTIAL;
  gci_req_finish(req, end, NULL, NULL, GCACHE_FROM_NONE);
}

/* A new list has come between the last answer and the report of success. */
static void resume(struct removal *r) {
  struct gcache_req_s *req = &r->req->priv;
  r->over = 0;
  req->state = GCI_REQ_WAITING;
  if (gci_req_set_deadline(req, r->deadline_ms) < 0) r->pass = GCI_CHANGE_PASSES;
  go_again(r);
}

static void on_removed(struct gcache_job_s *job) {
  gcache_change_t *req = gci_container_of(job, gcache_change_t, priv.job);
  struct removal *r = req->work;
  if (req->priv.status == 0 && has_new_list(r)) {
    resume(r);
    return;
  }
  struct gci_req_end end = gci_req_end(&req->priv);
  req->work = NULL;
  req->cb(req, end.status, r->report->results, r->report->n);
  unref(r);
  gci_req_release(&end);
}

static int check(const gcache_group_t *group, const gcache_bytes_t keys[], size_t n,
                 size_t *key_bytes) {
  *key_bytes = 0;
  if (n > 0 && keys == NULL) return UV_EINVAL;
  if (n > GCACHE_MANY_MAX) return UV_E2BIG;
  if (group->closing) return GCACHE_ECLOSING;
  for (size_t i = 0; i < n; i++) {
    int rc = gci_ask_check_key(group->core, keys[i]);
    if (rc < 0) return rc;
    *key_bytes += keys[i].len;
  }
  return 0;
}

int gcache_remove_many(gcache_change_t *req, gcache_group_t *group, const gcache_bytes_t keys[],
                       size_t n, uint64_t timeout_ms, gcache_change_cb cb) {
  size_t key_bytes;
  if (cb == NULL) return UV_EINVAL;
  int rc = check(group, keys, n, &key_bytes);
  if (rc < 0) return rc;
  gci_req_init(&req->priv, group, on_removed, on_left);
  struct removal *r = removal_new(group, keys, n, key_bytes, NULL);
  if (r == NULL) return UV_ENOMEM;
  r->deadline_ms = gci_core_deadline(group->core, timeout_ms);
  rc = gci_req_set_deadline(&req->priv, r->deadline_ms);
  if (rc < 0) {
    unref(r);
    return rc;
  }
  req->cb = cb;
  req->work = r;
  r->req = req;
  req->priv.state = GCI_REQ_WAITING;
  gci_req_begin(&req->priv);
  work_on(r, NULL);
  return 0;
}
