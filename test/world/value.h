/* world/value - keys and values that identify themselves: the bytes of a value carry the serial of
 * its birth, its key and its size, and every byte depends on its position, so that a lost, repeated
 * or moved byte is noticed. */
#ifndef WORLD_VALUE_H
#define WORLD_VALUE_H

#include "gcache/gcache.h"

#define WORLD_VALUE_LEAST 24

struct world_value {
  uint64_t serial;
  unsigned key;
  size_t size;
};

void world_value_write(void *bytes, const struct world_value *v); /* v->size of them */
/* Nonzero: these are the bytes of a value that was made, all of them. */
int world_value_read(gcache_bytes_t bytes, struct world_value *v);

/* Returned is its length; some have bytes that travel escaped. */
size_t world_key_write(unsigned key, char out[32]);
int world_key_read(gcache_bytes_t key, unsigned *out);

/* What a getter says when it fails, and the serial that such words name; 0: none. */
void world_reason_write(char out[48], uint64_t serial, int hinted);
uint64_t world_reason_read(const char *reason, int *hinted);

#endif
