/* gcache/many.h - gets and removals of many keys in one call. gcache.h's rules hold. */
#ifndef GCACHE_MANY_H
#define GCACHE_MANY_H

#include "gcache.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gcache_many_s gcache_many_t; /* request, yours: many gets */

#define GCACHE_MANY_MAX 65536 /* keys in one call; more: UV_E2BIG */

/* ---- get ---- */

/* Runs when every key has been answered. The functions below give the status and value of each. */
typedef void (*gcache_many_cb)(gcache_many_t *many, gcache_get_t gets[], size_t n);
struct gcache_many_s {
  void *data; /* yours */
  gcache_many_cb done;
  struct gcache_req_s priv; /* this and all that follows is private */
  gcache_get_t *gets;
  size_t n, left; /* left: what done waits for */
  gcache_value_t **refs;
  void *keys;
  int again;
};

/* n gets in one call: gets[i] is for keys[i], as by gcache_get() with the same timeout_ms. An error
 * that gcache_get() would have returned for a key, UV_EMSGSIZE, UV_EINVAL or UV_ENOMEM, is the
 * status of that key alone. gets is an array of n, yours; set the `data` of each yourself. Equal
 * keys share one load. Keys in memory cost less than n gets; the others cost what n gets in one
 * turn cost: one write per connection.
 *
 * done runs once, when all keys have been answered; it must not be NULL.
 * each NULL: the results are held until done. A value that expires meanwhile is asked for again,
 * once, in the remaining time; if that one expires too, the status is GCACHE_ELOAD.
 * each not NULL: it runs for every key as soon as that is answered, in no particular order, and
 * before done. It borrows the value, which is no longer available when done runs.
 *
 * many and gets stay in place until done begins, and gets are not used otherwise meanwhile.
 * Allocates, in all: with each, nothing for keys in memory; without, 8 bytes per key, and a copy of
 * the keys if any key must be waited for. UV_ENOMEM: nothing was started. */
GCACHE_EXTERN int gcache_get_many(gcache_many_t *many, gcache_group_t *group,
                                  const gcache_bytes_t keys[], size_t n, gcache_get_t gets[],
                                  uint64_t timeout_ms, gcache_get_cb each, gcache_many_cb done);

/* Inside each and done. The value is borrowed; NULL if status is not 0, or if each has had it.
 * gcache_get_reason(), _from() and _stale() work as inside a get's callback. */
GCACHE_EXTERN int gcache_get_status(const gcache_get_t *req);
GCACHE_EXTERN gcache_value_t *gcache_get_value(const gcache_get_t *req);

/* Ends every get that has not been delivered with UV_ECANCELED, held results included; the
 * callbacks still run, from the loop. gcache_get_cancel() does the same to one of gets. No effect
 * once done has begun. */
GCACHE_EXTERN void gcache_many_cancel(gcache_many_t *many);

/* ---- remove ---- */

/* gcache_remove() of n keys, each at its owner first; status 0 means for every key what it means
 * there. There is one result per member for all keys, in the list's order: 0 if it removed them
 * all, else its first failure. Members that join the list meanwhile are reported after the others.
 * Equal keys are allowed.
 *
 * A member that fails as many times in a row as it may have requests under way is not asked for the
 * rest, which is sent to it later; a refusal of one key alone does not count as a failure here.
 *
 * Copies the keys. Memory in all: the bytes of each key and 20 more, and per member 160 bytes for
 * each request under way, at most 256 of them. UV_E2BIG: more than GCACHE_MANY_MAX keys.
 * UV_EMSGSIZE, UV_EINVAL: a key is too long, or has a length but no bytes. On an error nothing was
 * started. */
GCACHE_EXTERN int gcache_remove_many(gcache_change_t *req, gcache_group_t *group,
                                     const gcache_bytes_t keys[], size_t n, uint64_t timeout_ms,
                                     gcache_change_cb cb);

#ifdef __cplusplus
}
#endif
#endif /* GCACHE_MANY_H */
