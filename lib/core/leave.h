/* core/leave - gcache_leave(): what this member has that is used most is given to its next owners.
 *
 * Each group's main cache is walked over (store/cache), a few entries of each group in turn, so
 * that what is used most goes first in all; at most 64 values and 8 MiB are on their way. A value
 * that a change has removed here since it was sent may reach the next owner after the change has:
 * it refuses what has been changed there (core/recent), and a change that comes to it later removes
 * what it was given (P2).
 * Owns one block while it lasts, one a value on its way. Fails: starting, with UV_ENOMEM, UV_EALREADY,
 * GCACHE_ECLOSING; a value for which there is no memory is not given. */
#ifndef GCI_CORE_LEAVE_H
#define GCI_CORE_LEAVE_H

#include "gcache/leave.h"

struct gcache_s;

/* The cache closes. None under way is fine. */
void gci_leave_cancel(struct gcache_s *core);

#endif
