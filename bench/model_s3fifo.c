/* model_s3fifo - S3-FIFO (Yang et al., SOSP 2023): a small queue of a tenth, a main queue that
 * reinserts keys that were used, and a ghost queue as long as the main one. */
#include "model.h"
#include "model_queue.h"

enum { SMALL = 1, MAIN, GHOST };
enum { USED_MAX = 3, USED_OFTEN = 2 };

struct s3fifo {
  struct model_keys keys;
  struct model_queue small, main, ghost;
  uint64_t capacity, small_share;
};

static void remember(struct s3fifo *s, uint32_t key) {
  model_put(&s->keys, &s->ghost, key, GHOST);
  while (s->ghost.bytes > s->capacity - s->small_share)
    model_take(&s->keys, &s->ghost, s->ghost.oldest);
}

static void evict_main(struct s3fifo *s) {
  for (;;) {
    uint32_t key = s->main.oldest;
    model_take(&s->keys, &s->main, key);
    if (s->keys.places[key].used == 0) return;
    s->keys.places[key].used--;
    model_put(&s->keys, &s->main, key, MAIN);
  }
}

/* Moves who was used on to the main queue, until one has left. */
static void evict_small(struct s3fifo *s) {
  while (s->small.oldest != MODEL_NONE) {
    uint32_t key = s->small.oldest;
    model_take(&s->keys, &s->small, key);
    if (s->keys.places[key].used < USED_OFTEN) {
      remember(s, key);
      return;
    }
    s->keys.places[key].used = 0;
    model_put(&s->keys, &s->main, key, MAIN);
  }
}

static void evict(struct s3fifo *s) {
  if (s->main.bytes > s->capacity - s->small_share || s->small.oldest == MODEL_NONE)
    evict_main(s);
  else
    evict_small(s);
}

static int ask(struct s3fifo *s, uint32_t key) {
  struct model_place *place = &s->keys.places[key];
  uint64_t size = s->keys.trace->sizes[key];
  int known = place->where == GHOST;
  if (place->where == SMALL || place->where == MAIN) {
    if (place->used < USED_MAX) place->used++;
    return 1;
  }
  if (size > s->capacity) return 0;
  if (known) model_take(&s->keys, &s->ghost, key);
  while (s->small.bytes + s->main.bytes + size > s->capacity)
    evict(s);
  place->used = 0;
  model_put(&s->keys, known ? &s->main : &s->small, key, known ? MAIN : SMALL);
  return 0;
}

uint64_t model_s3fifo(const struct trace *trace, uint64_t capacity) {
  struct s3fifo s = {.capacity = capacity, .small_share = capacity / 10};
  uint64_t hits = 0;
  model_keys_init(&s.keys, trace);
  model_queue_init(&s.small);
  model_queue_init(&s.main);
  model_queue_init(&s.ghost);
  for (size_t i = 0; i < trace->n_asked; i++)
    hits += (unsigned)ask(&s, trace->asked[i]);
  model_keys_free(&s.keys);
  return hits;
}
