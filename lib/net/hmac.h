/* net/hmac - HMAC-SHA256 with one key, and SHA-256, of bytes in pieces; by OpenSSL, hmac_none.c in
 * a build without it. The keyed state is made once. Owns it. Fails: UV_ENOMEM; UV_ENOTSUP without
 * OpenSSL. */
#ifndef GCI_NET_HMAC_H
#define GCI_NET_HMAC_H

#include "base/mem.h"
#include "gcache/gcache.h"

#define GCI_HMAC_SIZE 32

struct gci_hmac;

int gci_hmac_built_in(void);
int gci_hmac_open(struct gci_hmac **out, struct gci_mem *mem, gcache_bytes_t key);
void gci_hmac_close(struct gci_hmac *h); /* NULL is fine; the key is wiped */

int gci_hmac_sign(struct gci_hmac *h, const gcache_bytes_t parts[], size_t n,
                  unsigned char out[GCI_HMAC_SIZE]);
/* Without the key. */
int gci_hmac_digest(struct gci_hmac *h, const gcache_bytes_t parts[], size_t n,
                    unsigned char out[GCI_HMAC_SIZE]);
/* In a time that does not depend on where they differ. */
int gci_hmac_equal(const void *a, const void *b, size_t len);

#endif
