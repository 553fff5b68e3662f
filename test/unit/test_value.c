/* Unit test of base/value. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/bytes.h"
#include "base/value.h"
#include "oom.h"

struct fixture {
  struct oom oom;
  struct gci_mem *mem;
  int freed;
};

static int setup(void **state) {
  static struct fixture f;
  memset(&f, 0, sizeof f);
  gcache_mem_t user = oom_mem(&f.oom);
  f.mem = gci_mem_new(&user);
  *state = &f;
  return f.mem == NULL;
}

static int teardown(void **state) {
  struct fixture *f = *state;
  assert_int_equal(f->mem->refs, 1);
  assert_int_equal(f->mem->bytes, 0);
  assert_int_equal(f->mem->blocks, 0);
  gci_mem_unref(f->mem);
  oom_assert_empty(&f->oom);
  return 0;
}

static void on_freed(void *arg) {
  ++*(int *)arg;
}

static void holds(gcache_value_t *v, const char *bytes, size_t len) {
  gcache_bytes_t got = gcache_value_bytes(v);
  assert_int_equal(got.len, len);
  assert_memory_equal(got.base, bytes, len);
}

static void copy_has_its_own_bytes(void **state) {
  struct fixture *f = *state;
  char bytes[] = "a\0b";
  gcache_value_t *v = gci_value_copy(f->mem, gcache_bytes(bytes, 3), 77);
  memset(bytes, 'z', sizeof bytes);
  holds(v, "a\0b", 3);
  assert_int_equal(gcache_value_expire(v), 77);
  gcache_value_unref(v);
}

static void an_empty_value_is_a_value(void **state) {
  struct fixture *f = *state;
  gcache_value_t *copy = gci_value_copy(f->mem, gcache_bytes(NULL, 0), GCACHE_NEVER);
  gcache_value_t *wrap = gci_value_wrap(f->mem, gcache_bytes(NULL, 0), GCACHE_NEVER, NULL, NULL);
  assert_int_equal(gcache_value_bytes(copy).len, 0);
  assert_int_equal(gcache_value_bytes(wrap).len, 0);
  gci_value_narrow(wrap, 0, 0);
  gcache_value_unref(copy);
  gcache_value_unref(wrap);
}

static void wrap_gives_the_buffer_back_once_with_the_last_reference(void **state) {
  struct fixture *f = *state;
  static const char buffer[] = "theirs";
  gcache_value_t *v = gci_value_wrap(f->mem, gcache_cstr(buffer), 5, on_freed, &f->freed);
  assert_ptr_equal(gcache_value_bytes(v).base, buffer);
  assert_int_equal(gcache_value_expire(v), 5);
  assert_ptr_equal(gcache_value_ref(v), v);
  gcache_value_unref(v);
  assert_int_equal(f->freed, 0);
  gcache_value_unref(v);
  assert_int_equal(f->freed, 1);
}

static void null_is_fine_to_ref_and_unref(void **state) {
  (void)state;
  assert_null(gcache_value_ref(NULL));
  gcache_value_unref(NULL);
}

static void a_value_outlives_its_maker(void **state) {
  struct oom oom;
  (void)state;
  oom_init(&oom);
  gcache_mem_t user = oom_mem(&oom);
  struct gci_mem *mem = gci_mem_new(&user);
  gcache_value_t *v = gci_value_copy(mem, GCI_LIT("late"), GCACHE_NEVER);
  gci_mem_unref(mem);
  holds(v, "late", 4);
  gcache_value_unref(v);
  oom_assert_empty(&oom);
}

static void a_block_is_filled_and_resized_keeping_what_fits(void **state) {
  struct fixture *f = *state;
  gcache_value_t *v = gci_value_block(f->mem, 4);
  assert_int_equal(gcache_value_expire(v), GCACHE_NEVER);
  memcpy(gci_value_fill(v), "abcd", 4);
  v = gci_value_resize(v, 1000);
  assert_int_equal(gcache_value_bytes(v).len, 1000);
  assert_memory_equal(gcache_value_bytes(v).base, "abcd", 4);
  memset((char *)gci_value_fill(v) + 4, 'e', 996);
  v = gci_value_resize(v, 5);
  holds(v, "abcde", 5);
  gci_value_set_expire(v, 9);
  v = gci_value_resize(v, 0);
  assert_int_equal(gcache_value_bytes(v).len, 0);
  assert_int_equal(gcache_value_expire(v), 9);
  gcache_value_unref(v);
}

/* oom aborts when the block is not freed with the size it was made with. */
static void a_narrowed_block_is_freed_whole(void **state) {
  struct fixture *f = *state;
  gcache_value_t *v = gci_value_copy(f->mem, GCI_LIT("\x0a\x05value\x18\x01"), GCACHE_NEVER);
  const char *base = gcache_value_bytes(v).base;
  gci_value_narrow(v, 2, 5);
  holds(v, "value", 5);
  assert_ptr_equal(gcache_value_bytes(v).base, base + 2); /* not copied */
  gci_value_narrow(v, 1, 3);
  holds(v, "alu", 3);
  assert_ptr_equal(gci_value_fill(v), base + 3);
  gci_value_narrow(v, 3, 0);
  holds(v, "", 0);
  gcache_value_unref(v);
}

static void a_narrowed_wrap_gives_its_buffer_back(void **state) {
  struct fixture *f = *state;
  gcache_value_t *v = gci_value_wrap(f->mem, GCI_LIT("[value]"), 0, on_freed, &f->freed);
  gci_value_narrow(v, 1, 5);
  holds(v, "value", 5);
  gcache_value_unref(v);
  assert_int_equal(f->freed, 1);
}

/* Only the pages that are written to are taken from the system. */
static void a_slice_beyond_two_gigabytes_is_a_slice(void **state) {
  const size_t far = (size_t)1 << 31;
  struct gci_mem *mem = gci_mem_new(NULL);
  (void)state;
  for (size_t offset = far - 1; offset <= far && sizeof far == 8; offset++) {
    gcache_value_t *v = gci_value_block(mem, far + 10);
    if (v == NULL) break;
    memcpy((char *)gci_value_fill(v) + offset, "[value]", 7);
    gci_value_narrow(v, offset, 7);
    holds(v, "[value]", 7);
    gci_value_narrow(v, 1, 5);
    holds(v, "value", 5);
    gcache_value_unref(v);
  }
  assert_int_equal(mem->bytes, 0);
  gci_mem_unref(mem);
}

/* Worked out by hand for 64-bit machines: a head of 48 bytes inline, 64 wrapped; glibc's rounding. */
static void cost_counts_head_and_bytes_wherever_they_are(void **state) {
  struct fixture *f = *state;
  gcache_value_t *small = gci_value_copy(f->mem, GCI_LIT("x"), 0);
  gcache_value_t *page = gci_value_block(f->mem, 4096);
  gcache_value_t *wrap = gci_value_wrap(f->mem, gcache_bytes("", 4096), 0, NULL, NULL);
  if (sizeof(void *) == 8) {
    assert_int_equal(gci_value_cost(small), 64);
    assert_int_equal(gci_value_cost(page), 4160);
    assert_int_equal(gci_value_cost(wrap), 80 + 4112);
  }
  size_t before = gci_value_cost(page);
  gci_value_narrow(page, 100, 10);
  assert_int_equal(gci_value_cost(page), before); /* the block is as large as ever */
  gcache_value_unref(small);
  gcache_value_unref(page);
  gcache_value_unref(wrap);
}

/* A landlord's block: 24 bytes if timed, 16 bytes, the head, something of its own, the bytes. */
static void a_lodged_value_keeps_the_block_until_its_last_reference_goes(void **state) {
  struct fixture *f = *state;
  for (int64_t expire = GCACHE_NEVER; expire <= 5; expire += 5) {
    size_t before = expire == GCACHE_NEVER ? 16 : 40, own = 30, size = before + 8 + own + 5;
    gcache_value_t *value = gci_value_copy(f->mem, GCI_LIT("bytes"), expire);
    char *block = gci_mem_alloc(f->mem, size);
    gcache_value_t *head = (gcache_value_t *)(void *)(block + before);
    gci_value_lodge(head, 8 + own, value);
    gcache_value_unref(value);
    memset(block, 'l', 16);
    memset(block + before + 8, 'l', own);
    assert_true(gci_value_lodges(head));
    assert_int_equal(gci_value_cost(head), gci_mem_cost(size));
    gcache_value_ref(head);
    gci_value_evict(head, f->mem);
    holds(head, "bytes", 5);
    assert_ptr_equal(gcache_value_bytes(head).base, block + size - 5);
    assert_int_equal(gcache_value_expire(head), expire);
    assert_int_equal(f->mem->blocks, 1);
    gcache_value_unref(head);
    assert_int_equal(f->mem->blocks, 0);
  }
}

static void impossible_sizes_are_out_of_memory(void **state) {
  struct fixture *f = *state;
  gcache_value_t *v = gci_value_copy(f->mem, GCI_LIT("kept"), 0);
  assert_null(gci_value_block(f->mem, SIZE_MAX));
  assert_null(gci_value_block(f->mem, SIZE_MAX - 16));
  assert_null(gci_value_resize(v, SIZE_MAX - 16));
  holds(v, "kept", 4);
  gcache_value_unref(v);
}

static void text_is_cut_printable_and_ends_with_zero(void **state) {
  struct fixture *f = *state;
  char longer[300], expected[257];
  memset(longer, 'w', sizeof longer);
  memset(expected, 'w', sizeof expected);
  longer[299] = expected[256] = '\0';
  gcache_value_t *v = gci_value_text(f->mem, "no\nsuch\x7fk\xc3\xa9y ~"),
                 *cut = gci_value_text(f->mem, longer);
  assert_string_equal(gci_value_words(v), "no?such?k??y ~");
  assert_int_equal(gcache_value_bytes(v).len, 14);
  assert_string_equal(gci_value_words(cut), expected);
  assert_null(gci_value_text(f->mem, NULL));
  assert_null(gci_value_text(f->mem, ""));
  assert_string_equal(gci_value_words(NULL), "");
  gcache_value_unref(v);
  gcache_value_unref(cut);
}

static void expired_is_at_or_after_the_instant(void **state) {
  (void)state;
  assert_false(gci_value_expired_at(GCACHE_NEVER, INT64_MAX));
  assert_false(gci_value_expired_at(100, 99));
  assert_true(gci_value_expired_at(100, 100));
  assert_true(gci_value_expired_at(100, 101));
  assert_true(gci_value_expired_at(-5, 100));
}

static void make_all(struct oom *oom, void *arg) {
  int freed = 0;
  (void)arg;
  gcache_mem_t user = oom_mem(oom);
  struct gci_mem *mem = gci_mem_new(&user);
  if (mem == NULL) return;
  gcache_value_t *copy = gci_value_copy(mem, GCI_LIT("abc"), 1);
  gcache_value_t *wrap = gci_value_wrap(mem, GCI_LIT("abc"), 1, on_freed, &freed);
  gcache_value_t *text = gci_value_text(mem, "abc"), *block = gci_value_block(mem, 3);
  if (block != NULL) {
    memcpy(gci_value_fill(block), "abc", 3);
    gcache_value_t *wider = gci_value_resize(block, 300);
    if (wider != NULL) block = wider;
    assert_int_equal(gcache_value_bytes(block).len, wider == NULL ? 3 : 300);
    assert_memory_equal(gcache_value_bytes(block).base, "abc", 3);
  }
  assert_string_equal(gci_value_words(text), text == NULL ? "" : "abc");
  int wrapped = wrap != NULL;
  gcache_value_unref(copy);
  gcache_value_unref(wrap);
  gcache_value_unref(text);
  gcache_value_unref(block);
  assert_int_equal(freed, wrapped); /* what was not taken is not given back */
  assert_int_equal(mem->refs, 1);
  gci_mem_unref(mem);
}

static void without_memory_nothing_is_made_or_taken(void **state) {
  (void)state;
  assert_int_equal(oom_sweep(make_all, NULL), 6);
}

#define ON_MEM(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_MEM(copy_has_its_own_bytes),
      ON_MEM(an_empty_value_is_a_value),
      ON_MEM(wrap_gives_the_buffer_back_once_with_the_last_reference),
      cmocka_unit_test(null_is_fine_to_ref_and_unref),
      cmocka_unit_test(a_value_outlives_its_maker),
      ON_MEM(a_block_is_filled_and_resized_keeping_what_fits),
      ON_MEM(a_narrowed_block_is_freed_whole),
      cmocka_unit_test(a_slice_beyond_two_gigabytes_is_a_slice),
      ON_MEM(a_narrowed_wrap_gives_its_buffer_back),
      ON_MEM(cost_counts_head_and_bytes_wherever_they_are),
      ON_MEM(a_lodged_value_keeps_the_block_until_its_last_reference_goes),
      ON_MEM(impossible_sizes_are_out_of_memory),
      ON_MEM(text_is_cut_printable_and_ends_with_zero),
      cmocka_unit_test(expired_is_at_or_after_the_instant),
      cmocka_unit_test(without_memory_nothing_is_made_or_taken),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
