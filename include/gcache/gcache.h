/* gcache.h - an in-code distributed cache for programs that run a libuv loop.
 *
 * Rules that hold for every function in these headers, so they are said once:
 *
 *   Thread   Call only from the thread that runs the loop given to gcache_open(). The one exception
 *            is marked: gcache_work_*() is called on a thread of libuv's pool.
 *   Return   0 or a negative code: one of GCACHE_E*, or libuv's own UV_E*. gcache_strerror() reads
 *            both. Negative: nothing was started, no callback will run, every argument is still
 *            yours. Any call that allocates can return UV_ENOMEM, any call that starts something
 *            GCACHE_ECLOSING, any call with a request UV_EINVAL for a callback that is NULL or a
 *            key that has a length and no bytes; this is not repeated below.
 *   Callback Runs exactly once, on a fresh stack from the loop, never before the call that asked for
 *            it has returned. It may call any function here, gcache_close() included.
 *   Memory   A *_t request struct is yours: embed it where you like, leave it in place until its
 *            callback begins, reuse or free it from then on. Keys, names, URLs and option structs
 *            are copied before the call returns.
 *   Borrow   A pointer handed to a callback is valid until that callback returns. To keep a value,
 *            gcache_value_ref() it.
 *   Options  A zero in an option struct means the default named beside the field.
 *
 * Words. A *cache* is one member of the cluster. A *group* is a name for one kind of value, with one
 * getter and one memory budget. The *owner* of a key is the one member that loads it. The *main cache*
 * holds what this member loaded, the *hot cache* what it fetched from owners. A *getter* produces a
 * value: a database read, a rendered page, an upsert.
 *
 * uv.h needs GNU or POSIX extensions: compile with -std=gnu11 (or any -std=gnu*), not -std=c11, where
 * you include it. This header needs neither and compiles as C99 and C++11.
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
GCACHE_EXTERN const char *gcache_version_string(void); /* of the library linked: "0.1.0" */

/* ---------------------------------------------------------------------------------- errors ---- */

/* Only what libuv has no word for. The range lies outside all UV_E* values. */
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

/* Static text for a code of ours or libuv's; "ok" for 0; "unknown error" for any other number. */
GCACHE_EXTERN const char *gcache_strerror(int code);
/* "GCACHE_ELOAD", "UV_ETIMEDOUT"; "OK" for 0; "UNKNOWN" for any other number. */
GCACHE_EXTERN const char *gcache_err_name(int code);

/* ------------------------------------------------------------------- injected environment ---- */

/* One function allocates (ptr NULL, old_size 0), resizes and frees (new_size 0). old_size is exact.
 * NULL: out of memory, and ptr is as it was. Called on the loop's thread only. */
typedef struct gcache_mem_s {
  void *(*resize)(void *data, void *ptr, size_t old_size, size_t new_size);
  void *data;
} gcache_mem_t;

/* mono_ms: milliseconds that never go back; deadlines use it. Default: uv_now(), brought up to date.
 * unix_ns: wall clock in nanoseconds since 1970; expiry uses it. Default: CLOCK_REALTIME. It is read
 * once per loop turn. */
typedef struct gcache_clock_s {
  uint64_t (*mono_ms)(void *data);
  int64_t (*unix_ns)(void *data);
  void *data;
} gcache_clock_t;

typedef enum { GCACHE_LOG_DEBUG, GCACHE_LOG_INFO, GCACHE_LOG_WARN } gcache_log_level_t;
/* line: one line, without its end, control bytes escaped. The one callback that may run inside a
 * call: of gcache_open() or gcache_set_peers(), say, that refuse something, or a get that finds a
 * peer to be back. So it must not call gcache, nor take a lock that is held around calls of gcache. */
typedef void (*gcache_log_cb)(void *data, gcache_log_level_t level, const char *line);

/* ----------------------------------------------------------------------------------- bytes ---- */

typedef struct gcache_bytes_s {
  const void *base; /* may be NULL when len is 0 */
  size_t len;
} gcache_bytes_t;

GCACHE_EXTERN gcache_bytes_t gcache_bytes(const void *base, size_t len);
GCACHE_EXTERN gcache_bytes_t gcache_cstr(const char *zero_terminated); /* without the zero */

/* ---------------------------------------------------------------------------------- values ---- */

#define GCACHE_NEVER ((int64_t)0) /* expire_unix_ns: lives until it is evicted or removed */

typedef void (*gcache_free_cb)(void *arg);

/* A value may outlive the cache it came from, not the allocator. Both return a value with one
 * reference, yours, or NULL only when out of memory; wrap then has not taken the bytes.
 * copy: the bytes are copied. wrap: the bytes are taken; free_cb(arg) (may be NULL) runs when the last
 * reference goes, and must not call gcache. */
GCACHE_EXTERN gcache_value_t *gcache_value_copy(gcache_t *cache, gcache_bytes_t bytes,
                                                int64_t expire_unix_ns);
GCACHE_EXTERN gcache_value_t *gcache_value_wrap(gcache_t *cache, gcache_bytes_t bytes,
                                                int64_t expire_unix_ns, gcache_free_cb free_cb,
                                                void *arg);
GCACHE_EXTERN gcache_value_t *gcache_value_ref(gcache_value_t *value); /* NULL is fine */
GCACHE_EXTERN void gcache_value_unref(gcache_value_t *value);          /* NULL is fine */
GCACHE_EXTERN gcache_bytes_t gcache_value_bytes(const gcache_value_t *value);
GCACHE_EXTERN int64_t gcache_value_expire(const gcache_value_t *value); /* GCACHE_NEVER if never */

/* What may be done with a value around its expiry, in milliseconds; 0: off; over 2^32 - 1 (49 days):
 * that. "Freshness" below says what each does. */
typedef struct gcache_windows_s {
  uint64_t stale_ms, error_ms, refresh_ahead_ms, hot_max_ms;
} gcache_windows_t;

/* The value's own windows, all four, in place of the group's; they travel with it to gcache peers.
 * Before the value is handed to gcache_load_done() or gcache_set(). UV_EINVAL: it is shared already, by
 * a second reference or a cache. */
GCACHE_EXTERN int gcache_value_freshen(gcache_value_t *value, const gcache_windows_t *windows);
/* UV_ENOENT: it has none of its own; out is zeroed. */
GCACHE_EXTERN int gcache_value_windows(const gcache_value_t *value, gcache_windows_t *out);

/* "now + ms" on the cache's wall clock; saturates. What gcache_value_copy() and _wrap() take. */
GCACHE_EXTERN int64_t gcache_expire_in(const gcache_t *cache, uint64_t ms);
/* Milliseconds value has left, rounded up; 0: expired; UINT64_MAX: never expires. */
GCACHE_EXTERN uint64_t gcache_expires_in_ms(const gcache_t *cache, const gcache_value_t *value);

/* ---------------------------------------------------------------------- cache: open, close ---- */

/* Whose cluster this is: who owns a key, and how peers are spoken to. docs/interop.md compares them. */
typedef enum {
  GCACHE_DIALECT_GCACHE,        /* ours: even load, least movement, weights; all peers are gcache */
  GCACHE_DIALECT_MAILGUN,       /* mailgun/groupcache v2 */
  GCACHE_DIALECT_GROUPCACHE_GO, /* groupcache-go v3: places by the host:port of the URL */
  GCACHE_DIALECT_GOLANG /* golang/groupcache: get only; set, remove and clear happen here and
                                   report UV_ENOTSUP for every peer; no expiry between peers */
} gcache_dialect_t;

/* Which HTTP is spoken to peers, and taken from whoever connects. */
typedef enum {
  GCACHE_HTTP_AUTO, /* to peers: HTTP/2 over TLS where they can, else HTTP/1.1; from others: both */
  GCACHE_HTTP_1,    /* HTTP/1.1 only */
  GCACHE_HTTP_2     /* HTTP/2 only, in the clear by prior knowledge (RFC 9113, section 3.3) */
} gcache_http_t;

#define GCACHE_NO_HANDOFF UINT64_MAX

typedef struct gcache_options_s {
  size_t size;                   /* set by gcache_options_init() */
  struct uv_loop_s *loop;        /* required; must outlive the cache */
  const char *self;              /* our base URL as peers write it, "http://10.0.0.1:8080" or
                              "unix:/run/cache.sock" (gcache_listen_unix()). NULL: alone
                              without a peer list; with one, a client-only member: it owns no keys,
                              peers do not know it, and it keeps nothing, and shares no answer
                              that was asked for in an earlier turn, unless a group says
                              GCACHE_HOT_ON */
  const char *base_path;         /* "/_groupcache/"; begins and ends with a slash */
  gcache_dialect_t dialect;      /* GCACHE_DIALECT_GCACHE; all members must agree */
  unsigned replicas;             /* 50 points per peer, for the rings of others */
  gcache_transport_t *transport; /* NULL: the built-in HTTP one; borrowed until closed */
  uint64_t timeout_ms;           /* 10000, for calls that pass 0 */
  uint64_t connect_timeout_ms;   /* 1000 */
  uint64_t response_timeout_ms; /* how long a peer may take to answer before it counts as failed and
                                    the value is loaded here. Default: as long as the callers wait,
                                    so that a slow getter never runs twice (P1). Set it above your
                                    slowest getter to get local loads when a peer hangs. */
  uint64_t idle_timeout_ms;     /* 60000 a kept-alive connection to a peer may rest */
  /* 32, beside two, pipelined, for what a gcache has in memory: one exchange each with HTTP/1.1,
   * limits.streams_max of either side with HTTP/2 */
  unsigned conns_per_peer;
  unsigned calls_per_peer; /* 65536 waiting or running; more: GCACHE_EBUSY to the caller */
  gcache_http_t http;      /* GCACHE_HTTP_AUTO. UV_ENOTSUP: _2 in a build without it */
  gcache_tls_t *tls; /* for peers whose URL begins with https://, from <gcache/openssl.h>; borrowed
                         until closed. NULL: such URLs are refused */
  /* 5000. A peer that owes answers and is silent for so long is asked for a sign of life, and so
   * is each connection of HTTP/2 */
  uint64_t ping_ms;
  gcache_limits_t limits;
  gcache_mem_t mem;     /* malloc family */
  gcache_clock_t clock; /* the loop's and the system's */
  gcache_log_cb log;    /* NULL: silent; nothing is ever printed */
  void *log_data;
  size_t max_bytes; /* of all groups' memory, beside the limit of each; never exceeded. When room is
                       needed, the group gives way that is most over its fair share, which is in
                       proportion to its own limit. At least 64 KiB. 0: none */
  gcache_access_t access; /* who may ask for keys here, and change them: peers */
  gcache_health_t health; /* when a peer counts as down, and what is done then */
  /* A member that owns keys which were another's before asks that one for them, before its getter
   * runs: from its memory only, for so long after a list, and waits so long for each answer. */
  uint64_t handoff_ms;      /* 30000; GCACHE_NO_HANDOFF: never, and gcache_leave() gives nothing */
  uint64_t handoff_wait_ms; /* 100, and at most half of the time a caller has left */
  size_t leave_max_bytes;   /* 64 MiB that gcache_leave() gives at most */
  /* Nanoseconds that never go back, given clock.data: what is timed is timed by it
   * (<gcache/stats.h>). NULL: clock.mono_ms where that is given, else uv_hrtime(). */
  uint64_t (*clock_mono_ns)(void *data);
  gcache_hooks_t hooks; /* getter runs, as they begin and end; copied */
} gcache_options_t;

#define gcache_options_init(o) gcache_options_init_size((o), sizeof *(o))
GCACHE_EXTERN void gcache_options_init_size(gcache_options_t *o, size_t size);

/* UV_EINVAL: an option is missing or impossible; the log callback, if given, is told which (but not
 * that gcache_options_init() was forgotten). After an error the loop needs one more turn before
 * uv_loop_close(). */
GCACHE_EXTERN int gcache_open(gcache_t **out, const gcache_options_t *options);

typedef void (*gcache_closed_cb)(void *arg);
/* Every pending request ends with UV_ECANCELED, every connection, listener and group is closed. Waits
 * for getters, transports and handlers that still owe an answer; until then everything that starts
 * something is refused with GCACHE_ECLOSING. When closed (may be NULL) runs the cache is gone, and its
 * groups with it: it gets your arg and nothing else. Call once. */
GCACHE_EXTERN void gcache_close(gcache_t *cache, gcache_closed_cb closed, void *arg);

/* options.self for a program that learns its URL late, from gcache_listener_port(): once, before the
 * first gcache_set_peers(), by a cache opened without one. UV_EINVAL otherwise, or the URL is none that
 * gcache_set_peers() would take. */
GCACHE_EXTERN int gcache_set_self(gcache_t *cache, const char *url);

/* Replaces the whole list, self included; order does not matter. n 0: alone again. weights: one per
 * URL, 1 to 1000, a peer of weight 2 owns twice the keys of weight 1; NULL: all 1; rings of others
 * ignore them. All or nothing: on error the old list stands. GCACHE_ESELF: options.self is set and not
 * in the list. UV_EINVAL: a URL that is not http://host:port, https://host:port or, in our own dialect,
 * unix:/path (gcache_listen_unix()), https without options.tls, twice the same URL, a weight out of
 * range, more than 65534 URLs. Calls under way to a dropped peer run to their end. Every member
 * must be given the same list.
 *
 * A list of up to 32 URLs is in force when this returns. A longer one has been checked and copied
 * and is made in the next turns of the loop, a millisecond in each; until it is complete the one
 * before is in force for owners, sets, removes, clears: gcache_stats_t.peers_coming tells. Another
 * call meanwhile replaces it. Should memory fail in a turn the one before stays for good:
 * peers_error, and a warning to the log. */
GCACHE_EXTERN int gcache_set_peers(gcache_t *cache, const char *const urls[],
                                   const unsigned weights[], size_t n);

/* URL of the member that owns key by the list, up or down, as it was given to gcache_set_peers();
 * options.self (may be NULL) when there is no list. Borrowed until the list changes: the next
 * gcache_set_peers(), or the next turn of the loop while a long list is on its way. */
GCACHE_EXTERN const char *gcache_owner(const gcache_t *cache, gcache_bytes_t key);

/* ---------------------------------------------------------------------------------- groups ---- */

/* Freshness. A value is delivered until its expiry and never after, unless the group or the value
 * itself says otherwise, by times that are all off by default:
 *
 *   stale_ms          stale-while-revalidate (RFC 5861): for so long after its expiry the value is
 *                     delivered at once, and one load runs behind it: at its owner; a hot copy is
 *                     fetched from there anew
 *   error_ms          stale-if-error (RFC 5861): for so long after its expiry the value is delivered to
 *                     those whose load fails: the getter fails, or the owner does not answer and then
 *                     the getter here fails, or neither answers in the caller's time. GCACHE_ENOTFOUND
 *                     is an answer, not a failure
 *   refresh_ahead_ms  a hit in the last part of a value's life is delivered and starts one load behind
 *                     it. Where in the second half of that time the part begins differs by key and
 *                     member, so that copies do not all refresh in one instant; one attempt a value. A
 *                     value that lived less than twice as long when it was kept is not refreshed ahead
 *   hot_max_ms        a copy in the hot cache expires so long after it was fetched at the latest, also
 *                     one that never would; its callers see that expiry. It is a ceiling for
 *                     stale_ms and error_ms too: afterwards nothing is done with the copy any more
 *   not_found_ms      GCACHE_ENOTFOUND is remembered for so long, here and by gcache peers that asked;
 *                     undone by set, remove and clear. gcache_load_not_found() gives a time of its own
 *
 * A load that failed where there is such an old value is not tried again at once: first for half a
 * second to a second, then for twice that each time, up to eight. Until then hits within stale_ms
 * start no load, and gets within error_ms are given the value without one.
 * gcache_get_stale() says whether the value delivered was stale. A load behind a hit is a load like any
 * other: it is shared by those who come to wait for it, a set or remove in the meantime forbids keeping
 * its value, and it is given options.timeout_ms. Stale values and what is known to be missing count as
 * items of max_bytes and leave for room as others do. P2 holds for both: after a set, remove or
 * clear has succeeded nothing older is delivered, fresh or stale. */

/* Runs on the owner of a key that is in no cache. Owes exactly one gcache_load_done() or
 * gcache_load_fail(), now or later, on the loop's thread, or a successful gcache_load_work(). */
typedef void (*gcache_getter_cb)(gcache_load_t *load);

/* Nobody waits any more. A hint: the answer is still owed. */
typedef void (*gcache_load_cancel_cb)(gcache_load_t *load);

typedef enum {
  GCACHE_HOT_DEFAULT, /* on; off for a client-only member, which removes cannot reach */
  GCACHE_HOT_ON,
  GCACHE_HOT_OFF /* every get of another's key asks its owner */
} gcache_hot_t;

/* Who leaves first when memory is short. */
typedef enum {
  GCACHE_POLICY_DEFAULT, /* follows the traffic: what is asked for once drives nothing out that is
                            asked for often; see docs/rooms/store.md */
  GCACHE_POLICY_LRU      /* who was asked for longest ago */
} gcache_policy_t;

typedef struct gcache_group_options_s {
  size_t size;             /* set by gcache_group_options_init() */
  size_t max_bytes;        /* required, at least 64 KiB: keys, values, headers, index and allocator
                                   rounding of both caches together; never exceeded */
  gcache_getter_cb getter; /* required */
  gcache_load_cancel_cb cancel; /* NULL: getters are never told */
  void *data;                   /* yours: gcache_group_data() */
  gcache_hot_t hot;             /* GCACHE_HOT_DEFAULT */
  unsigned hot_divisor;   /* 8: when memory is short, the hot cache gives way while it is larger
                                   than 1/8 of the main cache */
  gcache_policy_t policy; /* GCACHE_POLICY_DEFAULT */
  /* Freshness, see above; 0: off; over 2^32 - 1: that. */
  uint64_t stale_ms, error_ms, refresh_ahead_ms, hot_max_ms, not_found_ms;
  /* Overload. Beyond loads_max getters at a time loads wait in order of coming; one that nobody
   * waits for any more leaves without a run. GCACHE_EBUSY: loads_queued_max wait already, or others
   * wait too and the most patient caller has less time left than this group's getters are known to
   * take. A load behind a hit does not wait: without a place it is dropped. */
  unsigned loads_max;        /* 16384 */
  unsigned loads_queued_max; /* 65536 */
} gcache_group_options_t;

#define gcache_group_options_init(o) gcache_group_options_init_size((o), sizeof *(o))
GCACHE_EXTERN void gcache_group_options_init_size(gcache_group_options_t *o, size_t size);

/* name: 1 to 256 bytes, any but NUL and '/', which ends it in a path. GCACHE_EEXIST. UV_EINVAL: the
 * log is told why, as by gcache_open(). GCACHE_ENOROOM: not even empty does it fit into
 * options.max_bytes beside the others. */
GCACHE_EXTERN int gcache_group_open(gcache_group_t **out, gcache_t *cache, const char *name,
                                    const gcache_group_options_t *o);
/* A new limit in place of options.max_bytes of the group; UV_EINVAL: less than 64 KiB. A higher one
 * holds at once. To a lower one the group comes down in the next turns of the loop, a bounded
 * number of items a turn; gcache_group_stats_t.max_bytes is the limit that holds, and what is never
 * exceeded. */
GCACHE_EXTERN int gcache_group_resize(gcache_group_t *group, size_t max_bytes);
/* Here only: other members keep theirs. Pending requests end with UV_ECANCELED; peers that ask get
 * GCACHE_ENOGROUP from now on; the name is free again when closed (may be NULL) runs. Again, or after
 * gcache_close(), is fine until then: the first closed that was given runs. */
GCACHE_EXTERN void gcache_group_close(gcache_group_t *group, gcache_closed_cb closed, void *arg);
GCACHE_EXTERN gcache_group_t *gcache_group_find(const gcache_t *cache,
                                                const char *name); /* or NULL */
GCACHE_EXTERN gcache_t *gcache_group_cache(const gcache_group_t *group);
GCACHE_EXTERN const char *gcache_group_name(const gcache_group_t *group);
GCACHE_EXTERN void *gcache_group_data(const gcache_group_t *group);

/* --------------------------------------------------------------------- inside a getter run ---- */

GCACHE_EXTERN gcache_group_t *gcache_load_group(const gcache_load_t *load);
GCACHE_EXTERN gcache_bytes_t gcache_load_key(const gcache_load_t *load); /* valid as long as load */
/* Milliseconds until the most patient caller gives up; 0: nobody waits; UINT64_MAX: no limit. */
GCACHE_EXTERN uint64_t gcache_load_time_left_ms(const gcache_load_t *load);
GCACHE_EXTERN void gcache_load_set_data(gcache_load_t *load, void *data);
GCACHE_EXTERN void *gcache_load_data(const gcache_load_t *load);

/* Takes your reference to value. Afterwards load is gone. A value that has already expired is not
 * delivered: the callers get GCACHE_ELOAD. Over limits.value_max, and NULL (no memory for one),
 * likewise. */
GCACHE_EXTERN void gcache_load_done(gcache_load_t *load, gcache_value_t *value);
/* status GCACHE_ENOTFOUND reaches the callers as such, any other as GCACHE_ELOAD, here and across the
 * network alike. reason (NULL: the text of status) is copied, cut to 256 bytes of printable ASCII, and
 * travels with it. Afterwards load is gone. */
GCACHE_EXTERN void gcache_load_fail(gcache_load_t *load, int status, const char *reason);
/* As gcache_load_fail() with GCACHE_ENOTFOUND, remembered for not_found_ms in place of the group's
 * time;
 * 0: not at all. */
GCACHE_EXTERN void gcache_load_not_found(gcache_load_t *load, uint64_t not_found_ms,
                                         const char *reason);
/* The short cut for bytes at hand: copies them, lives ttl_ms (0: for ever), and answers; out of
 * memory answers with a failure. Afterwards load is gone. */
GCACHE_EXTERN void gcache_load_done_copy(gcache_load_t *load, gcache_bytes_t bytes,
                                         uint64_t ttl_ms);

/* A getter that blocks: work runs on a thread of libuv's pool and must answer with exactly one of
 * gcache_work_copy(), _wrap() or _fail() before it returns (none: the load fails). If nobody waits any
 * more before a thread is free, it does not run. On 0 load is taken, its data too, and the group's
 * cancel is not called for it; on error it is still owed. */
typedef void (*gcache_work_cb)(gcache_work_t *work, void *arg);
GCACHE_EXTERN int gcache_load_work(gcache_load_t *load, gcache_work_cb work, void *arg);

/* Pool thread, inside work only. */
GCACHE_EXTERN gcache_bytes_t gcache_work_key(const gcache_work_t *work);
/* The value's own windows, before the answer. */
GCACHE_EXTERN void gcache_work_freshen(gcache_work_t *work, const gcache_windows_t *windows);
/* Copies with malloc(): the injected allocator is not called off the loop's thread. */
GCACHE_EXTERN void gcache_work_copy(gcache_work_t *work, gcache_bytes_t bytes, uint64_t ttl_ms);
/* Takes the bytes; free_cb(arg) runs later on the loop's thread. */
GCACHE_EXTERN void gcache_work_wrap(gcache_work_t *work, gcache_bytes_t bytes, uint64_t ttl_ms,
                                    gcache_free_cb free_cb, void *arg);
GCACHE_EXTERN void gcache_work_fail(gcache_work_t *work, int status, const char *reason);

/* ------------------------------------------------------------------------------ get, peek ---- */

#define GCACHE_NO_TIMEOUT UINT64_MAX /* timeout_ms; 0 means options.timeout_ms */

/* Private to every request. Named so that you can embed it, not so that you read it. */
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
  struct gcache_many_s *many; /* one of many gets: of these, <gcache/many.h> */
  uint64_t began_ns;          /* what is timed: when it was asked for; 0: it is not */
};

typedef enum {
  GCACHE_FROM_NONE, /* no value */
  GCACHE_FROM_MAIN, /* this member's main cache */
  GCACHE_FROM_HOT,  /* its hot cache */
  GCACHE_FROM_PEER, /* the owner answered */
  GCACHE_FROM_LOAD  /* this member's getter ran */
} gcache_from_t;

/* status 0: value is set. Else value is NULL: GCACHE_ENOTFOUND, GCACHE_ELOAD, UV_ETIMEDOUT,
 * UV_ECANCELED (cancelled or closing), GCACHE_EBUSY (options.calls_per_peer; loads_queued_max of
 * the group, here or at the owner; limits.in_flight_max or requests_max at the owner), UV_ENOMEM. */
typedef void (*gcache_get_cb)(gcache_get_t *req, int status, gcache_value_t *value);
struct gcache_get_s {
  void *data; /* yours */
  gcache_get_cb cb;
  struct gcache_req_s priv;
};

/* Local caches, else the owner, else the getter here. Equal keys asked at one time share one load. A
 * peer that answers "not found" or "getter failed" is believed; a peer that is down or fails to
 * answer is replaced by the key's next owner, and that by a load here, as long as the caller's time
 * allows.
 * UV_EMSGSIZE: key over limits.key_max. */
GCACHE_EXTERN int gcache_get(gcache_get_t *req, gcache_group_t *group, gcache_bytes_t key,
                             uint64_t timeout_ms, gcache_get_cb cb);

/* The callback still runs, from the loop, with UV_ECANCELED. No effect once it has begun. Others who
 * wait for the same key are not disturbed. */
GCACHE_EXTERN void gcache_get_cancel(gcache_get_t *req);

/* Only inside the callback: the words behind status, "" if none; where the value came from. */
GCACHE_EXTERN const char *gcache_get_reason(const gcache_get_t *req);
GCACHE_EXTERN gcache_from_t gcache_get_from(const gcache_get_t *req);
/* Milliseconds since the value's expiry, rounded up; 0: it is fresh, or there is none. Of a value that
 * a peer sent stale: by that peer's clock. */
GCACHE_EXTERN uint64_t gcache_get_stale(const gcache_get_t *req);

/* The synchronous short cut: a new reference, yours, if the key is in a local cache now, else NULL.
 * Starts nothing, allocates nothing; so it never gives a stale value, and refreshes none. */
GCACHE_EXTERN gcache_value_t *gcache_peek(gcache_group_t *group, gcache_bytes_t key);

/* n peeks at once, which wait for memory together: values_out[i] is what gcache_peek(group, keys[i])
 * would return. How many are not NULL. */
GCACHE_EXTERN size_t gcache_peek_many(gcache_group_t *group, const gcache_bytes_t keys[], size_t n,
                                      gcache_value_t *values_out[]);

/* --------------------------------------------------------------------- set, remove, clear ---- */

typedef struct gcache_peer_result_s {
  const char *url;    /* NULL: this member, which has no URL */
  int status;         /* 0, UV_ECONNREFUSED, UV_EHOSTUNREACH, UV_EACCES, GCACHE_EPEER, ... */
  const char *reason; /* "" if none */
} gcache_peer_result_t;

/* status 0: every member did it. GCACHE_EPARTIAL: peers says which did not, and why; they are told
 * later, of a set as a remove (docs/rooms/cluster.md); asking again is safe. UV_ECANCELED:
 * cancelled or closing;
 * members reported 0 had done it. peers: the key's owner first (a clear: in the list's order), this
 * member included unless it is client-only; then who came to the list while this was under way.
 * Borrowed. */
typedef void (*gcache_change_cb)(gcache_change_t *req, int status,
                                 const gcache_peer_result_t *peers, size_t n);
struct gcache_change_s {
  void *data; /* yours */
  gcache_change_cb cb;
  struct gcache_req_s priv;
  void *work; /* private */
};

/* Stores value at the key's owner, then drops every other member's copy. Borrows value; takes its own
 * reference. Status 0 means: no member delivers a value that was loaded or set before this call began
 * (P2). GCACHE_ENOROOM from the owner: the old value is gone and the new one is too large to keep.
 * UV_EMSGSIZE: key or value over its limit. UV_EINVAL: value is NULL or has already expired. */
GCACHE_EXTERN int gcache_set(gcache_change_t *req, gcache_group_t *group, gcache_bytes_t key,
                             gcache_value_t *value, uint64_t timeout_ms, gcache_change_cb cb);

/* Drops key at its owner, then everywhere else at once. Status 0 means: no member delivers a value
 * that was loaded before this call began (P2). A load under way still answers those who wait for it,
 * and is not kept. UV_EMSGSIZE: key over limits.key_max. */
GCACHE_EXTERN int gcache_remove(gcache_change_t *req, gcache_group_t *group, gcache_bytes_t key,
                                uint64_t timeout_ms, gcache_change_cb cb);

/* Drops every key of the group on every member, with the same guarantee. It takes two rounds, because
 * every member is the owner of some keys. Peers that are not gcache report UV_ENOTSUP. */
GCACHE_EXTERN int gcache_clear(gcache_change_t *req, gcache_group_t *group, uint64_t timeout_ms,
                               gcache_change_cb cb);

/* The callback still runs, from the loop, with UV_ECANCELED. What was sent may still take effect. */
GCACHE_EXTERN void gcache_change_cancel(gcache_change_t *req);

#ifdef __cplusplus
}
#endif

#include "stats.h"
#include "trace.h"

#endif /* GCACHE_H */
