/* core/leave - gcache_leave(): the most used values of this member are given to their next owners.
 *
 * Each group's main cache is walked over (store/cache), a few entries of each group in turn, so
 * that over all groups the most used values go first; at most 64 values and 8 MiB are on their way.
 * A value that a change has removed here since it was sent may reach the next owner after the
 * change has: the next owner refuses keys that have been changed there (core/recent), and a change
 * that comes to it later removes the value (P2).
 * Owns one block while it lasts, one per value on its way. Fails: starting, with UV_ENOMEM,
 * UV_EALREADY, GCACHE_ECLOSING; a value for which there is no memory is not given. */
#ifndef GCI_CORE_LEAVE_H
#define GCI_CORE_LEAVE_H

#include "gcache/leave.h"

struct gcache_s;

/* The cache closes. None under way is fine. */
void gci_leave_cancel(struct gcache_s *core);

#endif
