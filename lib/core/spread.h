/* core/spread - one change for all members of the list, told to one after the other.
 *
 * When the owner of a key has been told late that it was removed, all others are told once more
 * (core/tell): they may have fetched it meanwhile. A spread is one block, however many members
 * there are. One is at work at a time, 256 questions at a time, 256 members a turn; the others
 * wait. Who is not up, or does not answer, gets an entry of its own in core/missed. If another
 * member owns the key by a list that has come meanwhile, that one is told first, and then everybody
 * by another spread; members that come are told, too.
 *
 * Bounded as what one peer has missed is: what a spread may follow on is not sent while there is no
 * room.
 * Owns its blocks, one a call, a reference to the owner. Fails: gci_spread_new(); what cannot be
 * asked for want of memory gets its entry. */
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
  size_t n, bytes;         /* of all blocks, those that are not begun yet, too */
  size_t running, next;    /* calls; the member that is asked next */
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
/* Nobody is told any more; what is under way still ends. How many were not through. */
size_t gci_spreads_close(struct gcache_s *core);
int gci_spreads_have_room(const struct gcache_s *core);

/* Copies both; op: a remove or a clear. NULL: out of memory. */
struct gci_spread *gci_spread_new(struct gcache_s *core, const char *group, gcache_op_t op,
                                  gcache_bytes_t key);
/* In place of beginning it. NULL is fine. */
void gci_spread_free(struct gci_spread *spread);
/* To all others. owner: has been told; NULL: this member. Takes spread. */
void gci_spread_begin(struct gci_spread *spread, struct gci_peer *owner);

#endif
