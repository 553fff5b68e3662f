/* Unit test of http/out, against a model: the input bytes, in one row. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/value.h"
#include "http/out.h"
#include "oom.h"
#include "random.h"

struct fixture {
  struct oom oom;
  struct gci_mem *mem;
  struct gci_out out;
};

static int begin(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  oom_init(&f->oom);
  gcache_mem_t user = oom_mem(&f->oom);
  f->mem = gci_mem_new(&user);
  gci_out_init(&f->out, f->mem);
  *state = f;
  return 0;
}

static int finish(void **state) {
  struct fixture *f = *state;
  gci_out_fini(&f->out);
  assert_int_equal(f->mem->blocks, 0);
  gci_mem_unref(f->mem);
  oom_assert_empty(&f->oom);
  free(f);
  return 0;
}

static gcache_value_t *value_of(struct fixture *f, size_t len) {
  gcache_value_t *value = gci_value_block(f->mem, len);
  memset(gci_value_fill(value), 'v', len);
  return value;
}

static void texts_are_gathered_in_one_slice(void **state) {
  struct fixture *f = *state;
  gcache_bytes_t slices[4];
  assert_int_equal(gci_out_slices(&f->out, slices, 4), 0);
  assert_int_equal(gci_out_text(&f->out, gcache_cstr("one ")), 0);
  assert_int_equal(gci_out_text(&f->out, gcache_cstr("")), 0);
  assert_int_equal(gci_out_text(&f->out, gcache_cstr("two")), 0);
  assert_int_equal(gci_out_slices(&f->out, slices, 4), 1);
  assert_int_equal(slices[0].len, 7);
  assert_memory_equal(slices[0].base, "one two", 7);
  assert_int_equal(f->out.bytes, 7);
  assert_int_equal(f->out.held, 7);
  gci_out_consume(&f->out, 4);
  assert_int_equal(gci_out_slices(&f->out, slices, 4), 1);
  assert_memory_equal(slices[0].base, "two", 3);
  assert_int_equal(f->out.held, 3);
}

static void small_values_are_copied_and_large_ones_referenced(void **state) {
  struct fixture *f = *state;
  gcache_bytes_t slices[4];
  gcache_value_t *small = value_of(f, GCI_OUT_COPY_MAX - 1), *large = value_of(f, GCI_OUT_COPY_MAX);
  gci_out_text(&f->out, gcache_cstr("a"));
  assert_int_equal(gci_out_value(&f->out, small), 0);
  assert_int_equal(gci_out_value(&f->out, large), 0);
  gci_out_text(&f->out, gcache_cstr("b"));
  assert_int_equal(gci_out_slices(&f->out, slices, 4), 3);
  assert_int_equal(slices[0].len, GCI_OUT_COPY_MAX);
  assert_ptr_equal(slices[1].base, gcache_value_bytes(large).base);
  assert_int_equal(slices[1].len, GCI_OUT_COPY_MAX);
  assert_memory_equal(slices[2].base, "b", 1);
  assert_int_equal(f->out.bytes, 2 * GCI_OUT_COPY_MAX + 1);
  assert_int_equal(f->out.held, GCI_OUT_COPY_MAX + 1);
  gcache_value_unref(small);
  gcache_value_unref(large);
  size_t blocks = f->mem->blocks;
  gci_out_consume(&f->out, GCI_OUT_COPY_MAX + 1); /* one byte of the large one */
  assert_int_equal(f->mem->blocks, blocks);
  assert_int_equal(gci_out_slices(&f->out, slices, 1), 1);
  assert_int_equal(slices[0].len, GCI_OUT_COPY_MAX - 1);
  gci_out_consume(&f->out, GCI_OUT_COPY_MAX - 1);
  assert_int_equal(f->mem->blocks, blocks - 1);
}

static void parts_of_a_value_are_references_into_it(void **state) {
  struct fixture *f = *state;
  gcache_bytes_t slices[4];
  gcache_value_t *value = value_of(f, 10000);
  const char *base = gcache_value_bytes(value).base;
  assert_int_equal(gci_out_value_part(&f->out, value, 2000, 3000), 0);
  assert_int_equal(gci_out_text(&f->out, gcache_cstr("a")), 0);
  assert_int_equal(gci_out_value_part(&f->out, value, 5000, 5000), 0);
  assert_int_equal(gci_out_value_part(&f->out, value, 10000, 0), 0);
  assert_int_equal(f->out.bytes, 8001);
  assert_int_equal(f->out.held, 1);
  assert_int_equal(gci_out_slices(&f->out, slices, 4), 3);
  assert_ptr_equal(slices[0].base, base + 2000);
  assert_int_equal(slices[0].len, 3000);
  assert_ptr_equal(slices[2].base, base + 5000);
  assert_int_equal(slices[2].len, 5000);
  gci_out_consume(&f->out, 1000);
  assert_int_equal(gci_out_slices(&f->out, slices, 1), 1);
  assert_ptr_equal(slices[0].base, base + 3000);
  gcache_value_unref(value);
}

static void a_large_value_costs_no_allocation(void **state) {
  struct fixture *f = *state;
  gcache_value_t *large = value_of(f, 5000);
  gci_out_text(&f->out, gcache_cstr("head"));
  size_t asked = f->oom.asked;
  for (int i = 0; i < 100; i++) {
    gci_out_value(&f->out, large);
    gci_out_text(&f->out, gcache_cstr("head"));
  }
  assert_int_equal(f->oom.asked, asked);
  gcache_value_unref(large);
}

static void a_queue_that_is_empty_keeps_no_buffer(void **state) {
  struct fixture *f = *state;
  gcache_value_t *large = value_of(f, 5000);
  size_t blocks = f->mem->blocks;
  gci_out_text(&f->out, gcache_cstr("head"));
  gci_out_value(&f->out, large);
  gci_out_consume(&f->out, 4 + 4999);
  assert_int_equal(f->mem->blocks, blocks + 1);
  gci_out_consume(&f->out, 1);
  assert_int_equal(f->mem->blocks, blocks);
  gcache_value_unref(large);
}

static void slices_stay_where_they_are_while_more_is_appended(void **state) {
  struct fixture *f = *state;
  gcache_bytes_t before[1], after[1];
  gci_out_text(&f->out, gcache_cstr("in flight"));
  gci_out_slices(&f->out, before, 1);
  for (int i = 0; i < 10000; i++)
    gci_out_text(&f->out, gcache_cstr("more and more"));
  gci_out_slices(&f->out, after, 1);
  assert_ptr_equal(before[0].base, after[0].base);
  assert_memory_equal(before[0].base, "in flight", 9);
}

static void a_buffer_may_be_full_of_values(void **state) {
  struct fixture *f = *state;
  static gcache_bytes_t slices[3000];
  const size_t len_each = GCI_OUT_COPY_MAX;
  gcache_value_t *large = value_of(f, len_each);
  for (size_t values = 1000; values < 1030; values++) {
    for (size_t i = 0; i < values; i++)
      assert_int_equal(gci_out_value(&f->out, large), 0);
    assert_int_equal(gci_out_text(&f->out, gcache_cstr("behind them")), 0);
    size_t n = gci_out_slices(&f->out, slices, 3000), len = 0;
    for (size_t i = 0; i < n; i++)
      len += slices[i].len;
    assert_ptr_equal(slices[values - 1].base, gcache_value_bytes(large).base);
    assert_int_equal(len, values * len_each + 11);
    gci_out_consume(&f->out, values * len_each);
    assert_int_equal(f->out.held, 11);
    gci_out_consume(&f->out, 11);
  }
  gcache_value_unref(large);
}

static void a_failed_append_changes_nothing(void **state) {
  struct fixture *f = *state;
  static char text[40000];
  gcache_value_t *value = value_of(f, 5000);
  oom_fail_from(&f->oom, 1);
  assert_int_equal(gci_out_text(&f->out, gcache_cstr("x")), UV_ENOMEM);
  assert_int_equal(gci_out_value(&f->out, value), UV_ENOMEM);
  assert_null(gci_out_reserve(&f->out, 1));
  assert_int_equal(f->out.bytes, 0);
  oom_heal(&f->oom);
  gci_out_text(&f->out, gcache_cstr("kept"));
  oom_fail_from(&f->oom, 1);
  memset(text, 'z', sizeof text);
  assert_int_equal(gci_out_text(&f->out, gcache_bytes(text, sizeof text)), UV_ENOMEM);
  assert_null(gci_out_reserve(&f->out, sizeof text));
  gcache_bytes_t slices[2];
  assert_int_equal(gci_out_slices(&f->out, slices, 2), 1);
  assert_int_equal(slices[0].len, 4);
  assert_int_equal(f->out.bytes, 4);
  oom_heal(&f->oom);
  gcache_value_unref(value);
}

/* ------------------------------------------------------------------------ against the model -- */

struct model {
  unsigned char *bytes; /* all that ever went in */
  size_t in, out;
};

/* Room for more than is written, as where a length is only known behind it. */
static void write_in_place(struct fixture *f, gcache_bytes_t bytes, size_t spare) {
  if (bytes.len == 0) return;
  char *room = gci_out_reserve(&f->out, bytes.len + spare);
  assert_non_null(room);
  memset(room, 'r', bytes.len + spare);
  memcpy(room, bytes.base, bytes.len);
  gci_out_commit(&f->out, bytes.len);
}

static void append_random(struct fixture *f, struct model *m, struct random *r) {
  size_t len = random_below(r, random_below(r, 8) == 0 ? 30000 : 300);
  gcache_value_t *value = gci_value_block(f->mem, len > 0 ? len : 1);
  random_bytes(r, gci_value_fill(value), len);
  if (len == 0) gci_value_narrow(value, 0, 0);
  if (len > 0) memcpy(m->bytes + m->in, gcache_value_bytes(value).base, len);
  m->in += len;
  size_t cut = random_below(r, len + 1);
  switch (random_below(r, 4)) {
  case 0:
    assert_int_equal(gci_out_text(&f->out, gcache_value_bytes(value)), 0);
    break;
  case 1:
    assert_int_equal(gci_out_value(&f->out, value), 0);
    break;
  case 2:
    write_in_place(f, gcache_value_bytes(value), random_below(r, 500));
    break;
  default:
    assert_int_equal(gci_out_value_part(&f->out, value, 0, cut), 0);
    assert_int_equal(gci_out_value_part(&f->out, value, cut, len - cut), 0);
  }
  gcache_value_unref(value);
}

static void compare(struct fixture *f, struct model *m, size_t max_slices) {
  gcache_bytes_t slices[16];
  size_t n = gci_out_slices(&f->out, slices, max_slices), at = m->out;
  assert_int_equal(f->out.bytes, m->in - m->out);
  assert_true(f->out.held <= f->out.bytes);
  assert_true((n > 0) == (m->in > m->out));
  for (size_t i = 0; i < n; i++) {
    assert_true(slices[i].len > 0);
    assert_memory_equal(slices[i].base, m->bytes + at, slices[i].len);
    at += slices[i].len;
  }
  assert_true(at <= m->in);
  if (n < max_slices) assert_int_equal(at, m->in);
}

static void what_goes_in_comes_out(void **state) {
  struct fixture *f = *state;
  struct random r = {.state = 7};
  struct model m = {.bytes = malloc((size_t)64 << 20)};
  for (int step = 0; step < 4000; step++) {
    if (random_below(&r, 3) > 0)
      append_random(f, &m, &r);
    else if (m.in > m.out) {
      size_t n = random_below(&r, 4) == 0 ? m.in - m.out : random_below(&r, m.in - m.out + 1);
      gci_out_consume(&f->out, n);
      m.out += n;
    }
    compare(f, &m, 1 + random_below(&r, 16));
  }
  free(m.bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(texts_are_gathered_in_one_slice, begin, finish),
      cmocka_unit_test_setup_teardown(small_values_are_copied_and_large_ones_referenced, begin,
                                      finish),
      cmocka_unit_test_setup_teardown(parts_of_a_value_are_references_into_it, begin, finish),
      cmocka_unit_test_setup_teardown(a_large_value_costs_no_allocation, begin, finish),
      cmocka_unit_test_setup_teardown(a_queue_that_is_empty_keeps_no_buffer, begin, finish),
      cmocka_unit_test_setup_teardown(slices_stay_where_they_are_while_more_is_appended, begin,
                                      finish),
      cmocka_unit_test_setup_teardown(a_buffer_may_be_full_of_values, begin, finish),
      cmocka_unit_test_setup_teardown(a_failed_append_changes_nothing, begin, finish),
      cmocka_unit_test_setup_teardown(what_goes_in_comes_out, begin, finish),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
