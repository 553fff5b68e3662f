/* Unit test of door/replays, against a list of what was taken and when. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <uv.h>

#include "door/replays.h"
#include "oom.h"
#include "random.h"

#define SKEW 30

struct room {
  struct oom oom;
  struct gci_mem *mem;
  struct gci_hash_key key;
  struct gci_replays replays;
};

static void open_room(struct room *r, size_t max) {
  static const unsigned char seed[16] = "sixteen bytes...";
  gcache_mem_t user;

  memset(r, 0, sizeof *r);
  user = oom_mem(&r->oom);
  r->mem = gci_mem_new(&user);
  gci_hash_key_init(&r->key, seed);
  gci_replays_init(&r->replays, r->mem, &r->key, SKEW, max);
}

static void close_room(struct room *r) {
  gci_replays_fini(&r->replays);
  assert_int_equal(r->mem->blocks, 0);
  gci_mem_unref(r->mem);
}

static int add(struct room *r, int id, int64_t time_s, int64_t now_s) {
  return gci_replays_add(&r->replays, gcache_bytes(&id, sizeof id), time_s, now_s);
}

static void nothing_is_taken_twice_while_its_time_would_pass(void **state) {
  static struct { int64_t time_s; } taken[20000];
  static struct room r;
  struct random random = {7};
  int64_t now_s = 1700000000;

  (void)state;
  open_room(&r, 1000000);
  for (int i = 0; i < 20000; i++) {
    int64_t time_s = now_s + (int64_t)(random_u64(&random) % (2 * SKEW + 1)) - SKEW;
    int old = i == 0 ? 0 : (int)(random_u64(&random) % (uint64_t)i);
    assert_int_equal(add(&r, i, time_s, now_s), 0);
    taken[i].time_s = time_s;
    /* One that was taken before, if it would still be looked at. */
    if (taken[old].time_s >= now_s - SKEW && taken[old].time_s <= now_s + SKEW)
      assert_int_equal(add(&r, old, taken[old].time_s, now_s), UV_EEXIST);
    if (random_u64(&random) % 50 == 0) now_s += (int64_t)(random_u64(&random) % 10);
  }
  close_room(&r);
}

static void what_is_over_gives_its_memory_back(void **state) {
  static struct room r;

  (void)state;
  open_room(&r, 100);
  for (int i = 0; i < 100; i++)
    assert_int_equal(add(&r, i, 1000, 1000), 0);
  assert_int_equal(add(&r, 100, 1000, 1000), GCACHE_EBUSY);
  assert_int_equal(add(&r, 5, 1000, 1000), UV_EEXIST);
  assert_int_equal(add(&r, 100, 1030, 1030), GCACHE_EBUSY); /* all may still come again */
  assert_int_equal(add(&r, 100, 1060, 1060), 0);            /* none may */
  assert_int_equal(r.replays.n, 1);
  close_room(&r);
}

static void without_memory_nothing_is_remembered(void **state) {
  static struct room r;

  (void)state;
  open_room(&r, 1000);
  for (int i = 0; i < 1000; i++) {
    r.oom.fail_first = r.oom.asked + 1;
    r.oom.fail_last = SIZE_MAX;
    int rc = add(&r, i, 1000, 1000);
    r.oom.fail_first = r.oom.fail_last = 0;
    assert_true(rc == 0 || rc == UV_ENOMEM);
    if (rc == UV_ENOMEM) assert_int_equal(add(&r, i, 1000, 1000), 0);
    assert_int_equal(r.replays.n, i + 1);
  }
  assert_true(r.oom.refused > 3);
  close_room(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_taken_twice_while_its_time_would_pass),
      cmocka_unit_test(what_is_over_gives_its_memory_back),
      cmocka_unit_test(without_memory_nothing_is_remembered),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
