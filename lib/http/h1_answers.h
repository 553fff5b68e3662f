/* http/h1_answers - a server's answers on their way out: they leave in the order of the requests, in
 * whatever order they are given.
 *
 * Owns the output, and the exchanges that owe an answer (in a list, oldest first). An answer given
 * before its turn is held; one that comes in parts (http/h1_stream) gathers them until its turn,
 * and holds up those behind it until it ends. A refusal is an answer too: it waits until those
 * before it have left.
 * Fails: UV_ENOMEM makes it broken: the connection is to be closed and nothing more is written. */
#ifndef GCI_HTTP_H1_ANSWERS_H
#define GCI_HTTP_H1_ANSWERS_H

#include "http/h1_receive.h"
#include "http/h1_write.h"

struct gci_h1_answers {
  struct gci_mem *mem; /* borrowed */
  /* There is output, or the end of the connection has come, by a call from outside. May free this. */
  void (*ready)(struct gci_h1_answers *a);
  struct gci_out out;
  struct gci_list pending; /* exchanges */
  struct gci_list spare;   /* and what is left of some, for the next; at most 128 */
  size_t n_spare;
  size_t n_pending, pending_bytes;
  size_t held_bytes;          /* of answers given before their turn, values included */
  size_t early;               /* bytes gathered by answers whose turn has not come */
  enum gci_h1_fault refusal;  /* to be written once nothing is pending */
  unsigned last_taken : 1;    /* no request will be taken any more */
  unsigned owes_continue : 1; /* the request being received waits for a 100 */
  unsigned broken : 1;        /* out of memory: the output is not to be trusted */
  unsigned cut : 1;           /* the connection ends behind what is in the output */
};

enum gci_h1_stage { GCI_H1_NOT_BEGUN, GCI_H1_STREAMING, GCI_H1_ENDED, GCI_H1_ABORTED };

struct gci_h1_exchange {
  struct gci_http_exchange x;
  struct gcache_link_s link;
  struct gci_h1_answers *answers;   /* NULL: detached */
  struct gci_mem *mem;              /* detached: a reference */
  struct gci_h1_exchange **watcher; /* is told by NULL that this has gone; NULL: none */
  char *kept;                       /* what its head lies in; NULL: in what is being received */
  size_t kept_size;
  size_t body_len;          /* as received; the body may be elsewhere by now */
  struct gci_h1_held *held; /* its answer, given before its turn */
  enum gci_h1_extent extent;
  int keep_said;
  size_t in_flight; /* of its request; 0: it was answered at once, if it is */
  enum gci_h1_stage
      stage; /* of an answer in parts, as is all below, which is set when it has begun */
  enum gci_h1_body_kind kind;
  struct gci_out own; /* gathered before its turn */
  uint64_t put;       /* bytes that it has added to the output */
};

void gci_h1_answers_init(struct gci_h1_answers *a, struct gci_mem *mem,
                         void (*ready)(struct gci_h1_answers *a));
/* Exchanges that still owe an answer live on, detached. */
void gci_h1_answers_detach(struct gci_h1_answers *a);
void gci_h1_answers_fini(struct gci_h1_answers *a); /* detached */

/* Another request has come, and is the newest pending: its head, still where it was received, and
 * its body, which may be NULL and is the exchange's. NULL: out of memory, body is the caller's. */
struct gci_h1_exchange *gci_h1_answers_owe(struct gci_h1_answers *a,
                                           const struct gci_http_head *head, gcache_value_t *body,
                                           int keep_said);
/* What it was received in goes now: what is not kept is lost. */
void gci_h1_exchange_settle(struct gci_h1_exchange *e);
/* The last word of the connection, behind the answers that are owed. */
void gci_h1_answers_refuse(struct gci_h1_answers *a, enum gci_h1_fault fault);
/* Writes what had to wait until every answer before it was written, if that is now. */
void gci_h1_answers_settle(struct gci_h1_answers *a);

/* Nothing more is written. */
static inline int gci_h1_answers_dead(const struct gci_h1_answers *a) {
  return a->broken || a->cut;
}

/* For http/h1_stream. */
enum gci_h1_then gci_h1_then_of(const struct gci_h1_exchange *e);
void gci_h1_exchange_free(struct gci_h1_exchange *e);
/* e's answer is all in the output, or will never be: frees it, and writes what waited for it. */
void gci_h1_exchange_leave(struct gci_h1_exchange *e);
static inline int gci_h1_in_turn(const struct gci_h1_exchange *e) {
  return gci_list_front(&e->answers->pending) == &e->link;
}

#endif
