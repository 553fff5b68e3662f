#include "world.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* splitmix64: every seed is a good one, and seeds next to each other are unrelated. */
uint64_t sim_rng_next(struct sim_rng *rng) {
  uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

uint64_t sim_rng_below(struct sim_rng *rng, uint64_t n) {
  return sim_rng_next(rng) % n;
}

uint64_t sim_rng_between(struct sim_rng *rng, uint64_t low, uint64_t high) {
  return low + sim_rng_below(rng, high - low + 1);
}

int sim_rng_percent(struct sim_rng *rng, unsigned percent) {
  return sim_rng_below(rng, 100) < percent;
}

void *sim_new(size_t size) {
  void *p = calloc(1, size);
  if (p == NULL) abort();
  return p;
}

void *sim_grow(void *array, size_t n, size_t *cap, size_t size) {
  if (n < *cap) return array;
  size_t wanted = *cap == 0 ? 64 : *cap * 2;
  void *p = realloc(array, wanted * size);
  if (p == NULL) abort();
  *cap = wanted;
  return p;
}

void sim_world_init(struct sim_world *world, uint64_t seed) {
  memset(world, 0, sizeof *world);
  world->rng.state = seed * UINT64_C(0xd1342543de82ef95) + 1;
  world->now_us = 1000000;
  world->trace_hash = UINT64_C(0xcbf29ce484222325);
}

void sim_world_fini(struct sim_world *world) {
  free(world->heap);
  world->heap = NULL;
  world->n = 0;
}

void sim_event_init(struct sim_event *event, void (*run)(struct sim_event *event)) {
  memset(event, 0, sizeof *event);
  event->run = run;
}

static int before(const struct sim_event *a, const struct sim_event *b) {
  return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void place(struct sim_world *world, size_t i, struct sim_event *event) {
  world->heap[i] = event;
  event->slot = i + 1;
}

static void sift_up(struct sim_world *world, size_t i) {
  struct sim_event *event = world->heap[i];
  for (; i > 0 && before(event, world->heap[(i - 1) / 2]); i = (i - 1) / 2)
    place(world, i, world->heap[(i - 1) / 2]);
  place(world, i, event);
}

static void sift_down(struct sim_world *world, size_t i) {
  struct sim_event *event = world->heap[i];
  for (;;) {
    size_t child = 2 * i + 1;
    if (child >= world->n) break;
    if (child + 1 < world->n && before(world->heap[child + 1], world->heap[child])) child++;
    if (!before(world->heap[child], event)) break;
    place(world, i, world->heap[child]);
    i = child;
  }
  place(world, i, event);
}

void sim_event_set(struct sim_world *world, struct sim_event *event, uint64_t at_us) {
  sim_event_clear(world, event);
  world->heap = sim_grow(world->heap, world->n, &world->cap, sizeof *world->heap);
  event->at_us = at_us > world->now_us ? at_us : world->now_us;
  event->order = world->next_order++;
  place(world, world->n++, event);
  sift_up(world, world->n - 1);
}

void sim_event_clear(struct sim_world *world, struct sim_event *event) {
  if (event->slot == 0) return;
  size_t i = event->slot - 1;
  struct sim_event *last = world->heap[--world->n];
  event->slot = 0;
  if (last == event) return;
  place(world, i, last);
  sift_up(world, i);
  sift_down(world, last->slot - 1);
}

uint64_t sim_world_next(const struct sim_world *world) {
  return world->n == 0 ? UINT64_MAX : world->heap[0]->at_us;
}

void sim_world_step(struct sim_world *world) {
  assert(world->n > 0);
  struct sim_event *event = world->heap[0];
  sim_event_clear(world, event);
  world->now_us = event->at_us;
  world->turn++;
  event->run(event);
}

void sim_trace(struct sim_world *world, const char *format, ...) {
  char line[256];
  va_list args;
  va_start(args, format);
  int len = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  if (len < 0 || (size_t)len >= sizeof line) len = (int)strlen(line);
  uint64_t h = world->trace_hash ^ world->now_us;
  for (int i = 0; i < len; i++)
    h = (h ^ (unsigned char)line[i]) * UINT64_C(0x100000001b3);
  world->trace_hash = h;
  if (world->trace_printed)
    printf("%6" PRIu64 ".%03" PRIu64 "  %s\n", world->now_us / 1000, world->now_us % 1000, line);
}
