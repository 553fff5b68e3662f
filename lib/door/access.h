/* door/access - whether a request for keys is let in: by address, certificate and signature.
 * gcache/access.h says what is required.
 *
 * The client is judged once per connection, and again when the peer list changes; a signature is
 * judged once per request. Owns the address ranges, the known addresses of peers and the signing
 * state. Fails: a verdict. */
#ifndef GCI_DOOR_ACCESS_H
#define GCI_DOOR_ACCESS_H

#include "door/auth.h"
#include "door/known.h"
#include "door/range.h"
#include "door/verdict.h"
#include "http/message.h"

struct gci_stream;

struct gci_access {
  struct gci_env *env; /* borrowed */
  gcache_t *cache;     /* borrowed */
  gcache_access_who_t read, write;
  struct gci_range *ranges;
  size_t n_ranges;
  struct gci_known known;
  struct gci_auth auth;
  int has_secret;
  const char *self; /* the cache's URL, of which authority is a part; NULL: none yet */
  gcache_bytes_t authority;
  uint64_t forbidden; /* as in gcache_stats_t */
};

/* The client of a connection. Zeroed: a stranger. */
struct gci_visitor {
  struct gci_address address;
  int is_local;                    /* a Unix socket */
  const struct gci_stream *secure; /* NULL: no certificate is asked for */
  int must_be_named;               /* the certificate must have a name of the peer list */
  uint64_t judged;                 /* 1 + the generation of `known` at that time; 0: not yet */
  enum gci_verdict reading, writing;
};

/* options: complete and checked. sender: unpredictable. cache may still be closed. UV_ENOMEM,
 * UV_ENOTSUP: fini is needed all the same. */
int gci_access_open(struct gci_access *a, struct gci_env *env, struct uv_loop_s *uv,
                    gcache_t *cache, const gcache_access_t *options, const unsigned char sender[8]);
void gci_access_close(struct gci_access *a); /* no look-up ends after this */
void gci_access_fini(struct gci_access *a);

/* The signing state; NULL: requests are not signed. */
struct gci_auth *gci_access_auth(struct gci_access *a);

/* has_body: a body follows, or is there and is judged next. */
enum gci_verdict gci_access_judge(struct gci_access *a, struct gci_visitor *v,
                                  const struct gci_http_head *head, int has_body);
/* The body of a head that was let in. */
enum gci_verdict gci_access_judge_body(struct gci_access *a, const struct gci_http_head *head,
                                       const gcache_value_t *body);
/* The answer to a request that is not let in; counts it. */
const struct gci_verdict_words *gci_access_refuse(struct gci_access *a, enum gci_verdict verdict);

#endif
