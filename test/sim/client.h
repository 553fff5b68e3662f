/* sim/client - the program on a member: it gets, cancels, peeks, sets, removes and clears, and tells the
 * oracle what it asked and what it was answered. A request is poisoned when its callback begins and
 * kept to the end, so that a second callback or a late write is noticed. */
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H

#include <stdint.h>

#include "promises.h"

struct sim_member;

void sim_client_get(struct sim_member *m, unsigned key, uint64_t timeout_ms);
void sim_client_peek(struct sim_member *m, unsigned key);
/* kind CLEAR: key is any of the group's. ttl_ms: of a SET's value; 0: for ever. */
void sim_client_change(struct sim_member *m, enum promises_kind kind, unsigned key,
                       uint64_t timeout_ms, uint64_t ttl_ms);
/* One of its pending requests, by chance; none is fine. */
void sim_client_cancel(struct sim_member *m);
void sim_client_forget(struct sim_member *m);

#endif
