/* door/auth - requests signed with a secret that all members share: writes and checks the
 * Gcache-Auth line. docs/interop.md says what is signed, byte for byte.
 *
 *     Gcache-Auth: 1 <unix seconds> <nonce> <SHA-256 of the body, or -> <HMAC-SHA256>
 *
 * A head can be judged before its body has come, and the body when it has. A repeated GET does
 * nothing new; every other signed request is taken once (door/replays).
 * Owns the keyed state and the requests taken. Fails: a verdict of door/verdict.h; UV_ENOMEM when
 * signing. */
#ifndef GCI_DOOR_AUTH_H
#define GCI_DOOR_AUTH_H

#include "door/replays.h"
#include "door/verdict.h"
#include "http/message.h"

#define GCI_AUTH_LINE 208 /* longest value of a line that we write, in bytes */

struct gci_hmac;

struct gci_auth {
  struct gci_env *env; /* borrowed */
  struct gci_hmac *hmac;
  gcache_secret_for_t covers;
  int64_t skew_s;
  unsigned char sender[8]; /* first bytes of all nonces of this cache, unlike any other cache's */
  uint64_t signed_so_far;
  struct gci_replays replays;
};

/* access: complete, with a secret. sender: unpredictable. UV_ENOTSUP, UV_ENOMEM. */
int gci_auth_open(struct gci_auth *a, struct gci_env *env, const struct gci_hash_key *key,
                  const gcache_access_t *access, const unsigned char sender[8]);
void gci_auth_fini(struct gci_auth *a);

/* Nonzero: a request of that method is to be signed. */
int gci_auth_covers(const struct gci_auth *a, gcache_bytes_t method);

/* message is complete except for this line. out: *len bytes of the line's value. */
int gci_auth_sign(struct gci_auth *a, const struct gci_http_message *message,
                  char out[GCI_AUTH_LINE], size_t *len);

/* host: the name that the client must have used for us. follows: nonzero if a body does. */
enum gci_verdict gci_auth_check(struct gci_auth *a, const struct gci_http_head *head,
                                gcache_bytes_t host, int follows);
/* For a head that was let in: is this (NULL: none) the body that was signed with it? */
enum gci_verdict gci_auth_check_body(struct gci_auth *a, const struct gci_http_head *head,
                                     const gcache_value_t *body);

#endif
