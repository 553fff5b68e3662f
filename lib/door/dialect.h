/* door/dialect - the differences between the groupcache systems, as one table that the rest of the
 * door asks. store/placement knows who owns a key in a dialect. */
#ifndef GCI_DOOR_DIALECT_H
#define GCI_DOOR_DIALECT_H

#include "gcache/gcache.h"

struct gci_dialect {
  const char *name;
  /* Placement hashes the host:port of a peer's URL, not the URL. */
  int places_authority;

  /* As the server. */
  int gets_only; /* every method is a GET; a peer that asks for a change cannot be obeyed */
  int refuses_odd_methods;         /* 405 for methods other than GET, PUT, DELETE; otherwise they
                                    * are GETs */
  int states_expiry;               /* field 3 of GetResponse is written, also when it is 0 */
  int not_found, failed, no_group; /* statuses */
  int removes_many;                /* POST <group>/_remove-keys/ */
  int has_unix;                    /* members have URLs that begin with unix: */

  /* As the client. */
  const char *stay;  /* what a path holds unescaped besides A-Z a-z 0-9 - _ . ~ */
  int getter_failed; /* the status of a failed getter; other 5xx are failed exchanges */
  int plain;         /* our own headers go only to peers that have shown themselves to be gcache */
};

const struct gci_dialect *gci_dialect_of(gcache_dialect_t dialect);

#endif
