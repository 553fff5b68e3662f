#include "door/range.h"

#include <arpa/inet.h>
#include <string.h>
#include <uv.h>

#define MAPPED_BITS 96 /* bits before an IPv4 address that is mapped into IPv6 */

/* The number behind the slash. UV_EINVAL: not plain digits, or more than max. */
static int read_bits(unsigned *out, const char *digits, unsigned max) {
  unsigned bits = 0;
  size_t len = strlen(digits);

  if (len == 0 || len > 3 || (digits[0] == '0' && len > 1)) return UV_EINVAL;
  for (size_t i = 0; i < len; i++) {
    if (digits[i] < '0' || digits[i] > '9') return UV_EINVAL;
    bits = bits * 10 + (unsigned)(digits[i] - '0');
  }
  *out = bits;
  return bits <= max ? 0 : UV_EINVAL;
}

static unsigned char mask_of_byte(unsigned bits, size_t i) {
  unsigned before = (unsigned)i * 8;

  if (bits >= before + 8) return 0xff;
  return bits <= before ? 0 : (unsigned char)(0xff << (before + 8 - bits));
}

static int has_bits_behind(const struct gci_range *range) {
  for (size_t i = 0; i < sizeof range->first.bytes; i++)
    if (range->first.bytes[i] & (unsigned char)~mask_of_byte(range->bits, i)) return 1;
  return 0;
}

int gci_range_read(struct gci_range *out, const char *text) {
  char address[INET6_ADDRSTRLEN];
  unsigned char ipv4[4];
  const char *slash = strchr(text, '/');
  size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
  unsigned from;

  memset(out, 0, sizeof *out);
  if (strcmp(text, "unix") == 0) {
    out->is_unix = 1;
    return 0;
  }
  if (len == 0 || len >= sizeof address) return UV_EINVAL;
  memcpy(address, text, len);
  address[len] = '\0';
  if (inet_pton(AF_INET, address, ipv4) == 1)
    from = MAPPED_BITS;
  else if (inet_pton(AF_INET6, address, out->first.bytes) == 1)
    from = 0;
  else
    return UV_EINVAL;
  gci_address_read(&out->first, address);
  out->bits = 128 - from;
  if (slash != NULL && read_bits(&out->bits, slash + 1, 128 - from) < 0) return UV_EINVAL;
  out->bits += from;
  return has_bits_behind(out) ? UV_EINVAL : 0;
}

int gci_range_has(const struct gci_range *range, const struct gci_address *a) {
  size_t whole = range->bits / 8;
  unsigned char mask;

  if (range->is_unix || !gci_address_known(a)) return 0;
  if (memcmp(range->first.bytes, a->bytes, whole) != 0) return 0;
  if (range->bits % 8 == 0) return 1;
  mask = mask_of_byte(range->bits, whole);
  return (a->bytes[whole] & mask) == range->first.bytes[whole];
}
