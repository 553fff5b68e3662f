/* sim/world - virtual time: a seeded generator, a heap of events, and the trace of what happened.
 *
 * Nothing here knows gcache. An event is embedded in its owner and set at most once at a time;
 * events of the same time run in the order in which they were set, so that a seed decides
 * everything. The trace is hashed line by line: equal seeds must give equal hashes. Out of memory
 * ends the program. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stddef.h>
#include <stdint.h>

struct sim_rng {
  uint64_t state;
};

uint64_t sim_rng_next(struct sim_rng *rng);
uint64_t sim_rng_below(struct sim_rng *rng, uint64_t n);                    /* 0 to n - 1; n > 0 */
uint64_t sim_rng_between(struct sim_rng *rng, uint64_t low, uint64_t high); /* both included */
int sim_rng_percent(struct sim_rng *rng, unsigned percent); /* nonzero in percent of the cases */

struct sim_event {
  uint64_t at_us, order;
  size_t slot; /* 1 up in the heap, 0: not set */
  void (*run)(struct sim_event *event);
};

struct sim_world {
  uint64_t now_us;
  uint64_t turn; /* events and steps so far: every one is a turn of somebody's loop */
  struct sim_rng rng;
  struct sim_event **heap;
  size_t n, cap;
  uint64_t next_order;
  uint64_t trace_hash;
  int trace_printed;
};

void sim_world_init(struct sim_world *world, uint64_t seed);
void sim_world_fini(struct sim_world *world); /* events still set are forgotten */

void sim_event_init(struct sim_event *event, void (*run)(struct sim_event *event));
static inline int sim_event_is_set(const struct sim_event *event) {
  return event->slot != 0;
}
/* Sets, or moves one that is set. A time that has passed means now. */
void sim_event_set(struct sim_world *world, struct sim_event *event, uint64_t at_us);
void sim_event_clear(struct sim_world *world, struct sim_event *event); /* not set is fine */

uint64_t sim_world_next(const struct sim_world *world); /* time of the next event, or UINT64_MAX */
void sim_world_step(struct sim_world *world);           /* runs it; there must be one */

/* One line, printf style, without its end. */
void sim_trace(struct sim_world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void *sim_new(size_t size);                                      /* cleared */
void *sim_grow(void *array, size_t n, size_t *cap, size_t size); /* room for one more element */

#endif
