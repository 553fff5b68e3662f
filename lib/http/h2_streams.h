/* http/h2_streams - the requests of one connection: what they hold, how much more of them may come,
 * and how long they may take.
 *
 * The other side may send 64 KiB of any request's body unasked (the initial window). Beyond that it
 * gets windows: the oldest incomplete body always, the others from GCI_H2_GRANTS_MAX together; and
 * none while the bodies of unanswered requests hold GCI_H2_UNANSWERED_MAX. The connection's own
 * window is always given back, so that bodies never wait for each other's. Fails: nghttp2's
 * errors. */
#ifndef GCI_HTTP_H2_STREAMS_H
#define GCI_HTTP_H2_STREAMS_H

#include "http/h1_body.h"
#include "http/h2_session.h"
#include "http/h2_submit.h"

#define GCI_H2_GRANTS_MAX ((uint64_t)4 * 1024 * 1024)
#define GCI_H2_UNANSWERED_MAX ((uint64_t)1024 * 1024)

enum gci_h2_stage {
  GCI_H2_RECEIVING, /* its body */
  GCI_H2_WHOLE,     /* and not handed up yet */
  GCI_H2_OWED,      /* handed up */
  GCI_H2_STREAMING, /* its answer has begun, and comes in parts */
  GCI_H2_ANSWERED   /* the rest of the answer waits for the other side */
};

struct gci_h2_streams {
  struct gci_h2 *h;      /* their connection, borrowed */
  struct gci_list all;   /* oldest first; also those closed while an answer is owed */
  struct gci_list whole; /* to be handed up */
  struct gci_list gone;  /* given up by the other side; their owners are to be told */
  size_t open;           /* of all: the stream is not closed */
  size_t receiving;
  uint64_t granted;    /* bytes of window beyond the initial one, given to streams that receive */
  uint64_t unanswered; /* bytes of complete bodies of unanswered requests */
  void (*ready)(struct gci_h2_streams *all); /* an answer was given */
  uint64_t watch_ms; /* when to check their times; 0: something has changed */
};

struct gci_h2_stream {
  struct gci_http_exchange x;
  struct gcache_link_s link, whole; /* whole: in `gone` too */
  struct gci_h2_streams *of;        /* NULL: detached, the connection is gone */
  struct gci_mem *mem;              /* a reference */
  size_t size;                      /* of this struct and the head after it */
  int32_t id;                       /* 0: closed */
  enum gci_h2_stage stage;
  enum gci_h2_extent extent; /* of its answer */
  struct gci_h1_body body;
  uint64_t body_len;     /* as received; the body may have been moved by now */
  uint64_t want;         /* the greatest length it can reach */
  uint64_t allowed;      /* bytes of body that the windows given so far allow */
  uint64_t since_ms;     /* the start of its body's clock */
  uint64_t blocked_ms;   /* since when its answer is blocked; 0: it is not */
  uint64_t written_seen; /* of the answer, when it was last blocked or made progress */
  struct gci_h2_content content;
};

void gci_h2_streams_init(struct gci_h2_streams *all, struct gci_h2 *h);

/* Takes over the block. */
struct gci_h2_stream *gci_h2_stream_begin(struct gci_h2_streams *all, struct gci_h2_block *block,
                                          int32_t id);
/* Moves it to another stage and updates the sums. */
void gci_h2_stream_enter(struct gci_h2_stream *e, enum gci_h2_stage stage);
/* Nonzero: the code above owes an answer. */
int gci_h2_stream_owes(const struct gci_h2_stream *e);
/* nghttp2 has closed the stream. A stream that owes stays until it is answered, and counts as gone
 * if something is missing; others are freed. */
void gci_h2_stream_closed(struct gci_h2_stream *e);
void gci_h2_stream_free(struct gci_h2_stream *e);
/* Leaves all streams: those that owe are detached, the others freed. */
void gci_h2_streams_leave(struct gci_h2_streams *all);

/* Gives windows to the streams that may go on. 0 or nghttp2's error. */
int gci_h2_streams_grant(struct gci_h2_streams *all);
int gci_h2_stream_grant(struct gci_h2_stream *e);

/* Bytes of the bodies that are being received. */
uint64_t gci_h2_streams_received(const struct gci_h2_streams *all);

enum gci_h2_slowness { GCI_H2_IN_TIME, GCI_H2_LATE_BODY, GCI_H2_STALLED_ANSWER };

/* Judges one stream. *next_ms is brought forward to when it must be judged again. */
enum gci_h2_slowness gci_h2_stream_judge(struct gci_h2_stream *e, uint64_t now_ms,
                                         uint64_t *next_ms);

#endif
