/* core/previous - which member may have the value of a key that this member owns now: for a while,
 * the key's owner by the previous list.
 *
 *   a list follows another     the owner by the previous list, if it is still a member
 *   the first list             this member has just started: the member that would own the key
 *                              without it. This member may have been here before, and been told
 *                              of changes that it has forgotten while they are still on their way
 *                              to others; so the member asked answers only a member that is new to
 *                              its own list (gci_previous_is_new())
 *   the same list again        nothing changes
 *   an owner that is leaving   is asked by the member that loads in its place, at any time
 *
 * Owns the previous list with its placement (as much memory as the one in force), until its time is
 * over; that timer does not keep the loop alive. Fails: without memory for the timer there is no
 * previous list. */
#ifndef GCI_CORE_PREVIOUS_H
#define GCI_CORE_PREVIOUS_H

#include "core/peers.h"

/* 0: the default of each, except handoff_ms: no hand-off. */
struct gci_handoff_terms {
  uint64_t handoff_ms;
  uint64_t wait_ms;  /* for an answer: 100 */
  uint64_t quiet_ms; /* within it a change has reached everybody or failed: 60000 */
  size_t leave_max_bytes;
};

struct gci_previous {
  struct gci_handoff_terms terms;
  struct gci_peers list; /* n 0: there is none */
  size_t told;           /* members of list that the transport knows to be gone */
  uint64_t since_ms;     /* when the list in force was put in force */
  uint64_t until_ms;     /* nobody is asked from then on */
  int is_newcomer;       /* the list in force is this member's first */
  /* changes came while their group was not open, or went with it when it closed (core/recent) */
  int is_forgetful;
  struct gcache_deadline_s end;
};

struct gcache_s;

void gci_previous_init(struct gcache_s *core, const struct gci_handoff_terms *terms);
/* The list in force has replaced old. Nonzero: old is kept. */
int gci_previous_begin(struct gcache_s *core, const struct gci_peers *old);
/* The previous list is asked no longer, and taken out; n 0: there was none. */
struct gci_peers gci_previous_end(struct gcache_s *core);

/* The member that is asked for a key that is to be loaded here. */
struct gci_predecessor {
  struct gci_peer *peer; /* NULL: nobody */
  uint64_t since_ms;     /* since when this member owns the key */
  int as_newcomer;
};
struct gci_predecessor gci_previous_owner(struct gcache_s *core, gcache_bytes_t key);
/* The owner of key without this member, if it is up and not leaving as far as known; NULL: none. */
struct gci_peer *gci_previous_heir(struct gcache_s *core, gcache_bytes_t key);
/* Nonzero: as far as this member knows, the member of that URL has come to the list lately, or is
 * not in it. */
int gci_previous_is_new(struct gcache_s *core, const char *url);

#endif
