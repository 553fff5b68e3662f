/* http/h1_write - messages as bytes: heads in one piece of text, then the body.
 *
 * An answer that is given before its turn is held: its texts are copied once, its value is
 * referenced. Borrows the message. Fails: UV_ENOMEM; then part of the message may be in the queue
 * already, and the connection must be closed. */
#ifndef GCI_HTTP_H1_WRITE_H
#define GCI_HTTP_H1_WRITE_H

#include "http/h1_frame.h"
#include "http/message.h"
#include "http/out.h"

enum gci_h1_then {
  GCI_H1_THEN_KEEP,
  GCI_H1_THEN_KEEP_SAID, /* to a client of HTTP/1.0 that asked for it */
  GCI_H1_THEN_CLOSE
};

enum gci_h1_extent {
  GCI_H1_WITH_BODY,
  GCI_H1_HEAD_ONLY /* the answer to HEAD: states the length of a body that is not sent */
};

int gci_h1_write_request(struct gci_out *out, const struct gci_http_message *request);
int gci_h1_write_answer(struct gci_out *out, const struct gci_http_message *answer,
                        enum gci_h1_extent extent, enum gci_h1_then then);

/* For an answer whose length is not known when it begins: chunks, to a client of HTTP/1.0 the bytes
 * until the connection closes, or no body at all. */
enum gci_h1_body_kind gci_h1_streamed_kind(const struct gci_http_message *head,
                                           enum gci_h1_extent extent, int version_minor);
int gci_h1_write_begin(struct gci_out *out, const struct gci_http_message *head,
                       enum gci_h1_body_kind kind, enum gci_h1_then then);
int gci_h1_write_part(struct gci_out *out, const struct gci_http_message *part,
                      enum gci_h1_body_kind kind);
int gci_h1_write_end(struct gci_out *out, enum gci_h1_body_kind kind);

struct gci_h1_held; /* opaque */

/* NULL: out of memory. */
struct gci_h1_held *gci_h1_hold(struct gci_mem *mem, const struct gci_http_message *answer,
                                enum gci_h1_extent extent);
size_t gci_h1_held_bytes(const struct gci_h1_held *held); /* including its value; NULL: 0 */
int gci_h1_write_held(struct gci_out *out, const struct gci_h1_held *held, enum gci_h1_then then);
void gci_h1_held_free(struct gci_mem *mem, struct gci_h1_held *held); /* NULL is fine */

#endif
