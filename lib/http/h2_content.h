/* http/h2_content - the body of a message on its way out: pieces, which are sent as the windows
 * allow.
 *
 * The texts of a piece are copied, its value is referenced; written pieces are dropped. A piece is
 * counted in mem->in_flight, whole until it has been written. Must live until nghttp2 has closed
 * the stream. Fails: UV_ENOMEM, and nothing was added. */
#ifndef GCI_HTTP_H2_CONTENT_H
#define GCI_HTTP_H2_CONTENT_H

#include <nghttp2/nghttp2.h>

#include "http/message.h"
#include "http/out.h"

struct gci_h2_content {
  struct gci_mem *mem; /* borrowed */
  struct gci_list pieces;
  size_t left;        /* bytes in all pieces */
  uint64_t written;   /* bytes so far */
  uint64_t end_at;    /* position of the last of them in the connection's output */
  unsigned open : 1;  /* more pieces may follow */
  unsigned rests : 1; /* nghttp2 waits for nghttp2_session_resume_data() */
};

void gci_h2_content_init(struct gci_h2_content *c, struct gci_mem *mem);
void gci_h2_content_fini(struct gci_h2_content *c); /* drops what is left */
int gci_h2_content_add(struct gci_h2_content *c, const struct gci_http_message *part);
/* The next len bytes of what is left. */
int gci_h2_content_write(struct gci_h2_content *c, struct gci_out *out, size_t len);
/* Where nghttp2 takes its DATA from. */
nghttp2_data_provider gci_h2_content_source(struct gci_h2_content *c);

#endif
