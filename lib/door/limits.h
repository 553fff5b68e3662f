/* door/limits - how long an incoming connection may take over what it is doing: pure decisions over
 * times and counts, so that one deadline per connection is enough.
 *
 * The times of a request are absolute, not per read. While we do not read, its clock stands. */
#ifndef GCI_DOOR_LIMITS_H
#define GCI_DOOR_LIMITS_H

#include <stdint.h>

#include "gcache/gcache.h"

enum gci_pace_phase { GCI_PACE_HANDSHAKE, GCI_PACE_REST, GCI_PACE_HEAD, GCI_PACE_BODY };

/* What a connection is doing. */
struct gci_pace_view {
  enum gci_pace_phase phase;
  uint64_t request;       /* number of the request the phase belongs to */
  uint64_t body_received; /* bytes, in GCI_PACE_BODY */
  int owes;               /* answers are owed or being written */
  int reading;            /* we read what comes */
  int writing;            /* output waits for the other side */
  uint64_t write_progress_ms;
};

struct gci_pace {
  enum gci_pace_phase phase;
  uint64_t request;
  int clock_stands; /* we did not read, or owed an answer at rest */
  uint64_t since_ms;
};

void gci_pace_init(struct gci_pace *pace, uint64_t now_ms);
void gci_pace_note(struct gci_pace *pace, const struct gci_pace_view *view, uint64_t now_ms);

enum gci_pace_verdict {
  GCI_PACE_FINE,
  GCI_PACE_RESTED,     /* idle too long: close */
  GCI_PACE_TOO_SLOW,   /* in the middle of a request or handshake */
  GCI_PACE_WRITE_STALL /* the other side does not read */
};

/* After a note. *next_ms: when to ask again at the latest; UINT64_MAX: when something happens. */
enum gci_pace_verdict gci_pace_judge(const struct gci_pace *pace, const struct gci_pace_view *view,
                                     const gcache_limits_t *limits, uint64_t now_ms,
                                     uint64_t *next_ms);

#endif
