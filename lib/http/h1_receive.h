/* http/h1_receive - messages of one role, one after the other, from bytes that come in any pieces:
 * joins guard, parser, frame and body.
 *
 * Happy path: gci_h1_receive() takes bytes and returns what has been reached; at WHOLE the owner
 * takes the body, which makes it ready for the next message. The head stays where it is until then.
 * Fails: FAULTY, with `fault` set; it takes nothing more then. */
#ifndef GCI_HTTP_H1_RECEIVE_H
#define GCI_HTTP_H1_RECEIVE_H

#include "http/h1_chunks.h"
#include "http/h1_heads.h"

enum gci_h1_reached {
  GCI_H1_MORE,        /* took all bytes, wants more */
  GCI_H1_BODY_BEGINS, /* the head is complete, a body follows */
  GCI_H1_WHOLE,
  GCI_H1_FAULTY
};

struct gci_h1_receive {
  struct gci_mem *mem;
  const gcache_limits_t *limits;
  enum gci_h1_fault fault;
  int state; /* private, like all below but head and frame */
  struct gci_h1_guard guard;
  struct gci_h1_chunks chunks;
  struct gci_h1_heads heads;
  struct gci_http_head head; /* from BODY_BEGINS or WHOLE on */
  struct gci_h1_frame frame;
  struct gci_h1_body body;
};

void gci_h1_receive_init(struct gci_h1_receive *r, struct gci_mem *mem,
                         const gcache_limits_t *limits, enum gci_h1_role role);
/* Drops a message that is not complete. */
void gci_h1_receive_fini(struct gci_h1_receive *r);

/* *used: how many bytes were taken. */
enum gci_h1_reached gci_h1_receive(struct gci_h1_receive *r, gcache_bytes_t bytes, size_t *used);
/* The other side has closed. WHOLE: that was the end of the body; FAULTY: the message is
 * incomplete; MORE: it was between two messages. */
enum gci_h1_reached gci_h1_receive_eof(struct gci_h1_receive *r);

/* After WHOLE, once: the body (the caller's reference, NULL if empty). The head's slices are valid
 * until more bytes are received or gci_h1_receive_rest(), and no longer than the received bytes, so
 * that nothing is copied for users that look at once. */
gcache_value_t *gci_h1_receive_take(struct gci_h1_receive *r);
/* The head is no longer needed. */
void gci_h1_receive_rest(struct gci_h1_receive *r);

/* As gci_h1_body_place(). */
void *gci_h1_receive_place(struct gci_h1_receive *r, size_t *len);
int gci_h1_receive_idle(const struct gci_h1_receive *r); /* between two messages */
int gci_h1_receive_in_body(const struct gci_h1_receive *r);

#endif
