#include "exchange.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#define NOTICED_MAX_US 200000  /* a broken connection is noticed */
#define SILENCE_MAX_US 3000000 /* or only given up */

enum promises_kind sim_exchange_kind(gcache_op_t op) {
  if (op == GCACHE_OP_SET) return PROMISES_SET;
  return op == GCACHE_OP_REMOVE ? PROMISES_REMOVE : PROMISES_CLEAR;
}

/* The caller is answered, or is gone. */
void sim_exchange_settle(struct sim_exchange *x) {
  if (x->call != NULL && x->op == GCACHE_OP_GET)
    promises_question_settled(oracle_of(x), x->from, x->key, x->left);
  x->call = NULL;
}

void sim_exchange_destroy(struct sim_exchange *x) {
  sim_exchange_settle(x);
  if (x->op != GCACHE_OP_GET)
    promises_change_settled(oracle_of(x), sim_exchange_kind(x->op), x->key);
  sim_event_clear(world_of(x), &x->travel);
  sim_event_clear(world_of(x), &x->hangup);
  gci_link_unlink(&x->link);
  free(x);
}

/* The peer has heard of it, and that is all there is to say. */
static int is_word(int status) {
  return status == 0 || status == GCACHE_ENOROOM || status == GCACHE_ENOGROUP ||
         status == UV_ENOTSUP || status == UV_EINVAL;
}

void sim_exchange_done(struct sim_exchange *x, int status, const char *reason) {
  struct sim_member *m = &x->net->cluster->members[x->from];
  gcache_call_t *call = x->call;
  gcache_value_t *value = NULL;
  if (status == 0 && x->op == GCACHE_OP_GET) {
    value = sim_value_make(m->mem, &x->value);
    if (x->value.expire_unix_ns != 0 && x->value.expire_unix_ns <= sim_member_unix_ns(m) &&
        x->stale_ms == 0)
      promises_disturbed(oracle_of(x), x->key);
  }
  sim_trace(world_of(x), "m%d key %u: m%d's answer to op %d is %d, value %" PRIu64, x->from, x->key,
            x->to, (int)x->op, status, value == NULL ? 0 : x->value.serial);
  sim_exchange_settle(x);
  if (status == GCACHE_EBUSY && x->op == GCACHE_OP_GET)
    promises_question_refused(oracle_of(x), x->from, x->key);
  if (is_word(status) && x->op != GCACHE_OP_GET)
    promises_deed(oracle_of(x), &(struct promises_deed){.by = x->from,
                                                        .on = x->to,
                                                        .kind = sim_exchange_kind(x->op),
                                                        .key = x->key,
                                                        .sent_seq = x->sent_seq,
                                                        .refused = status != 0});
  gcache_call_set_stale(call, x->stale_ms);
  gcache_call_set_not_found(call, x->not_found_ms);
  promises_enter(oracle_of(x));
  gcache_call_done(call, status, value, reason);
  promises_leave(oracle_of(x));
}

/* ---- on the way ---- */

uint64_t sim_exchange_latency(struct sim_exchange *x) {
  const struct sim_config *config = &x->net->cluster->config;
  struct sim_rng *rng = &world_of(x)->rng;
  if (sim_rng_percent(rng, config->slow_percent))
    return sim_rng_between(rng, config->latency_min_us, config->slow_us);
  return sim_rng_between(rng, config->latency_min_us, config->latency_max_us);
}

void sim_exchange_lose(struct sim_exchange *x) {
  struct sim_rng *rng = &world_of(x)->rng;
  uint64_t wait = sim_rng_below(rng, sim_rng_percent(rng, 60) ? NOTICED_MAX_US : SILENCE_MAX_US);
  x->net->lost++;
  x->phase = LOST;
  sim_trace(world_of(x), "lost between m%d and m%d, op %d, key %u", x->from, x->to, (int)x->op,
            x->key);
  if (x->call == NULL)
    sim_exchange_destroy(x);
  else
    sim_event_set(world_of(x), &x->travel, world_of(x)->now_us + wait);
}

void sim_exchange_send(struct sim_exchange *x, enum phase phase, int from, int to) {
  x->phase = phase;
  if (x->net->blocked[from][to] ||
      sim_rng_percent(&world_of(x)->rng, x->net->cluster->config.loss_percent))
    sim_exchange_lose(x);
  else
    sim_event_set(world_of(x), &x->travel, world_of(x)->now_us + sim_exchange_latency(x));
}

void sim_exchange_return(struct sim_exchange *x, int status, const char *reason) {
  x->status = status;
  snprintf(x->reason, sizeof x->reason, "%s", reason);
  if (x->call == NULL)
    sim_exchange_destroy(x);
  else
    sim_exchange_send(x, RETURNING, x->to, x->from);
}
