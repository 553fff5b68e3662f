/* core/missed - see missed.h. The map finds a change by group and key, or the clear of a group; a
 * change that must not be found any more is not in it. */
#include "core/missed.h"

#include <string.h>
#include <uv.h>

#include "base/bytes.h"

struct gci_missed_list {
  struct gci_missed *owner; /* NULL: forgotten */
  const struct gci_missed_terms *terms;
  struct gci_list waiting; /* by age */
  struct gci_list sent;    /* on their way, and not forgotten */
  struct gci_map by_key;
  size_t n, n_gentle; /* in the map */
  size_t bytes;       /* of those */
  size_t blocks;      /* of these, and of forgotten changes that are still on their way */
  uint64_t ages;
};

/* What happens to a change that is on its way when it ends. */
enum { THEN_GONE, THEN_AGAIN, THEN_CLEAR, THEN_FORGOTTEN };

gcache_bytes_t gci_missed_key(const struct gci_missed_change *change) {
  return gcache_bytes(change->group + strlen(change->group) + 1, change->key_len);
}

/* ------------------------------------------------------------------------------ the map ---- */

/* Whether it is found as a clear. */
static int is_clear(const struct gci_missed_change *change) {
  return change->op == GCACHE_OP_CLEAR || change->then == THEN_CLEAR;
}

static uint64_t hash_of(const struct gci_missed_terms *terms, const char *group, int clear,
                        gcache_bytes_t key) {
  uint64_t hash = gci_hash_keyed(terms->hash_key, gcache_cstr(group));
  hash *= UINT64_C(0x9e3779b97f4a7c15);
  return clear ? hash : hash ^ gci_hash_keyed(terms->hash_key, key);
}

static struct gci_missed_change *find(const struct gci_missed_list *list, const char *group,
                                      int clear, gcache_bytes_t key) {
  struct gci_map_node *node = gci_map_first(&list->by_key, hash_of(list->terms, group, clear, key));
  for (; node != NULL; node = gci_map_next(node)) {
    struct gci_missed_change *change = gci_container_of(node, struct gci_missed_change, node);
    if (is_clear(change) != clear || strcmp(change->group, group) != 0) continue;
    if (clear || gci_bytes_equal(gci_missed_key(change), key)) return change;
  }
  return NULL;
}

static void enter(struct gci_missed_list *list, struct gci_missed_change *change) {
  uint64_t hash = hash_of(list->terms, change->group, is_clear(change), gci_missed_key(change));
  gci_map_insert(&list->by_key, &change->node, hash);
  list->n++;
  list->n_gentle += change->gentle;
  list->bytes += change->size;
}

static void leave(struct gci_missed_list *list, struct gci_missed_change *change) {
  gci_map_remove(&list->by_key, &change->node);
  list->n--;
  list->n_gentle -= change->gentle;
  list->bytes -= change->size;
}

/* ------------------------------------------------------------------------------ blocks ---- */

static struct gci_missed_list *list_of(struct gci_missed *missed,
                                       const struct gci_missed_terms *terms) {
  if (missed->list != NULL) return missed->list;
  struct gci_missed_list *list = gci_mem_zalloc(terms->mem, sizeof *list);
  if (list == NULL) return NULL;
  list->owner = missed;
  list->terms = terms;
  gci_list_init(&list->waiting);
  gci_list_init(&list->sent);
  gci_map_init(&list->by_key, terms->mem);
  missed->list = list;
  return list;
}

static void free_list_if_empty(struct gci_missed_list *list) {
  if (list->blocks > 0) return;
  if (list->owner != NULL) list->owner->list = NULL;
  gci_map_fini(&list->by_key);
  gci_mem_free(list->terms->mem, list, sizeof *list);
}

/* It is in neither map nor list. */
static void free_change(struct gci_missed_change *change) {
  struct gci_missed_list *list = change->list;
  gci_mem_free(list->terms->mem, change, change->size);
  list->blocks--;
}

static size_t size_of(const char *group, gcache_bytes_t key) {
  return sizeof(struct gci_missed_change) + strlen(group) + 1 + key.len;
}

/* NULL: out of memory. Waits at the end. */
static struct gci_missed_change *append(struct gci_missed_list *list, const char *group,
                                        gcache_op_t op, gcache_bytes_t key,
                                        enum gci_missed_weight weight) {
  size_t size = size_of(group, key);
  struct gci_missed_change *change = gci_mem_alloc(list->terms->mem, size);
  if (change == NULL) return NULL;
  *change = (struct gci_missed_change){.list = list,
                                       .age = list->ages++,
                                       .size = size,
                                       .key_len = (uint32_t)key.len,
                                       .op = (uint8_t)op,
                                       .gentle = weight == GCI_MISSED_GENTLE};
  gci_link_init(&change->link);
  memcpy(change->group, group, strlen(group) + 1);
  if (key.len > 0) memcpy(change->group + strlen(group) + 1, key.base, key.len);
  list->blocks++;
  enter(list, change);
  gci_list_push_back(&list->waiting, &change->link);
  return change;
}

/* Puts the change back into its old place. Few are on their way at a time: the walk is short. */
static void wait_again(struct gci_missed_change *change) {
  struct gci_missed_list *list = change->list;
  struct gcache_link_s *at = &list->waiting.head;
  gci_link_unlink(&change->link);
  change->sent = 0;
  change->then = THEN_GONE;
  gci_list_each(link, &list->waiting) {
    if (gci_container_of(link, struct gci_missed_change, link)->age > change->age) break;
    at = link;
  }
  gci_link_insert_after(at, &change->link);
}

/* ------------------------------------------------------------------------------ clearing ---- */

static struct gci_missed_change *change_of(struct gcache_link_s *link) {
  return gci_container_of(link, struct gci_missed_change, link);
}

/* From now on it is found as the clear of its group. */
static void become_clear(struct gci_missed_change *change) {
  struct gci_missed_list *list = change->list;
  leave(list, change);
  change->gentle = 0;
  if (change->sent) {
    change->then = THEN_CLEAR;
  } else {
    change->op = GCACHE_OP_CLEAR;
    change->key_len = 0;
  }
  enter(list, change);
}

/* It can no longer be found. */
static void let_go(struct gci_missed_change *change) {
  leave(change->list, change);
  gci_link_unlink(&change->link);
  change->then = THEN_FORGOTTEN;
  if (!change->sent) free_change(change);
}

/* All changes of the group but `but`. Returns how many there were. */
static size_t let_go_of(struct gci_list *changes, const char *group,
                        const struct gci_missed_change *but) {
  struct gcache_link_s *next;
  size_t n = 0;
  for (struct gcache_link_s *link = changes->head.next; link != &changes->head; link = next) {
    struct gci_missed_change *change = change_of(link);
    next = link->next;
    if (change == but || strcmp(change->group, group) != 0) continue;
    let_go(change);
    n++;
  }
  return n;
}

static struct gci_missed_change *first_of(const struct gci_list *changes, const char *group) {
  gci_list_each(link, changes) {
    if (strcmp(change_of(link)->group, group) == 0) return change_of(link);
  }
  return NULL;
}

/* The change is missed once more. */
static void touch(struct gci_missed_change *change, enum gci_missed_weight weight) {
  struct gci_missed_list *list = change->list;
  if (change->sent && change->then == THEN_GONE) change->then = THEN_AGAIN;
  if (weight == GCI_MISSED_GENTLE || !change->gentle) return;
  change->gentle = 0;
  list->n_gentle--;
}

static struct gci_missed_change *clear_of(const struct gci_missed_list *list, const char *group) {
  return find(list, group, 1, gcache_bytes(NULL, 0));
}

/* For want of room all changes of the group become one clear of it. 0: there are none. */
static int collapse(struct gci_missed_list *list, const char *group) {
  struct gci_missed_change *clear = clear_of(list, group);
  if (clear == NULL) clear = first_of(&list->waiting, group);
  if (clear == NULL) clear = first_of(&list->sent, group);
  if (clear == NULL) return 0;
  size_t n = let_go_of(&list->waiting, clear->group, clear);
  n += let_go_of(&list->sent, clear->group, clear);
  if (is_clear(clear)) {
    touch(clear, GCI_MISSED);
  } else {
    become_clear(clear);
    n++;
  }
  clear->gathers = 1;
  list->owner->dropped += n;
  return 1;
}

/* The same for the group whose removes have waited longest, or are on their way. 0: there are
 * none. */
static int collapse_some(struct gci_missed_list *list) {
  const struct gci_list *lists[] = {&list->waiting, &list->sent};
  for (int i = 0; i < 2; i++) {
    gci_list_each(link, lists[i]) {
      if (!is_clear(change_of(link))) return collapse(list, change_of(link)->group);
    }
  }
  return 0;
}

/* ------------------------------------------------------------------------------ adding ---- */

static struct gci_missed_change *append_within(struct gci_missed_list *list, const char *group,
                                               gcache_op_t op, gcache_bytes_t key,
                                               enum gci_missed_weight weight) {
  const struct gci_missed_terms *terms = list->terms;
  if (list->n >= terms->max || list->bytes + size_of(group, key) > terms->max_bytes) return NULL;
  return append(list, group, op, key, weight);
}

/* Nonzero: the list has taken the change. */
static int add(struct gci_missed_list *list, const char *group, gcache_op_t op, gcache_bytes_t key,
               enum gci_missed_weight weight) {
  if (append_within(list, group, op, key, weight) != NULL) return 1;
  if (collapse(list, group)) {
    list->owner->dropped += op != GCACHE_OP_CLEAR;
    return 1;
  }
  while (collapse_some(list)) {
    if (append_within(list, group, op, key, weight) != NULL) return 1;
  }
  return 0;
}

/* The change that already stands for this one; NULL: none. */
static struct gci_missed_change *same(const struct gci_missed_list *list, const char *group,
                                      int clear, gcache_bytes_t key) {
  struct gci_missed_change *found = clear_of(list, group);
  return clear || (found != NULL && found->gathers) ? found : find(list, group, 0, key);
}

void gci_missed_add(struct gci_missed *missed, const struct gci_missed_terms *terms,
                    const char *group, gcache_op_t op, gcache_bytes_t key,
                    enum gci_missed_weight weight) {
  if (missed->all) return;
  struct gci_missed_list *list = list_of(missed, terms);
  struct gci_missed_change *found = NULL;
  gcache_op_t kept = op == GCACHE_OP_CLEAR ? GCACHE_OP_CLEAR : GCACHE_OP_REMOVE;
  if (list != NULL) found = same(list, group, kept == GCACHE_OP_CLEAR, key);
  if (found != NULL) {
    touch(found, weight);
    return;
  }
  if (list != NULL && add(list, group, kept, key, weight)) return;
  /* Only clears are left, also of groups that are closed here, for which the mark does not
   * stand. */
  missed->dropped++;
  missed->all = 1;
  if (list != NULL) free_list_if_empty(list);
}

int gci_missed_add_clear(struct gci_missed *missed, const struct gci_missed_terms *terms,
                         const char *group) {
  struct gci_missed_list *list = list_of(missed, terms);
  if (list == NULL) return UV_ENOMEM;
  struct gci_missed_change *found = clear_of(list, group);
  if (found != NULL) {
    touch(found, GCI_MISSED);
    return 0;
  }
  if (append(list, group, GCACHE_OP_CLEAR, gcache_bytes(NULL, 0), GCI_MISSED) != NULL) return 0;
  if (collapse(list, group)) return 0;
  free_list_if_empty(list);
  return UV_ENOMEM;
}

/* ------------------------------------------------------------------------------ telling ---- */

size_t gci_missed_count(const struct gci_missed *missed) {
  return (missed->list == NULL ? 0 : missed->list->n) + missed->all;
}

int gci_missed_is_harmless(const struct gci_missed *missed) {
  return !missed->all && (missed->list == NULL || missed->list->n == missed->list->n_gentle);
}

int gci_missed_bars(const struct gci_missed *missed, const char *group, gcache_bytes_t key) {
  const struct gci_missed_list *list = missed->list;
  if (list == NULL) return missed->all;
  return missed->all || find(list, group, 0, key) != NULL || clear_of(list, group) != NULL;
}

int gci_missed_covers(const struct gci_missed *missed, const char *group) {
  if (missed->all) return 1;
  if (missed->list == NULL) return 0;
  const struct gci_missed_change *clear = clear_of(missed->list, group);
  return clear != NULL && clear->gathers && (!clear->sent || clear->then != THEN_GONE);
}

struct gci_missed_change *gci_missed_send(struct gci_missed *missed) {
  if (missed->list == NULL) return NULL;
  struct gcache_link_s *link = gci_list_pop_front(&missed->list->waiting);
  if (link == NULL) return NULL;
  change_of(link)->sent = 1;
  gci_list_push_back(&missed->list->sent, link);
  return change_of(link);
}

void gci_missed_told(struct gci_missed_change *change) {
  struct gci_missed_list *list = change->list;
  int then = change->then;
  if (then == THEN_AGAIN || then == THEN_CLEAR) {
    wait_again(change);
    if (then == THEN_CLEAR) {
      change->op = GCACHE_OP_CLEAR;
      change->key_len = 0;
    }
    return;
  }
  if (then == THEN_GONE) let_go(change);
  free_change(change);
  free_list_if_empty(list);
}

void gci_missed_untold(struct gci_missed_change *change) {
  if (change->then == THEN_FORGOTTEN) {
    gci_missed_told(change);
    return;
  }
  if (change->then == THEN_GONE) change->then = THEN_AGAIN;
  touch(change, GCI_MISSED);
  gci_missed_told(change);
}

/* ------------------------------------------------------------------------------ the end ---- */

size_t gci_missed_forget(struct gci_missed *missed) {
  struct gci_missed_list *list = missed->list;
  struct gcache_link_s *link;
  size_t n = gci_missed_count(missed);
  missed->all = 0;
  missed->list = NULL;
  if (list == NULL) return n;
  list->owner = NULL;
  while ((link = gci_list_front(&list->waiting)) != NULL)
    let_go(change_of(link));
  while ((link = gci_list_front(&list->sent)) != NULL)
    let_go(change_of(link));
  free_list_if_empty(list);
  return n;
}

void gci_missed_move(struct gci_missed *to, struct gci_missed *from) {
  *to = *from;
  *from = (struct gci_missed){0};
  if (to->list != NULL) to->list->owner = to;
}
