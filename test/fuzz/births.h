/* births - the oldest value that may be delivered, known from the value alone: a value carries its
 * group's generation, its key and its birth: the beginning of the load or request from which it
 * comes. A set may take its place among other changes at any time until it has ended: that is when
 * its value is born. For each key the beginning of the latest change that has reported success is
 * kept: from then on nothing older may be delivered (P2). All numbers come from one count of
 * everything that begins. */
#ifndef TEST_FUZZ_BIRTHS_H
#define TEST_FUZZ_BIRTHS_H

#include <stdio.h>
#include <string.h>

#include "gcache/gcache.h"
#include "target.h"

enum { BIRTH_KEYS = 16, BIRTH_SIZE_MAX = 70000, BIRTH_SETS = 4097 };

struct birth {
  unsigned generation, key, at;
  unsigned set; /* 0: of no set */
};

struct births {
  unsigned now;
  unsigned generation;
  unsigned least[BIRTH_KEYS]; /* of the group that is open */
  unsigned n_sets;
  unsigned set_ended[BIRTH_SETS]; /* 0: it is under way */
};

static inline unsigned births_next(struct births *b) {
  return ++b->now;
}

static inline unsigned births_set_begun(struct births *b) {
  fuzz_check(b->n_sets + 1 < BIRTH_SETS, "no more sets than bytes");
  return ++b->n_sets;
}

static inline void births_set_ended(struct births *b, unsigned set) {
  b->set_ended[set] = births_next(b);
}

/* Another group of the same name: nothing of the one before is to be seen. */
static inline void births_renew(struct births *b) {
  b->generation++;
  memset(b->least, 0, sizeof b->least);
}

static inline void births_changed(struct births *b, unsigned key, unsigned at) {
  if (b->least[key] < at) b->least[key] = at;
}

static inline void births_cleared(struct births *b, unsigned at) {
  for (unsigned key = 0; key < BIRTH_KEYS; key++)
    births_changed(b, key, at);
}

/* Some keys are long, one is empty. */
static inline gcache_bytes_t birth_key(unsigned key, char room[64]) {
  static const size_t lens[BIRTH_KEYS] = {0, 1, 8, 9, 16, 17, 60, 64, 3, 3, 12, 12, 12, 12, 12, 12};
  memset(room, 'a' + (int)key, 64);
  return gcache_bytes(room, lens[key]);
}

static inline unsigned birth_key_number(gcache_bytes_t key) {
  unsigned n = key.len == 0 ? 0 : (unsigned)(*(const char *)key.base - 'a');
  char room[64];
  fuzz_check(n < BIRTH_KEYS && birth_key(n, room).len == key.len, "a key of ours");
  return n;
}

static inline gcache_value_t *birth_value(gcache_t *cache, struct birth birth, size_t size,
                                          uint64_t ttl_ms) {
  static unsigned char bytes[BIRTH_SIZE_MAX];
  memset(bytes, (int)(birth.at & 0xff), sizeof birth + size);
  memcpy(bytes, &birth, sizeof birth);
  return gcache_value_copy(cache, gcache_bytes(bytes, sizeof birth + size),
                           ttl_ms == 0 ? GCACHE_NEVER : gcache_expire_in(cache, ttl_ms));
}

static inline void birth_words(struct birth birth, char words[64]) {
  snprintf(words, 64, "%u %u %u", birth.generation, birth.key, birth.at);
}

static inline unsigned birth_at(const struct births *b, struct birth birth) {
  if (birth.set == 0) return birth.at;
  return b->set_ended[birth.set] == 0 ? b->now : b->set_ended[birth.set];
}

/* least: as it was when the question was asked. */
static inline void birth_check(const struct births *b, struct birth birth, unsigned key,
                               unsigned least) {
  fuzz_check(birth.generation == b->generation, "it is of this group");
  fuzz_check(birth.key == key, "it is of the key");
  fuzz_check(birth_at(b, birth) >= least, "nothing from before a change is delivered");
  fuzz_check(birth.at <= b->now, "it was born");
}

static inline void birth_check_value(const struct births *b, const gcache_value_t *value,
                                     unsigned key, unsigned least) {
  gcache_bytes_t bytes = gcache_value_bytes(value);
  const unsigned char *p = bytes.base;
  struct birth birth;
  fuzz_check(bytes.len >= sizeof birth, "a value of ours");
  memcpy(&birth, p, sizeof birth);
  birth_check(b, birth, key, least);
  for (size_t i = sizeof birth; i < bytes.len; i++)
    fuzz_check(p[i] == (birth.at & 0xff), "a value is whole");
}

static inline void birth_check_words(const struct births *b, const char *words, unsigned key,
                                     unsigned least) {
  struct birth birth = {.set = 0};
  if (sscanf(words, "%u %u %u", &birth.generation, &birth.key, &birth.at) == 3)
    birth_check(b, birth, key, least);
}

#endif
