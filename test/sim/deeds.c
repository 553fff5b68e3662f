/* The part of the oracle that tracks what peers have done for a change (P8). */
#include <inttypes.h>

#include "promises.h"
#include "world.h"

void promises_deed(struct promises *p, const struct promises_deed *deed) {
  p->deeds = sim_grow(p->deeds, p->n_deeds, &p->cap_deeds, sizeof *p->deeds);
  struct promises_deed *own = &p->deeds[p->n_deeds++];
  *own = *deed;
  own->done_seq = promises_tick(p);
  promises_did(p, own);
}

/* A set is a set at the owner and a remove everywhere else. */
static int serves(const struct promises_deed *deed, const struct promises_request *r, int on) {
  if (deed->refused || deed->by != r->member || deed->on != on || deed->key != r->key) return 0;
  if (deed->sent_seq <= r->begin_seq) return 0;
  return deed->kind == r->kind || (r->kind == PROMISES_SET && deed->kind == PROMISES_REMOVE);
}

/* A clear takes two: the second is for what was fetched during the first. */
void promises_report_check(struct promises *p, size_t request, uint64_t ok) {
  const struct promises_request *r = &p->requests[request];
  unsigned needed = r->kind == PROMISES_CLEAR ? 2 : 1;
  for (int on = 0; on < PROMISES_MEMBERS; on++) {
    unsigned n = 0;
    if (on == r->member || !(ok >> on & 1)) continue;
    for (size_t i = p->n_deeds; n < needed && i-- > 0;)
      n += (unsigned)serves(&p->deeds[i], r, on);
    if (n < needed)
      promises_break(p,
                     "P8: request %zu of member %d reports member %d as done, which did %u of %u",
                     request, r->member, on, n, needed);
  }
}
