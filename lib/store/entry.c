/* store/entry - see entry.h. Owns the block, and a reference to a long value. */
#include "store/entry.h"

/* Where a short value's bytes are, counted from the head. */
static size_t lodge_offset(size_t key_len) {
  return sizeof(struct gci_entry) - offsetof(struct gci_entry, head) + key_len;
}

static int can_lodge(gcache_bytes_t key, size_t len) {
  return len <= GCI_LODGE_MAX_LEN && lodge_offset(key.len) <= GCI_LODGE_MAX_OFFSET;
}

/* A short value's windows are in front of the entry; a long value has its own beside it. */
static size_t front_size(int timed, int lodges, int windowed) {
  size_t windows = lodges && windowed ? GCI_LODGE_BEFORE_WINDOWED : 0;
  if (timed) return windows + sizeof(struct gci_entry_front);
  return lodges ? windows : sizeof(gcache_value_t *);
}

static size_t block_size(size_t key_len, size_t lodged_len, size_t front) {
  return front + sizeof(struct gci_entry) + key_len + lodged_len;
}

static size_t sum(size_t a, size_t b) {
  return a > SIZE_MAX - b ? SIZE_MAX : a + b;
}

struct gci_entry *gci_entry_new(struct gci_mem *mem, gcache_bytes_t key, gcache_value_t *value) {
  int timed = gcache_value_expire(value) != GCACHE_NEVER;
  size_t len = gcache_value_bytes(value).len;
  int lodges = can_lodge(key, len);
  size_t front = front_size(timed, lodges, gci_value_windows(value) != NULL);
  char *block = gci_mem_alloc(mem, block_size(key.len, lodges ? len : 0, front));
  if (block == NULL) return NULL;
  struct gci_entry *entry = (struct gci_entry *)(void *)(block + front);
  entry->bits = 0;
  entry->key_len = key.len & GCI_ENTRY_MAX_KEY;
  entry->plain = lodges && !timed;
  if (key.len > 0) memcpy(entry->key, key.base, key.len);
  if (lodges) {
    gci_value_lodge(&entry->head, lodge_offset(key.len), value);
  } else {
    entry->head = (struct gcache_value_s){.timed = timed & 1};
    gci_entry_front(entry)->value = gcache_value_ref(value);
  }
  return entry;
}

void gci_entry_free(struct gci_mem *mem, struct gci_entry *entry) {
  if (gci_value_lodges(&entry->head)) {
    gci_value_evict(&entry->head, mem);
    return;
  }
  gcache_value_t *value = gci_entry_value(entry);
  size_t front = front_size(gci_entry_is_timed(entry), 0, 0);
  gci_mem_free(mem, (char *)entry - front, block_size(entry->key_len, 0, front));
  gcache_value_unref(value);
}

size_t gci_entry_cost_of(gcache_bytes_t key, const gcache_value_t *value) {
  int timed = gcache_value_expire(value) != GCACHE_NEVER;
  size_t len = gcache_value_bytes(value).len;
  int lodges = can_lodge(key, len);
  size_t front = front_size(timed, lodges, gci_value_windows(value) != NULL);
  size_t block = gci_mem_cost(block_size(key.len, lodges ? len : 0, front));
  return lodges ? block : sum(block, gci_value_cost(value));
}

size_t gci_entry_cost(const struct gci_entry *entry) {
  if (gci_value_lodges(&entry->head)) return gci_value_cost(&entry->head);
  size_t front = front_size(gci_entry_is_timed(entry), 0, 0);
  size_t block = gci_mem_cost(block_size(entry->key_len, 0, front));
  return sum(block, gci_value_cost(gci_entry_front(entry)->value));
}
