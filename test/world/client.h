/* world/client - the program on a member: it gets, singly and many at once, cancels, peeks, sets,
 * removes and clears, and reports its requests and their results to the oracle. A request is
 * poisoned when its callback begins and kept to the end, so that a second callback or a late write
 * is noticed. */
#ifndef WORLD_CLIENT_H
#define WORLD_CLIENT_H

#include "member.h"

enum { WORLD_MANY_MAX = 12 };

void world_client_get(struct world_member *m, unsigned key, uint64_t timeout_ms);
/* In one call; the keys are of one group, and may be there twice; n is 1 to WORLD_MANY_MAX. */
void world_client_get_many(struct world_member *m, const unsigned keys[], size_t n,
                           uint64_t timeout_ms, int each);
void world_client_remove_many(struct world_member *m, const unsigned keys[], size_t n,
                              uint64_t timeout_ms);
void world_client_peek(struct world_member *m, unsigned key);
/* kind CLEAR: key is any of the group's. ttl_ms: of a SET's value; 0: for ever. */
void world_client_change(struct world_member *m, enum promises_kind kind, unsigned key,
                         uint64_t timeout_ms, uint64_t ttl_ms);
void world_client_cancel(struct world_member *m); /* a pending request, by chance; none is fine */
void world_client_forget(struct world_member *m);

/* ---- internal: what single gets and many have in common ---- */
int world_client_can_ask(const struct world_member *m, unsigned group);
void world_client_got(struct world_member *m, unsigned key, size_t request, const gcache_get_t *req,
                      int status, gcache_value_t *value);
/* The program may call anything from its callback; sometimes it does. */
void world_client_ask_again(struct world_member *m, unsigned key);
void world_client_cancel_many(struct world_member *m, struct gcache_link_s *batch); /* NULL: none */
/* Nonzero: a call may return that; else the oracle is told. */
int world_client_may_return(struct world_member *m, unsigned group, int status, const char *call);

#endif
