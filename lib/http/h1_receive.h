/* http/h1_receive - messages of one role, one after the other, out of bytes that come in any
 * pieces: guard, parser, frame and body put together.
 *
 * Happy path: gci_h1_receive() takes bytes and says what has been reached; at WHOLE the owner
 * takes head and body away, which makes it ready for the next message. A head lies in one
 * allocation: `prefix` bytes for the owner's struct, the header array, the text.
 * Fails: FAULTY, with `fault` set; it takes nothing more then. */
#ifndef GCI_HTTP_H1_RECEIVE_H
#define GCI_HTTP_H1_RECEIVE_H

#include "http/h1_chunks.h"
#include "http/h1_parse.h"

enum gci_h1_reached {
  GCI_H1_MORE,        /* took all bytes, wants more */
  GCI_H1_BODY_BEGINS, /* the head is complete, a body follows */
  GCI_H1_WHOLE,
  GCI_H1_FAULTY
};

/* A head and what it lies in. */
struct gci_h1_block {
  void *base; /* the owner's prefix first */
  size_t size;
};

struct gci_h1_receive {
  struct gci_mem *mem;
  const gcache_limits_t *limits;
  size_t prefix;
  enum gci_h1_fault fault;
  int state; /* private, like all below but head and frame */
  struct gci_h1_guard guard;
  struct gci_h1_chunks chunks;
  char *partial; /* a head that is not complete yet */
  size_t partial_len, partial_size;
  struct gci_h1_block block;
  struct gci_http_head head; /* from BODY_BEGINS or WHOLE on */
  struct gci_h1_frame frame;
  struct gci_h1_body body;
  struct gci_h1_parse parse;
};

void gci_h1_receive_init(struct gci_h1_receive *r, struct gci_mem *mem,
                         const gcache_limits_t *limits, enum gci_h1_role role, size_t prefix);
/* Drops what has come of a message. */
void gci_h1_receive_fini(struct gci_h1_receive *r);

/* *used: how many bytes were taken. */
enum gci_h1_reached gci_h1_receive(struct gci_h1_receive *r, gcache_bytes_t bytes, size_t *used);
/* The other side has closed. WHOLE: that was the end of the body; FAULTY: there is a piece missing;
 * MORE: it was between two messages. */
enum gci_h1_reached gci_h1_receive_eof(struct gci_h1_receive *r);

/* After WHOLE, once: the block (the caller's, gci_mem_free), whose text and headers head points
 * into, and the body (the caller's reference, NULL if empty). */
struct gci_h1_block gci_h1_receive_take(struct gci_h1_receive *r, gcache_value_t **body);

int gci_h1_receive_idle(const struct gci_h1_receive *r); /* nothing of a message has come */
int gci_h1_receive_in_body(const struct gci_h1_receive *r);

#endif
