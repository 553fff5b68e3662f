/* http/session - see session.h. Owns nothing; cannot fail. */
#include "http/session.h"

#include <string.h>

enum gci_http_version gci_http_sniff(gcache_bytes_t first) {
  static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  size_t whole = sizeof preface - 1, n = first.len < whole ? first.len : whole;

  if (n > 0 && memcmp(first.base, preface, n) != 0) return GCI_HTTP_1;
  return n == whole ? GCI_HTTP_2 : GCI_HTTP_UNKNOWN;
}
