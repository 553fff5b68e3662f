/* Unit test of base/spare. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/spare.h"

static void *block_of(size_t size) {
  void *block = malloc(gci_spare_size(size, gci_mem_cost(size)));
  assert_non_null(block);
  return block;
}

static void a_kept_block_comes_back_for_any_size_of_its_cost(void **state) {
  struct gci_spare spare;
  (void)state;
  gci_spare_init(&spare);
  void *block = block_of(25); /* 48 with malloc's header and rounding, as 40 */
  assert_int_equal(gci_mem_cost(25), gci_mem_cost(40));
  assert_null(gci_spare_take(&spare, gci_mem_cost(40)));
  assert_true(gci_spare_keep(&spare, block, gci_mem_cost(25)));
  assert_null(gci_spare_take(&spare, gci_mem_cost(24)));
  assert_null(gci_spare_take(&spare, gci_mem_cost(41)));
  assert_ptr_equal(gci_spare_take(&spare, gci_mem_cost(40)), block);
  memset(block, 0x5a, 40); /* a sanitizer would see it if it were not all there */
  assert_null(gci_spare_take(&spare, gci_mem_cost(40)));
  free(block);
  gci_spare_fini(&spare);
}

static void no_more_is_kept_than_is_said(void **state) {
  struct gci_spare spare;
  size_t cost = gci_mem_cost(1000), kept = 0;
  (void)state;
  gci_spare_init(&spare);
  for (;;) {
    void *block = block_of(1000);
    if (!gci_spare_keep(&spare, block, cost)) {
      free(block);
      break;
    }
    kept += cost;
  }
  assert_true(kept <= GCI_SPARE_BYTES && kept + cost > GCI_SPARE_BYTES);
  void *middling = block_of(4096);
  assert_false(gci_spare_keep(&spare, middling, gci_mem_cost(4096)));
  assert_null(gci_spare_take(&spare, gci_mem_cost(4096)));
  free(middling);
  gci_spare_fini(&spare); /* LeakSanitizer looks */
}

static void keep_another(struct gci_spare *spare, size_t size) {
  assert_true(gci_spare_keep(spare, block_of(size), gci_mem_cost(size)));
  assert_true(spare->large_bytes <= GCI_SPARE_LARGE_BYTES);
}

static size_t count(struct gci_spare *spare, size_t size) {
  size_t n = 0;
  void *block;
  while ((block = gci_spare_take(spare, gci_mem_cost(size))) != NULL) {
    memset(block, 0x5a, size);
    free(block);
    n++;
  }
  return n;
}

static void of_large_blocks_the_latest_few_are_kept(void **state) {
  struct gci_spare spare;
  const size_t small = 20000, mapped = 1 << 20, huge = GCI_SPARE_LARGE_BYTES + 1;
  (void)state;
  gci_spare_init(&spare);
  for (int i = 0; i < 40; i++)
    keep_another(&spare, small);
  assert_int_equal(count(&spare, small), GCI_SPARE_N_LARGE);
  for (int i = 0; i < 5; i++)
    keep_another(&spare, small);
  for (int i = 0; i < 40; i++)
    keep_another(&spare, mapped);
  assert_int_equal(count(&spare, small), 0);
  assert_int_equal(count(&spare, mapped), GCI_SPARE_LARGE_BYTES / gci_mem_cost(mapped));
  assert_int_equal(spare.large_bytes, 0);
  void *block = block_of(huge);
  assert_false(gci_spare_keep(&spare, block, gci_mem_cost(huge)));
  free(block);
  keep_another(&spare, mapped);
  gci_spare_fini(&spare);
}

/* Of every size that is kept: alone, no two at one place, and as large as was asked. */
static void blocks_of_a_mem_do_not_share_bytes(void **state) {
  enum { SIZES = 1100 };
  static unsigned char *blocks[SIZES];
  struct gci_mem *mem = gci_mem_new(NULL);
  (void)state;
  assert_non_null(mem);
  for (int round = 0; round < 3; round++) {
    for (size_t size = 1; size < SIZES; size++) {
      blocks[size] = gci_mem_alloc(mem, size);
      assert_non_null(blocks[size]);
      memset(blocks[size], (int)(size & 0xff), size);
    }
    for (size_t size = 1; size < SIZES; size++) {
      assert_int_equal(blocks[size][0], size & 0xff);
      assert_int_equal(blocks[size][size - 1], size & 0xff);
      gci_mem_free(mem, blocks[size], size);
    }
    assert_int_equal(mem->bytes, 0);
    assert_int_equal(mem->blocks, 0);
  }
  gci_mem_unref(mem);
}

static void *count_calls(void *data, void *ptr, size_t old_size, size_t new_size) {
  (void)old_size;
  ++*(int *)data;
  if (new_size != 0) return realloc(ptr, new_size);
  free(ptr);
  return NULL;
}

static void an_allocator_of_the_users_is_asked_for_every_block(void **state) {
  int calls = 0;
  gcache_mem_t user = {count_calls, &calls};
  struct gci_mem *mem = gci_mem_new(&user);
  (void)state;
  assert_non_null(mem);
  int before = calls;
  for (int i = 0; i < 10; i++)
    gci_mem_free(mem, gci_mem_alloc(mem, 64), 64);
  assert_int_equal(calls - before, 20);
  gci_mem_unref(mem);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_kept_block_comes_back_for_any_size_of_its_cost),
      cmocka_unit_test(no_more_is_kept_than_is_said),
      cmocka_unit_test(of_large_blocks_the_latest_few_are_kept),
      cmocka_unit_test(blocks_of_a_mem_do_not_share_bytes),
      cmocka_unit_test(an_allocator_of_the_users_is_asked_for_every_block),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
