/* core/previous - who has a key that this member owns now, perhaps: its owner by the list before,
 * for a while.
 *
 *   a list follows another     the owner by that one, if it is still a member
 *   the first list             this member has just started: who would own the key without it. It
 *                              may have been here before, and been told of changes that it has
 *                              forgotten while they are still on their way to others; so whoever is
 *                              asked answers only a member that is new to its own list
 *                              (gci_previous_is_new())
 *   the same list again        nothing changes
 *   an owner that is leaving   is asked by whoever loads in its place, at any time
 *
 * Owns the list before, placement and all (as much memory as the one in force), until its time is
 * over; that timer does not keep the loop alive. Fails: without memory for the timer there is no
 * list before. */
#ifndef GCI_CORE_PREVIOUS_H
#define GCI_CORE_PREVIOUS_H

#include "core/peers.h"

/* 0: the default of each, but for handoff_ms: there is no hand-off. */
struct gci_handoff_terms {
  uint64_t handoff_ms;
  uint64_t wait_ms;  /* for an answer: 100 */
  uint64_t quiet_ms; /* in which a change has reached everybody or failed: 60000 */
  size_t leave_max_bytes;
};

struct gci_previous {
  struct gci_handoff_terms terms;
  struct gci_peers list; /* n 0: there is none */
  size_t told;           /* of list: members that the transport knows to be gone */
  uint64_t since_ms;     /* when the list in force was put in force */
  uint64_t until_ms;     /* nobody is asked from then on */
  int is_newcomer;       /* it was the first */
  struct gcache_deadline_s end;
};

struct gcache_s;

void gci_previous_init(struct gcache_s *core, const struct gci_handoff_terms *terms);
/* The list in force has taken the place of old. Nonzero: old is kept. */
int gci_previous_begin(struct gcache_s *core, const struct gci_peers *old);
/* What is kept is no longer asked; taken out, n 0: there was none. */
struct gci_peers gci_previous_end(struct gcache_s *core);

/* Who is asked for a key that is to be loaded here. */
struct gci_predecessor {
  struct gci_peer *peer; /* NULL: nobody */
  uint64_t since_ms;     /* this member owns the key */
  int as_newcomer;
};
struct gci_predecessor gci_previous_owner(struct gcache_s *core, gcache_bytes_t key);
/* Who owns key without this member, up and not leaving as far as known; NULL: nobody. */
struct gci_peer *gci_previous_heir(struct gcache_s *core, gcache_bytes_t key);
/* Nonzero: as far as this member knows the one of that URL has come to the list of late, or is not
 * in it. */
int gci_previous_is_new(struct gcache_s *core, const char *url);

#endif
