/* model_arc - ARC (Megiddo and Modha, FAST 2003), in bytes. */
#include "model.h"
#include "model_queue.h"

enum { T1 = 1, T2, B1, B2 };

struct arc {
  struct model_keys keys;
  struct model_queue queues[5];
  uint64_t capacity, target; /* of T1 */
};

static void move(struct arc *arc, uint32_t key, uint8_t to) {
  uint8_t from = arc->keys.places[key].where;
  if (from != 0) model_take(&arc->keys, &arc->queues[from], key);
  if (to != 0) model_put(&arc->keys, &arc->queues[to], key, to);
}

static uint64_t bytes(const struct arc *arc, uint8_t where) {
  return arc->queues[where].bytes;
}

/* REPLACE of the paper: until `size` fits. */
static void make_room(struct arc *arc, uint64_t size, int from_b2) {
  while (bytes(arc, T1) + bytes(arc, T2) + size > arc->capacity) {
    uint64_t t1 = bytes(arc, T1);
    int first = t1 > 0 && (t1 > arc->target || (from_b2 && t1 == arc->target));
    if (bytes(arc, T2) == 0) first = 1;
    move(arc, arc->queues[first ? T1 : T2].oldest, first ? B1 : B2);
  }
}

static void forget(struct arc *arc, uint64_t size) {
  while (bytes(arc, T1) + bytes(arc, B1) + size > arc->capacity &&
         arc->queues[B1].oldest != MODEL_NONE)
    move(arc, arc->queues[B1].oldest, 0);
  while (bytes(arc, T1) + bytes(arc, T2) + bytes(arc, B1) + bytes(arc, B2) + size >
             2 * arc->capacity &&
         arc->queues[B2].oldest != MODEL_NONE)
    move(arc, arc->queues[B2].oldest, 0);
}

static void adapt(struct arc *arc, uint64_t size, int recent) {
  uint64_t b1 = bytes(arc, B1), b2 = bytes(arc, B2);
  double step = (double)size;
  if (recent) {
    if (b2 > b1) step *= (double)b2 / (double)b1;
    arc->target += (uint64_t)step;
    if (arc->target > arc->capacity) arc->target = arc->capacity;
  } else {
    if (b1 > b2) step *= (double)b1 / (double)b2;
    arc->target -= (uint64_t)step < arc->target ? (uint64_t)step : arc->target;
  }
}

static int ask(struct arc *arc, uint32_t key) {
  uint8_t where = arc->keys.places[key].where;
  uint64_t size = arc->keys.trace->sizes[key];
  if (where == T1 || where == T2) {
    move(arc, key, T2);
    return 1;
  }
  if (size > arc->capacity) return 0;
  if (where == B1 || where == B2) {
    adapt(arc, size, where == B1);
    move(arc, key, 0);
    make_room(arc, size, where == B2);
    move(arc, key, T2);
    return 0;
  }
  make_room(arc, size, 0);
  forget(arc, size);
  move(arc, key, T1);
  return 0;
}

uint64_t model_arc(const struct trace *trace, uint64_t capacity) {
  struct arc arc = {.capacity = capacity};
  uint64_t hits = 0;
  model_keys_init(&arc.keys, trace);
  for (int i = T1; i <= B2; i++)
    model_queue_init(&arc.queues[i]);
  for (size_t i = 0; i < trace->n_asked; i++)
    hits += (unsigned)ask(&arc, trace->asked[i]);
  model_keys_free(&arc.keys);
  return hits;
}
