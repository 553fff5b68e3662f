/* door/cached - a GET that is to be answered from memory or not at all: `Cache-Control: only-if-cached`
 * (RFC 9111, 5.2.1.7), as gcache asks over its fast lanes. Answered at once: nothing is allocated,
 * nothing loaded, nobody asked. What is not here is 504 with Gcache-Reason not-cached, and what is
 * too large to be answered between others with large. `max-stale` allows a stale value, which is
 * said to be so. `Gcache-Handoff` asks as a new owner asks the one before (core/handoff). */
#ifndef GCI_DOOR_CACHED_H
#define GCI_DOOR_CACHED_H

#include "door/door.h"
#include "door/reply.h"
#include "http/message.h"

struct gci_cached {
  int only; /* the question is such a one */
  int takes_stale;
  int hands_over;  /* by a new owner: whether or not the value is due is for that to see to */
  int takes_large; /* nothing waits behind the answer */
  gcache_bytes_t
      newcomer; /* by a member that has just started: its URL; borrowed from the headers */
  int is_known; /* which is not new here, and gets nothing */
};

struct gci_cached gci_cached_read(const gcache_header_t headers[], size_t n);
/* While the headers are there. */
void gci_cached_judge(struct gci_cached *said, const struct gci_door *door);

/* 0; GCACHE_ENOGROUP, GCACHE_ECLOSING, UV_EINVAL, UV_EMSGSIZE: no reply. It borrows what memory
 * has, until that changes. */
int gci_cached_answer(struct gci_reply *reply, struct gci_door *door, gcache_bytes_t group,
                      gcache_bytes_t key, const struct gci_cached *said);

/* All of it, from the head of a request. 0: it is a question of another kind, or there is something
 * wrong with it: it is to be served as all are. */
int gci_cached_try(struct gci_reply *reply, struct gci_door *door,
                   const struct gci_http_head *head);

#endif
