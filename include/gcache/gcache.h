/* gcache.h - a distributed cache embedded in programs that run a libuv loop.
 *
 * These rules hold for every function in these headers:
 *
 *   Thread   Call only from the thread that runs the loop given to gcache_open(). The one exception
 *            is gcache_work_*(), which is called on a thread of libuv's pool.
 *   Return   0 on success, else a negative code: one of GCACHE_E*, or one of libuv's UV_E*.
 *            gcache_strerror() describes both. On a negative return nothing was started, no
 *            callback will run, and the caller still owns every argument. Three codes are not
 *            repeated below: UV_ENOMEM, from any call that allocates; GCACHE_ECLOSING, from any
 *            call that starts something; UV_EINVAL, from any call with a request whose callback is
 *            NULL or whose key has a length but no bytes.
 *   Callback Runs exactly once, on a fresh stack from the loop, never before the call that asked
 *            for it has returned. It may call any function here, gcache_close() included.
 *   Memory   A *_t request struct is yours: embed it where you like, leave it in place until its
 *            callback begins, reuse or free it from then on. Keys, names, URLs and option structs
 *            are copied before the call returns.
 *   Borrow   A pointer passed to a callback is valid until that callback returns. To keep a value,
 *            call gcache_value_ref().
 *   Options  A zero in an option struct means the default named beside the field.
 *
 * Terms. A *cache* is one member of the cluster. A *group* is a name for one kind of value, with
 * one getter and one memory budget. The *owner* of a key is the one member that loads it. The *main
 * cache* holds the values this member loaded, the *hot cache* the values it fetched from owners. A
 * *getter* produces a value: a database read, a rendered page, an upsert. P1 to P10 are the
 * promises listed in docs/architecture.md.
 *
 * uv.h needs GNU or POSIX extensions: where you include it, compile with -std=gnu11 (or any
 * -std=gnu*), not with -std=c11. This header needs neither and compiles as C99 and C++11.
 */
#ifndef GCACHE_H
#define GCACHE_H

#include <stddef.h>
#include <stdint.h>

#include "access.h"
#include "health.h"
#include "hooks.h"
#include "limits.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef GCACHE_EXTERN
#define GCACHE_EXTERN __attribute__((visibility("default")))
#endif

struct uv_loop_s;

typedef struct gcache_s gcache_t;             /* opaque, ours */
typedef struct gcache_group_s gcache_group_t; /* opaque, ours */
typedef struct gcache_value_s gcache_value_t; /* opaque, counted, immutable */
typedef struct gcache_load_s gcache_load_t;   /* opaque, ours: one getter run */
typedef struct gcache_work_s gcache_work_t;   /* opaque, ours: one getter run on a pool thread */
typedef struct gcache_transport_s gcache_transport_t; /* <gcache/transport.h> */
typedef struct gcache_tls_s gcache_tls_t;             /* <gcache/openssl.h> */

typedef struct gcache_get_s gcache_get_t;       /* request, yours */
typedef struct gcache_change_s gcache_change_t; /* request, yours: a set, a remove or a clear */

#define GCACHE_VERSION_MAJOR 0
#define GCACHE_VERSION_MINOR 1
#define GCACHE_VERSION_PATCH 0
GCACHE_EXTERN const char *gcache_version_string(void); /* version of the linked library: "0.1.0" */

/* ---------------------------------------------------------------------------------- errors ---- */

/* Errors that libuv has no code for. The range lies outside all UV_E* values. */
#define GCACHE_ERROR_MAP(XX)                                      \
  XX(ENOTFOUND, -20001, "the getter says there is no such key")   \
  XX(ELOAD, -20002, "the getter failed")                          \
  XX(EPEER, -20003, "the peer broke the exchange")                \
  XX(EPARTIAL, -20004, "some peers were not reached")             \
  XX(ENOGROUP, -20005, "no such group")                           \
  XX(EEXIST, -20006, "a group of that name is already open")      \
  XX(ESELF, -20007, "the peer list does not contain our own URL") \
  XX(ECLOSING, -20008, "the cache or group is closing")           \
  XX(EBUSY, -20009, "too much is waiting; try again later")       \
  XX(ENOROOM, -20010, "the value is too large to keep in the group's memory")

typedef enum {
#define XX(name, code, text) GCACHE_##name = code,
  GCACHE_ERROR_MAP(XX)
#undef XX
      GCACHE_OK = 0
} gcache_errno_t;

/* Static text for a code of gcache or libuv; "ok" for 0; "unknown error" for any other number. */
GCACHE_EXTERN const char *gcache_strerror(int code);
/* "GCACHE_ELOAD", "UV_ETIMEDOUT"; "OK" for 0; "UNKNOWN" for any other number. */
GCACHE_EXTERN const char *gcache_err_name(int code);

/* ------------------------------------------------------------------- injected environment ---- */

/* One function allocates (ptr NULL, old_size 0), resizes, and frees (new_size 0). old_size is
 * exact. When out of memory it returns NULL and leaves ptr as it was. Called on the loop's thread
 * only. */
typedef struct gcache_mem_s {
  void *(*resize)(void *data, void *ptr, size_t old_size, size_t new_size);
  void *data;
} gcache_mem_t;

/* mono_ms: monotonic milliseconds, for deadlines. Default: the later of uv_now() and
 * CLOCK_MONOTONIC_COARSE. unix_ns: wall clock in nanoseconds since 1970, for expiry; it is read
 * once per loop turn. Default: CLOCK_REALTIME. */
typedef struct gcache_clock_s {
  uint64_t (*mono_ms)(void *data);
  int64_t (*unix_ns)(void *data);
  void *data;
} gcache_clock_t;

typedef enum { GCACHE_LOG_DEBUG, GCACHE_LOG_INFO, GCACHE_LOG_WARN } gcache_log_level_t;
/* line: one line without its newline; control bytes are escaped. This is the only callback that may
 * run inside a call: when gcache_open() or gcache_set_peers() rejects an argument, for example, or
 * when a get finds that a peer is back up. It must not call gcache, and must not take a lock that
 * is held around calls of gcache. */
typedef void (*gcache_log_cb)(void *data, gcache_log_level_t level, const char *line);

/* ----------------------------------------------------------------------------------- bytes ---- */

typedef struct gcache_bytes_s {
  const void *base; /* may be NULL when len is 0 */
  size_t len;
} gcache_bytes_t;

GCACHE_EXTERN gcache_bytes_t gcache_bytes(const void *base, size_t len);
GCACHE_EXTERN gcache_bytes_t gcache_cstr(const char *zero_terminated); /* without the zero */

/* ---------------------------------------------------------------------------------- values ---- */

/* expire_unix_ns: the value lives until it is evicted or removed */
#define GCACHE_NEVER ((int64_t)0)

typedef void (*gcache_free_cb)(void *arg);

/* A value may outlive the cache it came from, but not the allocator. Both functions return a value
 * with one reference, which you own, or NULL, only when out of memory; gcache_value_wrap() has then
 * not taken the bytes.
 * copy: copies the bytes. wrap: takes ownership of the bytes; free_cb(arg) (may be NULL) runs when
 * the last reference is released, and must not call gcache. */
GCACHE_EXTERN gcache_value_t *gcache_value_copy(gcache_t *cache, gcache_bytes_t bytes,
                                                int64_t expire_unix_ns);
GCACHE_EXTERN gcache_value_t *gcache_value_wrap(gcache_t *cache, gcache_bytes_t bytes,
                                                int64_t expire_unix_ns, gcache_free_cb free_cb,
                                                void *arg);
GCACHE_EXTERN gcache_value_t *gcache_value_ref(gcache_value_t *value); /* NULL is fine */
GCACHE_EXTERN void gcache_value_unref(gcache_value_t *value);          /* NULL is fine */
GCACHE_EXTERN gcache_bytes_t gcache_value_bytes(const gcache_value_t *value);
GCACHE_EXTERN int64_t gcache_value_expire(const gcache_value_t *value); /* GCACHE_NEVER if never */

/* How a value may be used around its expiry, in milliseconds. 0: off; larger than 2^32 - 1 (49
 * days): reduced to that. "Freshness" below defines each. */
typedef struct gcache_windows_s {
  uint64_t stale_ms, error_ms, refresh_ahead_ms, hot_max_ms;
} gcache_windows_t;

/* Gives the value windows of its own: all four replace the group's, and are sent with the value to
 * gcache peers. Call it before the value is passed to gcache_load_done() or gcache_set().
 * UV_EINVAL: the value is already shared, through a second reference or by a cache. */
GCACHE_EXTERN int gcache_value_freshen(gcache_value_t *value, const gcache_windows_t *windows);
/* UV_ENOENT: the value has no windows of its own; out is zeroed. */
GCACHE_EXTERN int gcache_value_windows(const gcache_value_t *value, gcache_windows_t *out);

/* The cache's wall clock plus ms, saturated: expire_unix_ns for gcache_value_copy() and _wrap(). */
GCACHE_EXTERN int64_t gcache_expire_in(const gcache_t *cache, uint64_t ms);
/* Milliseconds until value expires, rounded up; 0: expired; UINT64_MAX: never expires. */
GCACHE_EXTERN uint64_t gcache_expires_in_ms(const gcache_t *cache, const gcache_value_t *value);

/* ---------------------------------------------------------------------- cache: open, close ---- */

/* The kind of cluster: which member owns a key, and how peers talk to each other. docs/interop.md
 * compares the dialects. */
typedef enum {
  GCACHE_DIALECT_GCACHE,        /* even load, fewest keys moved, weights; all peers are gcache */
  GCACHE_DIALECT_MAILGUN,       /* mailgun/groupcache v2 */
  GCACHE_DIALECT_GROUPCACHE_GO, /* groupcache-go v3: places keys by the host:port of the URL */
  /* golang/groupcache: get only; set, remove and clear act on this member and report UV_ENOTSUP for
   * every peer; no expiry between peers */
  GCACHE_DIALECT_GOLANG
} gcache_dialect_t;

/* The HTTP versions spoken to peers and accepted on incoming connections. */
typedef enum {
  /* to peers: HTTP/2 where ALPN chooses it, or a peer in the clear announces it, else HTTP/1.1;
   * incoming: both */
  GCACHE_HTTP_AUTO,
  GCACHE_HTTP_1, /* HTTP/1.1 only */
  GCACHE_HTTP_2  /* HTTP/2 only; in the clear by prior knowledge (RFC 9113, section 3.3) */
} gcache_http_t;

#define GCACHE_NO_HANDOFF UINT64_MAX

typedef struct gcache_options_s {
  size_t size;            /* set by gcache_options_init() */
  struct uv_loop_s *loop; /* required; must outlive the cache */
  /* This member's base URL as its peers write it, "http://10.0.0.1:8080" or "unix:/run/cache.sock"
   * (gcache_listen_unix()). NULL: without a peer list, a cache on its own; with one, a client-only
   * member, which owns no keys and is unknown to its peers. Unless a group sets GCACHE_HOT_ON, a
   * client-only member keeps no values, and its gets share a request to a peer only with gets of
   * the same loop turn. */
  const char *self;
  const char *base_path;         /* "/_groupcache/"; begins and ends with a slash */
  gcache_dialect_t dialect;      /* GCACHE_DIALECT_GCACHE; all members must agree */
  unsigned replicas;             /* 50; points per peer on the hash rings of the Go dialects */
  gcache_transport_t *transport; /* NULL: the built-in HTTP transport; borrowed until closed */
  uint64_t timeout_ms;           /* 10000, for calls that pass 0 */
  uint64_t connect_timeout_ms;   /* 1000 */
  /* How long a peer may take to answer before the exchange counts as failed and the value is loaded
   * here. Default: as long as the callers wait, so that a slow getter never runs twice (P1). Set it
   * above your slowest getter to get local loads when a peer hangs. */
  uint64_t response_timeout_ms;
  uint64_t idle_timeout_ms; /* 60000; how long a kept-alive connection to a peer may be idle */
  /* 32, in addition to two pipelined connections for values that a gcache peer has in memory. Each
   * carries one exchange at a time over HTTP/1.1, up to limits.streams_max of either side over
   * HTTP/2 */
  unsigned conns_per_peer;
  unsigned calls_per_peer; /* 65536 waiting or running; beyond: GCACHE_EBUSY to the caller */
  gcache_http_t http; /* GCACHE_HTTP_AUTO. UV_ENOTSUP: GCACHE_HTTP_2 in a build without HTTP/2 */
  /* For peers whose URL begins with https://, from <gcache/openssl.h>; borrowed until closed. NULL:
   * such URLs are rejected */
  gcache_tls_t *tls;
  /* 5000. A peer that owes responses and has been silent for this long is pinged, and so is each
   * such HTTP/2 connection */
  uint64_t ping_ms;
  gcache_limits_t limits;
  gcache_mem_t mem;     /* malloc family */
  gcache_clock_t clock; /* the loop's and the system's clocks */
  gcache_log_cb log;    /* NULL: silent; nothing is ever printed */
  void *log_data;
  /* Limit on the memory of all groups together, in addition to each group's own limit; never
   * exceeded. When room is needed, the group furthest over its fair share evicts; shares are in
   * proportion to the groups' own limits. At least 64 KiB. 0: no limit */
  size_t max_bytes;
  gcache_access_t access; /* who may read and change keys here; default: peers */
  gcache_health_t health; /* when a peer counts as down, and what happens then */
  /* Hand-off: before it runs the getter for a key that another member owned under the previous
   * list, the new owner asks that member for the value, which is answered from memory only.
   * handoff_ms: how long after a new list this is done; handoff_wait_ms: how long each answer is
   * waited for. */
  uint64_t handoff_ms;      /* 30000; GCACHE_NO_HANDOFF: never, and gcache_leave() gives nothing */
  uint64_t handoff_wait_ms; /* 100, and at most half of the caller's remaining time */
  size_t leave_max_bytes;   /* 64 MiB; the most that gcache_leave() hands over */
  /* Monotonic nanoseconds, called with clock.data, for the durations in <gcache/stats.h>. NULL:
   * clock.mono_ms if that is set, else uv_hrtime(). */
  uint64_t (*clock_mono_ns)(void *data);
  gcache_hooks_t hooks; /* called when a getter run begins and ends; copied */
} gcache_options_t;

#define gcache_options_init(o) gcache_options_init_size((o), sizeof *(o))
GCACHE_EXTERN void gcache_options_init_size(gcache_options_t *o, size_t size);

/* UV_EINVAL: a required option is missing or a value is impossible; the log callback, if set, is
 * told which (but not that gcache_options_init() was forgotten). After an error the loop needs one
 * more turn before uv_loop_close(). */
GCACHE_EXTERN int gcache_open(gcache_t **out, const gcache_options_t *options);

typedef void (*gcache_closed_cb)(void *arg);
/* Ends every pending request with UV_ECANCELED and closes every connection, listener and group.
 * Closing waits for getters, transports and handlers that still owe an answer; until they have
 * answered, calls that start something return GCACHE_ECLOSING. When closed (may be NULL) runs, the
 * cache and its groups are gone; it receives arg and nothing else. Call once. */
GCACHE_EXTERN void gcache_close(gcache_t *cache, gcache_closed_cb closed, void *arg);

/* Sets options.self of a cache that was opened without it, for a program that learns its URL late,
 * from gcache_listener_port(). Call once, before the first gcache_set_peers(). UV_EINVAL: called at
 * another time, or a URL that gcache_set_peers() would reject. */
GCACHE_EXTERN int gcache_set_self(gcache_t *cache, const char *url);

/* Replaces the whole peer list. It includes this member; order does not matter. n 0: this member is
 * alone again. weights: one per URL, 1 to 1000; a peer of weight 2 owns twice as many keys as one
 * of weight 1; NULL: all 1; the Go dialects ignore weights. On error the old list stays in force.
 * GCACHE_ESELF: options.self is set and not in the list. UV_EINVAL: a URL that is not
 * http://host:port, https://host:port or, in our own dialect, unix:/path (gcache_listen_unix());
 * https without options.tls; a URL given twice; a weight out of range; more than 65534 URLs. Calls
 * under way to a removed peer run to their end. Give every member the same list.
 *
 * A list of up to 32 URLs is in force when this returns. A longer list has been checked and copied,
 * and is built over the next loop turns, a millisecond in each; until it is complete the old list
 * stays in force for owners, sets, removes and clears, and gcache_stats_t.peers_coming is not 0. A
 * further call replaces the list being built. If memory runs out while it is built, the old list
 * stays in force for good, peers_error is set, and a warning is logged. */
GCACHE_EXTERN int gcache_set_peers(gcache_t *cache, const char *const urls[],
                                   const unsigned weights[], size_t n);

/* The URL, as given to gcache_set_peers(), of the member that owns key by the list, whether it is
 * up or down; options.self (may be NULL) when there is no list. Borrowed until the list changes:
 * the next gcache_set_peers(), or the next loop turn while a long list is being built. */
GCACHE_EXTERN const char *gcache_owner(const gcache_t *cache, gcache_bytes_t key);

/* ---------------------------------------------------------------------------------- groups ---- */

/* Freshness. A value is delivered until its expiry and never after it, unless the group or the
 * value itself allows more by these windows, which are all off by default:
 *
 *   stale_ms          stale-while-revalidate (RFC 5861): for this long after its expiry the value
 *                     is delivered at once, and one load runs in the background: at the owner a
 *                     getter run, for a hot copy a new fetch from the owner
 *   error_ms          stale-if-error (RFC 5861): for this long after its expiry the value is
 *                     delivered to callers whose load fails: the getter fails, or the owner does
 *                     not answer and then the getter here fails, or neither answers in the
 *                     caller's time. GCACHE_ENOTFOUND is an answer, not a failure
 *   refresh_ahead_ms  a hit in the last part of a value's life is delivered and starts one
 *                     background load. That part begins between refresh_ahead_ms and half of it
 *                     before the expiry, at a point that differs by key and member, so that copies
 *                     do not all refresh at one instant; one attempt per value. A value stored with
 *                     less than twice refresh_ahead_ms to live is not refreshed ahead
 *   hot_max_ms        a copy in the hot cache expires at most this long after it was fetched, even
 *                     if the value never expires; callers see that expiry. It also bounds stale_ms
 *                     and error_ms: after it the copy is not used at all
 *   not_found_ms      GCACHE_ENOTFOUND is remembered for this long, here and by the gcache peers
 *                     that asked; set, remove and clear undo it. gcache_load_not_found() sets
 *                     another time
 *
 * After a load fails while memory holds such an old value, the key is not loaded again at once: the
 * first pause is half a second to a second, each further one twice as long, up to eight seconds.
 * During the pause hits within stale_ms start no load, and gets within error_ms receive the value
 * without one.
 * gcache_get_stale() tells whether the delivered value was stale. A background load is a load like
 * any other: later callers join it, a set or remove during it forbids keeping its value, and its
 * deadline is options.timeout_ms. Stale values and remembered "not found" answers count towards
 * max_bytes and are evicted like other items. P2 holds for both: after a set, remove or clear has
 * succeeded no older value is delivered, fresh or stale. */

/* Produces the value of a key that is in no cache; runs on the key's owner. It owes exactly one
 * gcache_load_done() or gcache_load_fail(), or one of their variants below, now or later, on the
 * loop's thread; or a successful gcache_load_work(). */
typedef void (*gcache_getter_cb)(gcache_load_t *load);

/* No caller waits any more. This is a hint: the answer is still owed. */
typedef void (*gcache_load_cancel_cb)(gcache_load_t *load);

typedef enum {
  GCACHE_HOT_DEFAULT, /* on; off for a client-only member, which removes cannot reach */
  GCACHE_HOT_ON,
  GCACHE_HOT_OFF /* a get of a key that another member owns always asks the owner */
} gcache_hot_t;

/* Which items are evicted first when memory is short. */
typedef enum {
  /* adapts to the traffic: keys asked for once do not evict keys that are asked for often; see
   * docs/rooms/store.md */
  GCACHE_POLICY_DEFAULT,
  GCACHE_POLICY_LRU /* least recently used first */
} gcache_policy_t;

typedef struct gcache_group_options_s {
  size_t size; /* set by gcache_group_options_init() */
  /* Required, at least 64 KiB: keys, values, headers, index and allocator rounding of both caches
   * together; never exceeded */
  size_t max_bytes;
  gcache_getter_cb getter;      /* required */
  gcache_load_cancel_cb cancel; /* NULL: getters are not told */
  void *data;                   /* yours: gcache_group_data() */
  gcache_hot_t hot;             /* GCACHE_HOT_DEFAULT */
  /* 8: when memory is short, the hot cache evicts while it is larger than 1/8 of the main cache */
  unsigned hot_divisor;
  gcache_policy_t policy; /* GCACHE_POLICY_DEFAULT */
  /* Freshness, see above; 0: off; larger than 2^32 - 1: reduced to that. */
  uint64_t stale_ms, error_ms, refresh_ahead_ms, hot_max_ms, not_found_ms;
  /* Overload. At most loads_max getters run at a time; further loads queue in order of arrival, and
   * a queued load that no caller waits for any more is dropped without a run. GCACHE_EBUSY:
   * loads_queued_max loads are queued already; or others are queued too and the most patient caller
   * has less time left than this group's getters take on average. A background load does not queue:
   * without a free place it is dropped. */
  unsigned loads_max;        /* 16384 */
  unsigned loads_queued_max; /* 65536 */
} gcache_group_options_t;

#define gcache_group_options_init(o) gcache_group_options_init_size((o), sizeof *(o))
GCACHE_EXTERN void gcache_group_options_init_size(gcache_group_options_t *o, size_t size);

/* name: 1 to 256 bytes, any but NUL and '/', which ends the name in a path. GCACHE_EEXIST: the name
 * is in use. UV_EINVAL: the log is told why, as by gcache_open(). GCACHE_ENOROOM: not even the
 * empty group fits into options.max_bytes beside the others. */
GCACHE_EXTERN int gcache_group_open(gcache_group_t **out, gcache_t *cache, const char *name,
                                    const gcache_group_options_t *o);
/* Replaces the group's max_bytes. UV_EINVAL: less than 64 KiB. A higher limit holds at once. For a
 * lower limit the group shrinks over the next loop turns, by a bounded number of items per turn;
 * meanwhile gcache_group_stats_t.max_bytes is the limit in force, which is never exceeded. */
GCACHE_EXTERN int gcache_group_resize(gcache_group_t *group, size_t max_bytes);
/* Closes the group on this member only. Pending requests end with UV_ECANCELED; peers that ask for
 * the group get GCACHE_ENOGROUP from now on; the name is free again when closed (may be NULL) runs.
 * Until then a further call, also after gcache_close(), is allowed: the first closed that was given
 * runs. */
GCACHE_EXTERN void gcache_group_close(gcache_group_t *group, gcache_closed_cb closed, void *arg);
GCACHE_EXTERN gcache_group_t *gcache_group_find(const gcache_t *cache,
                                                const char *name); /* or NULL */
GCACHE_EXTERN gcache_t *gcache_group_cache(const gcache_group_t *group);
GCACHE_EXTERN const char *gcache_group_name(const gcache_group_t *group);
GCACHE_EXTERN void *gcache_group_data(const gcache_group_t *group);

/* --------------------------------------------------------------------- inside a getter run ---- */

GCACHE_EXTERN gcache_group_t *gcache_load_group(const gcache_load_t *load);
GCACHE_EXTERN gcache_bytes_t gcache_load_key(const gcache_load_t *load); /* valid as long as load */
/* Milliseconds until the most patient caller gives up; 0: no caller waits; UINT64_MAX: no limit. */
GCACHE_EXTERN uint64_t gcache_load_time_left_ms(const gcache_load_t *load);
GCACHE_EXTERN void gcache_load_set_data(gcache_load_t *load, void *data);
GCACHE_EXTERN void *gcache_load_data(const gcache_load_t *load);

/* Takes your reference to value. Afterwards load is gone. The callers get GCACHE_ELOAD if the value
 * has already expired, is larger than limits.value_max, or is NULL (no memory for one). */
GCACHE_EXTERN void gcache_load_done(gcache_load_t *load, gcache_value_t *value);
/* The callers get GCACHE_ENOTFOUND for that status and GCACHE_ELOAD for any other, here and across
 * the network alike. reason (NULL: the text of status) is copied, cut to 256 bytes of printable
 * ASCII, and sent along with the status. Afterwards load is gone. */
GCACHE_EXTERN void gcache_load_fail(gcache_load_t *load, int status, const char *reason);
/* Like gcache_load_fail() with GCACHE_ENOTFOUND, remembered for not_found_ms in place of the
 * group's not_found_ms; 0: not at all. */
GCACHE_EXTERN void gcache_load_not_found(gcache_load_t *load, uint64_t not_found_ms,
                                         const char *reason);
/* Answers with a copy of bytes that lives ttl_ms (0: for ever); out of memory, with a failure.
 * Afterwards load is gone. */
GCACHE_EXTERN void gcache_load_done_copy(gcache_load_t *load, gcache_bytes_t bytes,
                                         uint64_t ttl_ms);

/* For a getter that blocks: work runs on a thread of libuv's pool and must answer with exactly one
 * of gcache_work_copy(), _wrap() or _fail() before it returns; without an answer the load fails.
 * work does not run if no caller waits any more when a thread becomes free. On 0 gcache has taken
 * over load and its data pointer, and does not call the group's cancel for it; on error you still
 * owe the answer. */
typedef void (*gcache_work_cb)(gcache_work_t *work, void *arg);
GCACHE_EXTERN int gcache_load_work(gcache_load_t *load, gcache_work_cb work, void *arg);

/* These functions are called on the pool thread, inside work only. */
GCACHE_EXTERN gcache_bytes_t gcache_work_key(const gcache_work_t *work);
/* Gives the value windows of its own; call before the answer. */
GCACHE_EXTERN void gcache_work_freshen(gcache_work_t *work, const gcache_windows_t *windows);
/* Copies with malloc(): the injected allocator is not called off the loop's thread. */
GCACHE_EXTERN void gcache_work_copy(gcache_work_t *work, gcache_bytes_t bytes, uint64_t ttl_ms);
/* Takes ownership of the bytes; free_cb(arg) runs later, on the loop's thread. */
GCACHE_EXTERN void gcache_work_wrap(gcache_work_t *work, gcache_bytes_t bytes, uint64_t ttl_ms,
                                    gcache_free_cb free_cb, void *arg);
GCACHE_EXTERN void gcache_work_fail(gcache_work_t *work, int status, const char *reason);

/* ------------------------------------------------------------------------------ get, peek ---- */

#define GCACHE_NO_TIMEOUT UINT64_MAX /* timeout_ms; 0 means options.timeout_ms */

/* Private to every request. Declared here so that you can embed it, not read it. */
struct gcache_link_s {
  struct gcache_link_s *next, *prev;
};
struct gcache_job_s {
  struct gcache_link_s link;
  void (*run)(struct gcache_job_s *job);
};
struct gcache_deadline_s {
  uint64_t at_ms, order;
  size_t slot;
  void (*passed)(struct gcache_deadline_s *deadline);
};
struct gcache_req_s {
  struct gcache_job_s job; /* its link: the waiters of a flight, or the completion queue */
  struct gcache_deadline_s deadline;
  struct gcache_link_s owned; /* all requests of a group, for close */
  gcache_group_t *group;
  void (*leave)(struct gcache_req_s *req, int status); /* timeout, cancel, close */
  void *flight;                                        /* what it waits for */
  gcache_value_t *value, *reason, *key;
  int status;
  uint8_t state, from, tries, takes;
  uint64_t ms;                /* since the value's expiry, or how long "not found" holds */
  struct gcache_many_s *many; /* set if it is one of many gets, <gcache/many.h> */
  uint64_t began_ns;          /* when a timed request was asked for; 0: it is not timed */
};

typedef enum {
  GCACHE_FROM_NONE, /* no value */
  GCACHE_FROM_MAIN, /* this member's main cache */
  GCACHE_FROM_HOT,  /* its hot cache */
  GCACHE_FROM_PEER, /* the owner answered */
  GCACHE_FROM_LOAD  /* this member's getter ran */
} gcache_from_t;

/* status 0: value is set. Otherwise value is NULL and status is GCACHE_ENOTFOUND, GCACHE_ELOAD,
 * UV_ETIMEDOUT, UV_ECANCELED (cancelled or closing), UV_ENOMEM, or GCACHE_EBUSY for one of these
 * limits: options.calls_per_peer; the group's loads_queued_max, here or at the owner;
 * limits.in_flight_max, here or at the owner; limits.requests_max at the owner. */
typedef void (*gcache_get_cb)(gcache_get_t *req, int status, gcache_value_t *value);
struct gcache_get_s {
  void *data; /* yours */
  gcache_get_cb cb;
  struct gcache_req_s priv;
};

/* Looks into the local caches, else asks the owner, else runs the getter here. Concurrent gets of
 * one key share one load. "Not found" and "getter failed" from a peer are final. If a peer is down
 * or fails to answer, the key's next owner is asked, and if that one fails the getter runs here, as
 * long as the caller's time allows. UV_EMSGSIZE: key over limits.key_max. */
GCACHE_EXTERN int gcache_get(gcache_get_t *req, gcache_group_t *group, gcache_bytes_t key,
                             uint64_t timeout_ms, gcache_get_cb cb);

/* The callback still runs, from the loop, with UV_ECANCELED. No effect once the callback has begun.
 * Other callers that wait for the same key are not disturbed. */
GCACHE_EXTERN void gcache_get_cancel(gcache_get_t *req);

/* Inside the callback only: the text that explains status, "" if there is none; and where the value
 * came from. */
GCACHE_EXTERN const char *gcache_get_reason(const gcache_get_t *req);
GCACHE_EXTERN gcache_from_t gcache_get_from(const gcache_get_t *req);
/* Milliseconds since the value's expiry, rounded up; 0: the value is fresh, or there is none. For a
 * value that a peer sent as stale, by that peer's clock. */
GCACHE_EXTERN uint64_t gcache_get_stale(const gcache_get_t *req);

/* Synchronous lookup: returns a new reference, yours, if the key is in a local cache now, else
 * NULL. It starts nothing and allocates nothing, so it returns no stale value and starts no
 * refresh. */
GCACHE_EXTERN gcache_value_t *gcache_peek(gcache_group_t *group, gcache_bytes_t key);

/* n peeks in one call, whose memory accesses overlap: values_out[i] is what gcache_peek(group,
 * keys[i]) would return. Returns how many are not NULL. */
GCACHE_EXTERN size_t gcache_peek_many(gcache_group_t *group, const gcache_bytes_t keys[], size_t n,
                                      gcache_value_t *values_out[]);

/* --------------------------------------------------------------------- set, remove, clear ---- */

typedef struct gcache_peer_result_s {
  const char *url;    /* NULL: this member, which has no URL */
  int status;         /* 0, UV_ECONNREFUSED, UV_EHOSTUNREACH, UV_EACCES, GCACHE_EPEER, ... */
  const char *reason; /* "" if none */
} gcache_peer_result_t;

/* status 0: every member has made the change.
 * GCACHE_EPARTIAL: peers says which members have not, and why. The change is sent to them later, a
 * set as a remove (docs/rooms/cluster.md); repeating the call is safe. A set may still reach the
 * owner, and store its value, after this report.
 * UV_ECANCELED: cancelled or closing; members reported with 0 have made the change.
 * peers: the key's owner first (for a clear, in the list's order), this member included unless it
 * is client-only; then members that joined the list meanwhile. Borrowed. */
typedef void (*gcache_change_cb)(gcache_change_t *req, int status,
                                 const gcache_peer_result_t *peers, size_t n);
struct gcache_change_s {
  void *data; /* yours */
  gcache_change_cb cb;
  struct gcache_req_s priv;
  void *work; /* private */
};

/* Stores value at the key's owner, then drops every other member's copy. Borrows value and takes a
 * reference of its own. Status 0 means: no member delivers a value that was loaded or set before
 * this call began (P2). GCACHE_ENOROOM from the owner: the old value is gone and the new one is too
 * large to keep. UV_EMSGSIZE: key or value over its limit. UV_EINVAL: value is NULL or has already
 * expired. */
GCACHE_EXTERN int gcache_set(gcache_change_t *req, gcache_group_t *group, gcache_bytes_t key,
                             gcache_value_t *value, uint64_t timeout_ms, gcache_change_cb cb);

/* Drops key at its owner, then on all other members at once. Status 0 means: no member delivers a
 * value that was loaded before this call began (P2). A load under way still answers the callers
 * that wait for it, and its value is not kept. UV_EMSGSIZE: key over limits.key_max. */
GCACHE_EXTERN int gcache_remove(gcache_change_t *req, gcache_group_t *group, gcache_bytes_t key,
                                uint64_t timeout_ms, gcache_change_cb cb);

/* Drops every key of the group on every member, with the same guarantee. It takes two rounds,
 * because every member owns some of the keys. Peers that are not gcache report UV_ENOTSUP. */
GCACHE_EXTERN int gcache_clear(gcache_change_t *req, gcache_group_t *group, uint64_t timeout_ms,
                               gcache_change_cb cb);

/* The callback still runs, from the loop, with UV_ECANCELED. Changes already sent may still take
 * effect. */
GCACHE_EXTERN void gcache_change_cancel(gcache_change_t *req);

#ifdef __cplusplus
}
#endif

#include "stats.h"
#include "trace.h"

#endif /* GCACHE_H */
