/* The allocator of a member: it knows every block, so that a crash can drop all of them, and can
 * refuse an allocation. */
#include <stdlib.h>
#include <string.h>

#include "member.h"

#define POISON 0xa5

struct block {
  struct gcache_link_s link;
  size_t size;
};

static int must_fail(struct world *w) {
  if (w->faults.off) return 0;
  w->allocations++;
  if (w->fail_allocation == 0 || w->allocations < w->fail_allocation) return 0;
  return w->allocations == w->fail_allocation || w->fail_lasting;
}

static void *refuse(struct world *w) {
  w->refused++;
  return NULL;
}

static struct block *block_of(struct world_member *m, void *ptr, size_t size) {
  struct block *b = (struct block *)ptr - 1;
  if (b->size != size)
    promises_break(&m->world->promises, "P5: member %d resizes a block of %zu bytes as one of %zu",
                   m->index, b->size, size);
  return b;
}

static void release(struct world_member *m, void *ptr, size_t size) {
  struct block *b;
  if (ptr == NULL) return;
  b = block_of(m, ptr, size);
  gci_link_unlink(&b->link);
  m->bytes -= b->size;
  memset(ptr, POISON, b->size);
  free(b);
}

/* Every block moves with every resize. */
void *world_memory_resize(void *member, void *ptr, size_t old_size, size_t new_size) {
  struct world_member *m = member;
  struct world *w = m->world;
  struct block *b;
  if (new_size == 0) {
    release(m, ptr, old_size);
    return NULL;
  }
  if (must_fail(w)) return refuse(w);
  b = malloc(sizeof *b + new_size);
  if (b == NULL) abort();
  *b = (struct block){.size = new_size};
  gci_list_push_back(&m->blocks, &b->link);
  m->bytes += new_size;
  if (ptr != NULL) memcpy(b + 1, ptr, old_size < new_size ? old_size : new_size);
  release(m, ptr, old_size);
  return b + 1;
}

void world_memory_drop(struct world_member *m) {
  struct gcache_link_s *link;
  while ((link = gci_list_pop_front(&m->blocks)) != NULL)
    free(gci_container_of(link, struct block, link));
  m->bytes = 0;
}
