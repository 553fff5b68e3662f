/* door/known - the addresses of the peer list: those that stand in URLs, and those that names
 * resolve to, as far as they were looked up.
 *
 * Happy path: a list is prepared, which can fail, and replaces the previous one, which cannot;
 * names that stay keep their addresses and their look-ups under way. Names are looked up on demand,
 * two at a time: first those never looked up, then those without an address, then the others; all
 * of them at most once in 5 s. A client that asks while there are names that were never looked up
 * can wait for them (gci_known_wait()).
 * Failure modes: UV_ENOMEM from prepare. A look-up that fails, or finds no memory, changes nothing.
 * Owns the lists and look-ups; after close no look-up ends any more. */
#ifndef GCI_DOOR_KNOWN_H
#define GCI_DOOR_KNOWN_H

#include "base/env.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "door/addresses.h"

struct gci_lookup;
struct gci_known_list; /* opaque */

#define GCI_KNOWN_LOOKUPS 2
#define GCI_KNOWN_ADDRESSES 16  /* per name; more are ignored */
#define GCI_KNOWN_WAIT_MS 1000  /* the longest wait of a client */
#define GCI_KNOWN_WAITERS 1024u /* at most */

struct gci_known {
  struct gci_env *env;
  struct uv_loop_s *uv;
  const struct gci_hash_key *key; /* borrowed */
  struct gci_known_list *list;    /* NULL: none */
  uint64_t generation;            /* increases with every change of known addresses */
  uint64_t pass_ms;               /* when the latest pass began */
  int passed;                     /* there was a pass */
  struct gci_known_lookup {
    struct gci_known *known;
    struct gci_lookup *lookup; /* NULL: free */
    struct gci_known_name *name;
  } lookups[GCI_KNOWN_LOOKUPS];
  struct gci_list waiters; /* in order of arrival */
  size_t n_waiters;
  uint64_t waited;                   /* in all */
  struct gcache_deadline_s patience; /* of the first waiter */
  struct gcache_job_s tell;
};

/* A client with an unknown address that waits for names; embedded in its request. */
struct gci_known_waiter {
  struct gcache_link_s link;
  struct gci_address address;
  uint64_t until_ms;
  /* Once, from the loop, never inside a call: the address is known now, or there is nothing to wait
   * for. */
  void (*told)(struct gci_known_waiter *w);
};

void gci_known_open(struct gci_known *k, struct gci_env *env, struct uv_loop_s *uv,
                    const struct gci_hash_key *key);
void gci_known_close(struct gci_known *k); /* again is fine */
void gci_known_fini(struct gci_known *k);

/* urls: read by gci_url_read() before. */
int gci_known_prepare(struct gci_known *k, struct gci_known_list **out, const char *const urls[],
                      size_t n);
/* A list with the same hosts as the previous one changes nothing. */
void gci_known_commit(struct gci_known *k, struct gci_known_list *list);
void gci_known_drop(struct gci_known *k, struct gci_known_list *list); /* NULL is fine */

int gci_known_has(const struct gci_known *k, const struct gci_address *a);
/* Hosts as in the URLs, without brackets, until named() returns 1. 0: it did for none. */
int gci_known_any_host(const struct gci_known *k, int (*named)(void *user, const char *host),
                       void *user);
/* Looks up the names that were never looked up; if there are none, all names, unless that was done
 * in the last 5 s or is under way. */
void gci_known_refresh(struct gci_known *k);
int gci_known_is_refreshing(const struct gci_known *k);

/* Nonzero: some name has not been looked up, successfully or not. */
int gci_known_is_partial(const struct gci_known *k);
/* The caller sets address and told. < 0: told never runs. UV_ENOENT: there is nothing to wait for;
 * GCACHE_EBUSY: too many wait. */
int gci_known_wait(struct gci_known *k, struct gci_known_waiter *w);
void gci_known_wait_no_more(struct gci_known *k, struct gci_known_waiter *w);

#endif
