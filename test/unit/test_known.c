/* Unit test of door/known: names that become known, in which order and how often they are looked
 * up, lists that replace others meanwhile, and the requests that wait. Look-ups are made by this
 * program: they end when a test says so. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "door/known.h"
#include "manual_env.h"
#include "net/lookup.h"
#include "oom.h"

/* ---------------------------------------------------------------------------- name service -- */

struct gci_lookup {
  gci_lookup_cb done; /* NULL: free */
  void *user;
  char name[64];
};

static struct gci_lookup lookups[GCI_KNOWN_LOOKUPS];
static int n_started, n_cancelled;

int gci_lookup_start(struct gci_lookup **out, struct gci_env *env, struct uv_loop_s *uv,
                     const char *name, gci_lookup_cb done, void *user) {
  struct gci_lookup *l = lookups[0].done == NULL ? &lookups[0] : &lookups[1];

  (void)env;
  (void)uv;
  if (strncmp(name, "nomem", 5) == 0) return UV_ENOMEM;
  assert_true(l->done == NULL); /* two at a time */
  l->done = done;
  l->user = user;
  snprintf(l->name, sizeof l->name, "%s", name);
  n_started++;
  *out = l;
  return 0;
}

void gci_lookup_cancel(struct gci_lookup *l) {
  l->done = NULL;
  n_cancelled++;
}

static struct gci_lookup *under_way(const char *name) {
  for (size_t i = 0; i < GCI_KNOWN_LOOKUPS; i++)
    if (lookups[i].done != NULL && strcmp(lookups[i].name, name) == 0) return &lookups[i];
  return NULL;
}

static size_t read_all(struct sockaddr_storage out[GCI_KNOWN_ADDRESSES], const char *texts) {
  char text[64];
  size_t n = 0;
  int len;

  for (; sscanf(texts, " %63s%n", text, &len) == 1; texts += len) {
    struct sockaddr_in in = {.sin_family = AF_INET};
    assert_int_equal(inet_pton(AF_INET, text, &in.sin_addr), 1);
    memcpy(&out[n++], &in, sizeof in);
  }
  return n;
}

/* Its look-up ends with these addresses; NULL: it fails. */
static void resolve(const char *name, const char *texts) {
  struct sockaddr_storage addresses[GCI_KNOWN_ADDRESSES] = {0};
  struct gci_lookup *l = under_way(name);
  gci_lookup_cb done;
  size_t n;

  if (l == NULL) fail_msg("nobody looks up %s", name);
  n = texts == NULL ? 0 : read_all(addresses, texts);
  done = l->done;
  l->done = NULL;
  done(l->user, texts == NULL ? UV_EAI_NONAME : 0, addresses, n);
}

/* ------------------------------------------------------------------------------------ a room -- */

struct room {
  struct oom oom;
  struct manual_env env;
  struct gci_hash_key key;
  struct gci_known known;
};

static struct room room;

static struct room *open_room(void) {
  static const unsigned char seed[16] = "sixteen bytes...";
  struct room *r = &room;
  gcache_mem_t user;

  memset(r, 0, sizeof *r);
  memset(lookups, 0, sizeof lookups);
  n_started = n_cancelled = 0;
  user = oom_mem(&r->oom);
  assert_int_equal(manual_env_init(&r->env, &user), 0);
  gci_hash_key_init(&r->key, seed);
  gci_known_open(&r->known, &r->env.env, NULL, &r->key);
  return r;
}

static void close_room(struct room *r) {
  gci_known_close(&r->known);
  gci_known_fini(&r->known);
  manual_env_fini(&r->env);
  assert_int_equal(r->oom.blocks, 0);
}

/* Hosts with blanks between them are the list. */
static void know(struct room *r, const char *hosts) {
  static char urls[8][80];
  const char *list[8];
  struct gci_known_list *prepared;
  char host[64];
  size_t n = 0;
  int len;

  for (; sscanf(hosts, " %63s%n", host, &len) == 1; hosts += len) {
    snprintf(urls[n], sizeof urls[n], "http://%s:80", host);
    list[n] = urls[n];
    n++;
  }
  assert_int_equal(gci_known_prepare(&r->known, &prepared, list, n), 0);
  gci_known_commit(&r->known, prepared);
  gci_known_refresh(&r->known);
}

static int has(struct room *r, const char *address) {
  struct gci_address a;
  gci_address_read(&a, address);
  return gci_known_has(&r->known, &a);
}

static void pass_time(struct room *r, uint64_t ms) {
  manual_env_advance(&r->env, ms);
  manual_env_run(&r->env);
}

/* --------------------------------------------------------------------------------- knowing -- */

static void only_another_set_of_addresses_is_judged_anew(void **state) {
  struct room *r = open_room();
  uint64_t generation;
  (void)state;
  know(r, "a b 10.0.0.9");
  resolve("a", "10.0.0.1 10.0.0.2");
  resolve("b", "10.0.0.2");
  assert_true(has(r, "10.0.0.1") && has(r, "10.0.0.2") && has(r, "10.0.0.9"));
  generation = r->known.generation;
  pass_time(r, 5000);
  gci_known_refresh(&r->known);
  resolve("a", "10.0.0.2 10.0.0.1 10.0.0.2"); /* in another order, one of them twice */
  resolve("b", NULL);
  pass_time(r, 5000);
  gci_known_refresh(&r->known);
  resolve("a", "10.0.0.1 10.0.0.2");
  resolve("b", "10.0.0.9"); /* which are known by other hosts */
  assert_int_equal(r->known.generation, generation);
  pass_time(r, 5000);
  gci_known_refresh(&r->known);
  resolve("a", "10.0.0.1");
  assert_true(r->known.generation > generation);
  assert_false(has(r, "10.0.0.2"));
  generation = r->known.generation;
  resolve("b", "10.0.0.3");
  assert_true(r->known.generation > generation);
  assert_true(has(r, "10.0.0.3") && has(r, "10.0.0.9"));
  close_room(r);
}

static void all_are_looked_up_once_in_five_seconds_unknown_ones_first(void **state) {
  struct room *r = open_room();
  (void)state;
  know(r, "a b c d");
  resolve("a", "10.0.0.1");
  resolve("b", "10.0.0.2");
  resolve("c", NULL);
  resolve("d", NULL);
  pass_time(r, 4999);
  gci_known_refresh(&r->known);
  assert_false(gci_known_is_refreshing(&r->known));
  pass_time(r, 1);
  gci_known_refresh(&r->known);
  gci_known_refresh(&r->known);
  assert_non_null(under_way("c"));
  assert_non_null(under_way("d"));
  resolve("d", NULL);
  assert_non_null(under_way("a"));
  assert_int_equal(n_started, 7);
  close_room(r);
}

static void same_list_goes_on_where_it_stood(void **state) {
  struct room *r = open_room();
  uint64_t generation;
  (void)state;
  know(r, "a b c 10.0.0.9");
  resolve("a", "10.0.0.1");
  generation = r->known.generation;
  for (int i = 0; i < 10; i++)
    know(r, "c 10.0.0.9 b a");
  assert_int_equal(n_started, 3);
  assert_int_equal(n_cancelled, 0);
  assert_int_equal(r->known.generation, generation);
  resolve("b", "10.0.0.2");
  resolve("c", "10.0.0.3");
  know(r, "a b c 10.0.0.9");
  assert_int_equal(n_started, 3);
  assert_true(has(r, "10.0.0.1") && has(r, "10.0.0.2") && has(r, "10.0.0.3"));
  close_room(r);
}

static void another_list_keeps_what_is_known_and_under_way(void **state) {
  struct room *r = open_room();
  (void)state;
  know(r, "a b c d e");
  resolve("a", "10.0.0.1");
  assert_non_null(under_way("b"));
  assert_non_null(under_way("c"));
  know(r, "d c a new"); /* without b and e */
  assert_int_equal(n_cancelled, 1);
  assert_true(has(r, "10.0.0.1"));
  resolve("c", "10.0.0.3");
  resolve("d", "10.0.0.4");
  assert_non_null(under_way("new"));
  assert_null(under_way("a"));
  resolve("new", "10.0.0.5");
  assert_false(gci_known_is_refreshing(&r->known));
  assert_true(has(r, "10.0.0.3") && has(r, "10.0.0.4") && has(r, "10.0.0.5"));
  know(r, "new");
  assert_true(has(r, "10.0.0.5"));
  assert_false(has(r, "10.0.0.1"));
  close_room(r);
}

/* ----------------------------------------------------------------------------------- waiting -- */

struct asker {
  struct gci_known_waiter waiter;
  int told;
};

static void on_told(struct gci_known_waiter *w) {
  gci_container_of(w, struct asker, waiter)->told++;
}

static int wait_from(struct room *r, struct asker *a, const char *address) {
  memset(a, 0, sizeof *a);
  a->waiter.told = on_told;
  gci_address_read(&a->waiter.address, address);
  return gci_known_wait(&r->known, &a->waiter);
}

static void who_waits_is_told_when_he_is_known_or_all_names_are(void **state) {
  struct room *r = open_room();
  struct asker one, two, three;
  (void)state;
  assert_int_equal(wait_from(r, &one, "10.0.0.1"), UV_ENOENT);
  know(r, "a b nomem c");
  assert_int_equal(wait_from(r, &one, ""), UV_ENOENT);
  assert_int_equal(wait_from(r, &one, "10.0.0.1"), 0);
  assert_int_equal(wait_from(r, &two, "10.0.0.2"), 0);
  assert_int_equal(wait_from(r, &three, "10.0.0.2"), 0);
  resolve("a", "10.0.0.1");
  assert_int_equal(one.told, 0); /* from the loop */
  pass_time(r, 0);
  assert_int_equal(one.told, 1);
  assert_int_equal(two.told, 0);
  gci_known_wait_no_more(&r->known, &three.waiter);
  resolve("b", NULL);
  pass_time(r, 0);
  assert_int_equal(two.told, 0);
  resolve("c", NULL);
  pass_time(r, 0);
  assert_int_equal(two.told, 1);
  assert_int_equal(three.told, 0);
  assert_int_equal(wait_from(r, &three, "10.0.0.2"), UV_ENOENT);
  assert_int_equal(r->known.waited, 3);
  close_room(r);
}

static void wait_ends_after_a_second_and_with_the_list(void **state) {
  struct room *r = open_room();
  struct asker one, two;
  (void)state;
  know(r, "a");
  assert_int_equal(wait_from(r, &one, "10.0.0.1"), 0);
  pass_time(r, 600);
  assert_int_equal(wait_from(r, &two, "10.0.0.1"), 0);
  pass_time(r, 399);
  assert_int_equal(one.told, 0);
  pass_time(r, 1);
  pass_time(r, 0);
  assert_int_equal(one.told, 1);
  assert_int_equal(two.told, 0);
  know(r, "10.0.0.1");
  assert_int_equal(two.told, 0);
  pass_time(r, 0);
  assert_int_equal(two.told, 1);
  close_room(r);
}

static void so_many_wait_and_no_more(void **state) {
  static struct asker askers[GCI_KNOWN_WAITERS + 1];
  struct room *r = open_room();
  (void)state;
  know(r, "a");
  for (size_t i = 0; i < GCI_KNOWN_WAITERS; i++)
    assert_int_equal(wait_from(r, &askers[i], "10.0.0.1"), 0);
  assert_int_equal(wait_from(r, &askers[GCI_KNOWN_WAITERS], "10.0.0.1"), GCACHE_EBUSY);
  resolve("a", "10.0.0.1");
  pass_time(r, 0);
  for (size_t i = 0; i < GCI_KNOWN_WAITERS; i++)
    assert_int_equal(askers[i].told, 1);
  close_room(r);
}

static void without_memory_nobody_waits_for_ever(void **state) {
  struct room *r = open_room();
  struct asker one;
  (void)state;
  know(r, "a");
  r->oom.fail_first = r->oom.asked + 1;
  r->oom.fail_last = SIZE_MAX;
  assert_int_equal(wait_from(r, &one, "10.0.0.1"), 0);
  pass_time(r, 1);
  assert_int_equal(one.told, 1);
  resolve("a", "10.0.0.1"); /* as if it had failed */
  assert_false(has(r, "10.0.0.1"));
  r->oom.fail_first = r->oom.fail_last = 0;
  close_room(r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_another_set_of_addresses_is_judged_anew),
      cmocka_unit_test(all_are_looked_up_once_in_five_seconds_unknown_ones_first),
      cmocka_unit_test(same_list_goes_on_where_it_stood),
      cmocka_unit_test(another_list_keeps_what_is_known_and_under_way),
      cmocka_unit_test(who_waits_is_told_when_he_is_known_or_all_names_are),
      cmocka_unit_test(wait_ends_after_a_second_and_with_the_list),
      cmocka_unit_test(so_many_wait_and_no_more),
      cmocka_unit_test(without_memory_nobody_waits_for_ever),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
