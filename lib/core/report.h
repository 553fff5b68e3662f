/* core/report - what a change reports: one result per member, with the member's first failure.
 *
 * The members are those of the list that was in force when the change began, and those that came to
 * the list while the change was under way. A member that left meanwhile stays in the report.
 * Owns one block: results, a reference to every member, copies of reasons. Fails: beginning, with
 * NULL. */
#ifndef GCI_CORE_REPORT_H
#define GCI_CORE_REPORT_H

#include "core/peers.h"

struct gcache_s;

struct gci_reported {
  struct gci_peer *peer; /* a reference; NULL: this member, without a list */
  gcache_value_t *reason;
};

struct gci_report {
  struct gci_mem *mem;
  const char *self;
  size_t n, room, listed;
  gcache_peer_result_t *results;
  uint32_t *places; /* of the members of the list, by index: place in results, + 1; 0: none yet */
  struct gci_reported who[];
};

/* before NULL: the report is empty. Otherwise all members of before are in it, in the same places,
 * and before is gone; without memory before stays. */
struct gci_report *gci_report_begin(struct gci_mem *mem, struct gcache_s *core,
                                    struct gci_report *before);
/* NULL is fine. */
void gci_report_end(struct gci_report *report);

/* The place of a member of the list that was in force at the beginning; without a list that of this
 * member, with index 0 and peer NULL. A member without a place gets the next. */
size_t gci_report_place(struct gci_report *report, size_t index, struct gci_peer *peer);
/* status 0, or a second failure of a member, changes nothing. reason may be NULL. */
void gci_report_add(struct gci_report *report, size_t place, int status, const char *reason);
/* The same for all other members, or for this member if there is no other. */
void gci_report_add_others(struct gci_report *report, int status, const char *reason);
/* 0 or GCACHE_EPARTIAL. */
int gci_report_status(const struct gci_report *report);

#endif
