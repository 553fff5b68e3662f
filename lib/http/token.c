/* http/token - see token.h. */
#include "http/token.h"

/* A byte per byte: heads are mostly tokens, and this is faster than a bit per byte. */
static const unsigned char is_token[256] = {
    [0x20] = 0, 1, 0, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 1, 1, 0,
    [0x30] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0,
    [0x40] = 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    [0x50] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1,
    [0x60] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    [0x70] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0,
};

const unsigned char *gci_http_skip_token(const unsigned char *p, const unsigned char *stop) {
  for (; stop - p >= 4; p += 4) {
    if (!(is_token[p[0]] & is_token[p[1]] & is_token[p[2]] & is_token[p[3]])) break;
  }
  while (p < stop && is_token[*p])
    p++;
  return p;
}
