/* http/session - see session.h. Owns nothing; cannot fail. */
#include "http/session.h"

#include <string.h>

enum gci_http_version gci_http_sniff(gcache_bytes_t first) {
  static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  size_t whole = sizeof preface - 1, n = first.len < whole ? first.len : whole;

  if (n > 0 && memcmp(first.base, preface, n) != 0) return GCI_HTTP_1;
  return n == whole ? GCI_HTTP_2 : GCI_HTTP_UNKNOWN;
}

size_t gci_http_progress_min(const gcache_limits_t *limits) {
  uint64_t seconds = limits->write_stall_ms / 1000, ms = limits->write_stall_ms % 1000;
  uint64_t rate = limits->body_rate_min; /* at most 2^30 */

  if (seconds > SIZE_MAX / 2 / (rate + 1)) return SIZE_MAX;
  size_t bytes = (size_t)(seconds * rate + ms * rate / 1000);
  return bytes > 0 ? bytes : 1;
}
