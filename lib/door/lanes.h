/* door/lanes - the connections to one peer: which there are, which can take a call, when another is
 * dialled.
 *
 * Slow lanes carry calls whose answers may take as long as a getter: at most conns_per_peer,
 * dialled as calls wait. Fast lanes, two beside these once an answer has shown that the peer is
 * gcache, are HTTP/1.1, pipelined, for calls that a peer answers at once. A fast lane is proven by
 * its own first answer: another server may be at the address now. Slow lanes are HTTP/2 where ALPN
 * or the application says so, or in the clear where the peer has said that it speaks it.
 * Bulk lanes, a few beside HTTP/2, are HTTP/1.1 with one exchange at a time, for values that the
 * peer has called too large for a fast lane.
 * Fails: a dial that fails, or a fast lane that ends unproven, is no failure of a call as long as
 * there are other lanes. Fast lanes are tried again after a second, and if they cannot be opened
 * after twice as long each time, up to a minute. A peer that has said that it speaks HTTP/2 and
 * does not is believed again after a minute.
 * Owns the lists; connections own themselves, and report to the embedding struct by their
 * events. */
#ifndef GCI_DOOR_LANES_H
#define GCI_DOOR_LANES_H

#include "door/conn_out.h"

struct gci_lanes {
  const struct gci_conn_out_config *config;
  struct gci_origin origin;
  struct gci_list roomy;   /* slow lanes that can take a call, last used first */
  struct gci_list fast;    /* open fast lanes */
  struct gci_list bulk;    /* bulk lanes that can take a call */
  struct gci_list dials;   /* not connected yet, of all kinds */
  unsigned connections;    /* until really closed */
  unsigned n_fast, n_bulk; /* of these */
  unsigned dialing, open;  /* slow lanes not connected yet, and connected ones */
  unsigned dialing_bulk;
  unsigned many : 1;         /* slow lanes carry many exchanges at a time, as far as is known */
  unsigned to_gcache : 1;    /* the peer's latest answer has shown it to be gcache */
  unsigned speaks_2 : 1;     /* the peer has said that it speaks HTTP/2 in the clear */
  unsigned stale : 1;        /* speaks_2 has changed since the last refresh */
  uint64_t no_fast_until_ms; /* a fast lane has failed lately */
  uint64_t fast_pause_ms;    /* the latest pause after a fast lane that could not be opened */
  uint64_t no_2_until_ms;    /* the peer said that it speaks HTTP/2 and did not */
};

void gci_lanes_init(struct gci_lanes *lanes, const struct gci_conn_out_config *config);

/* A connection that can take a call now; NULL: none. */
struct gci_conn_out *gci_lanes_slow(struct gci_lanes *lanes);
struct gci_conn_out *gci_lanes_fast(const struct gci_lanes *lanes);
/* A bulk lane; NULL: none now. */
struct gci_conn_out *gci_lanes_bulk(struct gci_lanes *lanes);
/* Nonzero: large values are to go over bulk lanes. */
int gci_lanes_uses_bulk(const struct gci_lanes *lanes);
/* Nonzero: there are fast lanes, so calls for them need not use others. */
int gci_lanes_has_fast(const struct gci_lanes *lanes);

/* Nonzero: with n more calls waiting, another slow lane should, and may, be dialled. */
int gci_lanes_wants_slow(const struct gci_lanes *lanes, unsigned conns_per_peer, size_t n_waiting);
/* The number of waiting calls beyond which more make no difference. */
size_t gci_lanes_enough(const struct gci_lanes *lanes);
/* Nonzero: a fast lane is missing. */
int gci_lanes_wants_fast(const struct gci_lanes *lanes);
/* The same for bulk lanes, with n calls waiting. */
int gci_lanes_wants_bulk(const struct gci_lanes *lanes, size_t n_waiting);
/* Arguments for gci_conn_out_open(). */
struct gci_lane gci_lanes_new_slow(const struct gci_lanes *lanes);
struct gci_lane gci_lanes_new_fast(void);
struct gci_lane gci_lanes_new_bulk(void);
/* Slow lanes, closing ones included. */
unsigned gci_lanes_n_slow(const struct gci_lanes *lanes);

/* The events of c, and its beginning. */
void gci_lanes_dialed(struct gci_lanes *lanes, struct gci_conn_out *c);
void gci_lanes_opened(struct gci_lanes *lanes, struct gci_conn_out *c, int status);
void gci_lanes_file(struct gci_lanes *lanes,
                    struct gci_conn_out *c); /* its room may have changed */
void gci_lanes_closed(struct gci_lanes *lanes, struct gci_conn_out *c);
/* Closes resting lanes that are no longer of the kind that would be dialled. */
void gci_lanes_refresh(struct gci_lanes *lanes);
/* An answer over c has shown what the peer is. May be called while c is reading. */
void gci_lanes_note(struct gci_lanes *lanes, struct gci_conn_out *c, int is_gcache, int speaks_2);

void gci_lanes_close_resting(struct gci_lanes *lanes);
void gci_lanes_close_dials(struct gci_lanes *lanes);
/* Nobody waits for any answer: all trips under way end with UV_ECANCELED. */
void gci_lanes_break_fast(struct gci_lanes *lanes);

#endif
