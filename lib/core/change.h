/* core/change - the common part of set, remove and clear: every member is asked, and reported.
 *
 * A change is made of errands, one per member, owner first, then in the order of the peer list, and
 * of two rounds. A round sends a range of the errands at once and is over when all have answered; a
 * member that failed does not stop the next round.
 *
 *   set, remove   the owner; then everybody else, so that nobody fetches the old value again. If
 *                 the owner is down or leaves, the acting owner is sent a set together with it,
 *                 and stores the value
 *   clear         everybody; then everybody again, for values fetched during the first round
 *
 * If another list has been put in force by then, the change is made once more by that list, from
 * the owner on: a member that is new, or owns the key now, may have taken the value over from a
 * member that removed it only later, and others may have fetched it from there (P2). The keeper of
 * a set's value still keeps it if it is the keeper by the new list too. After GCI_CHANGE_PASSES
 * lists, or without memory, the change is left to core/tell, and everybody is reported with
 * UV_EAGAIN or UV_ENOMEM.
 *
 * This member does its part itself, without a call. A client-only member is not in the list of
 * results; its own memory is dropped in every round but the owner's.
 *
 * The request ends with the last answer, or early: then members without an answer are reported with
 * the reason, and their calls are cancelled. A member that has not made a change, for any reason
 * but the application's cancel or the member's own refusal, is told later (core/tell); a member
 * that is down is not asked before that. Calls under way still owe their answers, so the change
 * outlives its request: one count for the request, one per call. Owns a copy of the key, a
 * reference to the value, the errands (one block per list) and its report. Fails: starting, with
 * UV_ENOMEM, UV_EMSGSIZE, UV_EINVAL, GCACHE_ECLOSING. */
#ifndef GCI_CORE_CHANGE_H
#define GCI_CORE_CHANGE_H

#include "core/group.h"
#include "gcache/transport.h"

enum { GCI_CHANGE_PASSES = 4 };

/* The change itself; all borrowed. */
struct gci_change_order {
  gcache_op_t op;
  gcache_bytes_t key;    /* empty for a clear */
  gcache_value_t *value; /* set only */
};

int gci_change_start(gcache_change_t *req, gcache_group_t *group,
                     const struct gci_change_order *order, uint64_t timeout_ms,
                     gcache_change_cb cb);

#endif
