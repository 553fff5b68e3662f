/* core/install - a list of members on its way: checked at once, then made in slices of about a
 * millisecond, beside the list that is in force.
 *
 * Slices: the members, each a new struct or that of the list in force; the placement, until it can
 * be asked; the table of its slots, until it is full.
 * Owns all of it until the list is taken out. Borrows the list in force and the URL of this member;
 * the caller's arrays too, unless gci_install_keep() has copied them.
 * Fails: begin with UV_ENOMEM, UV_EINVAL or GCACHE_ESELF; keep and a slice of members with
 * UV_ENOMEM. */
#ifndef GCI_CORE_INSTALL_H
#define GCI_CORE_INSTALL_H

#include "core/peers.h"

struct gci_install {
  struct gci_mem *mem;
  const struct gci_peers *old;
  const char *self; /* NULL: a client-only member */
  const char *const *urls;
  size_t n;
  uint64_t *hashes;               /* of the URLs */
  struct gci_placed_peer *placed; /* the labels, and weights */
  int labels_are_urls;
  char *copy; /* a copy of what is borrowed; NULL: none */
  size_t copy_size;
  const char **others; /* room for n: for a transport that is told of all members at once */
  struct gci_peers fresh;
  int step;
};

/* n >= 1. Checks everything but memory for the members. now_ms: when members not in old come. */
int gci_install_begin(struct gci_install *in, const struct gci_peers *old, uint64_t now_ms,
                      const char *self, const char *const urls[], const char *const labels[],
                      const unsigned weights[], size_t n);
/* Right after begin. On error there is nothing to end. */
int gci_install_keep(struct gci_install *in);

/* One slice. 1: there is more to do; 0: the list is complete. */
int gci_install_some(struct gci_install *in);
/* Nonzero: owners can be asked for; the rest of the work makes that faster. */
int gci_install_is_usable(const struct gci_install *in);

/* Takes the list out, complete or not, and ends the install. */
struct gci_peers gci_install_end(struct gci_install *in);

#endif
