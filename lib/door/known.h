/* door/known - the addresses of the peer list: those that URLs state, and those that their names have, as far
 * as they were looked up.
 *
 * Happy path: a list is prepared, which can fail, and put in the place of the one before, which cannot; names
 * that stay keep their addresses. Names are looked up, two at a time, when that is asked for, at most once in 5 s.
 * Failure modes: UV_ENOMEM from prepare. A look-up that fails leaves what was known.
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
#define GCI_KNOWN_ADDRESSES 16 /* of a name; more are ignored */

struct gci_known {
  struct gci_env *env;
  struct uv_loop_s *uv;
  const struct gci_hash_key *key; /* borrowed */
  struct gci_known_list *list;    /* NULL: none */
  uint64_t generation;            /* one up with every change of what is known */
  struct gcache_link_s *next;     /* the name to be looked up next; NULL: no pass is under way */
  uint64_t pass_ms;               /* when the latest pass began */
  int passed;                     /* there was one for this list */
  struct gci_known_lookup {
    struct gci_known *known;
    struct gci_lookup *lookup; /* NULL: free */
    struct gci_known_name *name;
  } lookups[GCI_KNOWN_LOOKUPS];
};

void gci_known_open(struct gci_known *k, struct gci_env *env, struct uv_loop_s *uv,
                    const struct gci_hash_key *key);
void gci_known_close(struct gci_known *k); /* again is fine */
void gci_known_fini(struct gci_known *k);

/* urls: read by gci_url_read() before. */
int gci_known_prepare(struct gci_known *k, struct gci_known_list **out, const char *const urls[],
                      size_t n);
void gci_known_commit(struct gci_known *k, struct gci_known_list *list);
void gci_known_drop(struct gci_known *k, struct gci_known_list *list); /* NULL is fine */

int gci_known_has(const struct gci_known *k, const struct gci_address *a);
/* Hosts as the URLs have them, without brackets, until named() says 1. 0: for none. */
int gci_known_any_host(const struct gci_known *k, int (*named)(void *user, const char *host),
                       void *user);
/* Looks names up, unless that was done in the last 5 s, is under way, or there are none. */
void gci_known_refresh(struct gci_known *k);
int gci_known_is_refreshing(const struct gci_known *k);

#endif
