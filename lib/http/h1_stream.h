/* http/h1_stream - an answer of HTTP/1.1 that comes in parts: implements the middle functions of
 * struct gci_http_exchange_ops.
 *
 * In its turn it is written as it comes; before, its bytes are gathered, and moved to the output
 * without a copy when its turn has come. Chunked; to HTTP/1.0 until the connection closes; HEAD,
 * 204 and 304: the head alone.
 * Fails: UV_ENOMEM breaks the connection; the exchange goes on, its parts are dropped. When it is
 * aborted, the connection ends without the last chunk. */
#ifndef GCI_HTTP_H1_STREAM_H
#define GCI_HTTP_H1_STREAM_H

#include "http/h1_answers.h"

int gci_h1_stream_begin(struct gci_http_exchange *x, const struct gci_http_message *head);
int gci_h1_stream_part(struct gci_http_exchange *x, const struct gci_http_message *part);
int gci_h1_stream_end(struct gci_http_exchange *x);
void gci_h1_stream_abort(struct gci_http_exchange *x);
size_t gci_h1_stream_waiting(const struct gci_http_exchange *x);

/* Its turn has come. Nonzero: it had ended already, and must be freed. */
int gci_h1_stream_release(struct gci_h1_exchange *e);

#endif
