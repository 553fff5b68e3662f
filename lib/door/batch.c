#include "door/batch.h"

#include <string.h>
#include <uv.h>

#include "wire/remove_keys.h"

static struct gci_ask *ask_of(struct gcache_link_s *link) {
  return gci_container_of(link, struct gci_ask, link);
}

struct gci_ask *gci_batch_first(const struct gci_batch *batch) {
  return ask_of(gci_list_front(&batch->asks));
}

/* Whether it can travel with other removes; *bytes: room left for keys. */
static int can_be_among_many(const struct gci_ask *ask, const char *group, size_t *bytes) {
  gcache_bytes_t key = gcache_call_key(ask->call);

  if (ask->alone || gcache_call_op(ask->call) != GCACHE_OP_REMOVE || key.len > *bytes) return 0;
  if (strcmp(gcache_call_group(ask->call), group) != 0 || !gci_remove_keys_carries(key)) return 0;
  *bytes -= key.len;
  return 1;
}

static void add_ask(struct gci_batch *batch, struct gci_ask *ask) {
  gci_link_unlink(&ask->link);
  gci_list_push_back(&batch->asks, &ask->link);
  ask->batch = batch;
  ask->among_many = 0;
  batch->n++;
}

void gci_batch_init(struct gci_batch *batch) {
  gci_list_init(&batch->asks);
  batch->n = 0;
  batch->fast = 0;
  batch->result.value = batch->result.body = NULL;
}

void gci_batch_load(struct gci_batch *batch, struct gci_list *waiting, int removes_many) {
  struct gci_ask *first = ask_of(gci_list_front(waiting));
  const char *group = gcache_call_group(first->call);
  size_t bytes = GCI_REMOVE_KEYS_BYTES_MAX;
  struct gcache_link_s *link;

  add_ask(batch, first);
  if (!removes_many || !can_be_among_many(first, group, &bytes)) return;
  while (batch->n < GCI_REMOVE_KEYS_MAX && (link = gci_list_front(waiting)) != NULL) {
    struct gci_ask *ask = ask_of(link);
    if (!can_be_among_many(ask, group, &bytes)) break;
    add_ask(batch, ask);
    ask->among_many = first->among_many = 1;
  }
}

int gci_batch_write(const struct gci_batch *batch, struct gci_question *question,
                    struct gci_mem *mem, const struct gci_question_way *way) {
  gcache_call_t *first = gci_batch_first(batch)->call;
  gcache_bytes_t *keys;
  size_t i = 0;
  int err;

  if (batch->n == 1) return gci_question_init(question, mem, first, way);
  keys = gci_mem_alloc(mem, batch->n * sizeof *keys);
  if (keys == NULL) return UV_ENOMEM;
  gci_list_each(link, &batch->asks) keys[i++] = gcache_call_key(ask_of(link)->call);
  err = gci_question_init_many(question, mem, gcache_cstr(gcache_call_group(first)), keys, i, way);
  gci_mem_free(mem, keys, batch->n * sizeof *keys);
  return err;
}
