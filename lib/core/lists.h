/* core/lists - which list of members is in force, and the way from one list to the next.
 *
 * A list of up to `at_once` members is in force as soon as it is given: so few can be asked fast
 * without a table. A longer list is copied and made in slices, one a turn (core/install), and is in
 * force when it is complete; until then the previous list is. A list given meanwhile takes its
 * place. A long list that is no longer in force is freed in slices too, before the next is begun.
 * A transport that can be told of single peers is told of new ones while the list is made, and of
 * those that left when the old list is freed; other transports are told of the whole list, when it
 * is in force. The previous list stays for the time of a hand-off (core/previous).
 * Fails: gci_core_set_peers() (core.h), changing nothing; a long list in a later turn, with
 * UV_ENOMEM: it is given up, and `error` says so. */
#ifndef GCI_CORE_LISTS_H
#define GCI_CORE_LISTS_H

#include "core/install.h"

struct gci_lists {
  struct gcache_job_s job;  /* queued while there is something left to do */
  struct gci_install *next; /* NULL: none is on its way */
  struct gci_list retired;  /* struct gci_retired */
  size_t at_once;
  uint64_t version; /* counts lists put in force, except the same one again */
  int error;        /* of the latest list given */
};

struct gcache_s;

/* at_once 0: the default. */
void gci_lists_init(struct gcache_s *core, size_t at_once);
void gci_lists_fini(struct gcache_s *core); /* and the list in force */
/* The time of the previous list (core/previous) is over: it is freed. */
void gci_lists_part_previous(struct gcache_s *core);
/* Members of the list that is on its way; 0: there is none. */
size_t gci_lists_coming(const struct gcache_s *core);

#endif
