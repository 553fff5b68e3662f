/* sim/network - the network between the members: latency, loss, partitions, refused connections.
 *
 * An exchange is a gcache_call on its way: a request that travels, the peer's gcache_answer, a
 * response that travels back. A lost message is lost silently, or the loss is noticed after a
 * while, as with a broken connection; in the end every call is answered. Messages overtake each
 * other by chance. Owns the exchanges; an exchange outlives its caller if the request can still
 * take effect. */
#ifndef SIM_NETWORK_H
#define SIM_NETWORK_H

#include "base/list.h"
#include "promises.h"

#define SIM_MEMBERS 7

struct sim_cluster;
struct sim_member;

struct sim_network {
  struct sim_cluster *cluster;
  struct gci_list exchanges, pings, hands;
  int blocked[SIM_MEMBERS][SIM_MEMBERS]; /* from, to */
  uint64_t sent, lost;
};

void sim_network_init(struct sim_network *net, struct sim_cluster *cluster);
void sim_network_fini(struct sim_network *net);
void sim_network_transport(struct sim_network *net,
                           struct sim_member *m); /* fills in m->transport */
/* Its calls are forgotten, what it was to answer is not answered. */
void sim_network_crashed(struct sim_network *net, int member);
/* Nonzero: it waits for the answer to a question: of its own accord, if nobody there has asked. */
int sim_network_calls_of(const struct sim_network *net, int member);
/* directed: only from those in side to the others. side 0: all can talk. */
void sim_network_part(struct sim_network *net, uint64_t side, int directed);

#endif
