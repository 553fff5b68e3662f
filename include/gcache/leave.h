/* gcache/leave.h - a graceful leave: a member tells its peers that it leaves, and gives them its
 * most used values. Needs gcache.h, whose rules hold. See docs/rooms/cluster.md, "Members that come
 * and go". */
#ifndef GCACHE_LEAVE_H
#define GCACHE_LEAVE_H

#include "gcache.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gcache_leave_s gcache_leave_t; /* request, yours */

typedef struct gcache_left_s {
  uint64_t given;   /* values that other members now keep */
  uint64_t refused; /* values that they did not want, or did not answer for */
  uint64_t bytes;   /* of the keys and values given */
} gcache_left_t;

/* status 0: everything to be given was given. UV_ETIMEDOUT: not everything. UV_ECANCELED: the cache
 * closes. */
typedef void (*gcache_leave_cb)(gcache_leave_t *req, int status, const gcache_left_t *left);

struct gcache_leave_s {
  void *data; /* yours */
  gcache_leave_cb cb;
  gcache_left_t left; /* this and all that follows is private */
  struct gcache_job_s job;
  int status;
  gcache_t *cache;
};

/* Announces that this member leaves, and gives its values away. From now on every response to a
 * peer says so: peers send requests for its keys to other members, but still send it changes, and
 * requests that do arrive are still answered. The values in its groups' main caches are given to
 * the members that will own them, the most used first, up to options.leave_max_bytes, for
 * timeout_ms (0: options.timeout_ms). A receiver keeps a value only if it knows nothing of the key.
 *
 * A member that is alone, or whose list is emptied before or meanwhile, has no member to give to:
 * gifts under way are waited for, and the status is 0. A peer with an older gcache refuses the
 * gifts.
 *
 * Peers take this member to be leaving until a response from its URL says otherwise. If a process
 * starts again at this URL while it is still on their lists, peers that have heard of the leave
 * find out by a ping, which they send once in options.health.probe_max_ms if they send nothing
 * else.
 *
 * Order of a graceful stop: gcache_leave(); in its callback, take this member off the lists of all
 * others; then gcache_close(). A leave cannot be undone except by opening a new cache. UV_EALREADY:
 * the cache is leaving already. With a Go dialect, or a transport that cannot give, nothing is
 * given. */
GCACHE_EXTERN int gcache_leave(gcache_leave_t *req, gcache_t *cache, uint64_t timeout_ms,
                               gcache_leave_cb cb);

#ifdef __cplusplus
}
#endif
#endif /* GCACHE_LEAVE_H */
