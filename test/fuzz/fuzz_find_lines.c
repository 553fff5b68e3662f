/* Any bytes as a file of peers: a list that is read, written and read again is the same. */
#include "target.h"

#include <string.h>

#include "find/lines.h"

static char *write_again(const struct gci_find_list *list, size_t *len) {
  size_t size = 1;
  for (size_t i = 0; i < list->n; i++)
    size += strlen(list->urls[i]) + 16;
  char *text = malloc(size);
  fuzz_check(text != NULL, "memory");
  *len = 0;
  for (size_t i = 0; i < list->n; i++)
    *len += (size_t)sprintf(text + *len, " %s\t%u # \n", list->urls[i], list->weights[i]);
  return text;
}

static void check(struct gci_find_list *first, struct gci_mem *mem) {
  struct gci_find_list second;
  size_t len, line;
  char *text = write_again(first, &len);
  gci_find_list_init(&second, mem);
  fuzz_check(gci_find_lines_read(&second, gcache_bytes(text, len), &line) == 0, "ours is readable");
  fuzz_check(second.n == first->n, "as many members");
  gci_find_list_settle(first);
  gci_find_list_settle(&second);
  fuzz_check(gci_find_list_equal(first, &second), "the members come back");
  for (size_t i = 0; i < first->n; i++) {
    fuzz_check(first->weights[i] >= 1 && first->weights[i] <= 1000, "weights are weights");
    fuzz_check(gci_find_list_has(first, first->urls[i]), "what is there is found");
    fuzz_check(i == 0 || strcmp(first->urls[i - 1], first->urls[i]) < 0, "sorted, no twins");
  }
  gci_find_list_fini(&second);
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct gci_mem *mem = gci_mem_new(NULL);
  struct gci_find_list list;
  size_t line;
  fuzz_check(mem != NULL, "memory");
  gci_find_list_init(&list, mem);
  if (gci_find_lines_read(&list, gcache_bytes(data, size), &line) == 0) check(&list, mem);
  gci_find_list_fini(&list);
  fuzz_check(mem->blocks == 0, "nothing is left");
  gci_mem_unref(mem);
  return 0;
}
