/* members - the four processes of the live cluster, two gcache nodes and two Go nodes, and requests
 * to them. */
#ifndef LIVE_MEMBERS_H
#define LIVE_MEMBERS_H

#include "client.h"
#include "keys.h"
#include "nodes.h"

enum { C0, C1, GO0, GO1, N_MEMBERS };
#define ALL ((1u << N_MEMBERS) - 1)

struct members {
  struct node m[N_MEMBERS];
  char *c_program, *go_program;
};

/* 0, or -1 having said why. */
int members_start(struct members *all);
void members_end(struct members *all);
/* The Go member again on the port it had, knowing all. */
int member_restart(struct members *all, int i);
/* PUT /peers of the list `set` (a bit a member) to member i. 0, or -1. */
int member_told(const struct members *all, int i, unsigned set);
int members_told(const struct members *all, unsigned set); /* each member of `set` */

/* A request for client_run(); route with the query up to "key=". */
struct request member_request(const struct members *all, int i, const char *route,
                              const struct key *key);
/* One request with a verb of its own. client_free() the result. */
struct request *member_ask(const struct members *all, int i, const char *method, const char *route,
                           const struct key *key);
/* Who owns the key as member i sees it, -1: said none of ours. */
int member_owner(const struct members *all, int i, const struct key *key);
/* Whose URL the text begins with, -1: nobody's. */
int member_named(const struct members *all, const struct request *r);
/* Loads that ran, of all members. */
long long members_loads(const struct members *all);

#endif
