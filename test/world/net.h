/* world/net - the network between hosts: connections, the data under way on them, and their faults.
 *
 * A connection has two ends. Data sent at one travels in segments, in order, each with a delay of
 * its own, and waits at the other until it is read; an end accepts no more than its window. An end
 * whose program is dead answers with a reset, or, if the whole host is gone, not at all: then the
 * sender tries again for a while and gives up. Connections overtake each other; the bytes of one
 * connection never do. */
#ifndef WORLD_NET_H
#define WORLD_NET_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "sim/world.h"

#define WORLD_HOSTS 10

struct world_host;
struct world_net;

struct world_weather {
  uint64_t latency_min_us, latency_max_us;
  unsigned slow_percent; /* segments that take up to slow_us */
  uint64_t slow_us;
  unsigned split; /* 0: never; 1: now and then; 2: into a few bytes each */
  size_t window_min, window_max;
  unsigned reset_permille;  /* of segments: in place of one the connection is reset */
  unsigned refuse_permille; /* of connections */
  unsigned hush_permille;   /* of connections: they fall silent in the middle */
  uint64_t retry_us, give_up_us;
  int resets_destroy; /* a reset takes with it what was not read */
};

struct world_conn_end {
  struct world_conn *conn;
  struct world_host *host; /* NULL: nobody's any more */
  int index;               /* its host's, always */
  uint16_t port;
  struct gci_list queue, flying; /* arrived here and not read; on their way to here */
  size_t queued, underway;       /* bytes of both */
  uint64_t latest_us;            /* when the last of flying arrives */
  struct sim_event arrival;      /* of the first of flying */
  uint64_t stuck_us;             /* since when the first of flying cannot get through; 0: it can */
  uint64_t heard_us, keep_us; /* a segment came; silence until the system asks, 0: it never does */
  struct sim_event keep;
  unsigned kept;       /* times it has asked in vain */
  int error;           /* to be told once: reset, timed out */
  unsigned fin : 1;    /* all has arrived */
  unsigned broken : 1; /* nothing goes any more */
  unsigned shut : 1;   /* no more is sent from here */
  unsigned closed : 1;
  unsigned hushed : 1; /* what is sent to here does not come through */
};

enum world_opening { WORLD_ASKED, WORLD_ACCEPTED, WORLD_REFUSED, WORLD_OPEN };

struct world_conn {
  struct gcache_link_s link;    /* of all */
  struct gcache_link_s backlog; /* of a listener: not accepted yet */
  struct world_net *net;
  struct world_conn_end ends[2]; /* who asked, who was asked */
  size_t window;
  struct sim_event opening;
  enum world_opening phase;
  int status; /* of the connecting, for the asker; 1: not known yet */
  uint64_t asked_us;
  struct world_listener *listener; /* while in a backlog */
};

struct world_listener {
  struct gcache_link_s link;
  struct world_host *host;
  uint16_t port;
  unsigned backlog_max, waiting;
  struct gci_list backlog;
};

struct world_net {
  struct sim_world *world;
  struct world_weather weather;
  struct world_host *hosts[WORLD_HOSTS];
  int blocked[WORLD_HOSTS][WORLD_HOSTS]; /* from, to */
  struct gci_list conns, listeners;
  uint64_t connections, segments, bytes, resets, refused, hushed;
};

void world_net_init(struct world_net *net, struct sim_world *world);
void world_net_fini(struct world_net *net);
/* directed: only from those in side to the others. side 0: all can talk. */
void world_net_part(struct world_net *net, uint64_t side, int directed);
void world_net_calm(struct world_net *net); /* no more faults; what fell silent stays silent */
void world_net_kill(struct world_net *net, struct world_host *host, int silent);

/* NULL: that port is taken. */
struct world_listener *world_net_listen(struct world_host *host, uint16_t port);
void world_net_unlisten(struct world_listener *listener);
struct world_conn_end *world_net_accept(struct world_listener *listener); /* NULL: nobody waits */
/* What comes of it is told by a kick of the host's loop: conn->status is not 1 then. */
struct world_conn_end *world_net_connect(struct world_host *host, int to_index, uint16_t to_port);

struct world_conn_end *world_end_other(const struct world_conn_end *end);
size_t world_end_room(const struct world_conn_end *end); /* how much it would take now */
int world_end_writable(const struct world_conn_end *end);
int world_end_readable(const struct world_conn_end *end);
/* Bytes taken, or a negative error. */
long world_end_send(struct world_conn_end *end, const void *bytes, size_t len);
/* Bytes read, 0: end, or a negative error. */
long world_end_read(struct world_conn_end *end, void *bytes, size_t len);
void world_end_keep_alive(struct world_conn_end *end, unsigned delay_s);
int world_end_shut(struct world_conn_end *end);
void world_end_close(struct world_conn_end *end);
void world_end_reset(struct world_conn_end *end); /* both sides are told */
void world_end_cut(
    struct world_conn_end *end); /* the other side has closed, what it sent is lost */
void world_conn_free_if_over(struct world_conn *conn); /* internal */

#endif
