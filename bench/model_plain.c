/* model_plain - FIFO, LRU and SIEVE: one queue. */
#include "model.h"
#include "model_queue.h"

enum { KEPT = 1 };

static void make_room(struct model_keys *keys, struct model_queue *queue, uint64_t room) {
  while (queue->bytes > room)
    model_take(keys, queue, queue->oldest);
}

static uint64_t replay(const struct trace *trace, uint64_t capacity, int renew) {
  struct model_keys keys;
  struct model_queue queue;
  uint64_t hits = 0;
  model_keys_init(&keys, trace);
  model_queue_init(&queue);
  for (size_t i = 0; i < trace->n_asked; i++) {
    uint32_t key = trace->asked[i];
    if (keys.places[key].where == KEPT) {
      hits++;
      if (!renew) continue;
      model_take(&keys, &queue, key);
    } else if (trace->sizes[key] > capacity) {
      continue;
    }
    make_room(&keys, &queue, capacity - trace->sizes[key]);
    model_put(&keys, &queue, key, KEPT);
  }
  model_keys_free(&keys);
  return hits;
}

uint64_t model_fifo(const struct trace *trace, uint64_t capacity) {
  return replay(trace, capacity, 0);
}

uint64_t model_lru(const struct trace *trace, uint64_t capacity) {
  return replay(trace, capacity, 1);
}

/* The hand goes from the oldest to the newest and forgives who was used once. */
static void sieve_evict(struct model_keys *keys, struct model_queue *queue, uint32_t *hand) {
  uint32_t at = *hand == MODEL_NONE ? queue->oldest : *hand;
  while (keys->places[at].used) {
    keys->places[at].used = 0;
    at = keys->places[at].newer;
    if (at == MODEL_NONE) at = queue->oldest;
  }
  *hand = keys->places[at].newer;
  model_take(keys, queue, at);
}

uint64_t model_sieve(const struct trace *trace, uint64_t capacity) {
  struct model_keys keys;
  struct model_queue queue;
  uint32_t hand = MODEL_NONE;
  uint64_t hits = 0;
  model_keys_init(&keys, trace);
  model_queue_init(&queue);
  for (size_t i = 0; i < trace->n_asked; i++) {
    uint32_t key = trace->asked[i];
    if (keys.places[key].where == KEPT) {
      hits++;
      keys.places[key].used = 1;
    } else if (trace->sizes[key] <= capacity) {
      while (queue.bytes > capacity - trace->sizes[key])
        sieve_evict(&keys, &queue, &hand);
      model_put(&keys, &queue, key, KEPT);
      keys.places[key].used = 0;
    }
  }
  model_keys_free(&keys);
  return hits;
}
