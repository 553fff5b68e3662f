/* net/stream_write - the way out of a stream: sending, waiting for room, ending the sending side.
 * Private to net/stream. */
#ifndef GCI_NET_STREAM_WRITE_H
#define GCI_NET_STREAM_WRITE_H

#include "net/stream.h"

void gci_stream_write_init(struct gci_stream *s);
/* Nothing more is sent, and no more events of sending follow. */
void gci_stream_write_abandon(struct gci_stream *s);
/* Sends what it can; a failure is reported from the loop. Blocked is fine. */
void gci_stream_write_start(struct gci_stream *s);
/* From the loop: sends what it can, and calls on_written if it was owed, or ends the sending side.
 * The caller reports the error. */
int gci_stream_write_more(struct gci_stream *s);
/* TLS: sends what the socket takes at once, and ignores the result. */
void gci_stream_write_try(struct gci_stream *s);
/* Not blocked, finishing: sends what waits, then ends the sending side, or closes. */
void gci_stream_write_finish(struct gci_stream *s);

/* In stream.c: no more will be read, nor written if status is not UV_EOF. From the loop. */
void gci_stream_end(struct gci_stream *s, int status);
/* In stream.c: the same when writing has failed. Input that has already come is reported first: the
 * other side may have refused what was being written, and said why. */
void gci_stream_fail_writing(struct gci_stream *s, int status);

#endif
