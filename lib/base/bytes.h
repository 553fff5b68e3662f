/* base/bytes - small functions on gcache_bytes_t. Borrows everything, allocates nothing. */
#ifndef GCI_BASE_BYTES_H
#define GCI_BASE_BYTES_H

#include <string.h>

#include "gcache/gcache.h"

/* A string literal as bytes. */
#define GCI_LIT(s) ((gcache_bytes_t){"" s, sizeof(s) - 1})

static inline int gci_bytes_equal(gcache_bytes_t a, gcache_bytes_t b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.base, b.base, a.len) == 0);
}

static inline int gci_bytes_begins(gcache_bytes_t text, gcache_bytes_t prefix) {
  return text.len >= prefix.len &&
         (prefix.len == 0 || memcmp(text.base, prefix.base, prefix.len) == 0);
}

/* Without the first n bytes; n <= text.len. */
static inline gcache_bytes_t gci_bytes_skip(gcache_bytes_t text, size_t n) {
  gcache_bytes_t rest = {n == 0 ? text.base : (const char *)text.base + n, text.len - n};
  return rest;
}

/* Nonzero: equal without regard to the case of ASCII letters. For two of equal length. */
int gci_bytes_same_nocase(gcache_bytes_t a, gcache_bytes_t b);
static inline int gci_bytes_equal_nocase(gcache_bytes_t a, gcache_bytes_t b) {
  return a.len == b.len &&
         (a.len == 0 || memcmp(a.base, b.base, a.len) == 0 || gci_bytes_same_nocase(a, b));
}

/* Decimal digits only, no sign, no space, the whole text; -1: anything else, or over UINT64_MAX. */
int gci_bytes_to_u64(gcache_bytes_t text, uint64_t *out);

#endif
