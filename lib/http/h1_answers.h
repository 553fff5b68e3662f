/* http/h1_answers - a server's answers on their way out: sent in the order of the requests, in
 * whatever order they are given.
 *
 * Owns the output, and the exchanges that owe an answer (in a list, oldest first). An answer given
 * before its turn is held; an answer in parts (http/h1_stream) gathers its parts until its turn,
 * and holds up those behind it until it ends. A refusal is an answer too: it waits until those
 * before it have been sent.
 * Fails: UV_ENOMEM makes it broken: the connection must be closed and nothing more is written. */
#ifndef GCI_HTTP_H1_ANSWERS_H
#define GCI_HTTP_H1_ANSWERS_H

#include "http/h1_receive.h"
#include "http/h1_write.h"

struct gci_h1_answers {
  struct gci_mem *mem; /* borrowed */
  /* A call from outside has made output, or ended the connection. May free this. */
  void (*ready)(struct gci_h1_answers *a);
  struct gci_out out;
  struct gci_list pending; /* exchanges */
  struct gci_list spare;   /* and freed exchanges, kept for the next; at most 128 */
  size_t n_spare;
  size_t n_pending, pending_bytes;
  size_t held_bytes;          /* of answers given before their turn, including values */
  size_t early;               /* bytes gathered by answers in parts before their turn */
  enum gci_h1_fault refusal;  /* to write when nothing is pending */
  unsigned last_taken : 1;    /* no further request will be taken */
  unsigned owes_continue : 1; /* the request being received waits for a 100 */
  unsigned broken : 1;        /* out of memory: the output is not to be trusted */
  unsigned cut : 1;           /* the connection ends after the present output */
};

enum gci_h1_stage { GCI_H1_NOT_BEGUN, GCI_H1_STREAMING, GCI_H1_ENDED, GCI_H1_ABORTED };

struct gci_h1_exchange {
  struct gci_http_exchange x;
  struct gcache_link_s link;
  struct gci_h1_answers *answers;   /* NULL: detached */
  struct gci_mem *mem;              /* detached: a reference */
  struct gci_h1_exchange **watcher; /* set to NULL when this is freed; NULL: none */
  char *kept;                       /* a copy of its head; NULL: in the received bytes */
  size_t kept_size;
  size_t body_len;          /* as received; the body may have been moved by now */
  struct gci_h1_held *held; /* its answer, given before its turn */
  enum gci_h1_extent extent;
  int keep_said;
  size_t in_flight; /* size of its request; 0: not counted, answered at once */
  enum gci_h1_stage
      stage; /* of an answer in parts, as is all below, which is set when it has begun */
  enum gci_h1_body_kind kind;
  struct gci_out own; /* parts gathered before its turn */
  uint64_t put;       /* bytes that it has added to the output */
};

void gci_h1_answers_init(struct gci_h1_answers *a, struct gci_mem *mem,
                         void (*ready)(struct gci_h1_answers *a));
/* Exchanges that still owe an answer live on, detached. */
void gci_h1_answers_detach(struct gci_h1_answers *a);
void gci_h1_answers_fini(struct gci_h1_answers *a); /* detached */

/* Another request has come, and is the newest pending: its head, still in the received bytes, and
 * its body, which may be NULL and is the exchange's. NULL: out of memory, body is the caller's. */
struct gci_h1_exchange *gci_h1_answers_owe(struct gci_h1_answers *a,
                                           const struct gci_http_head *head, gcache_value_t *body,
                                           int keep_said);
/* The received bytes go now: a head that is not kept is lost. */
void gci_h1_exchange_settle(struct gci_h1_exchange *e);
/* The last answer of the connection, after the answers that are owed. */
void gci_h1_answers_refuse(struct gci_h1_answers *a, enum gci_h1_fault fault);
/* Writes what had to wait until all answers before it were written, if they are now. */
void gci_h1_answers_settle(struct gci_h1_answers *a);

/* Nothing more is written. */
static inline int gci_h1_answers_dead(const struct gci_h1_answers *a) {
  return a->broken || a->cut;
}

/* For http/h1_stream. */
enum gci_h1_then gci_h1_then_of(const struct gci_h1_exchange *e);
void gci_h1_exchange_free(struct gci_h1_exchange *e);
/* e's answer is complete in the output, or never will be: frees e, and writes what waited for
 * it. */
void gci_h1_exchange_leave(struct gci_h1_exchange *e);
static inline int gci_h1_in_turn(const struct gci_h1_exchange *e) {
  return gci_list_front(&e->answers->pending) == &e->link;
}

#endif
