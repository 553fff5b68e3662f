/* model_wtinylfu - W-TinyLFU (Einziger, Friedman and Manes, 2017), with its fixed window of 1 %:
 * LRU window, segmented LRU with 80 % protected, a count-min sketch of 4 counters of 4 bits per
 * key, halved after twelve times as many requests as keys fit. */
#include <stdlib.h>
#include <uv.h>

#include "bench.h"
#include "model.h"
#include "model_queue.h"

enum { WINDOW = 1, PROBATION, PROTECTED };
enum { ROWS = 4, COUNT_MAX = 15, SAMPLE = 12 };

struct wtinylfu {
  struct model_keys keys;
  struct model_queue queues[4];
  uint64_t capacity, window, protect;
  uint8_t *counts; /* ROWS times columns */
  uint64_t columns, added, sample;
};

static uint8_t *count_at(const struct wtinylfu *w, uint32_t key, unsigned row) {
  static const uint64_t odd[ROWS] = {0xc3a5c85c97cb3127u, 0xb492b66fbe98f273u, 0x9ae16a3b2f90404fu,
                                     0xcbf29ce484222325u};
  uint64_t h = ((uint64_t)key + 1) * odd[row];
  h = (h ^ h >> 32) * odd[row];
  return &w->counts[row * w->columns + (h >> 32 & (w->columns - 1))];
}

static uint8_t frequency(const struct wtinylfu *w, uint32_t key) {
  uint8_t least = COUNT_MAX;
  for (unsigned row = 0; row < ROWS; row++)
    if (*count_at(w, key, row) < least) least = *count_at(w, key, row);
  return least;
}

static void count(struct wtinylfu *w, uint32_t key) {
  for (unsigned row = 0; row < ROWS; row++) {
    uint8_t *c = count_at(w, key, row);
    if (*c < COUNT_MAX) (*c)++;
  }
  if (++w->added < w->sample) return;
  for (uint64_t i = 0; i < ROWS * w->columns; i++)
    w->counts[i] /= 2;
  w->added = w->added / 2;
}

static void move(struct wtinylfu *w, uint32_t key, uint8_t to) {
  uint8_t from = w->keys.places[key].where;
  if (from != 0) model_take(&w->keys, &w->queues[from], key);
  if (to != 0) model_put(&w->keys, &w->queues[to], key, to);
}

static void hit(struct wtinylfu *w, uint32_t key) {
  if (w->keys.places[key].where == WINDOW) {
    move(w, key, WINDOW);
    return;
  }
  move(w, key, PROTECTED);
  while (w->queues[PROTECTED].bytes > w->protect)
    move(w, w->queues[PROTECTED].oldest, PROBATION);
}

/* The window's oldest asks for a place in the main part; the main part's oldest defend theirs. */
static void admit(struct wtinylfu *w, uint32_t candidate) {
  uint64_t room = w->capacity - w->window, size = w->keys.trace->sizes[candidate];
  move(w, candidate, 0);
  while (w->queues[PROBATION].bytes + w->queues[PROTECTED].bytes + size > room) {
    uint32_t victim = w->queues[PROBATION].oldest;
    if (victim == MODEL_NONE) victim = w->queues[PROTECTED].oldest;
    if (victim == MODEL_NONE || frequency(w, candidate) <= frequency(w, victim)) return;
    move(w, victim, 0);
  }
  move(w, candidate, PROBATION);
}

static int ask(struct wtinylfu *w, uint32_t key) {
  count(w, key);
  if (w->keys.places[key].where != 0) {
    hit(w, key);
    return 1;
  }
  if (w->keys.trace->sizes[key] > w->capacity) return 0;
  move(w, key, WINDOW);
  while (w->queues[WINDOW].bytes > w->window)
    admit(w, w->queues[WINDOW].oldest);
  return 0;
}

uint64_t model_wtinylfu(const struct trace *trace, uint64_t capacity) {
  struct wtinylfu w = {.capacity = capacity};
  uint64_t hits = 0,
           fit = (uint64_t)((double)trace->n_keys * (double)capacity / (double)trace->bytes);
  w.window = capacity / 100 > 0 ? capacity / 100 : 1;
  w.protect = (capacity - w.window) / 5 * 4;
  for (w.columns = 1; w.columns < fit; w.columns *= 2) {
  }
  w.sample = SAMPLE * fit;
  w.counts = calloc(w.columns, ROWS);
  if (w.counts == NULL) bench_need(UV_ENOMEM, "sketch");
  model_keys_init(&w.keys, trace);
  for (int i = WINDOW; i <= PROTECTED; i++)
    model_queue_init(&w.queues[i]);
  for (size_t i = 0; i < trace->n_asked; i++)
    hits += (unsigned)ask(&w, trace->asked[i]);
  model_keys_free(&w.keys);
  free(w.counts);
  return hits;
}
