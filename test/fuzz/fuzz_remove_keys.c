/* Any bytes as groupcache-go's list of keys to remove: a body that can be read is written again
 * from the result, and reads the same. */
#include "target.h"

#include <string.h>

#include "base/bytes.h"
#include "base/value.h"
#include "wire/remove_keys.h"

#define KEYS_MAX 4096

struct list {
  gcache_bytes_t keys[KEYS_MAX]; /* copies */
  size_t n;
  int carried; /* all of them can be */
};

static void on_key(void *user, gcache_bytes_t key) {
  struct list *list = user;
  char *copy = malloc(key.len + 1);
  fuzz_check(copy != NULL && list->n < KEYS_MAX, "memory");
  if (key.len > 0) memcpy(copy, key.base, key.len);
  list->carried = list->carried && gci_remove_keys_carries(key);
  list->keys[list->n++] = gcache_bytes(copy, key.len);
}

static int read_list(gcache_bytes_t body, struct list *list) {
  memset(list, 0, sizeof *list);
  list->carried = 1;
  return gci_remove_keys_read(body, GCI_LIT("g"), on_key, list);
}

static void free_list(struct list *list) {
  for (size_t i = 0; i < list->n; i++)
    free((void *)(uintptr_t)list->keys[i].base);
}

static void check_round_trip(const struct list *first) {
  static struct list second;
  struct gci_mem *mem = gci_mem_new(NULL);
  fuzz_check(mem != NULL, "memory");
  gcache_value_t *body = gci_remove_keys_write(mem, GCI_LIT("g"), first->keys, first->n);
  fuzz_check(body != NULL, "what can be carried is written");
  fuzz_check(read_list(gcache_value_bytes(body), &second) == 0, "ours is readable");
  fuzz_check(second.n == first->n, "as many keys");
  for (size_t i = 0; i < first->n; i++)
    fuzz_check(gci_bytes_equal(first->keys[i], second.keys[i]), "the keys come back");
  free_list(&second);
  gcache_value_unref(body);
  fuzz_check(mem->blocks == 0, "nothing is left");
  gci_mem_unref(mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct list list;
  if (size > KEYS_MAX * 2) return 0; /* a key takes three bytes with its comma */
  if (read_list(gcache_bytes(data, size), &list) == 0 && list.carried) check_round_trip(&list);
  free_list(&list);
  return 0;
}
