/* door/peer - everything between this member and one other: the calls that wait, and door/lanes.
 *
 * Happy path: a call takes a lane that has room, its answer comes, there is room again. No room:
 * the call waits, in order, until another lane is open. What a peer answers at once goes over a
 * fast lane where there is one: gets, small sets, removes. A get is asked there from memory only
 * (`Cache-Control: only-if-cached`, RFC 9111, 5.2.1.7); what the peer does not have in memory it
 * answers 504, and so a value too large for a fast lane, and that get is asked again over a slow lane.
 * Failure modes: the dialect has no word for what is asked: UV_ENOTSUP, nothing is sent. More than
 * calls_per_peer calls: refused, GCACHE_EBUSY. Nobody can be reached: all that wait fail with the
 * connect error, UV_EHOSTUNREACH when there was none in time (UV_ETIMEDOUT is the owner's word for
 * a get). A kept connection turns out dead before a byte of the answer: the call goes again, once,
 * and all resting connections are given up, as they will be dead too. A fast lane breaks: its gets
 * go again, slowly. The peer says that it has done nothing, and the connection is well (HTTP/2):
 * the call goes again, once.
 * An exchange breaks otherwise: that call fails.
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
  gcache_t *cache;          /* its self, when it has one, is told to peers */
  gcache_bytes_t base_path; /* borrowed */
  const struct gci_dialect *dialect;
  struct gci_auth *auth; /* signs what is asked; NULL: nobody does */
  unsigned conns_per_peer, calls_per_peer;
  size_t connections; /* a counter: open now, to all peers */
};

struct gci_door_peer {
  struct gci_map_node in_map; /* the transport's, as is link */
  struct gcache_link_s link;
  struct gci_door_peer_config *config;
  struct gci_lanes lanes;
  size_t host_size;
  char *url;
  size_t url_len;
  gcache_bytes_t authority;       /* in url */
  struct gci_list waiting, quick; /* struct gci_ask: for slow lanes; for fast ones, or any */
  struct gci_list large;          /* for bulk lanes */
  struct gci_large known_large;
  struct gcache_job_s pumping;                 /* a cancelled call has left room, perhaps */
  unsigned calls;                              /* waiting or on a connection */
  uint64_t asked;                              /* in all */
  int listed;                                  /* in the list that was last set */
  int barred;                                  /* it lets us in no more, and the log was told */
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
