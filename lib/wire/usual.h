/* wire/usual - the two messages in the one shape that their writers produce, read and written by
 * hand: fields in ascending order, each at most once, none unknown. Pure functions over borrowed
 * bytes.
 *
 * If reading succeeds, protobuf-c reads the same; if not, that says nothing about the message, and
 * protobuf-c must be asked. */
#ifndef GCI_WIRE_USUAL_H
#define GCI_WIRE_USUAL_H

#include <stddef.h>
#include <stdint.h>

#include "gcache/gcache.h"

#define GCI_VARINT_MAX 10

/* Indexes of gcache's own fields, 16 to 20. */
enum { GCI_USUAL_STALE_FOR, GCI_USUAL_WINDOWS, GCI_USUAL_OWN = 5 };

struct gci_usual {
  gcache_bytes_t group, key;   /* SetRequest only */
  gcache_bytes_t value;        /* absent: empty, at the start of the message */
  int64_t expire;              /* absent: 0 */
  uint64_t own[GCI_USUAL_OWN]; /* absent: 0 */
  unsigned has_windows : 1;    /* any of these */
};

/* Nonzero: it has the usual shape. */
int gci_usual_answer(gcache_bytes_t message, struct gci_usual *out);
int gci_usual_set(gcache_bytes_t message, struct gci_usual *out);

size_t gci_varint_size(uint64_t n);
size_t gci_varint_write(char *out, uint64_t n); /* returns the size, at most GCI_VARINT_MAX */

#endif
