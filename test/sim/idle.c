/* The part of the oracle that tracks work for which no caller waits: getters and transports must
 * have been told (P3). */
#include <inttypes.h>

#include "promises.h"

/* Longer than a member's next turn takes to come. */
#define SOON_US 1000

/* What runs behind a hit has a time of its own from then. */
static int overdue(const struct promises *p, const struct promises_member *m, unsigned key) {
  uint64_t refresh_us = p->setup.fresh.is_on ? p->setup.fresh.refresh_us : 0;
  return p->now_us > m->left_us[key] + refresh_us + SOON_US;
}

static void check_runs(struct promises *p, unsigned key) {
  for (uint64_t s = p->keys[key].running; s != 0; s = promises_birth(p, s)->next_running) {
    const struct promises_birth *b = promises_birth(p, s);
    const struct promises_member *m = &p->members[b->member];
    if (b->hinted || m->gets[key] + m->answers[key] > 0 || !overdue(p, m, key)) continue;
    promises_break(p, "P3: run %" PRIu64 " of key %u on member %d goes on for nobody, untold", s,
                   key, b->member);
  }
}

static void check_questions(struct promises *p, int member, unsigned key) {
  const struct promises_member *m = &p->members[member];
  if (m->questions[key] <= m->questions_told[key] || m->gets[key] > 0) return;
  if (overdue(p, m, key))
    promises_break(p, "P3: key %u: the transport of member %d asks on for nobody, untold", key,
                   member);
}

void promises_idle_check(struct promises *p) {
  if (p->setup.unseen) return;
  for (unsigned key = 0; key < p->setup.keys; key++) {
    check_runs(p, key);
    for (int member = 0; member < PROMISES_MEMBERS; member++)
      check_questions(p, member, key);
  }
}
