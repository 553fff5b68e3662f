/* core/report - what a change reports: one result a member, the first failure of each.
 *
 * The members are those of the list that was in force when the change began, and those that came to the
 * list while it was under way. Who left meanwhile stays in it.
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
  uint32_t *places; /* of the members of the list, by index: in results, + 1; 0: it has none yet */
  struct gci_reported who[];
};

/* before NULL: nobody is in it yet. Else everybody who was in before is, in the same places, and
 * before is gone; where there is no memory it stays. */
struct gci_report *gci_report_begin(struct gci_mem *mem, struct gcache_s *core,
                                    struct gci_report *before);
/* NULL is fine. */
void gci_report_end(struct gci_report *report);

/* The place of a member of the list that was in force at the beginning; of this member where there
 * was none, with index 0 and peer NULL. Who has none yet gets the next. */
size_t gci_report_place(struct gci_report *report, size_t index, struct gci_peer *peer);
/* status 0, or a second failure, says nothing new. reason may be NULL. */
void gci_report_add(struct gci_report *report, size_t place, int status, const char *reason);
/* The same of all others, or of this member where there is nobody else. */
void gci_report_add_others(struct gci_report *report, int status, const char *reason);
/* 0 or GCACHE_EPARTIAL. */
int gci_report_status(const struct gci_report *report);

#endif
