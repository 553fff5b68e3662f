/* http/h2_session - the common part of both roles: an nghttp2 session between the guard and the
 * output.
 *
 * Bytes in: guard, then nghttp2, whose callbacks collect; the owner acts after gci_h2_feed(), so
 * that no event is ever called from inside nghttp2. Bytes out: gci_h2_pull() asks nghttp2 for
 * frames until GCI_H2_AHEAD bytes wait; DATA is a frame head and references into the value.
 * Owns the nghttp2 session, the output, and the head being collected.
 * Fails: UV_ENOMEM makes it broken, and it neither takes nor gives anything more; a fault of the
 * other side makes it over: a GOAWAY is its last frame. */
#ifndef GCI_HTTP_H2_SESSION_H
#define GCI_HTTP_H2_SESSION_H

#include <nghttp2/nghttp2.h>

#include "base/env.h"
#include "http/h2_guard.h"
#include "http/h2_head.h"
#include "http/out.h"

#define GCI_H2_AHEAD ((size_t)256 * 1024) /* bytes of output made before the socket takes any */
#define GCI_H2_CONNECTION_WINDOW (16 * 1024 * 1024) /* for what we receive */
#define GCI_H2_REQUEST_WINDOW 65535                 /* of a request's body; RFC 9113, 6.9.2 */
#define GCI_H2_ANSWER_WINDOW (1024 * 1024)

struct gci_h2 {
  struct gci_env *env;
  struct gci_mem *mem; /* a reference */
  const gcache_limits_t *limits;
  nghttp2_mem allocator;
  struct gci_list blocks; /* nghttp2's memory */
  nghttp2_session *ng;
  struct gci_out out;
  uint64_t said;    /* bytes put into out so far */
  uint64_t windows; /* bytes of DATA that streams were given windows for, except the first window of
                * clients' streams */
  struct gci_h2_guard guard;
  struct gci_h2_head head;
  char reason[128];     /* why it is over; "" if we ended it without a fault */
  unsigned broken : 1;  /* out of memory */
  unsigned starved : 1; /* and nghttp2 has seen it */
  unsigned over : 1;    /* by a fault */
  unsigned inside : 1;  /* nghttp2 is on the stack */
};

/* add sets the role's own callbacks: on_begin_headers, on_frame_recv, on_data_chunk_recv,
 * on_stream_close, and on_frame_send, which calls gci_h2_frame_sent() first. The user data of all
 * is h. */
int gci_h2_open(struct gci_h2 *h, enum gci_h2_role role, struct gci_env *env,
                const gcache_limits_t *limits, void (*add)(nghttp2_session_callbacks *callbacks));
void gci_h2_fini(struct gci_h2 *h);

void gci_h2_feed(struct gci_h2 *h, gcache_bytes_t bytes);
void gci_h2_pull(struct gci_h2 *h);
/* GOAWAY with that code (enum nghttp2_error_code), and nothing after it. */
void gci_h2_end(struct gci_h2 *h, uint32_t code, const char *why);
/* Checks the result of an nghttp2 function: < 0 and fatal makes it broken or over. */
int gci_h2_checked(struct gci_h2 *h, int err);
/* Nonzero: nothing more is taken, and nothing sent but the present output. */
int gci_h2_done(const struct gci_h2 *h);

/* Sets the reason, if there is none yet. */
void gci_h2_say(struct gci_h2 *h, const char *why, const char *word);
void gci_h2_frame_sent(struct gci_h2 *h, const nghttp2_frame *frame);
/* Out of memory inside a callback: returns what the callback must return. */
int gci_h2_break(struct gci_h2 *h);

/* The longest body: a value and the message around it. */
uint64_t gci_h2_body_max(const gcache_limits_t *limits);

#endif
