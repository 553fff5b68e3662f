/* The common part of all ways to find peers, with a kind that finds what the test sets, and a
 * stand-in for the cache. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "find/find.h"
#include "manual_env.h"
#include "oom.h"

#define SELF "http://a:1"

struct room {
  struct oom oom;
  struct manual_env m;
  gcache_t core;
  char self[32];
  gcache_find_t find;
  /* The kind. */
  int looks, answers_at_once, stops, slow_stop, freed;
  const char *says; /* URLs, each with a space behind it; NULL: it fails */
  size_t many;      /* and so many others */
  const char *words;
  /* The cache. */
  int lists, refuse;
  char list[400]; /* the latest */
  /* Who is told. */
  int told, close_when_told;
  gcache_find_did_t did;
  int status;
  size_t n;
  char text[GCI_FIND_TEXT];
  int closed, life_over;
};

static struct room *room; /* gcache_set_peers() has no other way to it */

int gcache_set_peers(gcache_t *cache, const char *const urls[], const unsigned weights[],
                     size_t n) {
  assert_ptr_equal(cache, &room->core);
  assert_true(n > 0);
  if (room->refuse) return room->refuse;
  room->lists++;
  room->list[0] = '\0';
  for (size_t i = 0; i < n; i++)
    snprintf(room->list + strlen(room->list), sizeof room->list - strlen(room->list), "%s %u;",
             urls[i], weights[i]);
  return 0;
}

static void answer(struct room *r) {
  struct gci_find_list list;

  if (r->says == NULL) {
    gci_find_failed(&r->find, UV_ETIMEDOUT, r->words);
    return;
  }
  gci_find_list_init(&list, r->m.mem);
  for (const char *p = r->says; *p != '\0'; p = strchr(p, ' ') + 1) {
    int rc = gci_find_list_add(&list, gcache_bytes(p, (size_t)(strchr(p, ' ') - p)), 1);
    if (rc == 0) continue;
    gci_find_list_fini(&list);
    gci_find_failed(&r->find, rc, "");
    return;
  }
  for (size_t i = 0; i < r->many; i++) {
    char url[40];
    snprintf(url, sizeof url, "http://m%zu:1", i);
    assert_int_equal(gci_find_list_add(&list, gcache_cstr(url), 1), 0);
  }
  gci_find_found(&r->find, &list, r->words);
  gci_find_list_fini(&list);
}

static struct room *room_of(gcache_find_t *f) {
  return gci_container_of(f, struct room, find);
}

static void look(gcache_find_t *f) {
  struct room *r = room_of(f);

  r->looks++;
  if (r->answers_at_once) answer(r);
}

static void stop(gcache_find_t *f) {
  struct room *r = room_of(f);

  r->stops++;
  if (!r->slow_stop) gci_find_stopped(f);
}

static void release(gcache_find_t *f) {
  room_of(f)->freed++;
}

static const struct gci_find_kind kind = {look, stop, release};

static void on_closed(void *arg) {
  ((struct room *)arg)->closed++;
}

static void on_change(gcache_find_t *f, const gcache_found_t *found, void *data) {
  struct room *r = data;

  assert_ptr_equal(f, &r->find);
  r->told++;
  r->did = found->did;
  r->status = found->status;
  r->n = found->n;
  for (size_t i = 0; i < found->n; i++)
    assert_true(found->urls[i] != NULL && found->weights[i] > 0);
  snprintf(r->text, sizeof r->text, "%s", found->text);
  if (r->close_when_told) gcache_find_close(f, on_closed, r);
}

static void on_life_over(struct gci_countdown *life) {
  gci_container_of(gci_container_of(life, gcache_t, life), struct room, core)->life_over++;
}

static gcache_find_options_t options(struct room *r) {
  gcache_find_options_t in, out;

  gcache_find_options_init(&in);
  in.cache = &r->core;
  in.on_change = on_change;
  in.data = r;
  assert_int_equal(gci_find_options_read(&out, &in, 10000), 0);
  return out;
}

static int make_room(struct room *r, const gcache_mem_t *mem) {
  memset(r, 0, sizeof *r);
  room = r;
  if (manual_env_init(&r->m, mem) < 0) return UV_ENOMEM;
  r->core.env = &r->m.env;
  snprintf(r->self, sizeof r->self, "%s", SELF);
  r->core.self = r->self;
  gci_countdown_init(&r->core.life, on_life_over);
  r->answers_at_once = 1;
  r->words = "";
  return 0;
}

static void open_room(struct room *r, const char *says) {
  gcache_find_options_t o;

  assert_int_equal(make_room(r, NULL), 0);
  r->says = says;
  o = options(r);
  assert_int_equal(gci_find_open(&r->find, &o, &kind), 0);
  assert_int_equal(r->looks, 0); /* P10 */
  assert_true(r->m.held);
  manual_env_run(&r->m);
}

static void close_room(struct room *r) {
  if (r->core.guest != NULL) {
    gcache_find_close(&r->find, on_closed, r);
    assert_int_equal(r->closed, 0);
    manual_env_run(&r->m);
  }
  assert_int_equal(r->closed, 1);
  assert_int_equal(r->freed, 1);
  assert_null(r->core.guest);
  gci_countdown_give(&r->core.life);
  assert_int_equal(r->life_over, 1);
  manual_env_fini(&r->m);
}

/* --------------------------------------------------------------------------------- the list -- */

static void the_first_list_is_given_with_self_in_it(void **state) {
  struct room r;

  (void)state;
  open_room(&r, "http://c:1 http://b:1 ");
  assert_int_equal(r.looks, 1);
  assert_string_equal(r.list, "http://a:1 1;http://b:1 1;http://c:1 1;");
  assert_true(r.told == 1 && r.did == GCACHE_FIND_SET && r.n == 3 && r.status == 0);
  assert_false(r.m.held); /* it does not keep the loop alive from now on */
  close_room(&r);
}

static void a_list_that_is_full_needs_no_room_for_self(void **state) {
  struct room r;

  (void)state;
  assert_int_equal(make_room(&r, NULL), 0);
  r.says = SELF " ";
  r.many = GCI_FIND_MEMBERS - 1;
  gcache_find_options_t o = options(&r);
  assert_int_equal(gci_find_open(&r.find, &o, &kind), 0);
  manual_env_run(&r.m);
  assert_true(r.did == GCACHE_FIND_SET && r.n == GCI_FIND_MEMBERS);
  r.says = "http://c:1 ";
  int told = r.told;
  manual_env_advance(&r.m, 13000);
  assert_true(r.told > told && r.did == GCACHE_FIND_KEPT && r.status == UV_E2BIG);
  close_room(&r);
}

static void a_client_only_member_adds_nobody(void **state) {
  struct room r;

  (void)state;
  assert_int_equal(make_room(&r, NULL), 0);
  r.core.self = NULL;
  r.says = "http://c:1 ";
  gcache_find_options_t o = options(&r);
  assert_int_equal(gci_find_open(&r.find, &o, &kind), 0);
  manual_env_run(&r.m);
  assert_string_equal(r.list, "http://c:1 1;");
  close_room(&r);
}

static void the_same_list_does_nothing(void **state) {
  struct room r;

  (void)state;
  open_room(&r, "http://c:1 http://b:1 ");
  r.says = "http://b:1 http://a:1/ http://c:1 http://b:1 ";
  for (int i = 0; i < 10; i++)
    manual_env_advance(&r.m, 10000);
  assert_true(r.looks >= 8 && r.looks <= 15);
  assert_true(r.lists == 1 && r.told == 1);
  r.says = "http://b:1 ";
  manual_env_advance(&r.m, 13000);
  assert_string_equal(r.list, "http://a:1 1;http://b:1 1;");
  assert_true(r.lists == 2 && r.told == 2 && r.did == GCACHE_FIND_SET);
  close_room(&r);
}

static void a_failed_look_leaves_the_list(void **state) {
  struct room r;

  (void)state;
  open_room(&r, "http://b:1 ");
  r.says = NULL;
  r.words = "no answer";
  manual_env_advance(&r.m, 13000);
  assert_true(r.told >= 2 && r.did == GCACHE_FIND_KEPT && r.status == UV_ETIMEDOUT && r.n == 2);
  assert_string_equal(r.text, "no answer");
  assert_int_equal(r.m.level, GCACHE_LOG_WARN);
  r.says = "";
  r.words = "";
  manual_env_advance(&r.m, 26000);
  assert_true(r.did == GCACHE_FIND_KEPT && r.status == UV_ENOENT && r.n == 2);
  assert_string_equal(r.text, "no members found");
  assert_int_equal(r.lists, 1);
  r.says = "http://b:1 ";
  int told = r.told;
  manual_env_advance(&r.m, 26000);
  assert_true(r.told == told + 1 && r.did == GCACHE_FIND_SAME && r.lists == 1);
  close_room(&r);
}

static void a_failed_first_look_leaves_no_list(void **state) {
  struct room r;

  (void)state;
  open_room(&r, NULL);
  assert_true(r.told == 1 && r.did == GCACHE_FIND_KEPT && r.n == 0 && r.lists == 0);
  assert_true(strlen(r.text) > 0);
  assert_false(r.m.held);
  r.says = "http://b:1 ";
  manual_env_advance(&r.m, 700); /* soon again */
  assert_true(r.lists == 1 && r.told == 2 && r.did == GCACHE_FIND_SET);
  close_room(&r);
}

static void too_few_members_are_a_fault(void **state) {
  struct room r;
  gcache_find_options_t o;

  (void)state;
  assert_int_equal(make_room(&r, NULL), 0);
  r.says = "http://b:1 ";
  o = options(&r);
  o.min_peers = 3;
  assert_int_equal(gci_find_open(&r.find, &o, &kind), 0);
  manual_env_run(&r.m);
  assert_true(r.did == GCACHE_FIND_KEPT && r.status == UV_EAGAIN && r.lists == 0);
  assert_string_equal(r.text, "2 members; min_peers is 3");
  r.says = "http://b:1 http://c:1 ";
  manual_env_advance(&r.m, 2000);
  assert_true(r.did == GCACHE_FIND_SET && r.lists == 1);
  close_room(&r);
}

static void a_list_that_the_cache_refuses_is_tried_again(void **state) {
  struct room r;

  (void)state;
  open_room(&r, "http://b:1 ");
  r.refuse = UV_EINVAL;
  r.says = "https://b:1 ";
  manual_env_advance(&r.m, 13000);
  assert_true(r.did == GCACHE_FIND_KEPT && r.status == UV_EINVAL && r.n == 2);
  assert_string_equal(r.text, "the cache rejects the list");
  r.refuse = 0;
  manual_env_advance(&r.m, 13000);
  assert_string_equal(r.list, "http://a:1 1;https://b:1 1;");
  assert_int_equal(r.did, GCACHE_FIND_SET);
  r.core.lists.error = UV_ENOMEM; /* a long one has come to nothing later */
  manual_env_advance(&r.m, 13000);
  assert_true(r.lists >= 3);
  close_room(&r);
}

/* ------------------------------------------------------------------------------------ times -- */

static void many_signs_lead_to_one_look(void **state) {
  struct room r;

  (void)state;
  open_room(&r, "http://b:1 ");
  for (int i = 0; i < 19; i++) {
    gci_find_nudge(&r.find);
    manual_env_advance(&r.m, 10);
  }
  assert_int_equal(r.looks, 1);
  manual_env_advance(&r.m, 10);
  assert_int_equal(r.looks, 2);
  manual_env_advance(&r.m, 1000);
  assert_int_equal(r.looks, 2);
  close_room(&r);
}

static void signs_that_never_end_do_not_hold_it_up(void **state) {
  struct room r;

  (void)state;
  open_room(&r, "http://b:1 ");
  for (int i = 0; i < 100; i++) {
    gci_find_nudge(&r.find);
    manual_env_advance(&r.m, 20);
  }
  assert_in_range(r.looks, 9, 11);
  close_room(&r);
}

static void a_sign_during_a_look_leads_to_another(void **state) {
  struct room r;

  (void)state;
  open_room(&r, "http://b:1 ");
  r.answers_at_once = 0;
  manual_env_advance(&r.m, 13000);
  assert_int_equal(r.looks, 2);
  gci_find_nudge(&r.find);
  manual_env_advance(&r.m, 60000);
  assert_int_equal(r.looks, 2); /* one at a time */
  answer(&r);
  manual_env_run(&r.m);
  manual_env_advance(&r.m, 200);
  assert_int_equal(r.looks, 3);
  answer(&r);
  manual_env_advance(&r.m, 1000);
  assert_int_equal(r.looks, 3);
  close_room(&r);
}

static void failures_are_farther_and_farther_apart(void **state) {
  struct room r;
  uint64_t at_ms[12], start_ms;
  int n = 0;

  (void)state;
  open_room(&r, NULL);
  start_ms = r.m.clock->mono_ms;
  while (n < 12) {
    int looks = r.looks;
    manual_env_advance(&r.m, 1);
    if (r.looks > looks) at_ms[n++] = r.m.clock->mono_ms;
  }
  for (int i = 0; i < 12; i++) {
    uint64_t pause_ms = i < 5 ? (uint64_t)500 << i : 10000;
    uint64_t took_ms = at_ms[i] - (i == 0 ? start_ms : at_ms[i - 1]);
    assert_in_range(took_ms, pause_ms * 3 / 4, pause_ms * 5 / 4 + 1);
  }
  close_room(&r);
}

/* ------------------------------------------------------------------------------------ close -- */

static void closed_at_any_moment(void **state) {
  struct room r;

  (void)state;
  assert_int_equal(make_room(&r, NULL), 0); /* before the first look */
  gcache_find_options_t o = options(&r);
  assert_int_equal(gci_find_open(&r.find, &o, &kind), 0);
  assert_int_equal(gci_find_open(&r.find, &o, &kind), UV_EALREADY);
  close_room(&r);
  assert_int_equal(r.looks, 0);
  open_room(&r, "http://b:1 "); /* during a look */
  r.answers_at_once = 0;
  manual_env_advance(&r.m, 13000);
  close_room(&r);
  open_room(&r, "http://b:1 "); /* with an answer that is not judged yet */
  r.answers_at_once = 0;
  manual_env_advance(&r.m, 13000);
  r.says = "http://c:1 ";
  answer(&r);
  close_room(&r);
  assert_true(r.lists == 1 && r.told == 1);
}

static void closed_in_the_callback(void **state) {
  struct room r;

  (void)state;
  assert_int_equal(make_room(&r, NULL), 0);
  r.says = "http://b:1 ";
  r.close_when_told = r.slow_stop = 1;
  gcache_find_options_t o = options(&r);
  assert_int_equal(gci_find_open(&r.find, &o, &kind), 0);
  manual_env_run(&r.m);
  assert_true(r.told == 1 && r.stops == 1 && r.closed == 0);
  assert_true(r.m.held); /* until it is over */
  gci_find_nudge(&r.find);
  manual_env_advance(&r.m, 60000);
  assert_int_equal(r.looks, 1);
  gci_find_stopped(&r.find);
  manual_env_run(&r.m);
  close_room(&r);
}

static void a_cache_that_closes_closes_it(void **state) {
  struct room r;

  (void)state;
  open_room(&r, "http://b:1 ");
  r.core.closing = 1;
  r.core.guest->cache_closes(r.core.guest);
  gci_countdown_give(&r.core.life);
  assert_true(r.stops == 1 && r.life_over == 0);
  manual_env_run(&r.m);
  assert_true(r.freed == 1 && r.life_over == 1 && r.closed == 0);
  assert_null(r.core.guest);
  gcache_find_options_t o = options(&r);
  assert_int_equal(gci_find_open(&r.find, &o, &kind), GCACHE_ECLOSING);
  manual_env_fini(&r.m);
}

static void a_close_is_not_begun_twice(void **state) {
  struct room r;

  (void)state;
  open_room(&r, "http://b:1 ");
  r.slow_stop = 1;
  gcache_find_close(&r.find, on_closed, &r);
  r.core.guest->cache_closes(r.core.guest);
  assert_int_equal(r.stops, 1);
  gci_find_stopped(&r.find);
  manual_env_run(&r.m);
  close_room(&r);
}

/* ---------------------------------------------------------------------------------- options -- */

static void options_are_checked(void **state) {
  struct {
    gcache_find_options_t known;
    int unknown;
  } later;
  gcache_find_options_t o, out;
  struct room r;

  (void)state;
  open_room(&r, "http://b:1 ");
  gcache_find_options_init(&o);
  assert_int_equal(gci_find_options_read(&out, &o, 7), UV_EINVAL); /* no cache */
  o.cache = &r.core;
  assert_int_equal(gci_find_options_read(&out, &o, 7), 0);
  assert_true(out.interval_ms == 7 && out.debounce_ms == 200 && out.min_peers == 1);
  o.interval_ms = UINT64_MAX;
  assert_int_equal(gci_find_options_read(&out, &o, 7), UV_EINVAL);
  o.interval_ms = 0;
  o.ip = (gcache_find_ip_t)3;
  assert_int_equal(gci_find_options_read(&out, &o, 7), UV_EINVAL);
  o.ip = GCACHE_FIND_IPV6;
  o.min_peers = 65535;
  assert_int_equal(gci_find_options_read(&out, &o, 7), UV_EINVAL);
  memset(&later, 0, sizeof later);
  later.known.size = sizeof later;
  later.known.cache = &r.core;
  assert_int_equal(gci_find_options_read(&out, &later.known, 7), 0);
  later.unknown = 1;
  assert_int_equal(gci_find_options_read(&out, &later.known, 7), UV_EINVAL);
  o.size = offsetof(gcache_find_options_t, min_peers); /* an older one */
  assert_int_equal(gci_find_options_read(&out, &o, 7), 0);
  assert_int_equal(out.min_peers, 1);
  close_room(&r);
}

static void live_in_failing_memory(struct oom *oom, void *arg) {
  gcache_mem_t mem = oom_mem(oom);
  struct room r;
  gcache_find_options_t o;

  (void)arg;
  if (make_room(&r, &mem) < 0) return;
  r.says = "http://b:1 http://c:1 http://d:1 http://e:1 http://f:1 http://g:1 http://h:1 ";
  o = options(&r);
  if (gci_find_open(&r.find, &o, &kind) == 0) {
    manual_env_advance(&r.m, 13000);
    r.says = "http://b:1 ";
    manual_env_advance(&r.m, 13000);
    oom_heal(oom);
    manual_env_advance(&r.m, 13000);
    assert_string_equal(r.list, "http://a:1 1;http://b:1 1;");
    gcache_find_close(&r.find, on_closed, &r);
    manual_env_run(&r.m);
    assert_int_equal(r.closed, 1);
  }
  gci_countdown_give(&r.core.life);
  manual_env_fini(&r.m);
}

static void every_failure_of_memory_is_survived(void **state) {
  (void)state;
  assert_true(oom_sweep(live_in_failing_memory, NULL) > 15);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_list_is_given_with_self_in_it),
      cmocka_unit_test(a_list_that_is_full_needs_no_room_for_self),
      cmocka_unit_test(a_client_only_member_adds_nobody),
      cmocka_unit_test(the_same_list_does_nothing),
      cmocka_unit_test(a_failed_look_leaves_the_list),
      cmocka_unit_test(a_failed_first_look_leaves_no_list),
      cmocka_unit_test(too_few_members_are_a_fault),
      cmocka_unit_test(a_list_that_the_cache_refuses_is_tried_again),
      cmocka_unit_test(many_signs_lead_to_one_look),
      cmocka_unit_test(signs_that_never_end_do_not_hold_it_up),
      cmocka_unit_test(a_sign_during_a_look_leads_to_another),
      cmocka_unit_test(failures_are_farther_and_farther_apart),
      cmocka_unit_test(closed_at_any_moment),
      cmocka_unit_test(closed_in_the_callback),
      cmocka_unit_test(a_cache_that_closes_closes_it),
      cmocka_unit_test(a_close_is_not_begun_twice),
      cmocka_unit_test(options_are_checked),
      cmocka_unit_test(every_failure_of_memory_is_survived),
  };

  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
