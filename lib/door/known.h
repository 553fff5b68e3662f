/* door/known - the addresses of the peer list: those that URLs state, and those that their names
 * have, as far as they were looked up.
 *
 * Happy path: a list is prepared, which can fail, and put in the place of the one before, which
 * cannot; names that stay keep their addresses and what is under way for them. Names are looked up,
 * two at a time, when that is asked for: those that were not yet, those of which nothing is known,
 * the others; all of them at most once in 5 s. Who asks while there are names that were not looked
 * up at all can wait for them (gci_known_wait()).
 * Failure modes: UV_ENOMEM from prepare. A look-up that fails, or finds no memory, leaves what was
 * known.
 * Owns the lists and look-ups; after close none ends any more. */
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
#define GCI_KNOWN_ADDRESSES 16  /* of a name; more are ignored */
#define GCI_KNOWN_WAIT_MS 1000  /* at most, of one that waits */
#define GCI_KNOWN_WAITERS 1024u /* at most */

struct gci_known {
  struct gci_env *env;
  struct uv_loop_s *uv;
  const struct gci_hash_key *key; /* borrowed */
  struct gci_known_list *list;    /* NULL: none */
  uint64_t generation;            /* one up with every change of what is known */
  uint64_t pass_ms;               /* when the latest pass began */
  int passed;                     /* there was one */
  struct gci_known_lookup {
    struct gci_known *known;
    struct gci_lookup *lookup; /* NULL: free */
    struct gci_known_name *name;
  } lookups[GCI_KNOWN_LOOKUPS];
  struct gci_list waiters; /* who came first is first */
  size_t n_waiters;
  uint64_t waited;                   /* in all */
  struct gcache_deadline_s patience; /* of the first */
  struct gcache_job_s tell;
};

/* Somebody unknown who waits for names; embedded in what he asked for. */
struct gci_known_waiter {
  struct gcache_link_s link;
  struct gci_address address;
  uint64_t until_ms;
  /* Once, from the loop, never inside a call: he is known now, or there is nothing to wait for. */
  void (*told)(struct gci_known_waiter *w);
};

void gci_known_open(struct gci_known *k, struct gci_env *env, struct uv_loop_s *uv,
                    const struct gci_hash_key *key);
void gci_known_close(struct gci_known *k); /* again is fine */
void gci_known_fini(struct gci_known *k);

/* urls: read by gci_url_read() before. */
int gci_known_prepare(struct gci_known *k, struct gci_known_list **out, const char *const urls[],
                      size_t n);
/* One with the hosts of the one before changes nothing. */
void gci_known_commit(struct gci_known *k, struct gci_known_list *list);
void gci_known_drop(struct gci_known *k, struct gci_known_list *list); /* NULL is fine */

int gci_known_has(const struct gci_known *k, const struct gci_address *a);
/* Hosts as the URLs have them, without brackets, until named() says 1. 0: for none. */
int gci_known_any_host(const struct gci_known *k, int (*named)(void *user, const char *host),
                       void *user);
/* Looks up the names that were not yet; without any all, unless that was done in the last 5 s or is
 * under way. */
void gci_known_refresh(struct gci_known *k);
int gci_known_is_refreshing(const struct gci_known *k);

/* Not every name has been looked up, nor has that failed. */
int gci_known_is_partial(const struct gci_known *k);
/* address and told: set by the caller. < 0: told never runs: UV_ENOENT: there is nothing to wait
 * for; GCACHE_EBUSY: too many wait. */
int gci_known_wait(struct gci_known *k, struct gci_known_waiter *w);
void gci_known_wait_no_more(struct gci_known *k, struct gci_known_waiter *w);

#endif
