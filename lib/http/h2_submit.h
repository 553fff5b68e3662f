/* http/h2_submit - messages in nghttp2's form: fields, and the content behind them. Fields that
 * only HTTP/1 has are left out (RFC 9113, 8.2.2).
 *
 * Borrows the message; content keeps what it needs of it. All return nghttp2's errors; after an
 * error the content may hold part of the message, and the stream must not be used. */
#ifndef GCI_HTTP_H2_SUBMIT_H
#define GCI_HTTP_H2_SUBMIT_H

#include "http/h2_content.h"

enum gci_h2_extent { GCI_H2_WITH_BODY, GCI_H2_HEAD_ONLY /* the answer to HEAD */ };

/* A whole answer. */
int gci_h2_submit_answer(nghttp2_session *ng, int32_t stream, struct gci_h2_content *c,
                         const struct gci_http_message *answer, enum gci_h2_extent extent);
/* The head of an answer whose body follows in pieces; c->open says whether it may have one. */
int gci_h2_submit_begin(nghttp2_session *ng, int32_t stream, struct gci_h2_content *c,
                        const struct gci_http_message *head, enum gci_h2_extent extent);
int gci_h2_submit_continue(nghttp2_session *ng, int32_t stream); /* 100 */
/* The stream's number. */
int32_t gci_h2_submit_request(nghttp2_session *ng, const char *scheme, struct gci_h2_content *c,
                              const struct gci_http_message *request, void *stream_user);

#endif
