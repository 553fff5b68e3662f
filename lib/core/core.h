/* core/core - the cache as a whole, without sockets: options, groups, peers, and its closing.
 *
 * struct gcache_s is the core; gcache.c embeds it in the house, test/sim uses it bare. Each
 * conversation has its own file: get, change (set, remove, clear), load (the getter), call (a
 * request to a peer), answer (a peer's request). Owns groups, peers, the placement. Borrows env and
 * transport, which must outlive it. */
#ifndef GCI_CORE_CORE_H
#define GCI_CORE_CORE_H

#include "base/countdown.h"
#include "base/env.h"
#include "base/hash.h"
#include "base/map.h"
#include "core/health.h"
#include "core/leave.h"
#include "core/lists.h"
#include "core/previous.h"
#include "core/tell.h"
#include "gcache/gcache.h"
#include "gcache/transport.h"
#include "store/budget.h"

struct gci_door; /* lib/door: opaque here */

/* Something outside that uses a cache, and ends before the cache does (lib/find): it holds one
 * count of `life`. */
struct gci_guest {
  /* Inside gcache_close(). The guest gives the count back when it has ended, if it is not ending
   * already. */
  void (*cache_closes)(struct gci_guest *guest);
};

struct gci_core_options {
  const char *self; /* copied; NULL: no URL of our own */
  gcache_dialect_t dialect;
  unsigned replicas;
  uint64_t timeout_ms; /* for calls that pass 0 */
  size_t key_max, value_max;
  size_t max_bytes;       /* of all groups; 0: no limit */
  size_t members_at_once; /* lists of up to this length are in force when given; 0: the default */
  struct gci_tell_options tell;
  struct gci_handoff_terms handoff;
  gcache_transport_t *transport; /* NULL: every call fails with GCACHE_EPEER */
  struct gci_health_terms health;
  unsigned char hash_seed[16]; /* unpredictable */
  gcache_hooks_t hooks;
  /* Submits blocking work (door/work); NULL: gcache_load_work() returns UV_ENOTSUP. */
  int (*load_work)(gcache_load_t *load, gcache_work_cb work, void *arg);
  /* Nobody waits for a load that load_work has taken: a hint, the answer is still owed. Called in
   * place of the group's cancel; from a turn. */
  void (*load_work_cancel)(gcache_load_t *load);
  /* Static text of a libuv code, for reasons; NULL: none is known. */
  const char *(*error_text)(int code);
};

struct gcache_s {
  struct gci_env *env;
  struct gci_hash_key hash_key;
  char *self;
  uint64_t timeout_ms;
  size_t key_max, value_max;
  gcache_transport_t *transport;
  int (*load_work)(gcache_load_t *load, gcache_work_cb work, void *arg);
  void (*load_work_cancel)(gcache_load_t *load);
  const char *(*error_text)(int code);
  struct gci_door *door; /* set by gcache.c after gci_core_open(); NULL: no network side */
  struct gci_peers peers;
  struct gci_healths health;
  struct gci_previous previous;
  struct gci_lists lists; /* lists on their way in, and on their way out */
  struct gci_tells tells;
  struct gci_map groups;      /* by name, closing ones included */
  struct gci_list group_list; /* the same */
  struct gci_budget budget;   /* of their memory */
  struct gci_countdown life;  /* groups that are not closed, and the guest */
  struct gci_guest *guest;    /* NULL: none */
  struct gcache_job_s closed_job;
  gcache_value_t *trace; /* the current trace (core/trace); NULL: none */
  gcache_hooks_t hooks;
  uint64_t runs;             /* getter runs begun */
  struct gci_leaving *leave; /* under way; NULL: none */
  int leaving;               /* gcache_leave() was called */
  int closing;
  gcache_closed_cb closed;
  void *closed_arg;
};

/* The caller (gcache.c) validates everything and fills in defaults. UV_ENOMEM. */
int gci_core_open(gcache_t *core, struct gci_env *env, const struct gci_core_options *o);
/* Cancels everything. closed runs from a turn of env when nothing is owed any more: then the
 * transport may be closed, gci_core_fini() called, and the memory freed. */
void gci_core_close(gcache_t *core, gcache_closed_cb closed, void *arg);
void gci_core_fini(gcache_t *core);

/* Our own URL, if it is learnt late: copied. Before the first gci_core_set_peers(). UV_ENOMEM. */
int gci_core_set_self(gcache_t *core, const char *url);

/* urls validated by the caller; labels are what the placement hashes. Semantics of
 * gcache_set_peers(). */
int gci_core_set_peers(gcache_t *core, const char *const urls[], const char *const labels[],
                       const unsigned weights[], size_t n);

/* A peer's order to remove one key of many, done at once; the caller answers for all the keys.
 * GCACHE_ENOGROUP, GCACHE_ECLOSING, UV_EMSGSIZE. */
int gci_core_remove_here(gcache_t *core, gcache_bytes_t group_name, gcache_bytes_t key);

static inline uint64_t gci_core_hash(const gcache_t *core, gcache_bytes_t key) {
  return gci_hash_keyed(&core->hash_key, key);
}
/* The present limit for all groups together. */
size_t gci_core_max_bytes(const gcache_t *core);
/* Absolute deadline of a call that was given timeout_ms. */
uint64_t gci_core_deadline(gcache_t *core, uint64_t timeout_ms);
/* Milliseconds from now to at_ms; UINT64_MAX for GCI_DEADLINE_NEVER. */
uint64_t gci_core_time_left_ms(gcache_t *core, uint64_t at_ms);
/* Nonzero: peers do not know this member; it owns nothing. */
int gci_core_is_client_only(const gcache_t *core);
/* Words for a status, never NULL. */
const char *gci_core_error_text(const gcache_t *core, int code);

#endif
