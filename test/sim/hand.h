/* sim/hand - what is handed over when members join and leave: a new owner's request to the previous
 * one, from memory only, and a value that a leaving member gives away. There and back, as a ping;
 * can be lost like any other message. */
#ifndef SIM_HAND_H
#define SIM_HAND_H

#include "gcache/transport.h"
#include "member.h"

void sim_hand_start(struct sim_member *m, gcache_call_t *call);
void sim_hand_cancel(gcache_call_t *call);
/* Nonzero: call is such a one. */
int sim_hand_is(gcache_call_t *call);
/* member -1: all are forgotten. */
void sim_hand_crashed(struct sim_network *net, int member);

#endif
