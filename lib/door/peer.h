/* door/peer - everything between this member and one other: the calls that wait, and door/lanes.
 *
 * Happy path: a call takes a lane that has room, its answer comes, there is room again. Without
 * room the call waits, in order, until another lane is open. Calls that a peer answers at once go
 * over a fast lane if there is one: gets, small sets, removes. A get over a fast lane is answered
 * from memory only (`Cache-Control: only-if-cached`, RFC 9111, 5.2.1.7); if the peer does not have
 * the value in memory, or the value is too large for a fast lane, it answers 504, and the get is
 * sent again over a slow lane.
 * Failure modes:
 *   The dialect has no such request: UV_ENOTSUP, nothing is sent.
 *   More than calls_per_peer calls: refused, GCACHE_EBUSY.
 *   The peer cannot be reached: all waiting calls fail with the connect error, or UV_EHOSTUNREACH
 *   if there was none in time (UV_ETIMEDOUT is the owner's answer to a get).
 *   A kept connection turns out dead before a byte of the answer: the call goes again, once, and
 *   all resting connections are given up, because they will be dead too.
 *   A fast lane breaks: its gets go again, over slow lanes; but if it was silent they fail.
 *   The peer says that it has done nothing, over a good connection (HTTP/2): the call goes again,
 *   once.
 *   An exchange breaks otherwise: that call fails.
 * A peer that has left the list keeps no connection at rest, and is gone with its last call. */
#ifndef GCI_DOOR_PEER_H
#define GCI_DOOR_PEER_H

#include "base/map.h"
#include "door/dialect.h"
#include "door/lanes.h"
#include "door/large.h"
#include "door/question.h"
#include "gcache/transport.h"

struct gci_door_peer_config {
  struct gci_conn_out_config conn;
  gcache_t *cache;          /* peers are told its self, if it has one */
  gcache_bytes_t base_path; /* borrowed */
  const struct gci_dialect *dialect;
  struct gci_auth *auth; /* signs requests; NULL: they are not signed */
  unsigned conns_per_peer, calls_per_peer;
  size_t connections; /* a counter: open now, to all peers */
};

struct gci_door_peer {
  struct gci_map_node in_map; /* in the transport's map; link is the transport's too */
  struct gcache_link_s link;
  struct gci_door_peer_config *config;
  struct gci_lanes lanes;
  size_t host_size;
  char *url;
  size_t url_len;
  gcache_bytes_t authority;       /* in url */
  struct gci_list waiting, quick; /* struct gci_ask: for slow lanes; for fast lanes, or any */
  struct gci_list large;          /* for bulk lanes */
  struct gci_large known_large;
  struct gcache_job_s pumping;                 /* a cancelled call may have left room */
  unsigned calls;                              /* waiting or on a connection */
  uint64_t asked;                              /* calls so far, pings not counted */
  int listed;                                  /* in the list that was last set */
  int barred;                                  /* the peer refuses us (403), and that was logged */
  void (*emptied)(struct gci_door_peer *peer); /* not listed, no call, no connection */
};

/* url: read by gci_url_read() before. UV_ENOMEM. */
int gci_door_peer_open(struct gci_door_peer **out, struct gci_door_peer_config *config,
                       const char *url, void (*emptied)(struct gci_door_peer *peer));
void gci_door_peer_free(struct gci_door_peer *peer); /* when emptied */

/* Owes gcache_call_done(). */
void gci_door_peer_start(struct gci_door_peer *peer, gcache_call_t *call);
void gci_door_peer_cancel(gcache_call_t *call);

void gci_door_peer_enlist(struct gci_door_peer *peer);
/* May run emptied. */
void gci_door_peer_dismiss(struct gci_door_peer *peer);

#endif
