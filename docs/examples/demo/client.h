/* client - a plain HTTP/1.1 client for the demo: one call sends many requests at once, pipelined
 * over a few connections, and waits for the responses. It understands only responses with a
 * Content-Length, which is what the node sends. */
#ifndef DEMO_CLIENT_H
#define DEMO_CLIENT_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct request {
  int port;           /* on 127.0.0.1 */
  const char *method; /* "GET" */
  char target[1024];
  const char *body; /* NULL: none */

  /* The answer. */
  int status;   /* 0: none came */
  char from[8]; /* X-Gcache-From, "" if absent */
  uint64_t sent_ns, answered_ns;
  char *text; /* zero-terminated; client_free() */
  size_t text_len;
};

/* Sends all requests over at most per_port connections per port. Returns when all are answered or
 * have failed, or after timeout_ms. Returns the number answered. */
size_t client_run(struct request *requests, size_t n, int per_port, unsigned timeout_ms);
void client_free(struct request *requests, size_t n);

#endif
