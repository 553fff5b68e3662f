/* http/h2_content - a message to send: its fields, submitted at once, and its body, which leaves as the
 * windows allow.
 *
 * The body's texts are copied, its value is referenced. The content must live until nghttp2 has closed
 * the stream. Fails: UV_ENOMEM. */
#ifndef GCI_HTTP_H2_CONTENT_H
#define GCI_HTTP_H2_CONTENT_H

#include <nghttp2/nghttp2.h>

#include "http/message.h"
#include "http/out.h"

struct gci_h2_content {
  struct gci_mem *mem;
  gcache_value_t *value; /* NULL: none */
  char *text;            /* before and after; NULL: none */
  size_t before, value_len, after;
  size_t sent;
};

/* Bytes that have not been written. */
size_t gci_h2_content_left(const struct gci_h2_content *c);
/* The next len bytes. */
int gci_h2_content_write(struct gci_h2_content *c, struct gci_out *out, size_t len);
void gci_h2_content_fini(struct gci_h2_content *c); /* zeroed is fine */

/* Fills the content and submits the message. head_only: the answer to HEAD. 0 or nghttp2's error. */
int gci_h2_submit_answer(nghttp2_session *ng, int32_t stream, struct gci_h2_content *c,
                         struct gci_mem *mem, const struct gci_http_message *answer, int head_only);
/* The stream's number, or nghttp2's error. */
int32_t gci_h2_submit_request(nghttp2_session *ng, const char *scheme, struct gci_h2_content *c,
                              struct gci_mem *mem, const struct gci_http_message *request,
                              void *stream_user);

#endif
