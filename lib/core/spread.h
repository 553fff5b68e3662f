/* core/spread - one change for all members of the list, told to one after the other.
 *
 * When an owner has been told late that a key was removed, all others are told once more
 * (core/tell): they may have fetched the key meanwhile. A spread is one block, however many members
 * there are. One spread is at work at a time, with up to 256 calls under way and 256 members a
 * turn; the others wait. A member that is not up, or does not answer, gets an entry of its own in
 * core/missed. If by a new list another member owns the key, that owner is told first, and then
 * everybody by another spread; new members are told, too.
 *
 * Bounded as the entries of one peer are: a change that would lead to a spread is not sent while
 * there is no room.
 * Owns its blocks, one per call, a reference to the owner. Fails: gci_spread_new(); a member that
 * is not called for want of memory gets an entry. */
#ifndef GCI_CORE_SPREAD_H
#define GCI_CORE_SPREAD_H

#include "base/defer.h"
#include "base/env.h"
#include "base/list.h"
#include "gcache/transport.h"

struct gci_peer;
struct gcache_s;

/* The core's. */
struct gci_spreads {
  struct gci_list waiting; /* the first is at work */
  struct gci_list calls;   /* under way, by age */
  size_t n, bytes;         /* of all blocks, including those not begun yet */
  size_t running, next;    /* calls under way; the next member */
  struct gcache_deadline_s patience;
  struct gcache_job_s job;
};

struct gci_spread {
  struct gcache_link_s link;
  struct gcache_s *core;
  struct gci_peer *owner; /* has been told; a reference, or NULL: this member, or a clear */
  uint64_t version;       /* of the list */
  size_t refs, size;
  uint32_t key_len;
  uint8_t op;
  char group[]; /* with its zero; then the key */
};

void gci_spreads_init(struct gcache_s *core);
/* Tells nobody any more; calls under way still end. Returns how many spreads were not finished. */
size_t gci_spreads_close(struct gcache_s *core);
int gci_spreads_have_room(const struct gcache_s *core);

/* Copies both; op: a remove or a clear. NULL: out of memory. */
struct gci_spread *gci_spread_new(struct gcache_s *core, const char *group, gcache_op_t op,
                                  gcache_bytes_t key);
/* For one that is not begun. NULL is fine. */
void gci_spread_free(struct gci_spread *spread);
/* Tells all others. owner: has been told already; NULL: this member. Takes spread. */
void gci_spread_begin(struct gci_spread *spread, struct gci_peer *owner);

#endif
