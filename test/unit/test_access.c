/* Unit test of door/access: who may read and who may write, as a table; and of door/known, which
 * supplies the peers' addresses. Names, certificates and signatures: test/net/test_access.c,
 * test_auth.c. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "core/core.h"
#include "door/access.h"
#include "manual_env.h"
#include "net/hmac.h"
#include "oom.h"

#define SECRET "0123456789abcdef"

struct room {
  struct oom oom;
  struct manual_env env;
  gcache_t cache;
  struct gci_access access;
};

static const char *const peers[] = {"http://10.0.0.1:8080", "https://10.0.0.2",
                                    "http://[fd00::7]:1", "http://10.0.0.1:8081"};

static void open_room(struct room *r, const gcache_access_t *options) {
  static const unsigned char seed[16] = "sixteen bytes...", sender[8] = "sender.";
  gcache_access_t complete = *options;
  gcache_mem_t user;

  memset(r, 0, sizeof *r);
  user = oom_mem(&r->oom);
  assert_int_equal(manual_env_init(&r->env, &user), 0);
  gci_hash_key_init(&r->cache.hash_key, seed);
  complete.skew_ms = 30000;
  complete.replays_max = 100;
  assert_int_equal(gci_access_open(&r->access, &r->env.env, NULL, &r->cache, &complete, sender), 0);
}

static int know(struct room *r, const char *const urls[], size_t n) {
  struct gci_known_list *list;
  int err = gci_known_prepare(&r->access.known, &list, urls, n);

  if (err == 0) gci_known_commit(&r->access.known, list);
  return err;
}

static void close_room(struct room *r) {
  gci_access_close(&r->access);
  gci_access_fini(&r->access);
  manual_env_fini(&r->env);
  assert_int_equal(r->oom.blocks, 0);
}

static enum gci_verdict ask(struct room *r, struct gci_visitor *v, const char *method) {
  struct gci_http_head head = {.method = gcache_cstr(method),
                               .target = GCI_LIT("/_groupcache/g/k")};

  return gci_access_judge(&r->access, v, &head, 0);
}

static struct gci_visitor from(const char *address) {
  struct gci_visitor v = {.is_local = strcmp(address, "unix") == 0};

  gci_address_read(&v.address, address);
  return v;
}

#define IN GCI_LET_IN
#define NO GCI_BARRED_STRANGER
#define UN GCI_BARRED_UNLISTED
#define SG GCI_BARRED_UNSIGNED /* who asks is let in, the request is not */

enum secret { NONE, ALL, CHANGES };

struct row {
  gcache_access_who_t read, write;
  enum secret secret;
  const char *address;
  enum gci_verdict reads, writes;
};

#define P GCACHE_ACCESS_PEERS
#define L GCACHE_ACCESS_LISTED
#define A GCACHE_ACCESS_ANYONE

/* Listed are 10.0.0.2, 192.168.0.0/16, ::1 and Unix sockets. */
static const struct row table[] = {
    {P, P, NONE, "127.0.0.1", IN, IN},
    {P, P, NONE, "127.8.9.1", IN, IN},
    {P, P, NONE, "::1", IN, IN},
    {P, P, NONE, "unix", IN, IN},
    {P, P, NONE, "10.0.0.1", IN, IN},
    {P, P, NONE, "10.0.0.2", IN, IN},
    {P, P, NONE, "fd00::7", IN, IN},
    {P, P, NONE, "::ffff:10.0.0.1", IN, IN},
    {P, P, NONE, "10.0.0.3", NO, NO},
    {P, P, NONE, "192.168.0.1", NO, NO},
    {P, P, NONE, "fd00::8", NO, NO},
    {P, P, NONE, "128.0.0.1", NO, NO},
    {P, P, NONE, "", NO, NO},
    {L, L, NONE, "127.0.0.1", UN, UN},
    {L, L, NONE, "::1", IN, IN},
    {L, L, NONE, "unix", IN, IN},
    {L, L, NONE, "10.0.0.1", UN, UN},
    {L, L, NONE, "10.0.0.2", IN, IN},
    {L, L, NONE, "192.168.200.1", IN, IN},
    {L, L, NONE, "", UN, UN},
    {A, A, NONE, "203.0.113.1", IN, IN},
    {A, A, NONE, "", IN, IN},
    {A, P, NONE, "203.0.113.1", IN, NO},
    {A, P, NONE, "10.0.0.1", IN, IN},
    {A, L, NONE, "10.0.0.1", IN, UN},
    {A, L, NONE, "192.168.0.9", IN, IN},
    {L, P, NONE, "192.168.0.9", IN, NO},
    {L, P, NONE, "10.0.0.2", IN, IN},
    {L, P, NONE, "127.0.0.1", UN, UN},
    {P, L, NONE, "10.0.0.1", IN, UN},
    {P, L, NONE, "192.168.0.9", NO, NO},
    {P, L, NONE, "10.0.0.2", IN, IN},
    {P, P, ALL, "203.0.113.1", SG, SG},
    {P, P, ALL, "127.0.0.1", SG, SG},
    {P, P, ALL, "10.0.0.1", SG, SG},
    {P, P, CHANGES, "203.0.113.1", NO, SG},
    {P, P, CHANGES, "10.0.0.1", IN, SG},
    {L, L, ALL, "10.0.0.1", UN, UN},
    {L, L, ALL, "10.0.0.2", SG, SG},
    {L, L, CHANGES, "10.0.0.2", IN, SG},
    {A, A, ALL, "203.0.113.1", SG, SG},
    {A, A, CHANGES, "203.0.113.1", IN, SG},
    {A, P, CHANGES, "203.0.113.1", IN, SG},
    {A, L, ALL, "203.0.113.1", SG, UN},
    {L, P, ALL, "10.0.0.1", UN, UN},
    {L, P, CHANGES, "192.168.0.9", IN, SG},
};

#undef P
#undef L
#undef A

static void row_holds(const struct row *row) {
  static const char *const listed[] = {"10.0.0.2", "192.168.0.0/16", "::1", "unix"};
  static const char *const methods[] = {"PUT", "DELETE", "POST", "PATCH", "HEAD"};
  static struct room r;
  gcache_access_t options = {
      .read = row->read, .write = row->write, .addresses = listed, .n_addresses = 4};
  struct gci_visitor v = from(row->address);
  enum gci_verdict verdict;

  if (row->secret != NONE && !gci_hmac_built_in()) return;
  if (row->secret != NONE) {
    options.secret = SECRET;
    options.secret_len = sizeof SECRET - 1;
    options.secret_for = row->secret == ALL ? GCACHE_SECRET_ALL : GCACHE_SECRET_CHANGES;
  }
  open_room(&r, &options);
  assert_int_equal(know(&r, peers, 4), 0);
  verdict = ask(&r, &v, "GET");
  if (verdict != row->reads) fail_msg("row %td: %s reads: %d", row - table, row->address, verdict);
  for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
    verdict = ask(&r, &v, methods[i]);
    if (verdict != row->writes)
      fail_msg("row %td: %s, %s: %d", row - table, row->address, methods[i], verdict);
  }
  close_room(&r);
}

static void who_may_do_what_is_as_the_table_says(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
    row_holds(&table[i]);
}

static void another_list_is_another_judgement_of_who_is_there_already(void **state) {
  static const char *const other[] = {"http://10.0.0.3:1"};
  static struct room r;
  gcache_access_t options = {0};
  struct gci_visitor one = from("10.0.0.1"), three = from("10.0.0.3");

  (void)state;
  open_room(&r, &options);
  assert_int_equal(ask(&r, &one, "GET"), NO);
  assert_int_equal(know(&r, peers, 4), 0);
  assert_int_equal(ask(&r, &one, "GET"), IN);
  assert_int_equal(ask(&r, &three, "GET"), NO);
  assert_int_equal(know(&r, other, 1), 0);
  assert_int_equal(ask(&r, &one, "GET"), NO);
  assert_int_equal(ask(&r, &three, "PUT"), IN);
  assert_int_equal(know(&r, other, 0), 0);
  assert_int_equal(ask(&r, &three, "PUT"), NO);
  close_room(&r);
}

static void refusals_are_counted_and_say_what_to_do(void **state) {
  static struct room r;
  gcache_access_t options = {0};

  (void)state;
  open_room(&r, &options);
  for (int v = GCI_LET_IN + 1; v < GCI_N_VERDICTS; v++) {
    uint64_t before = r.access.forbidden;
    const struct gci_verdict_words *words = gci_access_refuse(&r.access, (enum gci_verdict)v);
    assert_true(words->status == 403 || words->status == 429);
    assert_int_equal(r.access.forbidden - before, words->status == 403);
    assert_true(strlen(words->text) > 5);
  }
  close_room(&r);
}

/* Ten thousand addresses, each known, and none beside them. */
static void many_peers_are_all_known(void **state) {
  static char texts[10000][40];
  static const char *urls[10000];
  static struct room r;
  gcache_access_t options = {0};

  (void)state;
  for (int i = 0; i < 10000; i++) {
    snprintf(texts[i], sizeof texts[i], "http://10.1.%d.%d:8080", i / 100, i % 100);
    urls[i] = texts[i];
  }
  open_room(&r, &options);
  assert_int_equal(know(&r, urls, 10000), 0);
  for (int i = 0; i < 10000; i++) {
    struct gci_address a;
    char text[40];
    snprintf(text, sizeof text, "10.1.%d.%d", i / 100, i % 100);
    gci_address_read(&a, text);
    assert_true(gci_known_has(&r.access.known, &a));
    snprintf(text, sizeof text, "10.1.%d.%d", i / 100, i % 100 + 100);
    gci_address_read(&a, text);
    assert_false(gci_known_has(&r.access.known, &a));
  }
  close_room(&r);
}

static void list_without_memory_leaves_the_one_before(void **state) {
  static const char *const other[] = {"http://10.0.0.3:1", "http://a.test:1", "http://b.test"};
  static struct room r;
  gcache_access_t options = {0};
  int err = UV_ENOMEM; /* nothing is asked once names are known: there is no loop to look them up */

  (void)state;
  open_room(&r, &options);
  assert_int_equal(know(&r, peers, 4), 0);
  for (size_t nth = 1; err < 0; nth++) {
    struct gci_visitor one = from("10.0.0.1");
    r.oom.fail_first = r.oom.fail_last = r.oom.asked + nth;
    err = know(&r, other, 3);
    r.oom.fail_first = r.oom.fail_last = 0;
    assert_true(err == 0 || err == UV_ENOMEM);
    if (err < 0) assert_int_equal(ask(&r, &one, "GET"), IN);
    assert_true(nth < 100);
  }
  close_room(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(who_may_do_what_is_as_the_table_says),
      cmocka_unit_test(another_list_is_another_judgement_of_who_is_there_already),
      cmocka_unit_test(refusals_are_counted_and_say_what_to_do),
      cmocka_unit_test(many_peers_are_all_known),
      cmocka_unit_test(list_without_memory_leaves_the_one_before),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
