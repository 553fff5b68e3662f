#include "hand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "source.h"

struct hand {
  struct gcache_link_s link;
  struct sim_event travel;
  struct sim_network *net;
  gcache_call_t *call; /* NULL: nobody waits for the answer */
  enum { THERE, ANSWERING, BACK } phase;
  int from, to, is_give, is_newcomer, is_leaving, status;
  unsigned key;
  char group[16];
  struct sim_value value; /* given, or answered; serial 0: none */
  gcache_answer_t req;
};

static struct sim_world *world_of(struct hand *hand) {
  return &hand->net->cluster->world;
}

static struct promises *oracle_of(struct hand *hand) {
  return &hand->net->cluster->promises;
}

static void forget(struct hand *hand) {
  if (hand->call != NULL && !hand->is_give)
    promises_handing(oracle_of(hand), hand->from, hand->key, -1);
  sim_event_clear(world_of(hand), &hand->travel);
  gci_link_unlink(&hand->link);
  free(hand);
}

/* The asker is told. */
static void end(struct hand *hand, int status) {
  struct sim_member *m = &hand->net->cluster->members[hand->from];
  struct promises *oracle = oracle_of(hand);
  gcache_call_t *call = hand->call;
  gcache_value_t *value = NULL;
  if (call == NULL) return;
  if (!hand->is_give) promises_handing(oracle, hand->from, hand->key, -1);
  hand->call = NULL;
  if (status == 0 && !hand->is_give) value = sim_value_make(m->mem, &hand->value);
  sim_trace(world_of(hand), "m%d key %u: %s m%d: %d, value %d", hand->from, hand->key,
            hand->is_give ? "gave to" : "asked before", hand->to, status, (int)hand->value.serial);
  if (status != GCACHE_EPEER && status != UV_ECONNREFUSED && status != UV_ECANCELED)
    gcache_call_set_leaving(call, hand->is_leaving);
  promises_enter(oracle);
  gcache_call_done(call, status, value, NULL);
  promises_leave(oracle);
}

static void travel(struct hand *hand) {
  const struct sim_config *config = &hand->net->cluster->config;
  uint64_t us = sim_rng_between(&world_of(hand)->rng, config->latency_min_us,
                                sim_rng_percent(&world_of(hand)->rng, config->slow_percent)
                                    ? config->slow_us
                                    : config->latency_max_us);
  sim_event_set(world_of(hand), &hand->travel, world_of(hand)->now_us + us);
}

static void on_answered(gcache_answer_t *req, int status, gcache_value_t *value,
                        const char *reason) {
  struct hand *hand = req->data;
  (void)reason;
  promises_upcall(oracle_of(hand), "an answer");
  if (value != NULL && !sim_value_read(value, &hand->value))
    promises_break(oracle_of(hand), "P2: what member %d hands over is broken", hand->to);
  hand->is_leaving = gcache_is_leaving(&hand->net->cluster->members[hand->to].core);
  hand->status = status;
  hand->phase = BACK;
  travel(hand);
}

static int ask(struct hand *hand, struct sim_member *m) {
  const char *from = hand->net->cluster->members[hand->from].url;
  char text[16];
  gcache_bytes_t key = gcache_bytes(text, sim_key_write(hand->key, text));
  gcache_bytes_t group = gcache_cstr(hand->group);
  gcache_value_t *value = hand->is_give ? sim_value_make(m->mem, &hand->value) : NULL;
  int status = hand->is_give
                   ? gcache_answer_give(&hand->req, &m->core, group, key, value, from, on_answered)
                   : gcache_answer_cached(&hand->req, &m->core, group, key,
                                          hand->is_newcomer ? from : NULL, on_answered);
  gcache_value_unref(value);
  return status;
}

static void arrive(struct hand *hand) {
  struct sim_member *m = &hand->net->cluster->members[hand->to];
  hand->phase = ANSWERING;
  hand->req.data = hand;
  promises_enter(oracle_of(hand));
  int status = ask(hand, m);
  promises_leave(oracle_of(hand));
  if (status == 0) return;
  hand->phase = BACK;
  hand->status = GCACHE_EPEER;
  travel(hand);
}

static void on_travelled(struct sim_event *event) {
  struct hand *hand = gci_container_of(event, struct hand, travel);
  const struct sim_network *net = hand->net;
  int from = hand->phase == THERE ? hand->from : hand->to;
  int is_lost = net->blocked[from][hand->from + hand->to - from] ||
                sim_rng_percent(&world_of(hand)->rng, net->cluster->config.loss_percent);
  if (hand->phase == THERE && !is_lost && net->cluster->members[hand->to].life != SIM_DOWN) {
    arrive(hand);
    return;
  }
  end(hand, is_lost ? GCACHE_EPEER : hand->phase == THERE ? UV_ECONNREFUSED : hand->status);
  forget(hand);
}

int sim_hand_is(gcache_call_t *call) {
  return gcache_call_op(call) == GCACHE_OP_GIVE || gcache_call_only_cached(call);
}

void sim_hand_start(struct sim_member *m, gcache_call_t *call) {
  struct hand *hand = sim_new(sizeof *hand);
  hand->net = &m->cluster->network;
  hand->call = call;
  hand->from = m->index;
  hand->to = sim_member_of_url(m->cluster, gcache_call_peer(call));
  hand->is_give = gcache_call_op(call) == GCACHE_OP_GIVE;
  hand->is_newcomer = gcache_call_newcomer(call) != NULL;
  snprintf(hand->group, sizeof hand->group, "%s", gcache_call_group(call));
  sim_event_init(&hand->travel, on_travelled);
  gci_list_push_back(&hand->net->hands, &hand->link);
  gcache_call_set_data(call, hand);
  promises_upcall(oracle_of(hand), "a transport's start");
  if (!sim_key_read(gcache_call_key(call), &hand->key) ||
      (hand->is_give && !sim_value_read(gcache_call_value(call), &hand->value)))
    promises_break(oracle_of(hand), "member %d hands over what it was not given", m->index);
  if (!hand->is_give) promises_handing(oracle_of(hand), hand->from, hand->key, 1);
  hand->net->sent++;
  travel(hand);
}

/* The answer is not waited for. */
void sim_hand_cancel(gcache_call_t *call) {
  end(gcache_call_data(call), UV_ECANCELED);
}

void sim_hand_crashed(struct sim_network *net, int member) {
  struct gcache_link_s *next;
  for (struct gcache_link_s *link = net->hands.head.next; link != &net->hands.head; link = next) {
    struct hand *hand = gci_container_of(link, struct hand, link);
    next = link->next;
    int is_answering = hand->to == member && hand->phase == ANSWERING;
    if (hand->from == member && hand->call != NULL) {
      if (!hand->is_give) promises_handing(oracle_of(hand), hand->from, hand->key, -1);
      hand->call = NULL;
    }
    if (member < 0)
      forget(hand);
    else if (is_answering) {
      hand->phase = BACK;
      hand->status = GCACHE_EPEER;
      travel(hand);
    }
  }
}
