#include "model_queue.h"

#include <stdlib.h>
#include <uv.h>

#include "bench.h"

void model_keys_init(struct model_keys *keys, const struct trace *trace) {
  keys->trace = trace;
  keys->places = calloc(trace->n_keys, sizeof *keys->places);
  if (keys->places == NULL) bench_need(UV_ENOMEM, "model");
}

void model_keys_free(struct model_keys *keys) {
  free(keys->places);
}

void model_queue_init(struct model_queue *queue) {
  queue->oldest = queue->newest = MODEL_NONE;
  queue->bytes = 0;
}

void model_put(struct model_keys *keys, struct model_queue *queue, uint32_t key, uint8_t where) {
  struct model_place *place = &keys->places[key];
  place->older = queue->newest;
  place->newer = MODEL_NONE;
  place->where = where;
  if (queue->newest != MODEL_NONE)
    keys->places[queue->newest].newer = key;
  else
    queue->oldest = key;
  queue->newest = key;
  queue->bytes += keys->trace->sizes[key];
}

void model_take(struct model_keys *keys, struct model_queue *queue, uint32_t key) {
  struct model_place *place = &keys->places[key];
  if (place->older != MODEL_NONE)
    keys->places[place->older].newer = place->newer;
  else
    queue->oldest = place->newer;
  if (place->newer != MODEL_NONE)
    keys->places[place->newer].older = place->older;
  else
    queue->newest = place->older;
  place->where = 0;
  queue->bytes -= keys->trace->sizes[key];
}
