/* http/h2_asks - the requests of one outgoing connection, and their outcomes.
 *
 * gci_h2_asks_tell() reports the outcome of a request, after nghttp2 has returned, once. A request
 * lives until that has happened and nghttp2 has closed its stream. Owns the received parts of the
 * answers.
 * Fails: nghttp2's errors. */
#ifndef GCI_HTTP_H2_ASKS_H
#define GCI_HTTP_H2_ASKS_H

#include "http/h1_body.h"
#include "http/h2_session.h"
#include "http/h2_submit.h"
#include "http/session.h"

struct gci_h2_asks {
  struct gci_h2 *h; /* their connection, borrowed */
  const struct gci_http_client_events *events;
  void *user;
  struct gci_list all, over;
  size_t *pending; /* requests not reported yet */
};

enum gci_h2_ask_stage {
  GCI_H2_ASK_AWAITED,
  GCI_H2_ASK_WHOLE,  /* answered; to be reported */
  GCI_H2_ASK_FAILED, /* to be reported */
  GCI_H2_ASK_TOLD    /* reported; or cancelled: nobody waits any more */
};

struct gci_h2_ask {
  struct gcache_link_s link; /* in all */
  struct gcache_link_s over; /* while there is something to report */
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
void gci_h2_asks_fini(struct gci_h2_asks *all); /* frees them, reported or not */

int gci_h2_ask_begin(struct gci_h2_asks *all, const char *scheme,
                     const struct gci_http_message *request, void *tag);
struct gci_h2_ask *gci_h2_ask_of_tag(const struct gci_h2_asks *all, const void *tag); /* or NULL */
/* Its answer is complete. */
void gci_h2_ask_answered(struct gci_h2_ask *ask);
/* Unless there is something to report already. why: static; NULL: the code of the reset says it. */
void gci_h2_ask_fail(struct gci_h2_ask *ask, int status, const char *why);
/* The same, and its stream is reset. */
int gci_h2_ask_reset(struct gci_h2_ask *ask, int status, const char *why);
/* Nothing will be reported. */
int gci_h2_ask_cancel(struct gci_h2_ask *ask);
/* nghttp2 has closed its stream. */
void gci_h2_ask_closed(struct gci_h2_ask *ask, uint32_t code);

/* Reports one request; the event may do anything. 0: there is nothing to report. */
int gci_h2_asks_tell(struct gci_h2_asks *all);

#endif
