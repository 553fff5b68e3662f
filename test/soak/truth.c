#include "truth.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CALM_MS 10000 /* after the last fault a key has one getter again */
#define RUN_MS 200    /* a getter takes less */
#define HEAD_LEN 32

struct truth *truth_open(int fd) {
  void *map = mmap(NULL, sizeof(struct truth), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return map == MAP_FAILED ? NULL : map;
}

struct truth *truth_new(int *fd) {
  *fd = memfd_create("soak", 0);
  if (*fd < 0 || ftruncate(*fd, sizeof(struct truth)) < 0) return NULL;
  struct truth *truth = truth_open(*fd);
  for (int k = 0; truth != NULL && k < TRUTH_KEYS; k++)
    atomic_store(&truth->keys[k].version, 1);
  return truth;
}

uint64_t truth_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ------------------------------------------------------------------------------------ keys ---- */

void truth_key_text(unsigned key, char text[TRUTH_KEY_LEN]) {
  snprintf(text, TRUTH_KEY_LEN, "key/%u", key);
}

int truth_key_number(const void *text, size_t len) {
  char own[TRUTH_KEY_LEN];
  unsigned key;
  if (len >= sizeof own) return -1;
  memcpy(own, text, len);
  own[len] = '\0';
  return sscanf(own, "key/%u", &key) == 1 && key < TRUTH_KEYS ? (int)key : -1;
}

/* ---------------------------------------------------------------------------------- values ---- */

/* Small ones, some that a fast lane does not carry, a few of a megabyte. */
size_t truth_value_size(unsigned key) {
  if (key % 200 == 7) return 1 << 20;
  if (key % 20 == 3) return 100 * 1024;
  return 100 + key * 3 % 2000;
}

uint64_t truth_value_ttl_ms(unsigned key) {
  return key % 3 == 0 ? 3000 : 0;
}

static unsigned char filler(unsigned key, uint32_t version, size_t at) {
  return (unsigned char)(key * 31 + version * 17 + at % 251);
}

void truth_value_write(unsigned key, uint32_t version, char *out) {
  size_t size = truth_value_size(key);
  char head[HEAD_LEN + 1];
  snprintf(head, sizeof head, "%10u %20u ", key, version);
  memcpy(out, head, HEAD_LEN);
  for (size_t i = HEAD_LEN; i < size; i++)
    out[i] = (char)filler(key, version, i);
}

uint32_t truth_value_read(unsigned key, const char *value, size_t len) {
  char head[HEAD_LEN + 1];
  unsigned named, version;
  if (len != truth_value_size(key)) return 0;
  memcpy(head, value, HEAD_LEN);
  head[HEAD_LEN] = '\0';
  if (sscanf(head, "%u %u", &named, &version) != 2 || named != key) return 0;
  for (size_t i = HEAD_LEN; i < len; i++)
    if ((unsigned char)value[i] != filler(key, version, i)) return 0;
  return version;
}

/* ----------------------------------------------------------------------------------- loads ---- */

static int is_calm(struct truth *truth, const struct truth_key *k) {
  uint64_t now_ms = truth_now_ms();
  return now_ms > atomic_load(&truth->disturbed_ms) + CALM_MS && atomic_load(&k->lock) == 0 &&
         now_ms > atomic_load(&k->changed_ms) + RUN_MS;
}

uint32_t truth_load_begin(struct truth *truth, unsigned key, int member) {
  struct truth_key *k = &truth->keys[key];
  uint32_t version = atomic_load(&k->version);
  uint32_t others = atomic_fetch_or(&k->running, 1u << member);
  uint32_t before = atomic_exchange(&k->running_version, version);
  if (others != 0 && before == version) {
    atomic_fetch_add(&truth->doubles, 1);
    if (is_calm(truth, k) && truth_value_ttl_ms(key) == 0)
      atomic_fetch_add(&truth->doubles_calm, 1);
  }
  return version;
}

void truth_load_end(struct truth *truth, unsigned key, int member) {
  atomic_fetch_and(&truth->keys[key].running, ~(1u << member));
}

void truth_raise_floor(struct truth *truth, unsigned key, uint32_t version) {
  struct truth_key *k = &truth->keys[key];
  uint32_t floor = atomic_load(&k->floor);
  atomic_store(&k->changed_ms, truth_now_ms());
  while (floor < version && !atomic_compare_exchange_weak(&k->floor, &floor, version))
    continue;
}

void truth_buried(struct truth *truth, int member) {
  for (unsigned k = 0; k < TRUTH_KEYS; k++) {
    int32_t own = member + 1;
    truth_load_end(truth, k, member);
    atomic_compare_exchange_strong(&truth->keys[k].lock, &own, 0);
  }
}
