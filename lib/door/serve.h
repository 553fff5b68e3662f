/* door/serve - one request of a peer, from method, path, headers and body to status, headers and
 * body parts. Every door ends here: our own connections (door/server) and an application's server
 * (door/mount).
 *
 * Happy path: the path names group and key, gcache_answer() is asked, its answer becomes the reply.
 * Failure modes: a malformed request is refused with a 4xx; an unknown group, a failed getter, a
 * time-out and a lack of memory each have a status and a Gcache-Reason.
 * The reply is never given inside the start. A question is answered, never forwarded (P4). */
#ifndef GCI_DOOR_SERVE_H
#define GCI_DOOR_SERVE_H

#include "door/cached.h"
#include "door/door.h"

struct gci_serve_request {
  gcache_bytes_t method, path; /* path: still escaped, a query is ignored */
  const gcache_header_t *headers;
  size_t n_headers;
  gcache_value_t *body; /* NULL: none; a block that nobody else holds. Always taken */
  const struct gci_verdict_words *refusal; /* NULL: let in */
};

/* reply is borrowed until the callback returns. status UV_ECANCELED: reply is NULL. */
typedef void (*gci_serve_done_cb)(void *user, int status, const gcache_http_reply_t *reply);

struct gci_serve {
  struct gcache_link_s link; /* for the starter; unlinked before done */
  struct gci_door *door;
  gcache_answer_t answer;
  struct gcache_job_s settled; /* queued if gcache_answer() is not asked: the reply is known */
  int settled_status; /* HTTP status; 200: done, without a body; 204: a ping; 0: as memory says */
  const char *settled_text;
  gci_serve_done_cb done;
  void *user;
  gcache_op_t op;
  gcache_bytes_t group, key; /* in buf; key: of a get from memory */
  struct gci_cached cached;
  int canceled;
  int to_gcache; /* the client has shown itself to be gcache */
  size_t size;
  char buf[]; /* "no such group: " and the decoded path */
};

/* UV_ENOMEM. Every other error is a reply. */
int gci_serve_start(struct gci_serve **out, struct gci_door *door,
                    const struct gci_serve_request *in, gci_serve_done_cb done, void *user);
/* done still runs, from the loop, with UV_ECANCELED. */
void gci_serve_cancel(struct gci_serve *serve);

/* Nonzero if path, with or without a query, lies under the base path. */
int gci_serve_takes(const struct gci_door *door, gcache_bytes_t path);

/* "Are you there?" */
int gci_serve_is_ping(const struct gci_door *door, const struct gci_http_head *head);

#endif
