/* base/bytes - see bytes.h. Owns nothing; only reading a number can fail. */
#include "base/bytes.h"

static unsigned char lower(unsigned char c) {
  return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

int gci_bytes_same_nocase(gcache_bytes_t a, gcache_bytes_t b) {
  const unsigned char *x = a.base, *y = b.base;
  for (size_t i = 0; i < a.len; i++) {
    if (lower(x[i]) != lower(y[i])) return 0;
  }
  return 1;
}

int gci_bytes_to_u64(gcache_bytes_t text, uint64_t *out) {
  const unsigned char *digits = text.base;
  uint64_t n = 0;
  if (text.len == 0) return -1;
  for (size_t i = 0; i < text.len; i++) {
    if (digits[i] < '0' || digits[i] > '9') return -1;
    uint64_t digit = (uint64_t)(digits[i] - '0');
    if (n > (UINT64_MAX - digit) / 10) return -1;
    n = n * 10 + digit;
  }
  *out = n;
  return 0;
}

gcache_bytes_t gcache_bytes(const void *base, size_t len) {
  return (gcache_bytes_t){base, len};
}

gcache_bytes_t gcache_cstr(const char *zero_terminated) {
  return (gcache_bytes_t){zero_terminated, zero_terminated == NULL ? 0 : strlen(zero_terminated)};
}
