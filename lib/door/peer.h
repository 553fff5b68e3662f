/* door/peer - everything between this member and one other: the calls that wait, and the connections.
 *
 * Happy path: a call takes a connection that has room, its answer comes, there is room again. No room: the
 * call waits, in order, and a new connection is dialled as long as there are fewer than conns_per_peer.
 * These are the slow lanes, where an answer may take as long as a getter: one exchange a connection with
 * HTTP/1.1, many with HTTP/2, whose answers do not wait for each other. (Fast lanes, on which answers from
 * memory are pipelined, are another kind of connection that lane() will choose first.)
 * Failure modes: the dialect has no word for what is asked: UV_ENOTSUP, nothing is sent. More than
 * calls_per_peer calls: refused, GCACHE_EBUSY. Nobody can be reached: all that wait fail with the connect
 * error. A kept connection turns out dead before a byte of the answer: the call goes again, once, and all
 * resting connections are given up, as they will be dead too. The peer says that it has done nothing, and the
 * connection is well (HTTP/2): the call goes again, once.
 * An exchange breaks otherwise: that call fails.
 * A peer that has left the list keeps no connection at rest, and is gone with its last call. */
#ifndef GCI_DOOR_PEER_H
#define GCI_DOOR_PEER_H

#include "base/map.h"
#include "door/conn_out.h"
#include "door/dialect.h"
#include "door/question.h"
#include "gcache/transport.h"

struct gci_door_peer_config {
  struct gci_conn_out_config conn;
  gcache_t *cache;          /* its self, when it has one, is told to peers */
  gcache_bytes_t base_path; /* borrowed */
  const struct gci_dialect *dialect;
  unsigned conns_per_peer, calls_per_peer;
  size_t connections; /* a counter: open now, to all peers */
};

struct gci_door_peer {
  struct gci_map_node in_map; /* the transport's, as is link */
  struct gcache_link_s link;
  int named; /* while a list is being set */
  struct gci_door_peer_config *config;
  struct gci_origin origin;
  size_t host_size;
  char *url;
  size_t url_len;
  gcache_bytes_t authority;    /* in url */
  struct gci_list waiting;     /* struct gci_ask */
  struct gci_list roomy;       /* struct gci_conn_out that can take a call, last used first */
  struct gci_list dials;       /* struct gci_conn_out, not connected yet */
  struct gcache_job_s pumping; /* a cancelled call has left room, perhaps */
  unsigned calls;              /* waiting or on a connection */
  unsigned connections;        /* until really closed */
  unsigned dialing, open;      /* of these: not connected yet, connected */
  int many; /* connections carry many exchanges at a time: the latest does, or only such are made */
  int listed;                                  /* in the list that was last set */
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
