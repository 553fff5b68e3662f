/* http/h2_answer - how a request's answer is taken: whole, or begun and then part by part.
 *
 * Tells its owner, by streams->ready, that there is output. Fails: UV_ENOMEM breaks the connection. */
#ifndef GCI_HTTP_H2_ANSWER_H
#define GCI_HTTP_H2_ANSWER_H

#include "http/h2_streams.h"

extern const struct gci_http_exchange_ops gci_h2_exchange_ops;

/* An answer of our own, without a body, to a request that is not handed up. What still comes of that is
 * thrown away. nghttp2's errors. */
int gci_h2_refuse(struct gci_h2 *h, int32_t stream, int status);

#endif
