/* find/call - one request over HTTP to a server that is no peer: a connection, a request, an
 * answer, and the end of it.
 *
 * Happy path: start, done with the answer. Failure modes: the server cannot be reached, does not
 * answer in time, or sends no HTTP or too much: done with the code and a text. done runs exactly
 * once, from the loop; after a cancel never. gone follows in every case, when nothing is left of
 * the call. Keeps the loop alive while it is connecting, and no longer: a user that waits holds the
 * env.
 *
 * Rejected: keeping connections. A find asks every few seconds at most; a connection that may have
 * died since is a further case to handle and test, for a gain that could not be measured. */
#ifndef GCI_FIND_CALL_H
#define GCI_FIND_CALL_H

#include "net/dial.h"
#include "net/tls.h"

/* A server. target.host is owned by the embedding struct. */
struct gci_find_server {
  struct gci_dial_target target;
  int secure;
  const char *authority; /* host:port, for the Host line */
  gcache_tls_t *tls;     /* borrowed; NULL where it is not secure */
};

struct gci_find_call;

struct gci_find_answer {
  int status;          /* 0: there is an answer */
  const char *why;     /* the text of a failure */
  int http;            /* status of the answer, 200 and up */
  gcache_bytes_t body; /* borrowed until done returns */
};

struct gci_find_call_events {
  void (*done)(void *user, const struct gci_find_answer *answer);
  /* More of the body has come; body is all of it so far. NULL: not wanted. The call may be
   * cancelled. */
  void (*more)(void *user, struct gci_find_call *call, gcache_bytes_t body);
  void (*gone)(void *user);
};

/* POSTs a JSON body, which is copied, to path. server must live until gone. UV_ENOMEM: nothing
 * follows. */
int gci_find_call_start(struct gci_find_call **out, struct gci_env *env, struct uv_loop_s *uv,
                        struct gci_find_server *server, const char *path, gcache_bytes_t body,
                        uint64_t timeout_ms, const struct gci_find_call_events *events, void *user);
/* From now on there is no time limit. */
void gci_find_call_wait(struct gci_find_call *call);
void gci_find_call_cancel(struct gci_find_call *call);

#endif
