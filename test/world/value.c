#include "value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static unsigned char byte_at(const struct world_value *v, size_t i) {
  return (unsigned char)((v->serial * 31 + i * 7 + (i >> 8)) & 0xff);
}

void world_value_write(void *bytes, const struct world_value *v) {
  uint64_t head[3] = {v->serial, v->key, v->size};
  unsigned char *at = bytes;
  memcpy(at, head, sizeof head);
  for (size_t i = sizeof head; i < v->size; i++)
    at[i] = byte_at(v, i);
}

int world_value_read(gcache_bytes_t bytes, struct world_value *v) {
  uint64_t head[3];
  const unsigned char *at = bytes.base;
  if (bytes.len < sizeof head) return 0;
  memcpy(head, at, sizeof head);
  *v = (struct world_value){.serial = head[0], .key = (unsigned)head[1], .size = bytes.len};
  if (head[2] != bytes.len) return 0;
  for (size_t i = sizeof head; i < v->size; i++)
    if (at[i] != byte_at(v, i)) return 0;
  return 1;
}

size_t world_key_write(unsigned key, char out[32]) {
  static const char *const before[] = {"k", "key-of-more-than-8-bytes-", "k/", "\xc3\xa4 "};
  static const char *const after[] = {"", "", "?%&", "\r\n"};
  return (size_t)snprintf(out, 32, "%s%02u%s", before[key % 4], key, after[key % 4]);
}

static int is_digit(char c) {
  return c >= '0' && c <= '9';
}

int world_key_read(gcache_bytes_t key, unsigned *out) {
  const char *at = key.base;
  char expected[32];
  size_t i = 0;
  *out = 0;
  while (i + 1 < key.len && !(is_digit(at[i]) && is_digit(at[i + 1])))
    i++;
  for (; i < key.len && is_digit(at[i]); i++)
    *out = *out * 10 + (unsigned)(at[i] - '0');
  return world_key_write(*out, expected) == key.len && memcmp(expected, at, key.len) == 0;
}

void world_reason_write(char out[48], uint64_t serial, int hinted) {
  snprintf(out, 48, "%s %" PRIu64, hinted ? "hinted" : "run", serial);
}

uint64_t world_reason_read(const char *reason, int *hinted) {
  uint64_t serial = 0;
  *hinted = 0;
  if (sscanf(reason, "run %" SCNu64, &serial) == 1) return serial;
  if (sscanf(reason, "hinted %" SCNu64, &serial) != 1) return 0;
  *hinted = 1;
  return serial;
}
