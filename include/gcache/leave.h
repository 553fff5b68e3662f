/* gcache/leave.h - a member that goes: it tells the others, and gives them what it has that is used
 * most. Needs gcache.h, whose rules hold. See docs/rooms/cluster.md, "Members that come and go". */
#ifndef GCACHE_LEAVE_H
#define GCACHE_LEAVE_H

#include "gcache.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gcache_leave_s gcache_leave_t; /* request, yours */

typedef struct gcache_left_s {
  uint64_t given;   /* values that others keep now */
  uint64_t refused; /* that they did not want, or did not answer for */
  uint64_t bytes;   /* of keys and values given */
} gcache_left_t;

/* status 0: all is given that was to be. UV_ETIMEDOUT: not all. UV_ECANCELED: the cache closes. */
typedef void (*gcache_leave_cb)(gcache_leave_t *req, int status, const gcache_left_t *left);

struct gcache_leave_s {
  void *data; /* yours */
  gcache_leave_cb cb;
  gcache_left_t left; /* private, as what follows is */
  struct gcache_job_s job;
  int status;
  gcache_t *cache;
};

/* This member is about to go. From now on every answer to a peer says so: peers ask others for its
 * keys, but go on telling it of changes, and whoever asks is still answered. What its groups' main
 * caches hold is given to the members that will own it, what is used most first, up to
 * options.leave_max_bytes, for timeout_ms (0: options.timeout_ms). They keep it only where they
 * know nothing of the key.
 *
 * A member that is alone, or whose list is emptied before or meanwhile, has nobody to give to: what
 * is on its way is waited for, and the status is 0. A peer that is an older gcache refuses what it
 * is given.
 *
 * Others believe it until an answer says otherwise. A process that starts again at this URL while
 * it is still on their lists is asked for its keys by those that have heard that: they ping who is
 * leaving once in options.health.probe_max_ms, where they ask it nothing else.
 *
 * In this order: gcache_leave(); in its callback take this member from the lists of all others; then
 * gcache_close(). There is no way back but to open a new cache. UV_EALREADY: it is leaving. With a
 * dialect of others, or a transport that cannot, nothing is given. */
GCACHE_EXTERN int gcache_leave(gcache_leave_t *req, gcache_t *cache, uint64_t timeout_ms,
                               gcache_leave_cb cb);

#ifdef __cplusplus
}
#endif
#endif /* GCACHE_LEAVE_H */
