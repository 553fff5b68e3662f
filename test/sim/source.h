/* sim/source - the source of truth: the bytes of the values, and the getters that make them.
 *
 * A value identifies its origin: its bytes carry the serial number of its birth, its key and its
 * size. When a getter begins, it decides what it will answer and when, and keeps to that; only the
 * hint that no caller waits may make it fail earlier. */
#ifndef SIM_SOURCE_H
#define SIM_SOURCE_H

#include "gcache/gcache.h"
#include "world.h"

struct gci_mem;
struct sim_member;
struct sim_cluster;

struct sim_value {
  uint64_t serial;
  unsigned key;
  size_t size;
  int64_t expire_unix_ns;
  int has_windows; /* of its own */
  gcache_windows_t windows;
};

#define SIM_VALUE_LEAST 24 /* bytes of the smallest value */

/* One reference, the caller's. */
gcache_value_t *sim_value_make(struct gci_mem *mem, const struct sim_value *v);
/* Nonzero: the bytes are those of a value that was made, all of them. */
int sim_value_read(gcache_value_t *value, struct sim_value *v);
/* Windows of its own, now and then, where the schedule is one of freshness; told to the oracle, which
 * must know the value. */
void sim_value_freshen(struct sim_cluster *c, struct sim_value *v);
size_t sim_value_some_size(struct sim_cluster *c);

/* "key-7"; returned is its length. */
size_t sim_key_write(unsigned key, char out[16]);
int sim_key_read(gcache_bytes_t key, unsigned *out);

/* The group's callbacks; gcache_group_data() is the struct sim_group. */
void sim_source_asked(gcache_load_t *load);
void sim_source_hinted(gcache_load_t *load);
void sim_source_forget(struct sim_member *m); /* it has crashed */

/* The serial that a reason names, 0: none. *hinted: the run gave up because nobody waited. */
uint64_t sim_source_cause(const char *reason, int *hinted);

#endif
