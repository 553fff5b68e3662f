/* sim/client - the program on a member: it gets, singly and many at once, cancels, peeks, sets,
 * removes and clears, and reports its requests and their results to the oracle. A request is
 * poisoned when its callback begins and kept to the end, so that a second callback or a late write
 * is noticed. */
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "gcache/gcache.h"
#include "promises.h"

struct sim_member;

enum { SIM_MANY_MAX = 12 };

void sim_client_get(struct sim_member *m, unsigned key, uint64_t timeout_ms);
/* In one call; the keys are of one group, and may be there twice; n is 1 to SIM_MANY_MAX. */
void sim_client_get_many(struct sim_member *m, const unsigned keys[], size_t n, uint64_t timeout_ms,
                         int each);
void sim_client_remove_many(struct sim_member *m, const unsigned keys[], size_t n,
                            uint64_t timeout_ms);
void sim_client_peek(struct sim_member *m, unsigned key);
/* kind CLEAR: key is any of the group's. ttl_ms: of a SET's value; 0: for ever. */
void sim_client_change(struct sim_member *m, enum promises_kind kind, unsigned key,
                       uint64_t timeout_ms, uint64_t ttl_ms);
/* One of its pending requests, by chance; none is fine. */
void sim_client_cancel(struct sim_member *m);
/* Another list is in force. */
void sim_client_listed(struct sim_member *m);
void sim_client_forget(struct sim_member *m);

/* ---- internal: what single gets and many have in common ---- */
int sim_client_can_ask(const struct sim_member *m, unsigned group);
void sim_client_got(struct sim_member *m, unsigned key, size_t request, const gcache_get_t *req,
                    int status, gcache_value_t *value);
/* The program may call anything from its callback; sometimes it does. */
void sim_client_ask_again(struct sim_member *m, unsigned key);
void sim_client_cancel_many(struct sim_member *m, struct gcache_link_s *batch); /* NULL: none */

#endif
