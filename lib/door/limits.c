#include "door/limits.h"

#define RATE_GRACE_MS 5000 /* of a body, before its rate is judged */
#define RATE_EVERY_MS 1000

void gci_pace_init(struct gci_pace *pace, uint64_t now_ms) {
  *pace = (struct gci_pace){.phase = GCI_PACE_REST, .since_ms = now_ms};
}

void gci_pace_note(struct gci_pace *pace, const struct gci_pace_view *view, uint64_t now_ms) {
  int stands = !view->reading || (view->phase == GCI_PACE_REST && view->owes);

  if (stands || pace->clock_stands || view->phase != pace->phase || view->request != pace->request)
    pace->since_ms = now_ms;
  pace->phase = view->phase;
  pace->request = view->request;
  pace->clock_stands = stands;
}

static void earlier(uint64_t *next_ms, uint64_t at_ms) {
  if (at_ms < *next_ms) *next_ms = at_ms;
}

/* Nonzero: the time is over; otherwise *next_ms is set no later than its end. */
static int passed(uint64_t since_ms, uint64_t allowed_ms, uint64_t now_ms, uint64_t *next_ms) {
  if (now_ms - since_ms >= allowed_ms) return 1;
  if (allowed_ms < UINT64_MAX - since_ms) earlier(next_ms, since_ms + allowed_ms);
  return 0;
}

static int too_slow(const struct gci_pace *pace, const struct gci_pace_view *view,
                    const gcache_limits_t *limits, uint64_t now_ms, uint64_t *next_ms) {
  uint64_t spent_ms = now_ms - pace->since_ms;

  if (passed(pace->since_ms, limits->body_timeout_ms, now_ms, next_ms)) return 1;
  if (spent_ms < RATE_GRACE_MS) {
    earlier(next_ms, pace->since_ms + RATE_GRACE_MS);
    return 0;
  }
  earlier(next_ms, now_ms + RATE_EVERY_MS);
  return view->body_received / (spent_ms / 1000) < limits->body_rate_min;
}

enum gci_pace_verdict gci_pace_judge(const struct gci_pace *pace, const struct gci_pace_view *view,
                                     const gcache_limits_t *limits, uint64_t now_ms,
                                     uint64_t *next_ms) {
  *next_ms = UINT64_MAX;
  if (view->writing && passed(view->write_progress_ms, limits->write_stall_ms, now_ms, next_ms))
    return GCI_PACE_WRITE_STALL;
  if (pace->clock_stands) return GCI_PACE_FINE;
  switch (pace->phase) {
  case GCI_PACE_HANDSHAKE:
    if (passed(pace->since_ms, limits->tls_timeout_ms, now_ms, next_ms)) return GCI_PACE_TOO_SLOW;
    return GCI_PACE_FINE;
  case GCI_PACE_HEAD:
    if (passed(pace->since_ms, limits->head_timeout_ms, now_ms, next_ms)) return GCI_PACE_TOO_SLOW;
    return GCI_PACE_FINE;
  case GCI_PACE_BODY:
    return too_slow(pace, view, limits, now_ms, next_ms) ? GCI_PACE_TOO_SLOW : GCI_PACE_FINE;
  case GCI_PACE_REST:
    break;
  }
  return passed(pace->since_ms, limits->idle_ms, now_ms, next_ms) ? GCI_PACE_RESTED : GCI_PACE_FINE;
}
