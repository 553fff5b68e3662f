/* keys - keys of every kind that a cluster may meet, made from a number: equal numbers give equal
 * keys. */
#ifndef LIVE_KEYS_H
#define LIVE_KEYS_H

#include <stddef.h>

#define KEY_MAX_LEN 200
#define KEY_KINDS 12

struct key {
  char bytes[KEY_MAX_LEN + 1];
  size_t len;
  char escaped[3 * KEY_MAX_LEN + 1]; /* for a query */
};

/* Kind i % KEY_KINDS; among KEY_KINDS successive numbers all kinds occur. salt keeps sets apart. */
void key_make(struct key *key, const char *salt, unsigned i);
void key_of(struct key *key, const char *text);
int key_has_space(const struct key *key);

#endif
