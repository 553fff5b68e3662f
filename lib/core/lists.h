/* core/lists - which list of members is in force, and the way from one to the next.
 *
 * A list of up to `at_once` members is in force when it has been given: so few are asked fast without a
 * table. A longer one is copied and made in slices, one a turn (core/install), and is in force
 * when it is complete; until then the one before is. One that is given meanwhile takes its place. A
 * long list that is over is taken apart in slices too, before the next is begun.
 * Transports that can be told of single peers hear of those that come while the list is made, and
 * of those that are gone when it is taken apart; others of the whole list, when it is in force.
 * The list before stays for the time of a hand-off (core/previous).
 * Fails: gci_core_set_peers() (core.h), changing nothing; a long list in a later turn, with
 * UV_ENOMEM: it is given up, `error` says so. */
#ifndef GCI_CORE_LISTS_H
#define GCI_CORE_LISTS_H

#include "core/install.h"

struct gci_lists {
  struct gcache_job_s job;  /* queued while there is something left to do */
  struct gci_install *next; /* NULL: none is on its way */
  struct gci_list retired;  /* struct gci_retired */
  size_t at_once;
  uint64_t version; /* counts those that were put in force and are not the one before once more */
  int error;        /* of the list that was given last */
};

struct gcache_s;

/* at_once 0: the default. */
void gci_lists_init(struct gcache_s *core, size_t at_once);
void gci_lists_fini(struct gcache_s *core); /* and the list in force */
/* The time of the list before (core/previous) is over: it is taken apart. */
void gci_lists_part_previous(struct gcache_s *core);
/* Members of the list that is on its way; 0: there is none. */
size_t gci_lists_coming(const struct gcache_s *core);

#endif
