/* http/h2_asks - the requests of one connection of ours, and what has become of them.
 *
 * What there is to tell of a request is told by gci_h2_asks_tell(), behind nghttp2, once. A request
 * lives until that has happened and nghttp2 has closed its stream. Owns what has come of the answers.
 * Fails: nghttp2's errors. */
#ifndef GCI_HTTP_H2_ASKS_H
#define GCI_HTTP_H2_ASKS_H

#include "http/h1_body.h"
#include "http/h2_session.h"
#include "http/h2_submit.h"
#include "http/session.h"

struct gci_h2_asks {
  struct gci_h2 *h; /* theirs, borrowed */
  const struct gci_http_client_events *events;
  void *user;
  struct gci_list all, over;
  size_t *pending; /* those not told of */
};

enum gci_h2_ask_stage {
  GCI_H2_ASK_AWAITED,
  GCI_H2_ASK_WHOLE,  /* answered; to be told */
  GCI_H2_ASK_FAILED, /* to be told */
  GCI_H2_ASK_TOLD    /* or cancelled: nobody asks any more */
};

struct gci_h2_ask {
  struct gcache_link_s link; /* in all */
  struct gcache_link_s over; /* while there is something to tell */
  struct gci_h2_asks *of;
  void *tag;
  int32_t id;
  enum gci_h2_ask_stage stage;
  unsigned open : 1;     /* nghttp2 has not closed its stream */
  unsigned begun : 1;    /* something of the answer has come */
  unsigned has_head : 1; /* the block is filled */
  unsigned is_reset : 1; /* by the other side */
  unsigned interim;      /* 1xx answers so far */
  struct gci_h2_content content;
  struct gci_h2_block block;
  struct gci_h1_body body;
  int status;      /* FAILED */
  const char *why; /* static; NULL: the code says it */
  uint32_t code;   /* of the reset */
};

void gci_h2_asks_init(struct gci_h2_asks *all, struct gci_h2 *h, size_t *pending);
void gci_h2_asks_fini(struct gci_h2_asks *all); /* frees them, told or not */

int gci_h2_ask_begin(struct gci_h2_asks *all, const char *scheme,
                     const struct gci_http_message *request, void *tag);
struct gci_h2_ask *gci_h2_ask_of_tag(const struct gci_h2_asks *all, const void *tag); /* or NULL */
/* Its answer is whole. */
void gci_h2_ask_answered(struct gci_h2_ask *ask);
/* Unless there is something to tell already. why: static; NULL: the code of the reset says it. */
void gci_h2_ask_fail(struct gci_h2_ask *ask, int status, const char *why);
/* The same, and its stream is reset. */
int gci_h2_ask_reset(struct gci_h2_ask *ask, int status, const char *why);
/* Nothing will be told. */
int gci_h2_ask_cancel(struct gci_h2_ask *ask);
/* nghttp2 has closed its stream. */
void gci_h2_ask_closed(struct gci_h2_ask *ask, uint32_t code);

/* Tells of one request; what it calls may do anything. 0: there is nothing to tell. */
int gci_h2_asks_tell(struct gci_h2_asks *all);

#endif
