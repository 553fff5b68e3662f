/* base/mem - see mem.h. Owns struct gci_mem itself, which comes from the same allocator and is in
 * neither count. Fails with NULL, and the counts stay as they were. */
#include "base/mem.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *resize_by_libc(void *data, void *ptr, size_t old_size, size_t new_size) {
  (void)data;
  (void)old_size;
  if (new_size != 0) return realloc(ptr, new_size);
  free(ptr);
  return NULL;
}

/* An allocator of the application is asked for every block: no spare blocks are kept. */
struct gci_mem *gci_mem_new(const gcache_mem_t *user) {
  gcache_mem_t m = {resize_by_libc, NULL};
  int is_own = user != NULL && user->resize != NULL;
  if (is_own) m = *user;
  struct gci_mem *mem = m.resize(m.data, NULL, 0, sizeof *mem);
  if (mem == NULL) return NULL;
  *mem = (struct gci_mem){.user = m, .refs = 1, .spares = !is_own};
  gci_in_flight_init(&mem->in_flight);
  gci_spare_init(&mem->spare);
  return mem;
}

struct gci_mem *gci_mem_ref(struct gci_mem *mem) {
  assert(mem->refs > 0);
  mem->refs++;
  return mem;
}

void gci_mem_unref(struct gci_mem *mem) {
  assert(mem->refs > 0);
  if (--mem->refs > 0) return;
  gcache_mem_t m = mem->user;
  gci_spare_fini(&mem->spare);
  m.resize(m.data, mem, sizeof *mem, 0);
}

void *gci_mem_alloc(struct gci_mem *mem, size_t size) {
  void *ptr = mem->spares ? gci_spare_take(&mem->spare, gci_mem_cost(size)) : NULL;
  if (ptr == NULL) return gci_mem_resize(mem, NULL, 0, size);
  mem->bytes += size;
  mem->blocks++;
  return ptr;
}

void *gci_mem_zalloc(struct gci_mem *mem, size_t size) {
  void *ptr = gci_mem_alloc(mem, size);
  if (ptr != NULL) memset(ptr, 0, size);
  return ptr;
}

void *gci_mem_resize(struct gci_mem *mem, void *ptr, size_t old_size, size_t new_size) {
  assert(new_size > 0 && (ptr != NULL || old_size == 0));
  size_t asked = mem->spares ? gci_spare_size(new_size, gci_mem_cost(new_size)) : new_size;
  void *moved = mem->user.resize(mem->user.data, ptr, old_size, asked);
  if (moved == NULL) return NULL;
  mem->bytes = mem->bytes - old_size + new_size;
  if (ptr == NULL) mem->blocks++;
  return moved;
}

void gci_mem_free(struct gci_mem *mem, void *ptr, size_t size) {
  if (ptr == NULL) return;
  assert(mem->blocks > 0 && mem->bytes >= size);
  if (!mem->spares || !gci_spare_keep(&mem->spare, ptr, gci_mem_cost(size)))
    mem->user.resize(mem->user.data, ptr, size, 0);
  mem->bytes -= size;
  mem->blocks--;
}

char *gci_mem_strdup(struct gci_mem *mem, gcache_bytes_t text) {
  char *copy = text.len == SIZE_MAX ? NULL : gci_mem_alloc(mem, text.len + 1);
  if (copy == NULL) return NULL;
  if (text.len > 0) memcpy(copy, text.base, text.len);
  copy[text.len] = '\0';
  return copy;
}

size_t gci_mem_cost(size_t size) {
  const size_t header = 8, step = 16, least = 32, page = 4096, mapped_from = 128 * 1024;
  if (size == 0) return 0;
  if (size > SIZE_MAX - 2 * page) return SIZE_MAX;
  size_t chunk = (size + header + step - 1) / step * step;
  if (chunk < least) return least;
  if (chunk < mapped_from) return chunk;
  return (chunk + header + page - 1) / page * page;
}
