/* proxy - stands between the members of a soak: the others reach each member through a port of its
 * own here, where its traffic is delayed, silently lost, cut short or reset.
 *
 * Everything runs on the loop of the process that makes the faults. A connection is two sockets;
 * bytes are copied from one to the other, in order, unless a fault says otherwise. After a silence
 * connections are reset: lost bytes never arrive. */
#ifndef SOAK_PROXY_H
#define SOAK_PROXY_H

#include <stdint.h>
#include <uv.h>

enum proxy_fault {
  PROXY_FINE,
  PROXY_DELAY,    /* every piece waits for so many milliseconds */
  PROXY_SILENCE,  /* nothing passes, connections are accepted */
  PROXY_TRUNCATE, /* each connection is reset after so many bytes */
};

struct proxy {
  uv_tcp_t tcp;
  int port;
  int target; /* port of the member; 0: refused */
  enum proxy_fault fault;
  uint64_t amount; /* milliseconds, or bytes */
  uint64_t passed, connections, resets;
  struct proxy_pair *pairs;
};

int proxy_open(struct proxy *proxy, uv_loop_t *loop);
void proxy_set(struct proxy *proxy, enum proxy_fault fault, uint64_t amount);
void proxy_reset_all(struct proxy *proxy);

#endif
