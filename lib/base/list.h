/* base/list - a ring of links with a head; O(1) at both ends and in the middle; owns nothing. A
 * link that is in no list has next == NULL. Insert asserts that; unlink sets next to NULL. */
#ifndef GCI_BASE_LIST_H
#define GCI_BASE_LIST_H

#include <assert.h>
#include <stddef.h>

#include "gcache/gcache.h"

#define gci_container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct gci_list {
  struct gcache_link_s head;
};

static inline void gci_list_init(struct gci_list *list) {
  list->head.next = list->head.prev = &list->head;
}

static inline int gci_list_empty(const struct gci_list *list) {
  return list->head.next == &list->head;
}

static inline void gci_link_init(struct gcache_link_s *link) {
  link->next = link->prev = NULL;
}

static inline int gci_link_linked(const struct gcache_link_s *link) {
  return link->next != NULL;
}

static inline void gci_link_insert_after(struct gcache_link_s *at, struct gcache_link_s *link) {
  assert(!gci_link_linked(link));
  link->prev = at;
  link->next = at->next;
  at->next->prev = link;
  at->next = link;
}

static inline void gci_list_push_back(struct gci_list *list, struct gcache_link_s *link) {
  gci_link_insert_after(list->head.prev, link);
}

static inline void gci_list_push_front(struct gci_list *list, struct gcache_link_s *link) {
  gci_link_insert_after(&list->head, link);
}

/* A link that is in no list is fine. */
static inline void gci_link_unlink(struct gcache_link_s *link) {
  if (!gci_link_linked(link)) return;
  link->prev->next = link->next;
  link->next->prev = link->prev;
  gci_link_init(link);
}

/* NULL: empty. */
static inline struct gcache_link_s *gci_list_front(const struct gci_list *list) {
  return gci_list_empty(list) ? NULL : list->head.next;
}

static inline struct gcache_link_s *gci_list_back(const struct gci_list *list) {
  return gci_list_empty(list) ? NULL : list->head.prev;
}

static inline struct gcache_link_s *gci_list_pop_front(struct gci_list *list) {
  struct gcache_link_s *link = gci_list_front(list);
  if (link != NULL) gci_link_unlink(link);
  return link;
}

/* Moves all of `from` to the end of `to`, in order; `from` is empty then. */
static inline void gci_list_move(struct gci_list *to, struct gci_list *from) {
  if (gci_list_empty(from)) return;
  to->head.prev->next = from->head.next;
  from->head.next->prev = to->head.prev;
  from->head.prev->next = &to->head;
  to->head.prev = from->head.prev;
  gci_list_init(from);
}

/* The body must not unlink `link`; to empty a list, pop. */
#define gci_list_each(link, list) \
  for (struct gcache_link_s *link = (list)->head.next; link != &(list)->head; link = link->next)

#endif
