/* gcache/find.h - who the peers are, found out and kept up to date: gcache_set_peers() called for
 * you. Needs gcache.h, whose rules hold. docs/rooms/find.md compares the ways and has a Kubernetes
 * manifest.
 *
 * A *find* looks for the members of one cache, again and again, and gives the cache every list that
 * differs from the one before:
 *
 *   file   a list of URLs that something else writes    looks when it changes, and every interval_ms
 *   dns    the addresses of a name (A or AAAA)          looks every interval_ms
 *   srv    the hosts and ports of a service (SRV)       looks every interval_ms
 *   etcd   the keys below a prefix, one a member, which looks when they change, and every interval_ms
 *          each member writes and keeps alive itself
 *
 * What holds for all:
 *
 *   Never empty by accident   A look that fails, that brings nobody, or fewer than min_peers,
 *                             changes nothing: the list before stands, and on_change is told why.
 *   Self                      The cache's own URL is always in the list, found or not. So it must
 *                             be written as the others will find it; what that means is said with
 *                             each. It is looked at when the find is opened: gcache_set_self()
 *                             comes before. A cache without a URL is a client-only member.
 *   The same list             does nothing, in whatever order it comes.
 *   The text of a URL         is passed on as it was found, for it decides who owns what; but for a
 *                             slash at its end, which is taken off. A Go cluster whose lists have
 *                             it needs gcache_set_peers() itself.
 *   Pauses                    Signs of change within debounce_ms lead to one look. After a failure
 *                             the next look comes after half a second, then after twice that each
 *                             time, up to interval_ms. All times are spread by a quarter, so that
 *                             members do not ask in step.
 *   The loop                  stays alive until the first look has ended; later looks keep it so
 *                             only as long as they are under way.
 *   Memory                    the cache's allocator; what is of libraries' (resolver, JSON) excepted.
 *
 * A cache has one find at a time: UV_EALREADY. Lists that are set by hand meanwhile last until the
 * find sees a change. */
#ifndef GCACHE_FIND_H
#define GCACHE_FIND_H

#include "gcache.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gcache_find_s gcache_find_t; /* opaque, ours */

typedef enum {
  GCACHE_FIND_SET, /* a list that differs was given to the cache */
  GCACHE_FIND_SAME, /* the first look that went well after one that did not, and nothing has changed */
  GCACHE_FIND_KEPT /* nothing that can be used was found: the list before stands */
} gcache_find_did_t;

/* What a look has led to. */
typedef struct gcache_found_s {
  gcache_find_did_t did;
  int status; /* of KEPT: why. UV_ENOENT: there is nobody; UV_EAGAIN: fewer than min_peers */
  /* words for people, one line, "" if none; of SET too, where something was passed over */
  const char *text;
  /* the list as this find has given it, sorted, self included; n 0: none yet */
  const char *const *urls;
  const unsigned *weights;
  size_t n;
} gcache_found_t;

/* From the loop, never before the call that opened the find has returned. Not called for looks that
 * find what is known. found is borrowed; find may be closed in here. */
typedef void (*gcache_find_cb)(gcache_find_t *find, const gcache_found_t *found, void *data);

/* Which addresses of a name are members. One kind only: a member with one of each would be two. */
typedef enum {
  GCACHE_FIND_IP_AS_SELF, /* the kind of the cache's own URL; IPv4 without one */
  GCACHE_FIND_IPV4,
  GCACHE_FIND_IPV6
} gcache_find_ip_t;

typedef struct gcache_find_options_s {
  size_t size;              /* set by gcache_find_options_init() */
  gcache_t *cache;          /* required; closing it closes the find */
  uint64_t interval_ms;     /* between looks: 10000; etcd, which is told of changes, 60000 */
  uint64_t debounce_ms;     /* 200 */
  size_t min_peers;         /* 1: fewer members than these, self included, are taken for a fault */
  gcache_find_cb on_change; /* NULL: nobody is told */
  void *data;               /* yours */
  gcache_find_ip_t ip;      /* dns */
  const char *servers;      /* srv: "10.0.0.53,10.0.0.54:5353"; NULL: those of /etc/resolv.conf */
} gcache_find_options_t;

#define gcache_find_options_init(o) gcache_find_options_init_size((o), sizeof *(o))
GCACHE_EXTERN void gcache_find_options_init_size(gcache_find_options_t *o, size_t size);

/* A text file: one URL a line, and behind it, if you like, a space and its weight (1 to 1000).
 * Empty lines and what follows a # are passed over. A line that is neither: the whole file is not
 * taken, and on_change has the number of the line. The same URL twice counts once, with the larger
 * weight. At most 8 MiB.
 *
 * Write another file and rename it over this one, or what is half written may be read. Links are
 * followed; that a link far away now leads elsewhere is seen after interval_ms. (The links of a
 * Kubernetes ConfigMap are in the same directory, and are seen at once.) The file need not exist
 * yet. */
GCACHE_EXTERN int gcache_find_file(gcache_find_t **out, const gcache_find_options_t *o,
                                   const char *path);

/* where: "http://name:port" or "https://name:port". Every address of the name is a member,
 * scheme://address:port; all listen on one port. Own URL: such a one, "http://10.0.0.7:8080";
 * UV_EINVAL if its host is a name, or scheme or port differ from those of where.
 * The system's resolver is asked (getaddrinfo), on a thread of libuv's pool; at most 4096 addresses
 * are taken. */
GCACHE_EXTERN int gcache_find_dns(gcache_find_t **out, const gcache_find_options_t *o,
                                  const char *where);

/* name: "_gcache._tcp.cache.example.org". Every target of its SRV records is a member,
 * scheme://target:port, in small letters; so one's own URL has the very name that the record has,
 * and is UV_EINVAL if it is written in another way: another scheme, capitals, no port. scheme:
 * "http" or "https".
 * Priorities and weights are not used: every member has the weight 1.
 * UV_ENOTSUP: a build without c-ares (feature `cares`). */
GCACHE_EXTERN int gcache_find_srv(gcache_find_t **out, const gcache_find_options_t *o,
                                  const char *name, const char *scheme);

typedef struct gcache_find_etcd_s {
  size_t size; /* set by gcache_find_etcd_init() */
  /* Required: "http://10.0.0.5:2379", ...; the next is asked when one fails. */
  const char *const *endpoints;
  size_t n_endpoints;
  const char *prefix; /* "/gcache/": keys that begin so are members, values "URL" or "URL weight" */
  uint64_t ttl_ms;    /* 10000, at least 2000: so long a member that has died stays in the list */
  uint64_t timeout_ms; /* 5000 for each answer of etcd's */
  unsigned weight;     /* 1: of this member */
  gcache_tls_t *tls;   /* for https endpoints, from <gcache/openssl.h>; borrowed until closed */
} gcache_find_etcd_t;

#define gcache_find_etcd_init(e) gcache_find_etcd_init_size((e), sizeof *(e))
GCACHE_EXTERN void gcache_find_etcd_init_size(gcache_find_etcd_t *e, size_t size);

/* etcd 3.4 or later, by its JSON gateway. A cache with a URL writes the key <prefix><URL> under a
 * lease, and keeps that alive; to close the find takes it back at once. A value that is no URL is
 * passed over, and on_change told.
 * UV_ENOTSUP: a build without jansson (feature `json`), or https endpoints and no tls. */
GCACHE_EXTERN int gcache_find_etcd(gcache_find_t **out, const gcache_find_options_t *o,
                                   const gcache_find_etcd_t *etcd);

/* The list stays in force. closed (may be NULL) runs from the loop when the find is gone, up to a
 * second later where etcd has to be told; on_change does not run any more. Call once, and not after
 * gcache_close(), which does the same before it ends: with a find whose place others should know,
 * close that first. */
GCACHE_EXTERN void gcache_find_close(gcache_find_t *find, gcache_closed_cb closed, void *arg);

#ifdef __cplusplus
}
#endif
#endif /* GCACHE_FIND_H */
