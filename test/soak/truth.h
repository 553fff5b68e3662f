/* truth - shared by all processes of a soak, in memory that outlives each of them: the source of
 * the values (one version per key), the oldest version that an answer may have, and what every
 * member has observed.
 *
 * A writer takes the key's lock, raises its version, and has the cluster remove the key, again and
 * again until every member has done so; then the floor rises to that version: from now on an older
 * answer, to a get that began later, is wrong (P2). A value names its key and version and is
 * checked to its last byte. */
#ifndef SOAK_TRUTH_H
#define SOAK_TRUTH_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { TRUTH_KEYS = 1000, TRUTH_MEMBERS = 5 };

struct truth_key {
  _Atomic uint32_t version; /* in the source */
  _Atomic uint32_t floor;
  _Atomic int32_t lock;     /* slot of the member that writes it, + 1; 0: free */
  _Atomic uint32_t running; /* members whose getter runs for it, a bit each */
  _Atomic uint32_t running_version;
  _Atomic uint64_t changed_ms; /* when the last change of it ended */
};

struct truth_member {
  _Atomic uint64_t gets, values, timeouts, busy, failures, cancelled;
  _Atomic uint64_t loads, changes, partial, given;
  _Atomic uint64_t wrong, late, worst_ms;
  _Atomic uint64_t memory_bytes, rss_kib, in_flight;
  _Atomic uint64_t pending; /* gets that owe their callback */
  _Atomic int swept, read;  /* at the end: what was ordered is done */
  char words[200];          /* of the first wrong answer */
};

struct truth {
  struct truth_key keys[TRUTH_KEYS];
  struct truth_member members[TRUTH_MEMBERS];
  _Atomic uint64_t disturbed_ms; /* when the last fault began or ended, monotonic */
  _Atomic uint64_t doubles, doubles_calm;
  _Atomic int writing; /* writers may begin */
};

/* Shared with the processes that inherit the descriptor. NULL: it cannot be had. */
struct truth *truth_new(int *fd);
struct truth *truth_open(int fd);

uint64_t truth_now_ms(void);

#define TRUTH_KEY_LEN 16
void truth_key_text(unsigned key, char text[TRUTH_KEY_LEN]);
int truth_key_number(const void *text, size_t len); /* -1: none of ours */

size_t truth_value_size(unsigned key);
uint64_t truth_value_ttl_ms(unsigned key);                         /* 0: for ever */
void truth_value_write(unsigned key, uint32_t version, char *out); /* truth_value_size() bytes */
/* The version of a value of that key; 0: it is none. Versions begin with 1. */
uint32_t truth_value_read(unsigned key, const char *value, size_t len);

/* A getter of that member begins and ends; two at a time for one version are counted, in calm those
 * of keys that no change has touched meanwhile, after which another may begin (P1), and that do not
 * expire, perhaps on their way to who asked. */
uint32_t truth_load_begin(struct truth *truth, unsigned key, int member);
void truth_load_end(struct truth *truth, unsigned key, int member);
void truth_raise_floor(struct truth *truth, unsigned key, uint32_t version);
/* That member was killed: what it held is free. */
void truth_buried(struct truth *truth, int member);

#endif
