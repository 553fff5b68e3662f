/* Unit test of see/text: foreign names in labels and strings, numbers in any locale. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <locale.h>
#include <string.h>

#include "oom.h"
#include "see/names.h"
#include "see/text.h"

struct page {
  struct gci_mem *mem;
  struct gci_text text;
};

static void page_open(struct page *p) {
  p->mem = gci_mem_new(NULL);
  assert_non_null(p->mem);
  gci_text_init(&p->text, p->mem);
}

static void page_holds(struct page *p, const char *wanted) {
  gcache_value_t *value = gci_text_take(&p->text);
  assert_non_null(value);
  gcache_bytes_t got = gcache_value_bytes(value);
  assert_int_equal(got.len, strlen(wanted));
  assert_memory_equal(got.base, wanted, got.len);
  gcache_value_unref(value);
  gci_text_fini(&p->text);
  assert_int_equal(p->mem->bytes, 0);
  gci_mem_unref(p->mem);
}

/* text in, as a label and as a string of JSON. */
static const struct {
  const char *text, *label, *string;
} escaped[] = {
    {"", "\"\"", "\"\""},
    {"demo", "\"demo\"", "\"demo\""},
    {"a\"b\\c\nd", "\"a\\\"b\\\\c\\nd\"", "\"a\\\"b\\\\c\\u000ad\""},
    {"\x01\t\x7f", "\"\x01\t\x7f\"", "\"\\u0001\\u0009\\u007f\""},
    {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
     "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
    {"x\xff\xc3", "\"x\xef\xbf\xbd\xef\xbf\xbd\"", "\"x\xef\xbf\xbd\xef\xbf\xbd\""},
    /* overlong, a surrogate, beyond the last character, a character cut short before a quote */
    {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
    {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
     "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    {"\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
     "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    {"\xe2\x82\"", "\"\xef\xbf\xbd\xef\xbf\xbd\\\"\"", "\"\xef\xbf\xbd\xef\xbf\xbd\\\"\""},
};

static void names_are_escaped_as_each_format_wants(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof escaped / sizeof *escaped; i++) {
    struct page p;
    page_open(&p);
    gci_text_add_label(&p.text, escaped[i].text);
    page_holds(&p, escaped[i].label);
    page_open(&p);
    gci_text_add_string(&p.text, escaped[i].text);
    page_holds(&p, escaped[i].string);
  }
}

static void numbers_are_the_same_in_every_locale(void **state) {
  struct page p;
  (void)state;
  setlocale(LC_ALL, "de_DE.UTF-8"); /* where it is installed */
  page_open(&p);
  gci_text_add_count(&p.text, 0);
  gci_text_add(&p.text, " ");
  gci_text_add_count(&p.text, UINT64_MAX);
  gci_text_add(&p.text, " ");
  gci_text_add_int(&p.text, INT32_MIN);
  page_holds(&p, "0 18446744073709551615 -2147483648");
  page_open(&p);
  static const uint64_t ns[] = {0, 1, 1500000000, 10, UINT64_C(2000000000), UINT64_MAX};
  for (size_t i = 0; i < sizeof ns / sizeof *ns; i++) {
    gci_text_add_seconds(&p.text, ns[i]);
    gci_text_add(&p.text, " ");
  }
  page_holds(&p, "0 0.000000001 1.5 0.00000001 2 18446744073.709551615 ");
  setlocale(LC_ALL, "C");
}

static void write_long(struct oom *oom, void *arg) {
  gcache_mem_t user = oom_mem(oom);
  struct gci_mem *mem = gci_mem_new(&user);
  struct gci_text t;
  int *whole = arg;
  if (mem == NULL) return;
  gci_text_init(&t, mem);
  for (int i = 0; i < 2000; i++)
    gci_text_add_label(&t, "abcdefgh");
  gcache_value_t *value = gci_text_take(&t);
  if (value != NULL) {
    assert_int_equal(gcache_value_bytes(value).len, 2000 * 10);
    (*whole)++;
  }
  gcache_value_unref(value);
  gci_text_fini(&t);
  gci_mem_unref(mem);
}

static void a_text_is_whole_or_none(void **state) {
  int whole = 0;
  (void)state;
  assert_true(oom_sweep(write_long, &whole) >= 4);
  assert_int_equal(whole, 2); /* once each way of failing */
}

/* ------------------------------------------------------------------------------ names ---- */

static void mark(unsigned char *named, const struct gci_names *names) {
  for (size_t i = 0; i < names->n; i++) {
    const struct gci_name *row = &names->rows[i];
    size_t size = row->kind == GCI_HISTOGRAM ? sizeof(gcache_histogram_t)
                  : row->kind == GCI_STATUS  ? sizeof(int)
                                             : sizeof(uint64_t);
    for (size_t k = 0; k < size; k++)
      named[row->offset + k]++;
  }
}

static void mark_range(unsigned char *named, size_t offset, size_t size) {
  for (size_t k = 0; k < size; k++)
    named[offset + k]++;
}

static void assert_all_once(const unsigned char *named, size_t size) {
  for (size_t k = 0; k < size; k++)
    assert_int_equal(named[k], 1);
}

/* Whoever adds a counter and forgets its row hears of it here. */
static void every_counter_of_the_structs_has_one_name(void **state) {
  unsigned char cache[sizeof(gcache_stats_t)] = {0}, group[sizeof(gcache_group_stats_t)] = {0};
  unsigned char side[sizeof(struct gci_side_stats)] = {0}, peer[sizeof(gcache_peer_stats_t)] = {0};
  (void)state;
  mark(cache, &gci_names_cache);
  mark_range(cache, offsetof(gcache_stats_t, peers_error) + sizeof(int), sizeof(int)); /* padding */
  assert_all_once(cache, sizeof cache);
  mark(side, &gci_names_side);
  assert_all_once(side, sizeof side);
  mark(group, &gci_names_group);
  mark(group, &gci_names_get);
  mark(group, &gci_names_run);
  mark_range(group, offsetof(gcache_group_stats_t, main), 2 * sizeof(gcache_cache_stats_t));
  mark_range(group, offsetof(gcache_group_stats_t, main_causes), 2 * sizeof(gcache_causes_t));
  assert_all_once(group, sizeof group);
  mark(peer, &gci_names_peer);
  mark(peer, &gci_names_exchange);
  mark_range(peer, offsetof(gcache_peer_stats_t, url), sizeof(char *));
  mark_range(peer, offsetof(gcache_peer_stats_t, is_self), sizeof(uint64_t));
  mark_range(peer, offsetof(gcache_peer_stats_t, state), sizeof(int));
  assert_all_once(peer, sizeof peer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_are_escaped_as_each_format_wants),
      cmocka_unit_test(numbers_are_the_same_in_every_locale),
      cmocka_unit_test(a_text_is_whole_or_none),
      cmocka_unit_test(every_counter_of_the_structs_has_one_name),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
