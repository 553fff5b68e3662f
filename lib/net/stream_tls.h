/* net/stream_tls - the TLS inside a stream: between the socket's bytes and the owner's. Private to
 * net/stream; only called for streams that have it. */
#ifndef GCI_NET_STREAM_TLS_H
#define GCI_NET_STREAM_TLS_H

#include "net/stream.h"

/* Bytes from the socket. From the loop; may call any event of the owner. */
void gci_stream_tls_input(struct gci_stream *s, gcache_bytes_t cipher);
/* The socket has ended, UV_EOF or an error. From the loop. */
void gci_stream_tls_input_end(struct gci_stream *s, int status);
/* The owner reads again: kept bytes come first, from the loop. */
void gci_stream_tls_resume(struct gci_stream *s);

/* Encrypts as much as may go ahead of the socket; after the last of a finishing stream, the end. */
int gci_stream_tls_fill(struct gci_stream *s);
/* Closing: sends close_notify if nothing was cut, and the socket takes it at once. */
void gci_stream_tls_goodbye(struct gci_stream *s);
void gci_stream_tls_stop(struct gci_stream *s); /* nothing more from the loop */
void gci_stream_tls_free(struct gci_stream *s); /* in on_closed */

#endif
