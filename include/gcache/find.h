/* gcache/find.h - peer discovery: finds the peers, keeps the list up to date and calls
 * gcache_set_peers() for you. Needs gcache.h, whose rules hold. docs/rooms/find.md compares the
 * methods and has a Kubernetes manifest.
 *
 * A *find* looks up the members of one cache repeatedly, and gives the cache every list that
 * differs from the one before:
 *
 *   file   a list of URLs that something else writes  looks when it changes, and every interval_ms
 *   dns    the addresses of a name (A or AAAA)        looks every interval_ms
 *   srv    the hosts and ports of a service (SRV)     looks every interval_ms
 *   etcd   the keys below a prefix, one per member,   looks when they change, and every interval_ms
 *          which each member writes and keeps alive
 *
 * These rules hold for all of them:
 *
 *   Never empty by accident   A look that fails, finds no members, or finds fewer than min_peers
 *                             changes nothing: the old list stays in force, and on_change is told
 *                             why.
 *   Self                      The cache's own URL is always in the list, found or not. It must
 *                             therefore be written as the other members will find it; each function
 *                             below says how. It is read when the find is opened: call
 *                             gcache_set_self() first. A cache without a URL is a client-only
 *                             member.
 *   The same list             does nothing, whatever its order.
 *   The text of a URL         is passed on as it was found, because the text decides which member
 *                             owns which keys; only a slash at its end is removed. A Go cluster
 *                             whose lists have that slash needs gcache_set_peers() itself.
 *   Pauses                    Signs of change within debounce_ms lead to one look. After a failure
 *                             the next look comes after half a second, then after twice the pause
 *                             each time, up to interval_ms. All times are spread by a quarter, so
 *                             that members do not ask in step.
 *   The loop                  stays alive until the first look has ended; after that only while a
 *                             look is under way.
 *   Memory                    comes from the cache's allocator, except what libraries (resolver,
 *                             JSON) allocate.
 *
 * A cache has one find at a time: UV_EALREADY. A list set by hand meanwhile lasts until the find
 * sees a change. */
#ifndef GCACHE_FIND_H
#define GCACHE_FIND_H

#include "gcache.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gcache_find_s gcache_find_t; /* opaque, ours */

typedef enum {
  GCACHE_FIND_SET,  /* a list that differs was given to the cache */
  GCACHE_FIND_SAME, /* the first successful look after a failed one, and the list has not changed */
  GCACHE_FIND_KEPT  /* nothing usable was found: the old list stays in force */
} gcache_find_did_t;

/* The result of a look. */
typedef struct gcache_found_s {
  gcache_find_did_t did;
  int status; /* why KEPT. UV_ENOENT: no members; UV_EAGAIN: fewer than min_peers */
  /* a message of one line, "" if none; with SET too, if entries were skipped */
  const char *text;
  /* the list as this find last gave it, sorted, self included; n 0: none yet */
  const char *const *urls;
  const unsigned *weights;
  size_t n;
} gcache_found_t;

/* Runs from the loop, never before the call that opened the find has returned, and not for a look
 * that finds what is already known. found is borrowed. The find may be closed in here. */
typedef void (*gcache_find_cb)(gcache_find_t *find, const gcache_found_t *found, void *data);

/* Which addresses of a name are members. One kind only: a member with one address of each kind
 * would count twice. */
typedef enum {
  GCACHE_FIND_IP_AS_SELF, /* the kind of the cache's own URL; without a URL, IPv4 */
  GCACHE_FIND_IPV4,
  GCACHE_FIND_IPV6
} gcache_find_ip_t;

typedef struct gcache_find_options_s {
  size_t size;              /* set by gcache_find_options_init() */
  gcache_t *cache;          /* required; closing it closes the find */
  uint64_t interval_ms;     /* 10000 between looks; 60000 for etcd, which reports changes */
  uint64_t debounce_ms;     /* 200 */
  size_t min_peers;         /* 1: fewer members than this, self included, count as a failure */
  gcache_find_cb on_change; /* may be NULL */
  void *data;               /* yours */
  gcache_find_ip_t ip;      /* dns */
  const char *servers;      /* srv: "10.0.0.53,10.0.0.54:5353"; NULL: those of /etc/resolv.conf */
} gcache_find_options_t;

#define gcache_find_options_init(o) gcache_find_options_init_size((o), sizeof *(o))
GCACHE_EXTERN void gcache_find_options_init_size(gcache_find_options_t *o, size_t size);

/* A text file: one URL per line, optionally followed by a space and a weight (1 to 1000). Empty
 * lines, and text after a #, are ignored. If any line is invalid the whole file is rejected, and
 * on_change is told the number of the line. A URL given twice counts once, with the larger weight.
 * At most 8 MiB.
 *
 * Replace the file by writing another one and renaming it, or a half-written file may be read.
 * Links are followed. A change of a link in another directory is seen after interval_ms. (The links
 * of a Kubernetes ConfigMap are in the same directory, and their changes are seen at once.) The
 * file need not exist yet. */
GCACHE_EXTERN int gcache_find_file(gcache_find_t **out, const gcache_find_options_t *o,
                                   const char *path);

/* where: "http://name:port" or "https://name:port". Every address of the name is a member,
 * scheme://address:port; all members listen on one port. The cache's own URL must have that form
 * too, "http://10.0.0.7:8080"; UV_EINVAL if its host is a name, or its scheme or port differs from
 * where. The addresses come from the system's resolver (getaddrinfo), called on a thread of libuv's
 * pool; at most 4096 are used. */
GCACHE_EXTERN int gcache_find_dns(gcache_find_t **out, const gcache_find_options_t *o,
                                  const char *where);

/* name: "_gcache._tcp.cache.example.org". Every target of its SRV records is a member,
 * scheme://target:port in lower case. The cache's own URL must be exactly what its record gives;
 * UV_EINVAL if it is written differently: another scheme, capitals, no port. scheme: "http" or
 * "https". Priorities and weights of the records are not used: every member has weight 1.
 * UV_ENOTSUP: a build without c-ares (feature `cares`). */
GCACHE_EXTERN int gcache_find_srv(gcache_find_t **out, const gcache_find_options_t *o,
                                  const char *name, const char *scheme);

typedef struct gcache_find_etcd_s {
  size_t size; /* set by gcache_find_etcd_init() */
  /* Required: "http://10.0.0.5:2379", ...; when one fails, the next is asked. */
  const char *const *endpoints;
  size_t n_endpoints;
  /* "/gcache/": keys with this prefix are members, with the value "URL" or "URL weight" */
  const char *prefix;
  uint64_t ttl_ms;     /* 10000, at least 2000: how long a dead member stays in the list */
  uint64_t timeout_ms; /* 5000 for each response from etcd */
  unsigned weight;     /* 1: this member's weight */
  gcache_tls_t *tls;   /* for https endpoints, from <gcache/openssl.h>; borrowed until closed */
} gcache_find_etcd_t;

#define gcache_find_etcd_init(e) gcache_find_etcd_init_size((e), sizeof *(e))
GCACHE_EXTERN void gcache_find_etcd_init_size(gcache_find_etcd_t *e, size_t size);

/* etcd 3.4 or later, through its JSON gateway. A cache with a URL writes the key <prefix><URL>
 * under a lease and keeps the lease alive; gcache_find_close() removes the key at once. A value
 * that is not a URL is skipped, and on_change is told.
 * UV_ENOTSUP: a build without jansson (feature `json`), or https endpoints and no tls. */
GCACHE_EXTERN int gcache_find_etcd(gcache_find_t **out, const gcache_find_options_t *o,
                                   const gcache_find_etcd_t *etcd);

/* Closes the find; the current list stays in force. closed (may be NULL) runs from the loop when
 * the find is gone, for etcd up to a second later, because etcd has to be told; on_change does not
 * run any more. Call once, and not after gcache_close(), which closes the find itself before it
 * ends. With etcd, close the find first if the other members are to learn of it before the cache
 * closes. */
GCACHE_EXTERN void gcache_find_close(gcache_find_t *find, gcache_closed_cb closed, void *arg);

#ifdef __cplusplus
}
#endif
#endif /* GCACHE_FIND_H */
