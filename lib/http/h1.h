/* http/h1 - HTTP/1.1, both roles: bytes in, bytes out, no I/O and no clock. The only room that
 * includes llhttp.
 *
 * llhttp 8.1 is too lenient, so the bytes of heads are checked here first, and chunked bodies are
 * decoded here, whatever llhttp's version (RFC 9112). Every parse error ends the connection: the
 * server writes one last 4xx, 501 or 505 and wants to be closed; the client reports the exchange as
 * broken.
 *
 * A body is collected in a value block, so that it can be kept without a copy. The block is sized
 * from Content-Length if that is stated and valid, but never larger than what was received plus a
 * bound, so that a lie costs nothing. */
#ifndef GCI_HTTP_H1_H
#define GCI_HTTP_H1_H

#include "http/session.h"

/* limits and events are borrowed until close. Requests come in order; answers may be given in any
 * order and are sent in order. After pipelined_max unanswered requests, or 1 MiB of them, input
 * takes no more. */
int gci_h1_server_open(struct gci_http_server **out, struct gci_mem *mem,
                       const gcache_limits_t *limits, const struct gci_http_server_events *events,
                       void *user);

/* limits and events as for the server. An answer's body may be limits->value_max and 8 KiB long.
 * Has room for any number of requests: a user that wants no pipelining sends one at a time. Bytes
 * after the last answer owed break the connection. */
int gci_h1_client_open(struct gci_http_client **out, struct gci_mem *mem,
                       const gcache_limits_t *limits, const struct gci_http_client_events *events,
                       void *user);
/* The part of an incomplete answer's body that has come so far. Borrowed until more comes. */
gcache_bytes_t gci_h1_client_received(const struct gci_http_client *client);

#endif
