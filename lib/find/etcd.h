/* find/etcd - the common part of the two halves of finding by etcd. etcd.c opens and closes;
 * etcd_list.c reads the list and watches it; etcd_lease.c writes this member's own key and keeps it
 * alive. The halves do not wait for each other: a refusal of one does not hold up the other. Each
 * asks one endpoint until that fails, then the next. */
#ifndef GCI_FIND_ETCD_H
#define GCI_FIND_ETCD_H

#include "find/call.h"
#include "find/etcd_words.h"
#include "find/find.h"

struct gci_etcd_lease {
  struct gci_find_call *call;   /* NULL: none is under way */
  struct gcache_deadline_s due; /* the next call; always set */
  enum { GCI_ETCD_GRANT, GCI_ETCD_PUT, GCI_ETCD_KEEP, GCI_ETCD_REVOKE } step;
  uint64_t id, ttl_ms; /* as granted */
  unsigned failures;
  size_t server;
};

struct gci_etcd_list {
  struct gci_find_call *range, *watch; /* NULL: not under way */
  unsigned watch_failures;
  uint64_t watched_ms; /* since when */
  size_t watch_read;   /* bytes of the watch's body that were read as messages */
  size_t watch_seen;   /* and bytes searched for the end of one */
  int was_written;     /* our own key, when the range request was sent */
  size_t server;
};

struct gci_etcd {
  gcache_find_t find; /* first */
  uv_loop_t *uv;
  uint64_t ttl_ms, timeout_ms;
  unsigned weight;
  gcache_bytes_t prefix;
  struct gci_find_server *servers;
  size_t n_servers;
  size_t calls; /* that are not gone */
  int stopping;
  struct gci_etcd_lease lease;
  struct gci_etcd_list list;
  char *texts; /* of prefix and servers */
  size_t texts_size;
};

static inline struct gci_etcd *gci_etcd_of(gcache_find_t *find) {
  return gci_container_of(find, struct gci_etcd, find);
}

/* A call to servers[server]; body as written, of length 0: UV_EMSGSIZE. The events' gone is
 * gci_etcd_gone(). */
int gci_etcd_call(struct gci_etcd *e, struct gci_find_call **call, size_t server, const char *path,
                  const char *body, size_t len, const struct gci_find_call_events *events);
void gci_etcd_gone(void *etcd);
/* 0: it is a good answer. Otherwise a code, with its text in why. */
int gci_etcd_check(const struct gci_find_answer *answer, char why[GCI_ETCD_REASON]);

void gci_etcd_look(gcache_find_t *find);
void gci_etcd_list_stop(struct gci_etcd *e);

int gci_etcd_lease_open(struct gci_etcd *e);
void gci_etcd_lease_undo(struct gci_etcd *e); /* right after open */
/* The list has been read, and our own key was not in it although it was written. */
void gci_etcd_lease_missing(struct gci_etcd *e);
void gci_etcd_lease_stop(struct gci_etcd *e); /* removes the key, within a second */

#endif
