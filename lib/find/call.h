/* find/call - one question over HTTP to a server that is no peer: a connection, a request, an
 * answer, and the end of it.
 *
 * Happy path: start, done with the answer. Failure modes: it cannot be reached, does not answer in
 * its time, answers with what is no HTTP or too much: done with the code and words. done runs
 * exactly once, from the loop, unless the call was cancelled: then never. gone follows, whatever
 * has happened, when there is nothing left of it. Keeps the loop alive while it is being connected,
 * and no longer: who waits holds the env.
 *
 * Rejected: connections that are kept. A find asks every few seconds at most; a connection that may
 * have died since is a case of its own, to be tested and told apart, for nothing that could be
 * measured. */
#ifndef GCI_FIND_CALL_H
#define GCI_FIND_CALL_H

#include "net/dial.h"
#include "net/tls.h"

/* A server. target.host is owned by whoever embeds this. */
struct gci_find_server {
  struct gci_dial_target target;
  int secure;
  const char *authority; /* host:port, for the Host line */
  gcache_tls_t *tls;     /* borrowed; NULL where it is not secure */
};

struct gci_find_call;

struct gci_find_answer {
  int status;          /* 0: there is an answer */
  const char *why;     /* words of a failure */
  int http;            /* status of the answer, 200 and up */
  gcache_bytes_t body; /* borrowed until done returns */
};

struct gci_find_call_events {
  void (*done)(void *user, const struct gci_find_answer *answer);
  /* More of the body has come: all of it so far. NULL: not asked for. The call may be cancelled. */
  void (*more)(void *user, struct gci_find_call *call, gcache_bytes_t body);
  void (*gone)(void *user);
};

/* POST of a JSON body, which is copied, as path. server must live until gone. UV_ENOMEM: nothing
 * follows. */
int gci_find_call_start(struct gci_find_call **out, struct gci_env *env, struct uv_loop_s *uv,
                        struct gci_find_server *server, const char *path, gcache_bytes_t body,
                        uint64_t timeout_ms, const struct gci_find_call_events *events, void *user);
/* It may take as long as it likes from now on. */
void gci_find_call_wait(struct gci_find_call *call);
void gci_find_call_cancel(struct gci_find_call *call);

#endif
