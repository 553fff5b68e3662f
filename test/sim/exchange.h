/* sim/exchange - one call on its way through the network; see network.h. */
#ifndef SIM_EXCHANGE_H
#define SIM_EXCHANGE_H

#include "gcache/transport.h"
#include "member.h"
#include "source.h"

enum phase { ASKING, ANSWERING, RETURNING, LOST };

struct sim_exchange {
  struct gcache_link_s link;
  struct sim_network *net;
  struct sim_event travel; /* its next step */
  struct sim_event hangup; /* the peer learns that the asker has left */
  enum phase phase;
  gcache_call_t *call; /* NULL: nobody waits for the answer */
  int from, to;
  gcache_op_t op;
  unsigned key; /* CLEAR: the group */
  char group[16];
  uint64_t timeout_ms;
  uint64_t sent_seq;               /* of the oracle */
  int64_t newer_than;              /* a GET's */
  int is_go;                       /* the asker is told nothing that only gcache says */
  uint64_t stale_ms, not_found_ms; /* of a GET's answer */
  int left;                        /* the asker has been told that nobody waits */
  struct sim_value value;          /* of a SET, then of a GET's answer; serial 0: none */
  int status;
  char reason[64];
  gcache_answer_t req;
  size_t request; /* a GET's, at the oracle */
};

static inline struct sim_world *world_of(struct sim_exchange *x) {
  return &x->net->cluster->world;
}

static inline struct promises *oracle_of(struct sim_exchange *x) {
  return &x->net->cluster->promises;
}

enum promises_kind sim_exchange_kind(gcache_op_t op); /* of a change */
void sim_exchange_settle(struct sim_exchange *x);     /* the caller is answered, or is gone */
void sim_exchange_destroy(struct sim_exchange *x);
void sim_exchange_done(struct sim_exchange *x, int status, const char *reason); /* to the caller */
uint64_t sim_exchange_latency(struct sim_exchange *x);
void sim_exchange_send(struct sim_exchange *x, enum phase phase, int from, int to);
void sim_exchange_lose(struct sim_exchange *x); /* and the caller learns it later; may destroy it */
void sim_exchange_return(struct sim_exchange *x, int status, const char *reason); /* likewise */

#endif
