/* http/token - which bytes are allowed where in a head (RFC 9110, RFC 9112). Pure functions; cannot
 * fail. */
#ifndef GCI_HTTP_TOKEN_H
#define GCI_HTTP_TOKEN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A bit per byte. Looked up once for every byte of every head, so without a branch. */
struct gci_http_set {
  uint64_t bits[4];
};

static inline int gci_http_in_set(const struct gci_http_set *set, unsigned char c) {
  return (int)(set->bits[c >> 6] >> (c & 63) & 1);
}

/* Letters, digits and ! # $ % & ' * + - . ^ _ ` | ~ */
static inline int gci_http_is_token(unsigned char c) {
  static const struct gci_http_set token = {{0x03ff6cfa00000000, 0x57ffffffc7fffffe}};
  return gci_http_in_set(&token, c);
}

/* The first byte of [p, stop) that cannot be in a token. */
const unsigned char *gci_http_skip_token(const unsigned char *p, const unsigned char *stop);

/* Content of a field or a reason phrase: all but control bytes; a tab is fine. */
static inline int gci_http_is_field(unsigned char c) {
  static const struct gci_http_set field = {
      {0xffffffff00000200, 0x7fffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff}};
  return gci_http_in_set(&field, c);
}

/* The first byte of [p, stop) that is not field content. Eight at a time while none is a control
 * byte: the subtractions borrow into the top bit of a byte below 0x20, or of one that was 0x7f. */
static inline const unsigned char *gci_http_skip_field(const unsigned char *p,
                                                       const unsigned char *stop) {
  const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
  while (stop - p >= 8) {
    uint64_t eight;
    memcpy(&eight, p, sizeof eight);
    uint64_t is_del = eight ^ 0x7f * ones;
    uint64_t control = ((eight - 0x20 * ones) & ~eight) | ((is_del - ones) & ~is_del);
    if (control & tops) break;
    p += 8;
  }
  while (p < stop && gci_http_is_field(*p))
    p++;
  return p;
}

/* Of a request target: visible ASCII. A fragment is never sent, so no '#'. */
static inline int gci_http_is_target(unsigned char c) {
  static const struct gci_http_set target = {{0xfffffff600000000, 0x7fffffffffffffff}};
  return gci_http_in_set(&target, c);
}

/* The first byte of [p, stop) that cannot be in a target. Eight at a time, as above: none below
 * 0x21, none that is '#' or 0x7f, none of the upper half. */
static inline const unsigned char *gci_http_skip_target(const unsigned char *p,
                                                        const unsigned char *stop) {
  const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
  while (stop - p >= 8) {
    uint64_t eight;
    memcpy(&eight, p, sizeof eight);
    uint64_t is_del = eight ^ 0x7f * ones, is_hash = eight ^ '#' * ones;
    uint64_t low = (eight - 0x21 * ones) & ~eight;
    uint64_t odd = ((is_del - ones) & ~is_del) | ((is_hash - ones) & ~is_hash);
    if ((low | odd | eight) & tops) break;
    p += 8;
  }
  while (p < stop && gci_http_is_target(*p))
    p++;
  return p;
}

/* Of host[:port]: letters, digits and - . _ ~ ! $ & ' ( ) * + ; = % : [ ]. The comma is left
 * out, because it joins two Host lines into one. */
static inline int gci_http_is_host(unsigned char c) {
  static const struct gci_http_set host = {{0x2fff6ff200000000, 0x47fffffeaffffffe}};
  return gci_http_in_set(&host, c);
}

static inline int gci_http_is_digit(unsigned char c) {
  return c >= '0' && c <= '9';
}

/* Value of a hexadecimal digit; -1: not one. */
static inline int gci_http_hex(unsigned char c) {
  if (gci_http_is_digit(c)) return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif
