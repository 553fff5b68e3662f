/* http/h2_guard - see the header. A walk over frame heads (RFC 9113, 4.1); payloads are skipped,
 * whole or in pieces. */
#include "http/h2_guard.h"

#include <string.h>

#include "base/bytes.h"

#define PREFACE_LEN 24
#define PERIOD_MS 10000
#define SETTING_LEN 6
#define PADDING_MAX 256 /* including its length byte */
#define EARNED_MAX 8    /* times control_max */
#define LONG_HEADS_MAX 32

enum type {
  DATA = 0,
  HEADERS = 1,
  RST_STREAM = 3,
  SETTINGS = 4,
  PUSH_PROMISE = 5,
  CONTINUATION = 9
};
enum flag { ACK = 0x1, END_HEADERS = 0x4, PADDED = 0x8 };

struct frame {
  uint32_t len;
  unsigned type, flags;
};

static struct frame frame_of(const struct gci_h2_guard *g) {
  const unsigned char *p = g->head;
  return (struct frame){(uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2], p[3], p[4]};
}

void gci_h2_guard_init(struct gci_h2_guard *g, enum gci_h2_role role, const gcache_limits_t *limits,
                       uint64_t now_ms) {
  memset(g, 0, sizeof *g);
  g->limits = limits;
  g->role = role;
  g->preface = role == GCI_H2_SERVER ? PREFACE_LEN : 0;
  g->period_ms = g->refilled_ms = now_ms;
  g->reset_tokens = (uint64_t)limits->resets_burst * 1000;
}

static void judge(struct gci_h2_guard *g, enum gci_h2_verdict verdict) {
  if (g->verdict == GCI_H2_FINE) g->verdict = verdict;
}

/* A bucket that holds resets_burst and is filled with resets_per_s. */
void gci_h2_guard_provoked(struct gci_h2_guard *g, uint64_t now_ms) {
  uint64_t full = (uint64_t)g->limits->resets_burst * 1000, passed_ms = now_ms - g->refilled_ms;
  uint64_t rate = g->limits->resets_per_s;
  if (g->role != GCI_H2_SERVER) return; /* a client's is bounded by our requests */
  g->refilled_ms = now_ms;
  if (rate > 0 && passed_ms > (full - g->reset_tokens) / rate)
    g->reset_tokens = full;
  else
    g->reset_tokens += passed_ms * rate;
  if (g->reset_tokens < 1000)
    judge(g, GCI_H2_MANY_RESETS);
  else
    g->reset_tokens -= 1000;
}

void gci_h2_guard_earn(struct gci_h2_guard *g, unsigned frames) {
  uint64_t max = (uint64_t)g->limits->control_max * EARNED_MAX, earned = g->earned;
  earned += frames;
  if (earned > max) earned = max;
  g->earned = earned > UINT32_MAX ? UINT32_MAX : (unsigned)earned;
}

static void begin_period(struct gci_h2_guard *g, uint64_t now_ms) {
  if (now_ms - g->period_ms < PERIOD_MS) return;
  g->period_ms = now_ms;
  g->controls = 0;
}

static void count_control(struct gci_h2_guard *g, uint64_t now_ms) {
  begin_period(g, now_ms);
  if (g->earned > 0)
    g->earned--;
  else if (g->controls++ >= g->limits->control_max)
    judge(g, GCI_H2_MANY_CONTROLS);
}

void gci_h2_guard_long_head(struct gci_h2_guard *g, uint64_t now_ms) {
  begin_period(g, now_ms);
  g->controls += g->limits->control_max / LONG_HEADS_MAX;
  if (g->controls > g->limits->control_max) judge(g, GCI_H2_MANY_CONTROLS);
}

/* For frames other than bodies, length counts as well as number; but not for a request's first 16
 * KB. */
static void count_long(struct gci_h2_guard *g, const struct frame *f, uint64_t now_ms) {
  for (uint32_t n = f->len / GCI_H2_CONTROL_LEN; n > 0; n--)
    count_control(g, now_ms);
}

static int is_empty_data(const struct frame *f) {
  return f->len == 0 || ((f->flags & PADDED) && f->len <= PADDING_MAX);
}

static void judge_frame(struct gci_h2_guard *g, const struct frame *f, uint64_t now_ms) {
  switch (f->type) {
  case DATA:
    g->data += f->len;
    if (is_empty_data(f)) count_control(g, now_ms);
    return;
  case CONTINUATION:
    if (++g->continuations > g->limits->continuations_max) judge(g, GCI_H2_MANY_CONTINUATIONS);
    count_long(g, f, now_ms);
    return;
  case HEADERS:
    g->heads++;
    break;
  case RST_STREAM:
    gci_h2_guard_provoked(g, now_ms);
    break;
  case SETTINGS:
    if (!(f->flags & ACK) && f->len / SETTING_LEN > g->limits->settings_max)
      judge(g, GCI_H2_MANY_SETTINGS);
    break;
  default:
    break;
  }
  count_control(g, now_ms);
  if (g->role == GCI_H2_CLIENT || f->type != HEADERS) count_long(g, f, now_ms);
}

static void end_frame(struct gci_h2_guard *g) {
  struct frame f = frame_of(g);
  g->head_len = 0;
  if (f.type == SETTINGS) g->greeted = 1;
  if (f.flags & END_HEADERS) g->in_head = 0;
}

static void begin_frame(struct gci_h2_guard *g, uint64_t now_ms) {
  struct frame f = frame_of(g);
  g->payload = f.len;
  if (f.type != CONTINUATION) g->continuations = 0;
  judge_frame(g, &f, now_ms);
  if (g->verdict != GCI_H2_FINE) return;
  g->frames++;
  g->in_head = f.type == HEADERS || f.type == CONTINUATION || f.type == PUSH_PROMISE;
  if (f.len == 0) end_frame(g);
}

static size_t less(size_t a, size_t b) {
  return a < b ? a : b;
}

size_t gci_h2_guard_take(struct gci_h2_guard *g, gcache_bytes_t bytes, uint64_t now_ms) {
  const unsigned char *p = bytes.base;
  size_t at = less(g->preface, bytes.len), sound = at;
  if (g->verdict != GCI_H2_FINE) return 0;
  g->preface -= (unsigned)at;
  while (at < bytes.len) {
    if (g->head_len < GCI_H2_FRAME_HEAD) {
      size_t n = less(GCI_H2_FRAME_HEAD - g->head_len, bytes.len - at);
      memcpy(g->head + g->head_len, p + at, n);
      g->head_len += (unsigned)n;
      at += n;
      if (g->head_len < GCI_H2_FRAME_HEAD) break;
      begin_frame(g, now_ms);
      if (g->verdict != GCI_H2_FINE) return sound;
    } else {
      size_t n = less(g->payload, bytes.len - at);
      g->payload -= (uint32_t)n;
      at += n;
      if (g->payload == 0) end_frame(g);
    }
    if (g->head_len == 0) sound = at;
  }
  return bytes.len;
}

const char *gci_h2_verdict_text(enum gci_h2_verdict verdict) {
  switch (verdict) {
  case GCI_H2_MANY_RESETS:
    return "more streams reset than the limit";
  case GCI_H2_MANY_CONTINUATIONS:
    return "a head in more frames than the limit";
  case GCI_H2_MANY_SETTINGS:
    return "more settings in a frame than the limit";
  case GCI_H2_MANY_CONTROLS:
    return "more control frames than the limit";
  case GCI_H2_FINE:
    break;
  }
  return "";
}
