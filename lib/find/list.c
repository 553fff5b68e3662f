/* find/list - see list.h. */
#include "find/list.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "wire/route.h"

#define FIRST_CAP 8
#define WEIGHT_MAX 1000

void gci_find_list_init(struct gci_find_list *list, struct gci_mem *mem) {
  *list = (struct gci_find_list){.mem = mem};
}

static void free_url(struct gci_find_list *list, char *url) {
  gci_mem_free(list->mem, url, strlen(url) + 1);
}

void gci_find_list_fini(struct gci_find_list *list) {
  for (size_t i = 0; i < list->n; i++)
    free_url(list, list->urls[i]);
  gci_mem_free(list->mem, list->urls, list->cap * sizeof *list->urls);
  gci_mem_free(list->mem, list->weights, list->cap * sizeof *list->weights);
  gci_find_list_init(list, list->mem);
}

/* Both arrays or neither: if only the first could be widened, it serves as well as before. */
static int grow(struct gci_find_list *list) {
  size_t cap = list->cap == 0 ? FIRST_CAP : list->cap * 2;
  char **urls = gci_mem_alloc(list->mem, cap * sizeof *urls);
  unsigned *weights = gci_mem_alloc(list->mem, cap * sizeof *weights);

  if (urls == NULL || weights == NULL) {
    gci_mem_free(list->mem, urls, cap * sizeof *urls);
    gci_mem_free(list->mem, weights, cap * sizeof *weights);
    return UV_ENOMEM;
  }
  if (list->n > 0) {
    memcpy(urls, list->urls, list->n * sizeof *urls);
    memcpy(weights, list->weights, list->n * sizeof *weights);
  }
  gci_mem_free(list->mem, list->urls, list->cap * sizeof *list->urls);
  gci_mem_free(list->mem, list->weights, list->cap * sizeof *list->weights);
  list->urls = urls;
  list->weights = weights;
  list->cap = cap;
  return 0;
}

/* A slash at the end makes no other member (core/peers). */
static gcache_bytes_t bare(gcache_bytes_t url) {
  const char *text = url.base;

  if (url.len > 0 && text[url.len - 1] == '/') url.len--;
  return url;
}

int gci_find_list_add(struct gci_find_list *list, gcache_bytes_t url, unsigned weight) {
  struct gci_url parts;

  if (weight < 1 || weight > WEIGHT_MAX || gci_url_read(url, &parts) < 0) return UV_EINVAL;
  if (list->n == GCI_FIND_MEMBERS) return UV_E2BIG;
  if (list->n == list->cap && grow(list) < 0) return UV_ENOMEM;
  list->urls[list->n] = gci_mem_strdup(list->mem, bare(url));
  if (list->urls[list->n] == NULL) return UV_ENOMEM;
  list->weights[list->n++] = weight;
  return 0;
}

/* ---------------------------------------------------------------------------------- settling -- */

static int comes_before(const struct gci_find_list *list, size_t a, size_t b) {
  int order = strcmp(list->urls[a], list->urls[b]);

  return order < 0 || (order == 0 && list->weights[a] > list->weights[b]);
}

static void swap(struct gci_find_list *list, size_t a, size_t b) {
  char *url = list->urls[a];
  unsigned weight = list->weights[a];

  list->urls[a] = list->urls[b];
  list->weights[a] = list->weights[b];
  list->urls[b] = url;
  list->weights[b] = weight;
}

/* The member at i sinks to its place in a heap of n whose top is the last in order. */
static void sink(struct gci_find_list *list, size_t i, size_t n) {
  for (size_t last; (last = 2 * i + 1) < n; i = last) {
    if (last + 1 < n && comes_before(list, last, last + 1)) last++;
    if (!comes_before(list, i, last)) return;
    swap(list, i, last);
  }
}

/* In place, so that it cannot fail, and as fast with a hostile order as with any. */
static void sort(struct gci_find_list *list) {
  for (size_t i = list->n / 2; i-- > 0;)
    sink(list, i, list->n);
  for (size_t n = list->n; n > 1;) {
    swap(list, 0, --n);
    sink(list, 0, n);
  }
}

void gci_find_list_settle(struct gci_find_list *list) {
  size_t kept = 0;

  sort(list);
  for (size_t i = 0; i < list->n; i++) {
    if (kept > 0 && strcmp(list->urls[kept - 1], list->urls[i]) == 0) {
      free_url(list, list->urls[i]);
      continue;
    }
    list->urls[kept] = list->urls[i];
    list->weights[kept++] = list->weights[i];
  }
  list->n = kept;
}

void gci_find_list_move(struct gci_find_list *to, struct gci_find_list *from) {
  gci_find_list_fini(to);
  *to = *from;
  gci_find_list_init(from, from->mem);
}

/* --------------------------------------------------------------------------------- comparing -- */

int gci_find_list_equal(const struct gci_find_list *a, const struct gci_find_list *b) {
  if (a->n != b->n) return 0;
  for (size_t i = 0; i < a->n; i++)
    if (a->weights[i] != b->weights[i] || strcmp(a->urls[i], b->urls[i]) != 0) return 0;
  return 1;
}

static int compare(const void *key, const void *entry) {
  const char *const *url = entry;

  return strcmp(key, *url);
}

int gci_find_list_has(const struct gci_find_list *list, const char *url) {
  return list->n > 0 && bsearch(url, list->urls, list->n, sizeof *list->urls, compare) != NULL;
}
