/* net/dial - from a peer's URL to a connected stream.
 *
 * Happy path: look the name up (an IP literal needs no look-up), try its addresses in turn until one
 * connects, call done with 0. Failure modes: the name is unknown, every address refuses, the time is over,
 * cancelled: done with the latest error, the stream closed. done runs exactly once, from the loop. Owns
 * its requests and the half-open socket; the address cache belongs to struct gci_dial_target, so that
 * names are looked up once a target and again after a failed connect, never per request (uv_getaddrinfo
 * shares the pool with the application's work). */
#ifndef GCI_NET_DIAL_H
#define GCI_NET_DIAL_H

#include "net/stream.h"

#define GCI_DIAL_ADDRESSES 8

struct gci_dial_target {
  char *host; /* zero-terminated; owned by whoever embeds this */
  uint16_t port;
  struct sockaddr_storage addresses[GCI_DIAL_ADDRESSES];
  size_t n; /* 0: not known yet */
};

struct gci_dial;

/* Connects stream (from gci_stream_init()) to target. done: status 0, or < 0 and the stream is still the
 * caller's to close. UV_ENOMEM. target must outlive the dial. */
int gci_dial_start(struct gci_dial **out, struct gci_stream *stream, struct gci_dial_target *target,
                   uint64_t timeout_ms, void (*done)(void *user, int status), void *user);
/* done still runs, with UV_ECANCELED. */
void gci_dial_cancel(struct gci_dial *dial);

#endif
