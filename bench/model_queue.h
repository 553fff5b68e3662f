/* model_queue - the base of the models: a place for every key, in one of several queues. */
#ifndef BENCH_MODEL_QUEUE_H
#define BENCH_MODEL_QUEUE_H

#include "trace.h"

#define MODEL_NONE UINT32_MAX

struct model_place {
  uint32_t older, newer; /* MODEL_NONE: the end */
  uint8_t where;         /* the model's word; 0: nowhere */
  uint8_t used;          /* the model's: a bit or a count */
};

struct model_queue {
  uint32_t oldest, newest;
  uint64_t bytes;
};

struct model_keys {
  const struct trace *trace;
  struct model_place *places;
};

void model_keys_init(struct model_keys *keys, const struct trace *trace);
void model_keys_free(struct model_keys *keys);

void model_queue_init(struct model_queue *queue);
/* As the newest; sets where. */
void model_put(struct model_keys *keys, struct model_queue *queue, uint32_t key, uint8_t where);
/* where becomes 0. */
void model_take(struct model_keys *keys, struct model_queue *queue, uint32_t key);

#endif
