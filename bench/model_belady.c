/* model_belady - evicts the key whose next request is furthest away: a heap of the kept keys,
 * ordered by next request. */
#include <stdlib.h>
#include <uv.h>

#include "bench.h"
#include "model.h"

struct belady {
  const struct trace *trace;
  uint32_t *next;  /* by request: when its key is asked for again; n_asked: never */
  uint32_t *due;   /* by key kept: its next request */
  uint32_t *heap;  /* keys, the latest due first */
  uint32_t *slots; /* by key: where it is in the heap, + 1; 0: not kept */
  uint32_t n;
  uint64_t bytes;
};

static void *array(size_t n) {
  void *block = calloc(n, sizeof(uint32_t));
  if (block == NULL) bench_need(UV_ENOMEM, "belady");
  return block;
}

static void look_ahead(struct belady *b) {
  uint32_t *seen = array(b->trace->n_keys);
  for (size_t i = 0; i < b->trace->n_keys; i++)
    seen[i] = (uint32_t)b->trace->n_asked;
  for (size_t i = b->trace->n_asked; i-- > 0;) {
    b->next[i] = seen[b->trace->asked[i]];
    seen[b->trace->asked[i]] = (uint32_t)i;
  }
  free(seen);
}

static void put_at(struct belady *b, uint32_t slot, uint32_t key) {
  b->heap[slot] = key;
  b->slots[key] = slot + 1;
}

static void rise(struct belady *b, uint32_t slot) {
  uint32_t key = b->heap[slot];
  for (; slot > 0 && b->due[b->heap[(slot - 1) / 2]] < b->due[key]; slot = (slot - 1) / 2)
    put_at(b, slot, b->heap[(slot - 1) / 2]);
  put_at(b, slot, key);
}

static void sink(struct belady *b, uint32_t slot) {
  uint32_t key = b->heap[slot];
  for (uint32_t child; (child = 2 * slot + 1) < b->n; slot = child) {
    if (child + 1 < b->n && b->due[b->heap[child + 1]] > b->due[b->heap[child]]) child++;
    if (b->due[b->heap[child]] <= b->due[key]) break;
    put_at(b, slot, b->heap[child]);
  }
  put_at(b, slot, key);
}

static void evict(struct belady *b) {
  uint32_t key = b->heap[0];
  b->slots[key] = 0;
  b->bytes -= b->trace->sizes[key];
  b->n--;
  if (b->n == 0) return;
  put_at(b, 0, b->heap[b->n]);
  sink(b, 0);
}

static int ask(struct belady *b, size_t i, uint64_t capacity) {
  uint32_t key = b->trace->asked[i];
  uint64_t size = b->trace->sizes[key];
  int kept = b->slots[key] != 0;
  b->due[key] = b->next[i];
  if (kept) {
    rise(b, b->slots[key] - 1);
  } else if (size <= capacity) {
    put_at(b, b->n, key);
    b->bytes += size;
    rise(b, b->n++);
    while (b->bytes > capacity)
      evict(b); /* which may be this one */
  }
  return kept;
}

uint64_t model_belady(const struct trace *trace, uint64_t capacity) {
  struct belady b = {.trace = trace};
  uint64_t hits = 0;
  b.next = array(trace->n_asked);
  b.due = array(trace->n_keys);
  b.heap = array(trace->n_keys);
  b.slots = array(trace->n_keys);
  look_ahead(&b);
  for (size_t i = 0; i < trace->n_asked; i++)
    hits += (unsigned)ask(&b, i, capacity);
  free(b.next);
  free(b.due);
  free(b.heap);
  free(b.slots);
  return hits;
}
