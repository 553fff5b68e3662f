/* Unit test of base/mem. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "oom.h"

static void the_default_allocator_is_used_when_none_is_given(void **state) {
  gcache_mem_t none = {NULL, NULL};
  const gcache_mem_t *users[] = {NULL, &none};
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    struct gci_mem *mem = gci_mem_new(users[i]);
    char *p = gci_mem_alloc(mem, 10);
    memset(p, 'x', 10);
    p = gci_mem_resize(mem, p, 10, 100000);
    assert_memory_equal(p, "xxxxxxxxxx", 10);
    gci_mem_free(mem, p, 100000);
    gci_mem_unref(mem);
  }
}

static void bytes_and_blocks_say_what_is_out(void **state) {
  struct oom oom;
  (void)state;
  oom_init(&oom);
  gcache_mem_t user = oom_mem(&oom);
  struct gci_mem *mem = gci_mem_new(&user);
  size_t self = oom.bytes;
  assert_int_equal(mem->bytes, 0);
  assert_int_equal(mem->blocks, 0);
  void *a = gci_mem_alloc(mem, 100), *b = gci_mem_alloc(mem, 7);
  assert_int_equal(mem->bytes, 107);
  assert_int_equal(mem->blocks, 2);
  a = gci_mem_resize(mem, a, 100, 40);
  b = gci_mem_resize(mem, b, 7, 1000);
  assert_int_equal(mem->bytes, 1040);
  assert_int_equal(mem->blocks, 2);
  assert_int_equal(oom.bytes, 1040 + self);
  gci_mem_free(mem, a, 40);
  gci_mem_free(mem, NULL, 0);
  assert_int_equal(mem->bytes, 1000);
  assert_int_equal(mem->blocks, 1);
  gci_mem_free(mem, b, 1000);
  assert_int_equal(mem->bytes, 0);
  assert_int_equal(mem->blocks, 0);
  gci_mem_unref(mem);
  oom_assert_empty(&oom);
}

static void the_last_reference_frees_the_mem(void **state) {
  struct oom oom;
  (void)state;
  oom_init(&oom);
  gcache_mem_t user = oom_mem(&oom);
  struct gci_mem *mem = gci_mem_new(&user);
  assert_ptr_equal(gci_mem_ref(mem), mem);
  gci_mem_unref(mem);
  assert_int_equal(oom.blocks, 1);
  gci_mem_unref(mem);
  oom_assert_empty(&oom);
}

static void zalloc_clears(void **state) {
  struct oom oom;
  char zeros[64] = {0};
  (void)state;
  oom_init(&oom);
  gcache_mem_t user = oom_mem(&oom);
  struct gci_mem *mem = gci_mem_new(&user);
  void *p = gci_mem_zalloc(mem, sizeof zeros); /* oom fills what it gives with 0xa5 */
  assert_memory_equal(p, zeros, sizeof zeros);
  gci_mem_free(mem, p, sizeof zeros);
  gci_mem_unref(mem);
  oom_assert_empty(&oom);
}

static void strdup_copies_all_bytes_and_ends_with_zero(void **state) {
  struct oom oom;
  (void)state;
  oom_init(&oom);
  gcache_mem_t user = oom_mem(&oom);
  struct gci_mem *mem = gci_mem_new(&user);
  char *p = gci_mem_strdup(mem, gcache_bytes("a\0b!", 3));
  assert_memory_equal(p, "a\0b\0", 4);
  char *empty = gci_mem_strdup(mem, gcache_bytes(NULL, 0));
  assert_string_equal(empty, "");
  assert_int_equal(mem->bytes, 5);
  gci_mem_free(mem, p, 4);
  gci_mem_free(mem, empty, 1);
  assert_null(gci_mem_strdup(mem, gcache_bytes("", SIZE_MAX)));
  gci_mem_unref(mem);
  oom_assert_empty(&oom);
}

static void use_all(struct oom *oom, void *arg) {
  (void)arg;
  gcache_mem_t user = oom_mem(oom);
  struct gci_mem *mem = gci_mem_new(&user);
  if (mem == NULL) return;
  void *a = gci_mem_alloc(mem, 10), *z = gci_mem_zalloc(mem, 20);
  char *s = gci_mem_strdup(mem, gcache_cstr("four"));
  size_t a_size = 10, expected = (a ? 10u : 0u) + (z ? 20u : 0u) + (s ? 5u : 0u);
  assert_int_equal(mem->bytes, expected);
  if (a != NULL) {
    memset(a, 'a', 10);
    void *wider = gci_mem_resize(mem, a, 10, 5000);
    if (wider != NULL) a = wider, a_size = 5000;
    assert_int_equal(mem->bytes, expected - 10 + a_size);
    assert_memory_equal(a, "aaaaaaaaaa", 10);
  }
  gci_mem_free(mem, a, a_size);
  gci_mem_free(mem, z, 20);
  gci_mem_free(mem, s, 5);
  assert_int_equal(mem->bytes, 0);
  assert_int_equal(mem->blocks, 0);
  gci_mem_unref(mem);
}

static void a_failed_allocation_changes_nothing(void **state) {
  (void)state;
  assert_int_equal(oom_sweep(use_all, NULL), 5);
}

/* glibc's published rules, worked out by hand: 8 bytes of header, 16-byte steps, at least 32; from
 * 128 KiB up a mapping of its own with another 8 bytes, whole pages of 4096. */
static void cost_follows_the_rules_of_glibc(void **state) {
  static const size_t table[][2] = {{0, 0},           {1, 32},
                                    {24, 32},         {25, 48},
                                    {40, 48},         {41, 64},
                                    {1000, 1008},     {1001, 1024},
                                    {131048, 131056}, {131049, 135168},
                                    {131064, 135168}, {135144, 135168},
                                    {135145, 139264}, {1 << 20, (1 << 20) + 4096}};
  (void)state;
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    assert_int_equal(gci_mem_cost(table[i][0]), table[i][1]);
  }
  assert_int_equal(gci_mem_cost(SIZE_MAX), SIZE_MAX);
  assert_int_equal(gci_mem_cost(SIZE_MAX - 100), SIZE_MAX);
}

static void cost_never_shrinks_and_covers_the_size(void **state) {
  size_t last = 0;
  (void)state;
  for (size_t size = 1; size < 300000; size += 7) {
    size_t cost = gci_mem_cost(size);
    assert_true(cost >= size + 8);
    assert_true(cost >= last);
    last = cost;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_default_allocator_is_used_when_none_is_given),
      cmocka_unit_test(bytes_and_blocks_say_what_is_out),
      cmocka_unit_test(the_last_reference_frees_the_mem),
      cmocka_unit_test(zalloc_clears),
      cmocka_unit_test(strdup_copies_all_bytes_and_ends_with_zero),
      cmocka_unit_test(a_failed_allocation_changes_nothing),
      cmocka_unit_test(cost_follows_the_rules_of_glibc),
      cmocka_unit_test(cost_never_shrinks_and_covers_the_size),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
