/* door/range - address ranges as an application writes them: "10.0.0.0/8", "::1", "unix". Pure;
 * owns nothing. An IPv4 range is a range of the addresses mapped into IPv6. */
#ifndef GCI_DOOR_RANGE_H
#define GCI_DOOR_RANGE_H

#include "door/addresses.h"

struct gci_range {
  struct gci_address first;
  unsigned bits; /* significant bits of first: 0 to 128 */
  int is_unix;   /* all Unix sockets, and no address */
};

/* Strict: no spaces, no zone, no leading zeros in the prefix, no bits set behind it. UV_EINVAL. */
int gci_range_read(struct gci_range *out, const char *text);
int gci_range_has(const struct gci_range *range, const struct gci_address *a);

#endif
