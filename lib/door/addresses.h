/* door/addresses - how many connections each address has open, for the limit per address.
 *
 * Owns one small node per address. Fails: UV_ENOMEM, nothing counted. */
#ifndef GCI_DOOR_ADDRESSES_H
#define GCI_DOOR_ADDRESSES_H

#include <sys/socket.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"

/* IPv6, or IPv4 mapped into it; all zero: unknown, as of a pipe. */
struct gci_address {
  unsigned char bytes[16];
};

/* Numeric text, zero-terminated; anything else gives the unknown address. */
void gci_address_read(struct gci_address *out, const char *text);
void gci_address_of(struct gci_address *out, const struct sockaddr *name);
int gci_address_known(const struct gci_address *a);
int gci_address_equal(const struct gci_address *a, const struct gci_address *b);

struct gci_addresses {
  struct gci_mem *mem;
  const struct gci_hash_key *key; /* borrowed: addresses are chosen by strangers */
  struct gci_map map;
};

void gci_addresses_init(struct gci_addresses *as, struct gci_mem *mem,
                        const struct gci_hash_key *key);
void gci_addresses_fini(struct gci_addresses *as); /* all have left */

unsigned gci_addresses_count(const struct gci_addresses *as, const struct gci_address *a);
int gci_addresses_enter(struct gci_addresses *as, const struct gci_address *a);
void gci_addresses_leave(struct gci_addresses *as, const struct gci_address *a);

#endif
