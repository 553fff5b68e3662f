/* base/escape - see escape.h. Owns nothing; fails on a '%' that no two hex digits follow. */
#include "base/escape.h"

#include <string.h>

static const char hex_digits[] = "0123456789ABCDEF";

static int stays(unsigned char c, const char *stay) {
  switch (c) {
  case '-':
  case '_':
  case '.':
  case '~':
    return 1;
  default:
    if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) return 1;
    return c != '\0' && strchr(stay, c) != NULL;
  }
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
  for (size_t i = 0; i < raw.len; i++) {
    if (!stays(in[i], stay)) size += 2;
  }
  return size;
}

size_t gci_escape(char *out, gcache_bytes_t raw, const char *stay) {
  const unsigned char *in = raw.base;
  size_t n = 0;
  for (size_t i = 0; i < raw.len; i++) {
    if (stays(in[i], stay)) {
      out[n++] = (char)in[i];
      continue;
    }
    out[n++] = '%';
    out[n++] = hex_digits[in[i] >> 4];
    out[n++] = hex_digits[in[i] & 15];
  }
  return n;
}

int gci_unescape(char *out, gcache_bytes_t text, size_t *len) {
  const unsigned char *in = text.base;
  size_t n = 0;
  for (size_t i = 0; i < text.len; i++) {
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
