/* net/hmac - see hmac.h: a build without OpenSSL. Nothing can be opened. */
#include <string.h>
#include <uv.h>

#include "net/hmac.h"

int gci_hmac_built_in(void) {
  return 0;
}

int gci_hmac_open(struct gci_hmac **out, struct gci_mem *mem, gcache_bytes_t key) {
  (void)out, (void)mem, (void)key;
  return UV_ENOTSUP;
}

void gci_hmac_close(struct gci_hmac *h) {
  (void)h;
}

int gci_hmac_sign(struct gci_hmac *h, const gcache_bytes_t parts[], size_t n,
                  unsigned char out[GCI_HMAC_SIZE]) {
  (void)h, (void)parts, (void)n, (void)out;
  return UV_ENOTSUP;
}

int gci_hmac_digest(struct gci_hmac *h, const gcache_bytes_t parts[], size_t n,
                    unsigned char out[GCI_HMAC_SIZE]) {
  (void)h, (void)parts, (void)n, (void)out;
  return UV_ENOTSUP;
}

int gci_hmac_equal(const void *a, const void *b, size_t len) {
  return memcmp(a, b, len) == 0;
}
