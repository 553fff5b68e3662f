/* sim/ping - a ping on its way through the network: separate from sim/exchange, because it concerns
 * no key and no member's cache. A lost ping is never answered, and ends when no caller waits any
 * more. */
#ifndef SIM_PING_H
#define SIM_PING_H

#include "gcache/transport.h"
#include "network.h"

void sim_ping_start(struct sim_member *m, gcache_call_t *call);
void sim_ping_cancel(gcache_call_t *call);
void sim_ping_crashed(struct sim_network *net, int member); /* its pings are forgotten; -1: all */

#endif
