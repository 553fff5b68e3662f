/* http/token - which bytes may stand where in a head (RFC 9110, RFC 9112). Pure functions;
 * cannot fail. */
#ifndef GCI_HTTP_TOKEN_H
#define GCI_HTTP_TOKEN_H

#include <stdint.h>

/* One bit a byte of ASCII. */
struct gci_http_set {
  uint64_t low, high;
};

static inline int gci_http_in_set(const struct gci_http_set *set, unsigned char c) {
  if (c >= 128) return 0;
  return (int)((c < 64 ? set->low >> c : set->high >> (c - 64)) & 1);
}

/* Letters, digits and ! # $ % & ' * + - . ^ _ ` | ~ */
static inline int gci_http_is_token(unsigned char c) {
  static const struct gci_http_set token = {0x03ff6cfa00000000, 0x57ffffffc7fffffe};
  return gci_http_in_set(&token, c);
}

/* Content of a field or a reason phrase: all but control bytes; a tab is fine. */
static inline int gci_http_is_field(unsigned char c) {
  return (c >= 0x20 && c != 0x7f) || c == '\t';
}

/* Of a request target: visible ASCII. A fragment is never sent, so no '#'. */
static inline int gci_http_is_target(unsigned char c) {
  return c > 0x20 && c < 0x7f && c != '#';
}

/* Of host[:port]: letters, digits and - . _ ~ ! $ & ' ( ) * + ; = % : [ ]. The comma is left
 * out, because it joins two Host lines into one. */
static inline int gci_http_is_host(unsigned char c) {
  static const struct gci_http_set host = {0x2fff6ff200000000, 0x47fffffeaffffffe};
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
