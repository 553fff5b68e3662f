/* net/hmac - see hmac.h: by OpenSSL 3. */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <uv.h>

#include "net/hmac.h"

struct gci_hmac {
  struct gci_mem *mem;
  EVP_MAC_CTX *keyed;
  EVP_MD *sha256; /* fetched once: a fetch by name searches each time */
  EVP_MD_CTX *digest;
};

int gci_hmac_built_in(void) {
  return 1;
}

static EVP_MAC_CTX *new_keyed(gcache_bytes_t key) {
  char sha256[] = "SHA256";
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, 0),
                         OSSL_PARAM_construct_end()};
  EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
  EVP_MAC_CTX *ctx = hmac == NULL ? NULL : EVP_MAC_CTX_new(hmac);

  EVP_MAC_free(hmac);
  if (ctx != NULL && EVP_MAC_init(ctx, key.base, key.len, params) == 1) return ctx;
  EVP_MAC_CTX_free(ctx);
  return NULL;
}

int gci_hmac_open(struct gci_hmac **out, struct gci_mem *mem, gcache_bytes_t key) {
  struct gci_hmac *h = gci_mem_zalloc(mem, sizeof *h);

  if (h == NULL) return UV_ENOMEM;
  ERR_clear_error();
  h->mem = mem;
  h->keyed = new_keyed(key);
  h->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
  h->digest = EVP_MD_CTX_new();
  ERR_clear_error();
  if (h->keyed == NULL || h->sha256 == NULL || h->digest == NULL) {
    gci_hmac_close(h);
    return UV_ENOMEM;
  }
  *out = h;
  return 0;
}

void gci_hmac_close(struct gci_hmac *h) {
  if (h == NULL) return;
  EVP_MAC_CTX_free(h->keyed);
  EVP_MD_CTX_free(h->digest);
  EVP_MD_free(h->sha256);
  gci_mem_free(h->mem, h, sizeof *h);
}

static int result(int ok) {
  if (ok) return 0;
  ERR_clear_error();
  return UV_ENOMEM;
}

/* Without a key EVP_MAC_init() begins anew with the present key. */
int gci_hmac_sign(struct gci_hmac *h, const gcache_bytes_t parts[], size_t n,
                  unsigned char out[GCI_HMAC_SIZE]) {
  int ok = EVP_MAC_init(h->keyed, NULL, 0, NULL);
  size_t len;

  for (size_t i = 0; i < n && ok == 1; i++)
    ok = EVP_MAC_update(h->keyed, parts[i].base, parts[i].len);
  return result(ok == 1 && EVP_MAC_final(h->keyed, out, &len, GCI_HMAC_SIZE) == 1);
}

int gci_hmac_digest(struct gci_hmac *h, const gcache_bytes_t parts[], size_t n,
                    unsigned char out[GCI_HMAC_SIZE]) {
  int ok = EVP_DigestInit_ex(h->digest, h->sha256, NULL);

  for (size_t i = 0; i < n && ok == 1; i++)
    ok = EVP_DigestUpdate(h->digest, parts[i].base, parts[i].len);
  return result(ok == 1 && EVP_DigestFinal_ex(h->digest, out, NULL) == 1);
}

int gci_hmac_equal(const void *a, const void *b, size_t len) {
  return CRYPTO_memcmp(a, b, len) == 0;
}
