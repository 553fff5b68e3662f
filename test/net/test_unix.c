/* Unix sockets as the library and the system see them: files, permissions, files left by a crashed
 * process, invalid paths. The programs built with TEST_UNIX show that members work over them as
 * over TCP. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "member.h"
#include "place.h"
#include "raw.h"

#define NOBODY 65534

static void log_last(void *data, gcache_log_level_t level, const char *line) {
  if (level == GCACHE_LOG_WARN) snprintf(data, 200, "%s", line);
}

static void open_quiet(struct member *m, uv_loop_t *loop, const char *name, char logged[200]) {
  gcache_options_t o;

  member_options(m, &o, loop, name);
  if (logged != NULL) {
    logged[0] = '\0';
    o.log = log_last;
    o.log_data = logged;
  }
  member_open(m, &o);
  member_group(m, "g");
}

static int listen_at(struct member *m, const char *path, unsigned mode) {
  int rc = gcache_listen_unix(&m->listener, m->cache, path, mode, 16);

  snprintf(m->url, sizeof m->url, "unix:%s", path);
  if (rc == 0) assert_int_equal(gcache_set_self(m->cache, m->url), 0);
  return rc;
}

static struct sockaddr_un name_of(const char *path) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};

  snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
  return name;
}

/* A descriptor bound to path, and listening if backlog is not negative. */
static int plain_unix(const char *path, int backlog) {
  struct sockaddr_un name = name_of(path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof name), 0);
  if (backlog >= 0) assert_int_equal(listen(fd, backlog), 0);
  return fd;
}

/* 0, or errno of connecting. */
static int try_connect(const char *path) {
  struct sockaddr_un name = name_of(path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int error = connect(fd, (const struct sockaddr *)&name, sizeof name) < 0 ? errno : 0;

  close(fd);
  return error;
}

static void count(void *arg) {
  ++*(int *)arg;
}

static void await_listener_closed(struct member *m) {
  int closed = 0;

  gcache_listener_close(m->listener, count, &closed);
  run_loop_until(m->loop, &closed, 1);
}

static void two_know(struct member *a, struct member *b) {
  const char *urls[] = {a->url, b->url};

  assert_int_equal(gcache_set_peers(a->cache, urls, NULL, 2), 0);
  assert_int_equal(gcache_set_peers(b->cache, urls, NULL, 2), 0);
}

/* --------------------------------------------------------------------------------- the file -- */

static void the_file_is_the_owners_alone_unless_said_otherwise(void **state) {
  static const unsigned modes[][2] = {{0, 0600}, {0660, 0660}, {0777, 0777}, {0200, 0200}};
  mode_t before = umask(077);

  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
    struct member m;
    struct stat st;
    char path[64];
    place_new_path(path, sizeof path);
    open_quiet(&m, *state, "m", NULL);
    assert_int_equal(listen_at(&m, path, modes[i][0]), 0);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 0777, modes[i][1]);
    assert_int_equal(gcache_listener_port(m.listener), 0);
    member_end(&m);
    assert_int_equal(lstat(path, &st), -1);
  }
  umask(before);
}

static void the_file_goes_when_closing_begins(void **state) {
  struct member m, next;
  char path[64];

  place_new_path(path, sizeof path);
  open_quiet(&m, *state, "m", NULL);
  open_quiet(&next, *state, "next", NULL);
  assert_int_equal(listen_at(&m, path, 0), 0);
  gcache_listener_close(m.listener, NULL, NULL);
  assert_int_equal(access(path, F_OK), -1);
  assert_int_equal(listen_at(&next, path, 0), 0);
  member_end(&m);
  assert_int_equal(access(path, F_OK), 0); /* it is not m's */
  member_end(&next);
}

static void a_file_that_has_come_in_its_place_stays(void **state) {
  struct member m;
  char path[64];
  int fd;

  place_new_path(path, sizeof path);
  open_quiet(&m, *state, "m", NULL);
  assert_int_equal(listen_at(&m, path, 0), 0);
  assert_int_equal(unlink(path), 0);
  fd = plain_unix(path, 1);
  member_end(&m);
  assert_int_equal(access(path, F_OK), 0);
  close(fd);
}

/* ------------------------------------------------------------------- what stands in the way -- */

static void a_socket_left_by_a_crashed_process_is_replaced(void **state) {
  struct member a, b;
  struct asked asked;
  char path[64], other[64], key[32];
  int status;
  pid_t child;

  place_new_path(path, sizeof path);
  place_new_path(other, sizeof other);
  child = fork();
  if (child == 0) {
    plain_unix(path, 4);
    _exit(9);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(try_connect(path), ECONNREFUSED);
  open_quiet(&a, *state, "A", NULL);
  open_quiet(&b, *state, "B", NULL);
  assert_int_equal(listen_at(&a, path, 0), 0);
  assert_int_equal(listen_at(&b, other, 0), 0);
  two_know(&a, &b);
  ask(&asked, &b, member_key(&a, "k", key, sizeof key));
  assert_int_equal(strncmp(asked.value, "A|", 2), 0);
  member_end(&a);
  member_end(&b);
}

static void a_socket_that_is_bound_and_does_not_listen_is_replaced(void **state) {
  struct member m;
  char path[64];
  int fd;

  place_new_path(path, sizeof path);
  fd = plain_unix(path, -1);
  open_quiet(&m, *state, "m", NULL);
  assert_int_equal(listen_at(&m, path, 0), 0);
  assert_int_equal(try_connect(path), 0);
  close(fd);
  member_end(&m);
}

static void a_socket_that_somebody_listens_at_is_in_use(void **state) {
  struct member m, other;
  char path[64];
  int fd;

  place_new_path(path, sizeof path);
  open_quiet(&m, *state, "m", NULL);
  open_quiet(&other, *state, "other", NULL);
  assert_int_equal(listen_at(&m, path, 0), 0);
  assert_int_equal(listen_at(&other, path, 0), UV_EADDRINUSE);
  assert_int_equal(try_connect(path), 0);
  await_listener_closed(&m);
  fd = plain_unix(path, 0); /* room for one that waits */
  assert_int_equal(listen_at(&other, path, 0), UV_EADDRINUSE);
  assert_int_equal(listen_at(&other, path, 0), UV_EADDRINUSE); /* nor for that */
  assert_int_equal(access(path, F_OK), 0);
  close(fd);
  assert_int_equal(listen_at(&other, path, 0), 0);
  member_end(&m);
  member_end(&other);
}

static void what_is_no_socket_stays(void **state) {
  struct member m;
  char path[64], link[64], target[64];
  struct stat st;

  place_new_path(path, sizeof path);
  place_new_path(link, sizeof link);
  place_new_path(target, sizeof target);
  close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  assert_int_equal(symlink(target, link), 0);
  open_quiet(&m, *state, "m", NULL);
  assert_int_equal(listen_at(&m, path, 0), UV_EADDRINUSE);
  assert_int_equal(lstat(path, &st), 0);
  assert_true(S_ISREG(st.st_mode));
  assert_int_equal(listen_at(&m, link, 0), UV_EADDRINUSE);
  assert_int_equal(lstat(link, &st), 0);
  assert_true(S_ISLNK(st.st_mode));
  member_end(&m);
}

static void a_directory_that_is_not_there_is_an_error(void **state) {
  struct member m;

  open_quiet(&m, *state, "m", NULL);
  assert_int_equal(listen_at(&m, "/nowhere/at/all", 0), UV_ENOENT);
  member_end(&m);
}

/* ----------------------------------------------------------------------------- permissions -- */

static void become_nobody(void) {
  if (getuid() == 0) assert_int_equal(seteuid(NOBODY), 0);
}

static void become_oneself(void) {
  if (getuid() == 0) assert_int_equal(seteuid(0), 0);
}

static void who_may_not_write_to_the_file_loads_for_itself(void **state) {
  struct member a, b;
  struct asked asked;
  char paths[2][64], key[32];

  place_new_path(paths[0], sizeof paths[0]);
  place_new_path(paths[1], sizeof paths[1]);
  open_quiet(&a, *state, "A", NULL);
  open_quiet(&b, *state, "B", NULL);
  assert_int_equal(listen_at(&a, paths[0], 0400), 0);
  assert_int_equal(listen_at(&b, paths[1], 0), 0);
  two_know(&a, &b);
  member_key(&a, "k", key, sizeof key);
  become_nobody();
  ask(&asked, &b, key);
  become_oneself();
  assert_int_equal(asked.status, 0);
  assert_int_equal(strncmp(asked.value, "B|", 2), 0);
  assert_int_equal(chmod(paths[0], 0600), 0);
  member_await_up(&b, strcmp(a.url, b.url) < 0 ? 0 : 1);
  member_key(&a, "later", key, sizeof key);
  ask(&asked, &b, key);
  assert_int_equal(strncmp(asked.value, "A|", 2), 0);
  member_end(&a);
  member_end(&b);
}

/* The system's word, and not the peer's, which would be taken for an answer. */
static void who_may_not_write_to_the_file_tells_of_a_change_later(void **state) {
  struct member a, b;
  struct asked asked;
  struct changed c = {0};
  char paths[2][64], key[32];

  place_new_path(paths[0], sizeof paths[0]);
  place_new_path(paths[1], sizeof paths[1]);
  open_quiet(&a, *state, "A", NULL);
  open_quiet(&b, *state, "B", NULL);
  assert_int_equal(listen_at(&a, paths[0], 0400), 0);
  assert_int_equal(listen_at(&b, paths[1], 0), 0);
  two_know(&a, &b);
  member_key(&a, "k", key, sizeof key);
  ask(&asked, &a, key); /* its own */
  become_nobody();
  c.req.data = &c;
  assert_int_equal(gcache_remove(&c.req, b.group, gcache_cstr(key), 0, on_changed), 0);
  run_loop_until(b.loop, &c.done, 1);
  become_oneself();
  assert_int_equal(c.status, GCACHE_EPARTIAL);
  assert_int_equal(chmod(paths[0], 0600), 0);
  member_await_up(&b, strcmp(a.url, b.url) < 0 ? 0 : 1);
  assert_null(gcache_peek(a.group, gcache_cstr(key)));
  member_end(&a);
  member_end(&b);
}

/* Where the file of another is, which may neither be asked nor removed. */
static void somebody_elses_socket_is_in_the_way(void **state) {
  struct member m;
  char path[64];
  int rc, fd;

  place_new_path(path, sizeof path);
  fd = plain_unix(path, 1);
  assert_int_equal(chmod(path, 0), 0);
  open_quiet(&m, *state, "m", NULL);
  become_nobody();
  rc = listen_at(&m, path, 0);
  become_oneself();
  assert_true(rc == UV_EACCES || rc == UV_EADDRINUSE);
  assert_int_equal(access(path, F_OK), 0);
  close(fd);
  member_end(&m);
}

/* ------------------------------------------------------------------------- URLs and paths -- */

static void paths_that_are_none_are_refused_by_name(void **state) {
  static const char long_path[] =
      "/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789"
      "/123456789/1234567"; /* 108 */
  static const struct {
    const char *path, *said;
  } bad[] = {
      {"", "absolute"},         {"run/x", "absolute"},    {"//run/x", "one slash"},
      {"/run/", "name a file"}, {"/", "name a file"},     {long_path, "at most 107"},
      {"/a#b", "plain ASCII"},  {"/a?b", "plain ASCII"},  {"/a%20b", "plain ASCII"},
      {"/a b", "plain ASCII"},  {"/a\nb", "plain ASCII"}, {"/\xc3\xa4", "plain ASCII"},
  };
  struct member m;
  char logged[200], url[200];
  const char *urls[] = {url};

  assert_int_equal(strlen(long_path), 108);
  open_quiet(&m, *state, "m", logged);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    logged[0] = '\0';
    assert_int_equal(gcache_listen_unix(&m.listener, m.cache, bad[i].path, 0, 4), UV_EINVAL);
    if (strstr(logged, bad[i].said) == NULL) fail_msg("%s: %s", bad[i].path, logged);
    snprintf(url, sizeof url, "unix:%s", bad[i].path);
    logged[0] = '\0';
    assert_int_equal(gcache_set_peers(m.cache, urls, NULL, 1), UV_EINVAL);
    if (strstr(logged, bad[i].said) == NULL) fail_msg("%s: %s", url, logged);
    assert_int_equal(gcache_set_self(m.cache, url), UV_EINVAL);
  }
  assert_int_equal(gcache_listen_unix(&m.listener, m.cache, NULL, 0, 4), UV_EINVAL);
  assert_int_equal(gcache_listen_unix(&m.listener, m.cache, "/tmp/x", 01600, 4), UV_EINVAL);
  snprintf(url, sizeof url, "unix:%.107s", long_path);
  assert_int_equal(gcache_set_peers(m.cache, urls, NULL, 1), 0);
  member_end(&m);
}

static void a_bad_self_does_not_open(void **state) {
  struct member m;
  gcache_options_t o;
  char logged[200] = "";

  member_options(&m, &o, *state, "m");
  o.log = log_last;
  o.log_data = logged;
  o.self = "unix:run/x";
  assert_int_equal(gcache_open(&m.cache, &o), UV_EINVAL);
  assert_non_null(strstr(logged, "absolute"));
}

static void the_dialects_of_go_have_no_unix_sockets(void **state) {
  static const char *const urls[] = {"unix:/run/x"};

  for (int d = GCACHE_DIALECT_MAILGUN; d <= GCACHE_DIALECT_GOLANG; d++) {
    struct member m;
    gcache_options_t o;
    char logged[200] = "";
    member_options(&m, &o, *state, "m");
    o.dialect = (gcache_dialect_t)d;
    o.log = log_last;
    o.log_data = logged;
    member_open(&m, &o);
    member_group(&m, "g");
    assert_int_equal(gcache_set_peers(m.cache, urls, NULL, 1), UV_EINVAL);
    assert_non_null(strstr(logged, "dialect"));
    member_end(&m);
    o.self = urls[0];
    assert_int_equal(gcache_open(&m.cache, &o), UV_EINVAL);
  }
}

/* ---------------------------------------------------------------------------------- peers -- */

/* Some over TCP, some over Unix sockets: one list, one load a key. */
static void lists_may_be_mixed(void **state) {
  struct member m[4];
  char path[64];
  int loads = 0;

  for (int i = 0; i < 4; i++) {
    open_quiet(&m[i], *state, i < 2 ? "tcp" : "unix", NULL);
    if (i < 2) {
      member_listen(&m[i]);
    } else {
      place_new_path(path, sizeof path);
      assert_int_equal(listen_at(&m[i], path, 0), 0);
    }
  }
  members_know(m, 4);
  for (int i = 0; i < 400; i++) {
    struct asked asked;
    char key[16];
    snprintf(key, sizeof key, "k%d", i / 4);
    ask(&asked, &m[i % 4], key);
    assert_int_equal(asked.status, 0);
  }
  for (int i = 0; i < 4; i++) {
    assert_in_range(m[i].loads, 5, 60); /* each owns some */
    loads += m[i].loads;
    member_end(&m[i]);
  }
  assert_int_equal(loads, 100);
}

/* A cache behind an own port may be asked over a Unix socket too, and is no stranger's. */
static void whoever_may_connect_is_a_peer_unless_more_is_asked_for(void **state) {
  static const char secret[] = "what all the members know";

  for (int with = 0; with < 2; with++) {
    struct member a, b;
    struct asked asked;
    gcache_options_t o;
    char paths[2][64], key[32];
    for (int i = 0; i < 2; i++) {
      struct member *m = i == 0 ? &a : &b;
      member_options(m, &o, *state, i == 0 ? "A" : "B");
      if (with && i == 0) {
        o.access.secret = secret;
        o.access.secret_len = sizeof secret - 1;
      }
      if (gcache_open(&m->cache, &o) == UV_ENOTSUP) return; /* built without TLS */
      member_group(m, "g");
      place_new_path(paths[i], sizeof paths[i]);
      assert_int_equal(listen_at(m, paths[i], 0), 0);
    }
    two_know(&a, &b);
    ask(&asked, &b, member_key(&a, "k", key, sizeof key));
    assert_int_equal(strncmp(asked.value, with ? "B|" : "A|", 2), 0);
    member_end(&a);
    member_end(&b);
  }
}

static void members_with_a_secret_sign_over_unix_sockets(void **state) {
  static const char secret[] = "what all the members know";
  struct member m[2];
  struct asked asked;
  char paths[2][64], key[32];

  for (int i = 0; i < 2; i++) {
    gcache_options_t o;
    member_options(&m[i], &o, *state, i == 0 ? "A" : "B");
    o.access.secret = secret;
    o.access.secret_len = sizeof secret - 1;
    if (gcache_open(&m[i].cache, &o) == UV_ENOTSUP) return; /* built without TLS */
    member_group(&m[i], "g");
    place_new_path(paths[i], sizeof paths[i]);
    assert_int_equal(listen_at(&m[i], paths[i], 0), 0);
  }
  two_know(&m[0], &m[1]);
  ask(&asked, &m[1], member_key(&m[0], "k", key, sizeof key));
  assert_int_equal(strncmp(asked.value, "A|", 2), 0);
  member_end(&m[0]);
  member_end(&m[1]);
}

/* Who listens and does not accept yet refuses more than its backlog at once: they try again. */
static void a_full_backlog_is_waited_for(void **state) {
  struct member m;
  struct asked asked;
  gcache_options_t o;
  char path[64], url[80];
  const char *urls[] = {url};
  int fd, others[2];

  place_new_path(path, sizeof path);
  snprintf(url, sizeof url, "unix:%s", path);
  fd = plain_unix(path, 0);
  for (int i = 0; i < 2; i++) {
    struct sockaddr_un name = name_of(path);
    others[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    connect(others[i], (const struct sockaddr *)&name, sizeof name);
  }
  member_options(&m, &o, *state, "m");
  o.connect_timeout_ms = 50;
  member_open(&m, &o);
  member_group(&m, "g");
  assert_int_equal(gcache_set_peers(m.cache, urls, NULL, 1), 0);
  ask(&asked, &m, "k"); /* loaded here, when the time is over */
  assert_int_equal(strncmp(asked.value, "m|", 2), 0);
  member_end(&m);
  for (int i = 0; i < 2; i++)
    close(others[i]);
  close(fd);
}

/* As above, but those before it are accepted meanwhile. */
static void who_waits_at_a_full_backlog_gets_through(void **state) {
  struct member m;
  struct asked asked;
  gcache_options_t o;
  char path[64], url[80];
  const char *urls[] = {url};
  struct sockaddr_un name;
  int fd, first, taken;

  place_new_path(path, sizeof path);
  snprintf(url, sizeof url, "unix:%s", path);
  name = name_of(path);
  fd = plain_unix(path, 0);
  first = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(first, (const struct sockaddr *)&name, sizeof name), 0);
  member_options(&m, &o, *state, "m");
  o.connect_timeout_ms = 60000;
  member_open(&m, &o);
  member_group(&m, "g");
  assert_int_equal(gcache_set_peers(m.cache, urls, NULL, 1), 0);
  ask_start(&asked, &m, "k", 0);
  run_loop_turns(*state, 20);
  assert_int_equal(asked.done, 0);
  close(accept4(fd, NULL, NULL, SOCK_CLOEXEC));
  fcntl(fd, F_SETFL, O_NONBLOCK);
  while ((taken = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) < 0)
    assert_true(uv_run(*state, UV_RUN_ONCE) != 0); /* its timer wakes the loop */
  close(fd);
  close(taken);
  run_loop_until(*state, &asked.done, 1); /* its connection has broken: loaded here */
  assert_int_equal(strncmp(asked.value, "m|", 2), 0);
  close(first);
  member_end(&m);
}

/* Closing while it tries again. */
static void close_at_a_full_backlog_leaves_nothing(void **state) {
  char path[64], url[80];
  const char *urls[] = {url};
  struct sockaddr_un name;
  int fd, first;

  place_new_path(path, sizeof path);
  snprintf(url, sizeof url, "unix:%s", path);
  name = name_of(path);
  fd = plain_unix(path, 0);
  first = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(first, (const struct sockaddr *)&name, sizeof name), 0);
  for (int turns = 0; turns < 12; turns++) {
    struct member m;
    struct asked asked;
    open_quiet(&m, *state, "m", NULL);
    assert_int_equal(gcache_set_peers(m.cache, urls, NULL, 1), 0);
    ask_start(&asked, &m, "k", 0);
    run_loop_turns(*state, turns);
    member_end(&m);
    assert_int_equal(asked.done, 1);
  }
  close(first);
  close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_file_is_the_owners_alone_unless_said_otherwise),
      TEST(the_file_goes_when_closing_begins),
      TEST(a_file_that_has_come_in_its_place_stays),
      TEST(a_socket_left_by_a_crashed_process_is_replaced),
      TEST(a_socket_that_is_bound_and_does_not_listen_is_replaced),
      TEST(a_socket_that_somebody_listens_at_is_in_use),
      TEST(what_is_no_socket_stays),
      TEST(a_directory_that_is_not_there_is_an_error),
      TEST(who_may_not_write_to_the_file_loads_for_itself),
      TEST(who_may_not_write_to_the_file_tells_of_a_change_later),
      TEST(somebody_elses_socket_is_in_the_way),
      TEST(paths_that_are_none_are_refused_by_name),
      TEST(a_bad_self_does_not_open),
      TEST(the_dialects_of_go_have_no_unix_sockets),
      TEST(lists_may_be_mixed),
      TEST(whoever_may_connect_is_a_peer_unless_more_is_asked_for),
      TEST(members_with_a_secret_sign_over_unix_sockets),
      TEST(a_full_backlog_is_waited_for),
      TEST(who_waits_at_a_full_backlog_gets_through),
      TEST(close_at_a_full_backlog_leaves_nothing),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
