/* find/list - the members that a look has found: URLs and weights, which become a list that can be
 * compared.
 *
 * Happy path: add members as they come, in any order, also twice; settle() sorts and removes
 * duplicates, and after that two lists are equal or not. Failure modes: UV_EINVAL from add, for an
 * invalid URL or weight; UV_ENOMEM; UV_E2BIG: more members than a cache takes. Owns copies of the
 * URLs. */
#ifndef GCI_FIND_LIST_H
#define GCI_FIND_LIST_H

#include "base/mem.h"

#define GCI_FIND_MEMBERS 65534

struct gci_find_list {
  struct gci_mem *mem;
  char **urls; /* zero-terminated, without a slash at the end */
  unsigned *weights;
  size_t n, cap;
};

void gci_find_list_init(struct gci_find_list *list, struct gci_mem *mem);
void gci_find_list_fini(struct gci_find_list *list); /* empty and usable again */
/* url is copied. */
int gci_find_list_add(struct gci_find_list *list, gcache_bytes_t url, unsigned weight);
/* Sorts by bytes; of duplicates the larger weight stays. */
void gci_find_list_settle(struct gci_find_list *list);
/* Moves all of from, which is empty then; the old content of `to` is freed. */
void gci_find_list_move(struct gci_find_list *to, struct gci_find_list *from);

/* For settled lists. */
int gci_find_list_equal(const struct gci_find_list *a, const struct gci_find_list *b);
int gci_find_list_has(const struct gci_find_list *list, const char *url);

#endif
