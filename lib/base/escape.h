/* base/escape - percent-coding of URL path segments, and log-safe text.
 *
 * Follows the Go systems byte for byte: everything but A-Z a-z 0-9 - _ . ~ and the bytes in `stay`
 * becomes %XX in upper case; '+' is always a plus; decoding happens once, and every byte is
 * valid. */
#ifndef GCI_BASE_ESCAPE_H
#define GCI_BASE_ESCAPE_H

#include <stddef.h>

#include "gcache/gcache.h"

size_t gci_escape_size(gcache_bytes_t raw, const char *stay);       /* of the escaped text */
size_t gci_escape(char *out, gcache_bytes_t raw, const char *stay); /* no terminator; its size */
/* Decodes into out (room for text.len; out == text.base is fine). -1: a '%' without two hex
 * digits. */
int gci_unescape(char *out, gcache_bytes_t text, size_t *len);
/* At most cap - 1 bytes of printable ASCII, control and other bytes as \xNN; zero-terminated. */
void gci_escape_for_log(char *out, size_t cap, gcache_bytes_t text);

#endif
