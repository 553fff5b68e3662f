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

/* Every key has been answered: status and value of each by the functions below. */
typedef void (*gcache_many_cb)(gcache_many_t *many, gcache_get_t gets[], size_t n);
struct gcache_many_s {
  void *data; /* yours */
  gcache_many_cb done;
  struct gcache_req_s priv; /* private, as all that follows */
  gcache_get_t *gets;
  size_t n, left; /* left: what done waits for */
  gcache_value_t **refs;
  void *keys;
  int again;
};

/* n gets in one call: gets[i] is for keys[i], as by gcache_get() with the same timeout_ms, and what
 * that would have returned for a key, UV_EMSGSIZE, UV_EINVAL or UV_ENOMEM, is the status of this
 * key alone. gets is an array of n, yours; the caller sets the `data` of each. Keys that are there
 * twice share one load. What is in memory costs less than n gets do; what is not travels as n gets
 * in one turn do: in one write a connection.
 *
 * done runs once, when all have been answered; never NULL. each NULL: the results are held until
 * then; a value that expires meanwhile is asked for again, once, in the time that is left, and what
 * expires then too is GCACHE_ELOAD. each: runs for every key as soon as it is answered, in no
 * particular order, and before done; values are borrowed by it, and no more there when done runs.
 *
 * many and gets stay in place until done begins, and gets are in no other use. Allocates, in all: with
 * each nothing for what is in memory; without, 8 bytes a key, and if anything must be waited for a copy
 * of the keys. UV_ENOMEM: nothing was started. */
GCACHE_EXTERN int gcache_get_many(gcache_many_t *many, gcache_group_t *group,
                                  const gcache_bytes_t keys[], size_t n, gcache_get_t gets[],
                                  uint64_t timeout_ms, gcache_get_cb each, gcache_many_cb done);

/* Inside each and done. value: borrowed; NULL: status is not 0, or each has had it.
 * gcache_get_reason(), _from() and _stale() as inside a get's callback. */
GCACHE_EXTERN int gcache_get_status(const gcache_get_t *req);
GCACHE_EXTERN gcache_value_t *gcache_get_value(const gcache_get_t *req);

/* Whatever has not been delivered ends with UV_ECANCELED, what is held included; the callbacks
 * still run, from the loop. gcache_get_cancel() does the same to one of gets. No effect once done
 * has begun. */
GCACHE_EXTERN void gcache_many_cancel(gcache_many_t *many);

/* ---- remove ---- */

/* gcache_remove() of n keys, each of them at its owner first: status 0 means for every key what it
 * means there. One result a member, in the list's order, over all keys: 0: it did them all; else
 * its first failure. A member that fails as many times in a row as it is asked at a time is not
 * asked for the rest, but told later; what it refuses of a key alone does not count. Who comes to
 * the list meanwhile is reported behind the others. Equal keys are fine.
 * Copies the keys, in all: 20 bytes a key and its bytes, and for every member 160 bytes a question that
 * is under way at a time, at most 256. UV_E2BIG: more than GCACHE_MANY_MAX; UV_EMSGSIZE, UV_EINVAL:
 * one of the keys is too long, or has no bytes: nothing was started. */
GCACHE_EXTERN int gcache_remove_many(gcache_change_t *req, gcache_group_t *group,
                                     const gcache_bytes_t keys[], size_t n, uint64_t timeout_ms,
                                     gcache_change_cb cb);

#ifdef __cplusplus
}
#endif
#endif /* GCACHE_MANY_H */
