/* core/change - what set, remove and clear have in common: every member is asked, and reported.
 *
 * A change is made of errands, one a member, owner first, in the order of the peer list, and of two
 * rounds. A round asks a range of the errands at once and is over when all have answered; a member
 * that failed does not stop the next round.
 *
 *   set, remove   the owner; then everybody else, so that nobody fetches the old value again. If the
 *                 owner is out, who acts for it is asked for a set with it, and stores the value
 *   clear         everybody; then everybody again, for what was fetched during the first round
 *
 * If another list has been put in force by then, the change is made once more by that list, from
 * the owner on: who has come, or owns the key now, may have taken over what was removed elsewhere
 * only later, and others may have fetched it from there (P2). Who keeps the value of a set goes on
 * to, if it is still the one. After GCI_CHANGE_PASSES lists, or without memory, that is left to
 * core/tell, and everybody is reported with UV_EAGAIN or UV_ENOMEM.
 *
 * This member does its part itself, without a call. A client-only member is not in the list of
 * results; its own memory is dropped in every round but the owner's.
 *
 * The request ends with the last answer, or early: then the unanswered are reported with the reason
 * for that, and their calls are cancelled. Who has not made a change, for whatever reason but the
 * application's cancel or its own refusal, is told later (core/tell); who is down is not asked before.
 * Calls under way still owe their answers, so the change
 * outlives its request: one count for the request, one a call. Owns copies of key and value
 * reference, and errands: one block a list; and its report. Fails: starting, with UV_ENOMEM,
 * UV_EMSGSIZE, UV_EINVAL, GCACHE_ECLOSING. */
#ifndef GCI_CORE_CHANGE_H
#define GCI_CORE_CHANGE_H

#include "core/group.h"
#include "gcache/transport.h"

enum { GCI_CHANGE_PASSES = 4 };

/* What is to be done everywhere; all borrowed. */
struct gci_change_order {
  gcache_op_t op;
  gcache_bytes_t key;    /* empty for a clear */
  gcache_value_t *value; /* set only */
};

int gci_change_start(gcache_change_t *req, gcache_group_t *group,
                     const struct gci_change_order *order, uint64_t timeout_ms,
                     gcache_change_cb cb);

#endif
