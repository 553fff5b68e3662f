/* The rings of the Go systems, and the hashes under them, against published vectors, owners
 * recorded from the Go programs, and a model that scans all points. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "random.h"
#include "recorded.h"
#include "store/crc32.h"
#include "store/fnv.h"
#include "store/md5.h"
#include "store/ring.h"

static const struct gci_placed_peer three[] = {
    {"http://10.0.0.1:8080", 1}, {"http://10.0.0.2:8080", 1}, {"http://10.0.0.3:8080", 1}};
static const struct gci_placed_peer three_hosts[] = {
    {"10.0.0.1:8080", 1}, {"10.0.0.2:8080", 1}, {"10.0.0.3:8080", 1}};

static gcache_bytes_t text(const char *s) {
  return (gcache_bytes_t){s, strlen(s)};
}

static int setup(void **state) {
  *state = gci_mem_new(NULL);
  return *state == NULL;
}

static int teardown(void **state) {
  struct gci_mem *mem = *state;
  int left = mem->bytes != 0 || mem->blocks != 0;
  gci_mem_unref(mem);
  return left;
}

static void assert_md5(gcache_bytes_t message, const char *hex) {
  unsigned char want[GCI_MD5_SIZE], got[GCI_MD5_SIZE];
  assert_int_equal(recorded_hex(hex, want, sizeof want), sizeof want);
  gci_md5(message, got);
  assert_memory_equal(got, want, sizeof want);
}

static void md5_gives_the_digests_of_rfc_1321(void **state) {
  (void)state;
  assert_md5(text(""), "d41d8cd98f00b204e9800998ecf8427e");
  assert_md5(text("a"), "0cc175b9c0f1b6a831c399e269772661");
  assert_md5(text("abc"), "900150983cd24fb0d6963f7d28e17f72");
  assert_md5(text("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
  assert_md5(text("abcdefghijklmnopqrstuvwxyz"), "c3fcd3d76192e4007dfb496cca67e13b");
  assert_md5(text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
             "d174ab98d277d9f5a5611c2c9f419d9f");
  assert_md5(text("1234567890123456789012345678901234567890123456789012345678901234567890123456789"
                  "0"),
             "57edf4a22be3c955ac49da2e2107b67a");
}

/* Digests by Python's hashlib. */
static void md5_is_right_around_the_edges_of_a_block(void **state) {
  (void)state;
  static const struct {
    size_t len;
    const char *digest;
  } rows[] = {{55, "ef1772b6dff9a122358552954ad0df65"},  {56, "3b0c8ac703f828b04c6c197006d17218"},
              {57, "652b906d60af96844ebd21b674f35e93"},  {63, "b06521f39153d618550606be297466d5"},
              {64, "014842d480b571495a4a0363793f7367"},  {65, "c743a45e0d2e6a95cb859adae0248435"},
              {119, "8a7bd0732ed6a28ce75f6dabc90e1613"}, {120, "5f61c0ccad4cac44c75ff505e1f1e537"},
              {128, "e510683b3f5ffe4093d021808bc6ff70"}};
  char as[128];
  memset(as, 'a', sizeof as);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    assert_md5((gcache_bytes_t){as, rows[i].len}, rows[i].digest);
}

static void crc32_and_fnv1_give_their_published_values(void **state) {
  (void)state;
  assert_int_equal(gci_crc32(text("")), 0);
  assert_int_equal(gci_crc32(text("123456789")), 0xcbf43926);
  assert_int_equal(gci_crc32(text("0http://10.0.0.1:8080")), 2090179191);
  assert_true(gci_fnv1(text("")) == UINT64_C(0xcbf29ce484222325));
  assert_true(gci_fnv1(text("a")) == UINT64_C(0xaf63bd4c8601b7be));
  assert_true(gci_fnv1(text("foobar")) == UINT64_C(0x340d8765a4dda9c2));
}

static void a_label_becomes_the_point_that_mailgun_gives_it(void **state) {
  (void)state;
  assert_md5(text("0http://10.0.0.1:8080"), "11a206fb3c4ccca6df16d7cd0df87d41");
  assert_true((int64_t)gci_fnv1(text("11a206fb3c4ccca6df16d7cd0df87d41")) ==
              INT64_C(-3798143233063932755));
}

static size_t ring_owner(const struct gci_ring *ring, gcache_bytes_t key,
                         const unsigned char *skip) {
  return gci_ring_owner(ring, ring->at(key), skip);
}

static int open_ring(struct gci_ring *ring, struct gci_mem *mem, gcache_dialect_t kind,
                     unsigned replicas, const struct gci_placed_peer peers[], size_t n) {
  int rc = gci_ring_begin(ring, mem, kind, replicas, peers, n);
  while (rc == 0 && gci_ring_work(ring)) {
  }
  return rc;
}

static void check_recorded(struct gci_mem *mem, gcache_dialect_t kind, const char *name) {
  struct gci_ring ring;
  char line[1024], hex[600];
  unsigned char key[300];
  size_t rows = 0;
  assert_int_equal(open_ring(&ring, mem, kind, 0, three, 3), 0);
  FILE *file = recorded_open(name);
  while (fgets(line, sizeof line, file) != NULL) {
    unsigned owner;
    uint64_t hash;
    if (line[0] == '#') continue;
    assert_int_equal(sscanf(line, "%599[0-9a-f]\t%u\t%" SCNx64, hex, &owner, &hash), 3);
    gcache_bytes_t bytes = {key, recorded_hex(hex, key, sizeof key)};
    assert_true((kind == GCACHE_DIALECT_GOLANG ? gci_crc32(bytes) : gci_fnv1(bytes)) == hash);
    assert_int_equal(ring_owner(&ring, bytes, NULL), owner);
    rows++;
  }
  fclose(file);
  gci_ring_fini(&ring);
  assert_int_equal(rows, 800);
}

static void golang_owners_are_those_recorded(void **state) {
  check_recorded(*state, GCACHE_DIALECT_GOLANG, "rings/golang-n3-bin.tsv");
  check_recorded(*state, GCACHE_DIALECT_GOLANG, "rings/golang-n3-seq.tsv");
}

static void mailgun_owners_are_those_recorded(void **state) {
  check_recorded(*state, GCACHE_DIALECT_MAILGUN, "rings/mailgun-n3-bin.tsv");
  check_recorded(*state, GCACHE_DIALECT_MAILGUN, "rings/mailgun-n3-seq.tsv");
}

static void the_worked_examples_have_their_owners(void **state) {
  static const char *const keys[] = {"12345", "user:1", "user:2", "a b/c,d", ""};
  static const struct {
    gcache_dialect_t kind;
    const struct gci_placed_peer *peers;
    size_t owners[5];
  } dialects[] = {{GCACHE_DIALECT_GOLANG, three, {2, 1, 0, 0, 0}},
                  {GCACHE_DIALECT_MAILGUN, three, {2, 2, 2, 2, 1}},
                  {GCACHE_DIALECT_GROUPCACHE_GO, three_hosts, {2, 2, 2, 2, 0}}};
  for (size_t d = 0; d < 3; d++) {
    struct gci_ring ring;
    assert_int_equal(open_ring(&ring, *state, dialects[d].kind, 50, dialects[d].peers, 3), 0);
    for (size_t k = 0; k < 5; k++)
      assert_int_equal(ring_owner(&ring, text(keys[k]), NULL), dialects[d].owners[k]);
    gci_ring_fini(&ring);
  }
}

/* ---------------------------------------------------------------- a model: scan all points ---- */

static int64_t model_key(gcache_dialect_t kind, gcache_bytes_t key) {
  return kind == GCACHE_DIALECT_GOLANG ? (int64_t)gci_crc32(key) : (int64_t)gci_fnv1(key);
}

static int64_t model_point(gcache_dialect_t kind, const char *label) {
  unsigned char digest[GCI_MD5_SIZE];
  char hex[2 * GCI_MD5_SIZE + 1];
  if (kind == GCACHE_DIALECT_GOLANG) return (int64_t)gci_crc32(text(label));
  gci_md5(text(label), digest);
  for (size_t i = 0; i < GCI_MD5_SIZE; i++)
    snprintf(hex + 2 * i, 3, "%02x", digest[i]);
  return (int64_t)gci_fnv1(text(hex));
}

/* The lowest point >= the key's, else the lowest of all, over the peers not skipped. */
static size_t model_owner(gcache_dialect_t kind, unsigned replicas,
                          const struct gci_placed_peer *peers, size_t n, gcache_bytes_t key,
                          const unsigned char *skip) {
  int64_t at = model_key(kind, key), best_point = 0, lowest_point = 0;
  size_t best = n, lowest = n;
  for (size_t p = 0; p < n; p++) {
    for (unsigned i = 0; i < replicas && !skip[p]; i++) {
      char label[100];
      snprintf(label, sizeof label, "%u%s", i, peers[p].label);
      int64_t point = model_point(kind, label);
      if (lowest == n || point <= lowest_point) lowest = p, lowest_point = point;
      if (point >= at && (best == n || point <= best_point)) best = p, best_point = point;
    }
  }
  return best == n ? lowest : best;
}

static void check_with_skips(struct gci_mem *mem, gcache_dialect_t kind, unsigned replicas) {
  enum { PEERS = 6, ROUNDS = 300 };
  static const struct gci_placed_peer peers[PEERS] = {
      {"a:1", 1}, {"b:1", 1}, {"c.example:80", 1}, {"d:11", 1}, {"e:9999", 1}, {"f:2", 1}};
  struct gci_ring ring;
  struct random r = {kind + 10 * replicas};
  assert_int_equal(open_ring(&ring, mem, kind, replicas, peers, PEERS), 0);
  for (int round = 0; round < ROUNDS; round++) {
    unsigned char key[12], skip[PEERS];
    random_bytes(&r, key, sizeof key);
    for (size_t i = 0; i < PEERS; i++)
      skip[i] = random_below(&r, 2) == 0;
    gcache_bytes_t bytes = {key, random_below(&r, sizeof key + 1)};
    assert_int_equal(ring_owner(&ring, bytes, skip),
                     model_owner(kind, replicas, peers, PEERS, bytes, skip));
  }
  gci_ring_fini(&ring);
}

static void a_skipped_peer_is_followed_by_the_next_point_clockwise(void **state) {
  for (unsigned replicas = 1; replicas <= 64; replicas *= 4) {
    check_with_skips(*state, GCACHE_DIALECT_GOLANG, replicas);
    check_with_skips(*state, GCACHE_DIALECT_MAILGUN, replicas);
    check_with_skips(*state, GCACHE_DIALECT_GROUPCACHE_GO, replicas);
  }
}

/* A key whose hash is a point belongs to that point: golang hashes both alike, mailgun a key that
 * is the hex MD5 of a label. */
static void a_key_that_hits_a_point_belongs_to_it(void **state) {
  struct gci_ring golang, mailgun;
  assert_int_equal(open_ring(&golang, *state, GCACHE_DIALECT_GOLANG, 0, three, 3), 0);
  assert_int_equal(open_ring(&mailgun, *state, GCACHE_DIALECT_MAILGUN, 0, three, 3), 0);
  for (size_t i = 0; i < 150; i++) {
    char label[100], hex[2 * GCI_MD5_SIZE + 1];
    unsigned char digest[GCI_MD5_SIZE];
    snprintf(label, sizeof label, "%zu%s", i / 3, three[i % 3].label);
    gci_md5(text(label), digest);
    for (size_t j = 0; j < GCI_MD5_SIZE; j++)
      snprintf(hex + 2 * j, 3, "%02x", digest[j]);
    assert_int_equal(ring_owner(&golang, text(label), NULL), i % 3);
    assert_int_equal(ring_owner(&mailgun, text(hex), NULL), i % 3);
  }
  gci_ring_fini(&golang);
  gci_ring_fini(&mailgun);
}

static void all_skipped_is_the_number_of_peers(void **state) {
  struct gci_ring ring;
  unsigned char skip[3] = {1, 1, 1};
  assert_int_equal(open_ring(&ring, *state, GCACHE_DIALECT_MAILGUN, 0, three, 3), 0);
  assert_int_equal(ring_owner(&ring, text("k"), skip), 3);
  gci_ring_fini(&ring);
}

static void equal_points_belong_to_the_peer_added_last(void **state) {
  static const struct gci_placed_peer twins[] = {{"x:1", 1}, {"y:1", 1}, {"x:1", 1}};
  struct random r = {7};
  size_t seen[3] = {0};
  struct gci_ring ring;
  assert_int_equal(open_ring(&ring, *state, GCACHE_DIALECT_GOLANG, 0, twins, 3), 0);
  for (int i = 0; i < 1000; i++) {
    unsigned char key[8];
    random_bytes(&r, key, sizeof key);
    seen[ring_owner(&ring, (gcache_bytes_t){key, sizeof key}, NULL)]++;
  }
  assert_int_equal(seen[0], 0);
  assert_true(seen[1] > 0 && seen[2] > 0);
  gci_ring_fini(&ring);
}

static void no_replicas_means_fifty(void **state) {
  struct gci_ring ring;
  assert_int_equal(open_ring(&ring, *state, GCACHE_DIALECT_MAILGUN, 0, three, 3), 0);
  assert_int_equal(ring.n_points, 150);
  gci_ring_fini(&ring);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(md5_gives_the_digests_of_rfc_1321),
      cmocka_unit_test(md5_is_right_around_the_edges_of_a_block),
      cmocka_unit_test(crc32_and_fnv1_give_their_published_values),
      cmocka_unit_test(a_label_becomes_the_point_that_mailgun_gives_it),
      cmocka_unit_test_setup_teardown(golang_owners_are_those_recorded, setup, teardown),
      cmocka_unit_test_setup_teardown(mailgun_owners_are_those_recorded, setup, teardown),
      cmocka_unit_test_setup_teardown(the_worked_examples_have_their_owners, setup, teardown),
      cmocka_unit_test_setup_teardown(a_skipped_peer_is_followed_by_the_next_point_clockwise, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(a_key_that_hits_a_point_belongs_to_it, setup, teardown),
      cmocka_unit_test_setup_teardown(all_skipped_is_the_number_of_peers, setup, teardown),
      cmocka_unit_test_setup_teardown(equal_points_belong_to_the_peer_added_last, setup, teardown),
      cmocka_unit_test_setup_teardown(no_replicas_means_fifty, setup, teardown),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
