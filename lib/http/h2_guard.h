/* http/h2_guard - counts the frames of the other side before nghttp2 sees them, and reports when
 * they are too many. It reads nothing but frame heads.
 *
 * Frames that carry neither head nor body cost one each of control_max in 10 s, and HEADERS cost as
 * much; but what we do for the other side pays for some in advance (gci_h2_guard_earn), so that a
 * client that asks and downloads much may also open windows and cancel much. Owns nothing; cannot
 * fail. */
#ifndef GCI_HTTP_H2_GUARD_H
#define GCI_HTTP_H2_GUARD_H

#include <stddef.h>
#include <stdint.h>

#include "gcache/gcache.h"

enum gci_h2_role { GCI_H2_SERVER, GCI_H2_CLIENT };

enum gci_h2_verdict {
  GCI_H2_FINE,
  GCI_H2_MANY_RESETS,
  GCI_H2_MANY_CONTINUATIONS,
  GCI_H2_MANY_SETTINGS, /* in one frame */
  GCI_H2_MANY_CONTROLS
};

#define GCI_H2_FRAME_HEAD 9
#define GCI_H2_CONTROL_LEN 256 /* each such number of bytes of a counted frame counts as one more */

struct gci_h2_guard {
  const gcache_limits_t *limits;
  enum gci_h2_role role;
  enum gci_h2_verdict verdict; /* the first that is not FINE stays */
  int greeted;                 /* preface and first SETTINGS have come */
  int in_head;                 /* a header block has begun and is not complete */
  uint64_t frames;             /* whose heads were read */
  uint64_t heads;              /* HEADERS among them */
  uint64_t data;               /* bytes of DATA in them, padding included */
  /* private */
  unsigned preface;                      /* bytes of it still to come */
  unsigned char head[GCI_H2_FRAME_HEAD]; /* of the present frame */
  unsigned head_len;
  uint32_t payload; /* bytes of it still to come */
  unsigned continuations;
  uint64_t period_ms; /* when the count of controls began */
  unsigned controls, earned;
  uint64_t refilled_ms, reset_tokens; /* thousandths of a reset */
};

/* role: ours. limits are borrowed. */
void gci_h2_guard_init(struct gci_h2_guard *g, enum gci_h2_role role, const gcache_limits_t *limits,
                       uint64_t now_ms);
/* How many of the bytes may be processed: all, or those before the frame that caused the
 * verdict. */
size_t gci_h2_guard_take(struct gci_h2_guard *g, gcache_bytes_t bytes, uint64_t now_ms);
/* What the other side sent forced us to reset a stream: counts as its own reset. */
void gci_h2_guard_provoked(struct gci_h2_guard *g, uint64_t now_ms);
void gci_h2_guard_earn(struct gci_h2_guard *g, unsigned frames);
/* A head was longer than the limit: in one period, 32 of them are as much as control_max frames. */
void gci_h2_guard_long_head(struct gci_h2_guard *g, uint64_t now_ms);

const char *gci_h2_verdict_text(enum gci_h2_verdict verdict); /* static; "" for FINE */

#endif
