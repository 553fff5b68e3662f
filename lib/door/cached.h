/* door/cached - a GET that must be answered from memory or not at all: `Cache-Control:
 * only-if-cached` (RFC 9111, 5.2.1.7), which gcache sends over its fast lanes. It is answered at
 * once: nothing is allocated, nothing loaded, nobody asked. A value that is not in memory is
 * answered with 504 and Gcache-Reason not-cached, and a value too large for a shared connection
 * with 504 and large. `max-stale` allows a stale value, which is marked as stale. `Gcache-Handoff`
 * makes the request one of a new owner to the previous owner (core/handoff). */
#ifndef GCI_DOOR_CACHED_H
#define GCI_DOOR_CACHED_H

#include "door/door.h"
#include "door/reply.h"
#include "http/message.h"

struct gci_cached {
  int only; /* the request is of this kind */
  int takes_stale;
  int hands_over;          /* sent by a new owner, which itself decides whether the value is due */
  int takes_large;         /* nothing waits behind the answer */
  gcache_bytes_t newcomer; /* URL of an asker that has just started, borrowed from the headers */
  int is_known;            /* that member is not new here, and gets nothing */
};

struct gci_cached gci_cached_read(const gcache_header_t headers[], size_t n);
/* While the headers are valid. */
void gci_cached_judge(struct gci_cached *said, const struct gci_door *door);

/* 0; GCACHE_ENOGROUP, GCACHE_ECLOSING, UV_EINVAL, UV_EMSGSIZE: no reply. The reply borrows from
 * memory, until that changes. */
int gci_cached_answer(struct gci_reply *reply, struct gci_door *door, gcache_bytes_t group,
                      gcache_bytes_t key, const struct gci_cached *said);

/* All of it, from the head of a request. 0: the request is of another kind, or is wrong: serve it
 * in the general way. */
int gci_cached_try(struct gci_reply *reply, struct gci_door *door,
                   const struct gci_http_head *head);

#endif
