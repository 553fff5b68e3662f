/* store/sort - see sort.h. */
#include "store/sort.h"

#include <string.h>

enum { BYTE_BITS = 8, KEY_BITS = 64 };
enum { DIFFERING, COUNTING, MOVING, SORTED };

void gci_sort_begin(struct gci_sort *s, struct gci_sorted items[], struct gci_sorted room[],
                    size_t n) {
  *s = (struct gci_sort){.from = items, .to = room, .n = n, .step = DIFFERING};
}

static void differ(struct gci_sort *s, size_t end) {
  uint64_t first = s->n == 0 ? 0 : s->from[0].key, bits = 0;
  for (size_t i = s->i; i < end; i++)
    bits |= s->from[i].key ^ first;
  s->bits |= bits;
}

static void count(struct gci_sort *s, size_t end) {
  for (size_t i = s->i; i < end; i++)
    s->at[s->from[i].key >> s->shift & (GCI_SORT_VALUES - 1)]++;
}

static void move(struct gci_sort *s, size_t end) {
  for (size_t i = s->i; i < end; i++)
    s->to[s->at[s->from[i].key >> s->shift & (GCI_SORT_VALUES - 1)]++] = s->from[i];
}

static void begin_pass(struct gci_sort *s) {
  while (s->shift < KEY_BITS && (s->bits >> s->shift & (GCI_SORT_VALUES - 1)) == 0)
    s->shift += BYTE_BITS;
  memset(s->at, 0, sizeof s->at);
  s->step = s->shift < KEY_BITS ? COUNTING : SORTED;
}

static void begin_moving(struct gci_sort *s) {
  size_t before = 0;
  for (size_t v = 0; v < GCI_SORT_VALUES; v++) {
    size_t counted = s->at[v];
    s->at[v] = before;
    before += counted;
  }
  s->step = MOVING;
}

static void end_pass(struct gci_sort *s) {
  struct gci_sorted *sorted = s->to;
  s->to = s->from;
  s->from = sorted;
  s->shift += BYTE_BITS;
  begin_pass(s);
}

static void end_step(struct gci_sort *s) {
  s->i = 0;
  if (s->step == DIFFERING)
    begin_pass(s);
  else if (s->step == COUNTING)
    begin_moving(s);
  else
    end_pass(s);
}

int gci_sort_some(struct gci_sort *s, size_t budget) {
  while (s->step != SORTED && budget > 0) {
    size_t end = s->n - s->i < budget ? s->n : s->i + budget;
    budget -= end - s->i;
    if (s->step == DIFFERING)
      differ(s, end);
    else if (s->step == COUNTING)
      count(s, end);
    else
      move(s, end);
    s->i = end;
    if (end == s->n) end_step(s);
  }
  return s->step != SORTED;
}
