/* base/escape - see escape.h. Owns nothing; fails on a '%' without two hex digits after it. */
#include "base/escape.h"

#include <string.h>

static const char hex_digits[] = "0123456789ABCDEF";

/* RFC 3986, 2.3: A-Z a-z 0-9 - . _ ~ by code; none beyond ASCII. */
/* clang-format off */
static const unsigned char unreserved[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0,
    0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1,
    0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0,
};
/* clang-format on */

/* The position, from `at` on, of the first byte that is not unreserved. */
static size_t skip_unreserved(gcache_bytes_t raw, size_t at) {
  const unsigned char *in = raw.base;
  while (at < raw.len && unreserved[in[at]])
    at++;
  return at;
}

static int is_said_to_stay(unsigned char c, const char *stay) {
  return c != '\0' && strchr(stay, c) != NULL;
}

static int hex_value(unsigned char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

size_t gci_escape_size(gcache_bytes_t raw, const char *stay) {
  const unsigned char *in = raw.base;
  size_t size = raw.len;
  for (size_t i = skip_unreserved(raw, 0); i < raw.len; i = skip_unreserved(raw, i + 1)) {
    if (!is_said_to_stay(in[i], stay)) size += 2;
  }
  return size;
}

size_t gci_escape(char *out, gcache_bytes_t raw, const char *stay) {
  const unsigned char *in = raw.base;
  size_t n = 0, end;
  for (size_t i = 0; i < raw.len; i = end + 1) {
    end = skip_unreserved(raw, i);
    memcpy(out + n, in + i, end - i);
    n += end - i;
    if (end == raw.len) break;
    if (is_said_to_stay(in[end], stay)) {
      out[n++] = (char)in[end];
      continue;
    }
    out[n++] = '%';
    out[n++] = hex_digits[in[end] >> 4];
    out[n++] = hex_digits[in[end] & 15];
  }
  return n;
}

int gci_unescape(char *out, gcache_bytes_t text, size_t *len) {
  const unsigned char *in = text.base;
  const unsigned char *percent = text.len == 0 ? NULL : memchr(in, '%', text.len);
  size_t n = percent == NULL ? text.len : (size_t)(percent - in);
  if (n > 0) memmove(out, in, n);
  for (size_t i = n; i < text.len; i++) {
    if (in[i] != '%') {
      out[n++] = (char)in[i];
      continue;
    }
    if (text.len - i < 3) return -1;
    int high = hex_value(in[i + 1]), low = hex_value(in[i + 2]);
    if (high < 0 || low < 0) return -1;
    out[n++] = (char)(high << 4 | low);
    i += 2;
  }
  *len = n;
  return 0;
}

void gci_escape_for_log(char *out, size_t cap, gcache_bytes_t text) {
  const unsigned char *in = text.base;
  size_t n = 0;
  if (cap == 0) return;
  for (size_t i = 0; i < text.len; i++) {
    int printable = in[i] >= 0x20 && in[i] < 0x7f;
    if (cap - 1 - n < (printable ? 1u : 4u)) break;
    if (printable) {
      out[n++] = (char)in[i];
      continue;
    }
    out[n++] = '\\';
    out[n++] = 'x';
    out[n++] = hex_digits[in[i] >> 4];
    out[n++] = hex_digits[in[i] & 15];
  }
  out[n] = '\0';
}
