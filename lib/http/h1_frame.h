/* http/h1_frame - the framing that a head states: where the body ends, whether the connection goes
 * on. Strict where leniency lets one message be read as two (RFC 9112, 6 and 11.2). Pure functions.
 * Fails: a fault. */
#ifndef GCI_HTTP_H1_FRAME_H
#define GCI_HTTP_H1_FRAME_H

#include "http/h1_fault.h"
#include "http/message.h"

/* How much longer than a value a body may be: the message around it. */
#define GCI_H1_BODY_EXTRA 8192

enum gci_h1_body_kind {
  GCI_H1_NO_BODY,
  GCI_H1_LENGTH, /* Content-Length, more than 0 */
  GCI_H1_CHUNKED,
  GCI_H1_UNTIL_EOF /* answers only */
};

struct gci_h1_frame {
  enum gci_h1_body_kind kind;
  uint64_t length;      /* LENGTH */
  int keep;             /* the connection goes on after this message */
  int keep_said;        /* only because the client asks for it: HTTP/1.0 */
  int expects_continue; /* and has a body */
};

/* body_max in bytes, of the decoded body. */
enum gci_h1_fault gci_h1_frame_request(struct gci_h1_frame *frame, const struct gci_http_head *head,
                                       uint64_t body_max);
/* The host[:port] of an absolute target; base NULL: not absolute. */
gcache_bytes_t gci_h1_frame_authority(gcache_bytes_t target);
/* 1xx, 204 and 304 have no body, whatever their head says. */
enum gci_h1_fault gci_h1_frame_answer(struct gci_h1_frame *frame, const struct gci_http_head *head,
                                      uint64_t body_max);

#endif
