#include "floor.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static uint64_t hash_of(const struct floor *floor, const char key[KEY_SIZE]) {
  return XXH3_64bits_withSecret(key, KEY_SIZE, floor->secret, sizeof floor->secret) | 1;
}

static void add(struct floor *floor, uint64_t i, size_t value_bytes) {
  struct floor_item *item = malloc(sizeof *item + value_bytes);
  if (item == NULL) bench_need(UV_ENOMEM, "floor");
  bench_key(item->key, i);
  memset(item->value, 0, value_bytes);
  uint64_t hash = hash_of(floor, item->key);
  size_t at = hash >> 32 & floor->mask;
  while (floor->slots[at].hash != 0)
    at = (at + 1) & floor->mask;
  floor->slots[at] = (struct floor_slot){hash, item};
}

/* Between 3/8 and 3/4 of the slots are in use. */
void floor_open(struct floor *floor, uint64_t n, size_t value_bytes) {
  uint64_t random = 88172645463325252u;
  size_t n_slots = 1;
  for (size_t i = 0; i < sizeof floor->secret; i++)
    floor->secret[i] = (unsigned char)bench_random(&random);
  while (n_slots < n + n / 3)
    n_slots *= 2;
  floor->slots = calloc(n_slots, sizeof *floor->slots);
  if (floor->slots == NULL) bench_need(UV_ENOMEM, "floor");
  floor->mask = n_slots - 1;
  floor->n_items = n;
  for (uint64_t i = 0; i < n; i++)
    add(floor, i, value_bytes);
}

void floor_close(struct floor *floor) {
  for (size_t i = 0; i <= floor->mask; i++)
    free(floor->slots[i].item);
  free(floor->slots);
}

const struct floor_item *floor_find(const struct floor *floor, const char key[KEY_SIZE]) {
  uint64_t hash = hash_of(floor, key);
  size_t at = hash >> 32 & floor->mask;
  for (; floor->slots[at].hash != 0; at = (at + 1) & floor->mask) {
    const struct floor_slot *slot = &floor->slots[at];
    if (slot->hash == hash && memcmp(slot->item->key, key, KEY_SIZE) == 0) return slot->item;
  }
  return NULL;
}
