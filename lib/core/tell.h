/* core/tell - tells a peer what it missed (core/missed), before the peer is asked again.
 *
 * An attempt sends the oldest change first, and goes on with changes missed meanwhile: one call at
 * first, and with each answer one more at a time, up to 64, so that a slow path is not filled with
 * calls that will be given up. The attempt ends when nothing is left, or an exchange has failed, or
 * no answer has come for a while, and all calls have ended. Any answer of the peer but UV_EACCES
 * counts as told.
 *
 * A peer is told from the next turn on; one that is down, when core/health looks for signs of life.
 * When the owner of a key has been told of its removal, all other members are told once more
 * (core/spread): they may have asked the owner meanwhile, and keep its answer. That is no reason
 * not to ask them, unless it fails.
 *
 * Concerns no group here: closing or reopening a group makes no difference. A peer that leaves the
 * list takes its missed changes with it; one whose URL is only spelt otherwise keeps them. Closing
 * forgets all.
 * Owns one block per attempt, one per call, a reference to every peer that missed something. A peer
 * that is still to be told of a change of a key is never asked for that key (core/ask). Fails: an
 * attempt without memory, as if an exchange had failed. */
#ifndef GCI_CORE_TELL_H
#define GCI_CORE_TELL_H

#include "base/list.h"
#include "core/missed.h"
#include "core/spread.h"

struct gcache_s;
struct gci_peer;

/* The core's. */
struct gci_tells {
  struct gci_missed_terms terms;
  struct gci_list peers; /* that missed anything, by their `tell` links */
  struct gci_spreads spreads;
  struct gcache_job_s job;
  uint64_t patience_ms; /* how long to wait for an answer */
};

struct gci_tell_options {
  size_t missed_max, missed_max_bytes; /* 0: the defaults */
  uint64_t patience_ms;                /* 0: the default */
};

void gci_tells_init(struct gcache_s *core, const struct gci_tell_options *options);
/* Cancels all attempts and forgets all missed changes. */
void gci_tells_close(struct gcache_s *core);
/* A new list is in force: forgets the missed changes of peers that are not in it. */
void gci_tells_list_changed(struct gcache_s *core);
/* The group is about to close: if a mark stands for all groups, this one gets a clear of its
 * own. */
void gci_tells_group_closes(struct gcache_s *core, const char *group);

/* The peer has not made this change: it failed to (GCI_MISSED), or there was no time (gentle). No
 * effect for this member or for a peer that is no longer in the list. Cannot fail. */
void gci_tell_missed(struct gcache_s *core, struct gci_peer *peer, const char *group,
                     gcache_op_t op, gcache_bytes_t key, enum gci_missed_weight weight);
/* The same for all members, the owner of the key first: for a change that was under way when
 * another list came. */
void gci_tell_all_missed(struct gcache_s *core, const char *group, gcache_op_t op,
                         gcache_bytes_t key);
/* There is room for spreads again. */
void gci_tells_wake(struct gcache_s *core);
enum { GCI_TELL_REASON_MAX = 257 };
/* The status and reason that a change reports for a peer that is down, and is therefore not
 * sent. */
int gci_tell_down_reason(const struct gci_peer *peer, char reason[GCI_TELL_REASON_MAX]);
/* Nonzero: a change that ended with status was made, or was refused for good. UV_EACCES is not for
 * good: the peer may not know yet who asks. A refusal of a set may be about its value, and does not
 * apply to the remove that is told in its place. */
int gci_tell_is_answer(gcache_op_t op, int status);
/* struct gci_healths.tell: 1: the peer is being told, and gci_health_told() follows from a later
 * turn; 0: there is nothing to tell; < 0: there is no memory to tell it. */
int gci_tell_probe(struct gcache_s *core, struct gci_peer *peer);

#endif
