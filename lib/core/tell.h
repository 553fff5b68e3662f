/* core/tell - a peer is told what it missed (core/missed), before it is asked again.
 *
 * An attempt sends the oldest first, and goes on with what is missed meanwhile: one, and with each
 * answer one more at a time, up to 64, so that a path on which little gets through is not filled
 * with what will be given up. It is over when nothing is left, or when an exchange has failed, or
 * no answer has come for a while, and what was sent has ended. What a peer answers counts as told,
 * whatever it answers but UV_EACCES: it has been told.
 *
 * A peer is told from the next turn on; one that is down, when core/health looks for signs of life.
 * When the owner of a key has been told of a remove of it, all other members are told once more
 * (core/spread): they may have asked it meanwhile, and keep what it answered. That is no reason not
 * to ask them, unless it fails.
 *
 * Concerns no group here: one that has been closed, or opened anew, makes no difference. A peer
 * that leaves the list takes with it what it missed; one whose URL is written otherwise keeps it.
 * Closing forgets all.
 * Owns one block an attempt, one a call, a reference to every peer that missed something.
 * A key is never asked of a peer that is still to be told of a change of it (core/ask).
 * Fails: an attempt, for want of memory, as if an exchange had. */
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
  uint64_t patience_ms; /* without an answer */
};

struct gci_tell_options {
  size_t missed_max, missed_max_bytes; /* 0: the defaults */
  uint64_t patience_ms;                /* 0: the default */
};

void gci_tells_init(struct gcache_s *core, const struct gci_tell_options *options);
/* All attempts are cancelled, all that was missed is forgotten. */
void gci_tells_close(struct gcache_s *core);
/* A list is in force: what those missed that are not in it any more is forgotten. */
void gci_tells_list_changed(struct gcache_s *core);
/* The group is about to be gone: where a mark stands for all groups, this one is to be named. */
void gci_tells_group_closes(struct gcache_s *core, const char *group);

/* The peer was to make this change and has not: it failed to (GCI_MISSED), or there was no time
 * (gentle). No effect for this member and for a peer that is not in the list any more. Cannot fail. */
void gci_tell_missed(struct gcache_s *core, struct gci_peer *peer, const char *group,
                     gcache_op_t op, gcache_bytes_t key, enum gci_missed_weight weight);
/* The same of all members, the owner of the key first: where a change was under way when another
 * list came. */
void gci_tell_all_missed(struct gcache_s *core, const char *group, gcache_op_t op,
                         gcache_bytes_t key);
/* There is room for spreads again. */
void gci_tells_wake(struct gcache_s *core);
enum { GCI_TELL_REASON_MAX = 257 };
/* What a change that is not sent reports of a peer that is down. */
int gci_tell_down_reason(const struct gci_peer *peer, char reason[GCI_TELL_REASON_MAX]);
/* Nonzero: a change that ended so was made, or was refused for good. UV_EACCES is not for good: the
 * peer may not know yet who asks. What is refused of a set may be its value:
 * the remove that is told in its place is another matter. */
int gci_tell_is_answer(gcache_op_t op, int status);
/* struct gci_healths.tell: 1: the peer is being told, and gci_health_told() follows from a later
 * turn; 0: there is nothing to tell; < 0: there is no memory to tell it. */
int gci_tell_probe(struct gcache_s *core, struct gci_peer *peer);

#endif
