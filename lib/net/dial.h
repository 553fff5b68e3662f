/* net/dial - from a peer's URL to a connected stream, over TCP or a Unix socket.
 *
 * Happy path: looks the name up (an IP literal needs no look-up), tries its addresses in turn until
 * one connects, calls done with 0. Each address gets an equal share of the time that is left, so
 * that a silent first address does not use it up. Failure modes: the name is unknown, every address
 * refuses, the time is over, cancelled: done with the latest error, the stream closed. done runs
 * exactly once, from the loop.
 * Owns its requests and the half-open socket; the address cache belongs to struct gci_dial_target,
 * so that names are looked up once per target, and again after a failed connect or when its owner
 * sets n to 0 because nobody answers there; never per request (uv_getaddrinfo shares the pool with
 * the application's work). Dials of one target share a look-up, which may take longer than a dial:
 * the addresses that come after the time is over serve the next dial.
 * A Unix socket without a file is UV_ECONNREFUSED, one that we may not use UV_EACCES. A Unix
 * listener with a full backlog refuses at once (UV_EAGAIN), where TCP would let us wait: so the
 * dial tries again, every few milliseconds, until the time is over. */
#ifndef GCI_NET_DIAL_H
#define GCI_NET_DIAL_H

#include "net/lookup.h"
#include "net/stream.h"

#define GCI_DIAL_ADDRESSES 8

struct gci_dial_target {
  /* Zero-terminated; an IPv6 literal with or without brackets; the path of a Unix socket. Owned by
   * the embedding struct. */
  char *host;
  int is_unix;
  uint16_t port;
  struct sockaddr_storage addresses[GCI_DIAL_ADDRESSES];
  size_t n;                  /* 0: not known yet */
  struct gci_lookup *lookup; /* under way, or NULL */
  struct gci_list waiting;   /* dials, while it is */
};

/* Zeroed, then with host, is_unix and port set, it is ready. No dial is under way. A look-up that a
 * thread is busy with cannot be stopped: only gci_loop_close() waits for it. */
void gci_dial_target_fini(struct gci_dial_target *target);

struct gci_dial;

/* Connects stream (from gci_stream_init(), or _unix() as target says) to target. done: status 0, or
 * < 0 and the stream is still the caller's to close. Until then the stream belongs to the dial: to
 * close it, cancel and wait. UV_ENOMEM. target must live until done. The loop stays alive until
 * done. */
int gci_dial_start(struct gci_dial **out, struct gci_stream *stream, struct gci_dial_target *target,
                   uint64_t timeout_ms, void (*done)(void *user, int status), void *user);
/* done still runs, with UV_ECANCELED. */
void gci_dial_cancel(struct gci_dial *dial);

#endif
