/* Unit test of net/hmac, by the vectors of RFC 4231 and FIPS 180-2. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "net/hmac.h"
#include "oom.h"

static int setup(void **state) {
  static struct oom oom;
  static struct gci_mem *mem;
  gcache_mem_t user;

  memset(&oom, 0, sizeof oom);
  user = oom_mem(&oom);
  mem = gci_mem_new(&user);
  *state = mem;
  return mem == NULL;
}

static int teardown(void **state) {
  struct gci_mem *mem = *state;
  int clean = mem->blocks == 0;

  gci_mem_unref(mem);
  return !clean;
}

static void assert_hex(const unsigned char mac[GCI_HMAC_SIZE], const char *hex) {
  char text[2 * GCI_HMAC_SIZE + 1];

  for (size_t i = 0; i < GCI_HMAC_SIZE; i++)
    snprintf(text + 2 * i, 3, "%02x", mac[i]);
  assert_string_equal(text, hex);
}

static void build_without_openssl_says_so(void **state) {
  struct gci_hmac *h = NULL;

  if (gci_hmac_built_in()) skip();
  assert_int_equal(gci_hmac_open(&h, *state, GCI_LIT("key")), UV_ENOTSUP);
  gci_hmac_close(NULL);
}

struct vector {
  char fill; /* of the key; 0: key */
  size_t key_len;
  const char *key;
  char data_fill;
  size_t data_len;
  const char *data, *mac;
};

static const struct vector vectors[] = {
    {0x0b, 20, "", 0, 8, "Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {0, 4, "Jefe", 0, 28, "what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {(char)0xaa, 20, "", (char)0xdd, 50, "",
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {(char)0xaa, 131, "", 0, 54, "Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {(char)0xaa, 131, "", 0, 152,
     "This is a test using a larger than block-size key and a larger than block-size data. The key "
     "needs to be hashed before being used by the HMAC algorithm.",
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

static void fill(char *out, char with, size_t len, const char *text) {
  if (with != 0)
    memset(out, with, len);
  else
    memcpy(out, text, len);
}

/* Whole and in all pairs of pieces, again and again with one state. */
static void signatures_are_those_of_rfc_4231(void **state) {
  char key[256], data[256];

  if (!gci_hmac_built_in()) skip();
  for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
    const struct vector *v = &vectors[i];
    struct gci_hmac *h;
    unsigned char mac[GCI_HMAC_SIZE];
    fill(key, v->fill, v->key_len, v->key);
    fill(data, v->data_fill, v->data_len, v->data);
    assert_int_equal(gci_hmac_open(&h, *state, gcache_bytes(key, v->key_len)), 0);
    for (size_t cut = 0; cut <= v->data_len; cut++) {
      gcache_bytes_t parts[] = {{data, cut}, {data + cut, v->data_len - cut}};
      assert_int_equal(gci_hmac_sign(h, parts, 2, mac), 0);
      assert_hex(mac, v->mac);
    }
    gci_hmac_close(h);
  }
}

static void digests_are_those_of_fips_180_2(void **state) {
  gcache_bytes_t abc[] = {GCI_LIT("a"), {NULL, 0}, GCI_LIT("bc")};
  unsigned char digest[GCI_HMAC_SIZE];
  struct gci_hmac *h;

  if (!gci_hmac_built_in()) skip();
  assert_int_equal(gci_hmac_open(&h, *state, GCI_LIT("a key that is not used")), 0);
  assert_int_equal(gci_hmac_digest(h, abc, 3, digest), 0);
  assert_hex(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert_int_equal(gci_hmac_digest(h, NULL, 0, digest), 0);
  assert_hex(digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  gci_hmac_close(h);
}

static void only_equal_bytes_are_equal(void **state) {
  unsigned char a[GCI_HMAC_SIZE] = {1, 2, 3}, b[GCI_HMAC_SIZE] = {1, 2, 3};

  (void)state;
  assert_true(gci_hmac_equal(a, b, sizeof a));
  for (size_t i = 0; i < sizeof a; i++) {
    b[i] ^= 0x80;
    assert_false(gci_hmac_equal(a, b, sizeof a));
    b[i] ^= 0x80;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(build_without_openssl_says_so, setup, teardown),
      cmocka_unit_test_setup_teardown(signatures_are_those_of_rfc_4231, setup, teardown),
      cmocka_unit_test_setup_teardown(digests_are_those_of_fips_180_2, setup, teardown),
      cmocka_unit_test(only_equal_bytes_are_equal),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
