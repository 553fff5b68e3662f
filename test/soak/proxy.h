/* proxy - what stands between the members of a soak: each is reached by others through a port of
 * its own here, where its traffic is delayed, lost in silence, cut short or reset.
 *
 * All on the loop of the process that makes the faults. A connection is two sockets; bytes are
 * copied from one to the other, in order, unless a fault says otherwise. After silence connections
 * are reset: what was lost never comes. */
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
