/* http/h2_answer - takes a request's answer: whole, or begun and then part by part.
 *
 * Reports output to its owner, by streams->ready. Fails: UV_ENOMEM breaks the connection. */
#ifndef GCI_HTTP_H2_ANSWER_H
#define GCI_HTTP_H2_ANSWER_H

#include "http/h2_streams.h"

extern const struct gci_http_exchange_ops gci_h2_exchange_ops;

/* An answer of our own, without a body, to a request that is not handed up. The rest of the request
 * is dropped. nghttp2's errors. */
int gci_h2_refuse(struct gci_h2 *h, int32_t stream, int status);

#endif
