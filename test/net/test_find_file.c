/* Peers from a file: written, replaced, linked as Kubernetes does it, removed, invalid. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "finder.h"

#define SELF "http://10.0.0.1:80"

static char dir[64];

static const char *in_dir(const char *name) {
  static char paths[4][128];
  static int next;
  char *path = paths[next++ % 4];

  snprintf(path, sizeof paths[0], "%s/%s", dir, name);
  return path;
}

static void write_file(const char *path, const char *text) {
  FILE *file = fopen(path, "w");

  assert_non_null(file);
  fputs(text, file);
  assert_int_equal(fclose(file), 0);
}

static void replace(const char *name, const char *text) {
  write_file(in_dir("fresh"), text);
  assert_int_equal(rename(in_dir("fresh"), in_dir(name)), 0);
}

static int setup(void **state) {
  snprintf(dir, sizeof dir, "/tmp/gcache-find-XXXXXX");
  return mkdtemp(dir) == NULL ? -1 : loop_setup(state);
}

static int teardown(void **state) {
  char command[128];

  snprintf(command, sizeof command, "rm -r %s", dir);
  return system(command) != 0 ? -1 : loop_teardown(state);
}

static void find_file(struct finder *f, const char *name) {
  assert_int_equal(gcache_find_file(&f->find, &f->o, in_dir(name)), 0);
  assert_int_equal(f->told, 0);
}

static void a_file_that_is_replaced_is_read_again(void **state) {
  struct finder f;
  gcache_stats_t stats;

  finder_open(&f, *state, SELF);
  replace("peers", "# two\nhttp://10.0.0.2:80\n" SELF "\n");
  find_file(&f, "peers");
  finder_await(&f, "http://10.0.0.1:80 http://10.0.0.2:80");
  gcache_stats(f.m.cache, &stats);
  assert_int_equal(stats.peers, 2);
  replace("peers", "http://10.0.0.3:80 5\n");
  finder_await(&f, "http://10.0.0.1:80 http://10.0.0.3:80*5");
  write_file(in_dir("peers"),
             "http://10.0.0.4:80\n"); /* in place: read when it is whole, or twice */
  finder_await(&f, "http://10.0.0.1:80 http://10.0.0.4:80");
  finder_close(&f);
  gcache_stats(f.m.cache, &stats);
  assert_int_equal(stats.peers, 2); /* the list stays */
  finder_end(&f);
}

static void a_bad_file_leaves_the_list_and_says_where(void **state) {
  struct finder f;

  finder_open(&f, *state, SELF);
  replace("peers", "http://10.0.0.2:80\n");
  find_file(&f, "peers");
  finder_await_count(&f, &f.sets, 1);
  replace("peers", "http://10.0.0.2:80\nhttp://10.0.0.3:80 heavy\n");
  finder_await_count(&f, &f.keeps, 1);
  assert_non_null(strstr(f.text, "/peers: line 2 is not a URL, or has a bad weight"));
  assert_string_equal(f.list, "http://10.0.0.1:80 http://10.0.0.2:80");
  replace("peers", "");
  finder_await_count(&f, &f.keeps, f.keeps + 1);
  while (f.status != UV_ENOENT)
    finder_await_count(&f, &f.keeps, f.keeps + 1);
  unlink(in_dir("peers"));
  finder_await_count(&f, &f.keeps, f.keeps + 2);
  assert_string_equal(f.list, "http://10.0.0.1:80 http://10.0.0.2:80");
  assert_int_equal(f.sets, 1);
  replace("peers", "http://10.0.0.3:80\n"); /* back again */
  finder_await(&f, "http://10.0.0.1:80 http://10.0.0.3:80");
  finder_end(&f);
}

static void what_is_no_file_is_told(void **state) {
  struct finder f;

  finder_open(&f, *state, SELF);
  find_file(&f, ""); /* the directory */
  finder_await_count(&f, &f.keeps, 1);
  assert_int_equal(f.status, UV_EINVAL);
  finder_close(&f);
  f.told = 0;
  f.closed = 0;
  assert_int_equal(mkfifo(in_dir("pipe"), 0600), 0);
  find_file(&f, "pipe");
  finder_await_count(&f, &f.keeps, 2);
  assert_int_equal(f.status, UV_EINVAL);
  finder_close(&f);
  f.told = 0;
  f.closed = 0;
  write_file(in_dir("large"), "");
  assert_int_equal(truncate(in_dir("large"), 9 << 20), 0);
  find_file(&f, "large");
  finder_await_count(&f, &f.keeps, 3);
  assert_int_equal(f.status, UV_EFBIG);
  finder_end(&f);
}

/* A ConfigMap: the file is a link through ..data, which is replaced. */
static void a_mount_of_kubernetes_is_seen_at_once(void **state) {
  struct finder f;

  assert_int_equal(mkdir(in_dir("..one"), 0700) + mkdir(in_dir("..two"), 0700), 0);
  write_file(in_dir("..one/peers"), "http://10.0.0.2:80\n");
  write_file(in_dir("..two/peers"), "http://10.0.0.3:80\n");
  assert_int_equal(symlink("..one", in_dir("..data")), 0);
  assert_int_equal(symlink("..data/peers", in_dir("peers")), 0);
  finder_open(&f, *state, SELF);
  find_file(&f, "peers");
  finder_await(&f, "http://10.0.0.1:80 http://10.0.0.2:80");
  assert_int_equal(symlink("..two", in_dir("..data_tmp")), 0);
  assert_int_equal(rename(in_dir("..data_tmp"), in_dir("..data")), 0);
  finder_await(&f, "http://10.0.0.1:80 http://10.0.0.3:80");
  finder_end(&f);
}

static void what_cannot_be_watched_is_read_at_intervals(void **state) {
  struct finder f;

  finder_open(&f, *state, NULL);
  f.o.interval_ms = 20;
  find_file(&f, "later/peers");
  finder_await_count(&f, &f.keeps, 2);
  assert_int_equal(f.status, UV_ENOENT);
  assert_int_equal(mkdir(in_dir("later"), 0700), 0);
  replace("later/peers", "http://10.0.0.2:80\n");
  finder_await(&f, "http://10.0.0.2:80");
  finder_end(&f);
}

static void closed_at_any_moment(void **state) {
  struct finder f;

  replace("peers", "http://10.0.0.2:80\n");
  for (int turns = 0; turns < 12; turns++) {
    finder_open(&f, *state, SELF);
    find_file(&f, "peers");
    run_loop_turns(*state, turns);
    if (turns % 2 == 0) finder_close(&f);
    f.find = NULL; /* else the cache closes it */
    finder_end(&f);
  }
}

static void bad_calls_start_nothing(void **state) {
  struct finder f;
  gcache_find_t *other;

  finder_open(&f, *state, SELF);
  assert_int_equal(gcache_find_file(&f.find, &f.o, NULL), UV_EINVAL);
  assert_int_equal(gcache_find_file(&f.find, &f.o, ""), UV_EINVAL);
  f.o.cache = NULL;
  assert_int_equal(gcache_find_file(&f.find, &f.o, "peers"), UV_EINVAL);
  f.o.cache = f.m.cache;
  find_file(&f, "peers");
  assert_int_equal(gcache_find_file(&other, &f.o, "peers"), UV_EALREADY);
  finder_close(&f);
  f.closed = 0;
  find_file(&f, "peers"); /* free again */
  finder_end(&f);
}

static void find_in_failing_memory(struct oom *oom, void *arg) {
  struct finder f;

  if (finder_open_failing(&f, arg, NULL, oom) == 0)
    finder_end_failing(&f, gcache_find_file(&f.find, &f.o, in_dir("peers")));
}

static void every_failure_of_memory_is_survived(void **state) {
  replace("peers", "http://10.0.0.2:80\nhttp://10.0.0.3:80\n");
  assert_true(oom_sweep(find_in_failing_memory, *state) > 12);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_file_that_is_replaced_is_read_again),
      TEST(a_bad_file_leaves_the_list_and_says_where),
      TEST(what_is_no_file_is_told),
      TEST(a_mount_of_kubernetes_is_seen_at_once),
      TEST(what_cannot_be_watched_is_read_at_intervals),
      TEST(closed_at_any_moment),
      TEST(bad_calls_start_nothing),
      TEST(every_failure_of_memory_is_survived),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
