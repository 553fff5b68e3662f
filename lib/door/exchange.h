/* door/exchange - one request for the application's handler and its answer (gcache_exchange_*);
 * exchange_answer.c has the answer itself.
 *
 * Happy path: door/server opens it; the handler is called from the completion queue; the reply, or
 * the end of an answer in parts, frees it.
 * Failure modes: the client leaves before the handler was called: the handler is never called. The
 * client leaves later: the handler is told if it asked for that, still owes the reply or the end,
 * and its output is dropped. No memory: answered 503; in the middle of an answer the connection
 * ends, as if the client had left. */
#ifndef GCI_DOOR_EXCHANGE_H
#define GCI_DOOR_EXCHANGE_H

#include "door/door.h"
#include "http/message.h"

struct gcache_exchange_s {
  struct gcache_link_s link; /* in its connection's list; unlinked when that has ended */
  struct gci_door *door;
  struct gci_http_exchange *http;
  struct gcache_job_s job; /* calls the handler; later tells it that the client has left, or of
                            * room */
  gcache_bytes_t path, query;
  gcache_gone_cb gone;
  void *gone_arg;
  gcache_room_cb room;
  void *room_arg;
  int begun;                   /* the answer comes in parts */
  int handled;                 /* the handler has been called */
  int left;                    /* the client has left */
  struct gci_decoded *decoded; /* parameters that the handler asked for */
};

/* Takes http. UV_ENOMEM: http is still the caller's. The caller may link *out by its link. */
int gci_exchange_open(gcache_exchange_t **out, struct gci_door *door,
                      struct gci_http_exchange *http);
/* The connection has ended; x is unlinked from it. */
void gci_exchange_leave(gcache_exchange_t *x);
/* Output has been written: there may be room. */
void gci_exchange_flushed(gcache_exchange_t *x);

/* For exchange_answer.c. Another part may be queued if not too much is in flight, or nothing of
 * this answer is, so that a refused part is always asked for again when the waiting output has
 * left. */
int gci_exchange_may_add(const gcache_exchange_t *x);
/* For exchange_answer.c. The session's exchange must have been answered. */
void gci_exchange_free(gcache_exchange_t *x);

/* A short text of our own as the whole answer. http is gone afterwards. */
void gci_exchange_answer_text(struct gci_http_exchange *http, int status, gcache_bytes_t text);

#endif
