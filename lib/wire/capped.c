/* wire/capped - see capped.h. */
#include "wire/capped.h"

#include <stddef.h>

/* In front of every block, because protobuf-c frees without a size. */
union head {
  size_t size; /* of the block, head included */
  max_align_t align;
};

static void *capped_alloc(void *data, size_t size) {
  struct gci_capped *c = data;
  if (c->left < sizeof(union head) || size > c->left - sizeof(union head)) return NULL;
  size += sizeof(union head);
  union head *head = gci_mem_alloc(c->mem, size);
  if (head == NULL) {
    c->out_of_memory = 1;
    return NULL;
  }
  c->left -= size;
  head->size = size;
  return head + 1;
}

static void capped_free(void *data, void *block) {
  struct gci_capped *c = data;
  if (block == NULL) return;
  union head *head = (union head *)block - 1;
  c->left += head->size;
  gci_mem_free(c->mem, head, head->size);
}

void gci_capped_init(struct gci_capped *capped, struct gci_mem *mem, size_t cap) {
  capped->allocator.alloc = capped_alloc;
  capped->allocator.free = capped_free;
  capped->allocator.allocator_data = capped;
  capped->mem = mem;
  capped->left = cap;
  capped->out_of_memory = 0;
}
