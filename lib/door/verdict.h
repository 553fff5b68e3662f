/* door/verdict - whether a request is let in, and the answer if it is not. */
#ifndef GCI_DOOR_VERDICT_H
#define GCI_DOOR_VERDICT_H

#include "gcache/gcache.h"

#define GCI_VERDICT_MAP(XX)                                                                        \
  XX(STRANGER, 403, "forbidden", "this address is not on the peer list; see gcache/access.h")      \
  XX(LOOKING_UP, 403, "forbidden",                                                                 \
     "this address is not on the peer list, whose names are being looked up; see gcache/access.h") \
  XX(UNLISTED, 403, "forbidden", "this address is not in access.addresses; see gcache/access.h")   \
  XX(NO_CERTIFICATE, 403, "forbidden", "peers must show a certificate")                            \
  XX(OTHER_NAME, 403, "forbidden",                                                                 \
     "the certificate is for nobody on the peer list; see GCACHE_TLS_PEERS_NAMED")                 \
  XX(UNSIGNED, 403, "forbidden",                                                                   \
     "the request is not signed: this member has an access.secret; see gcache/access.h")           \
  XX(BAD_LINE, 403, "forbidden", "malformed Gcache-Auth")                                          \
  XX(BAD_SIGNATURE, 403, "forbidden",                                                              \
     "wrong signature: access.secret and our URL must be the same on both sides")                  \
  XX(BAD_TIME, 403, "forbidden", "signed too long ago or too far ahead: compare the clocks")       \
  XX(BAD_BODY, 403, "forbidden", "the body is not the one that was signed")                        \
  XX(REPEATED, 403, "forbidden", "this request has been made before")                              \
  XX(TOO_MANY, 429, NULL, "too many signed changes; see access.replays_max")                       \
  XX(NO_MEMORY, 429, NULL, "unable")

enum gci_verdict {
  GCI_LET_IN,
#define XX(name, status, reason, text) GCI_BARRED_##name,
  GCI_VERDICT_MAP(XX)
#undef XX
      GCI_N_VERDICTS
};

struct gci_verdict_words {
  int status;         /* of the answer */
  const char *reason; /* for machines; NULL: none */
  const char *text;
};

/* For a request that was barred. */
const struct gci_verdict_words *gci_verdict_words(enum gci_verdict verdict);

#endif
