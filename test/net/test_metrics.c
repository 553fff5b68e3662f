/* The text of gcache_metrics() against the structs it is made from: every name is introduced once,
 * every value is the struct's, histograms add up, odd names, no key, and allocation failures. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gcache/metrics.h"
#include "member.h"
#include "raw.h"

#define ODD "odd \"name\\ \n\xff"
#define ODD_LABEL "odd \\\"name\\\\ \\n\xef\xbf\xbd"

struct scene {
  struct member one, two;
  char *text; /* zero-terminated */
};

static char *text_of(const gcache_t *cache, gcache_metrics_format_t format) {
  gcache_value_t *value = NULL;
  assert_int_equal(gcache_metrics(cache, format, &value), 0);
  gcache_bytes_t bytes = gcache_value_bytes(value);
  char *text = malloc(bytes.len + 1);
  assert_non_null(text);
  memcpy(text, bytes.base, bytes.len);
  text[bytes.len] = '\0';
  assert_int_equal(strlen(text), bytes.len);
  gcache_value_unref(value);
  return text;
}

/* Two members that have asked each other for this and that. */
static void scene_open(struct scene *s, uv_loop_t *loop) {
  struct asked a;
  char key[64];
  memset(s, 0, sizeof *s);
  member_start(&s->one, loop, "one");
  member_start(&s->two, loop, "two");
  members_know(&s->one, 2);
  member_group(&s->one, ODD);
  s->one.group = gcache_group_find(s->one.cache, "g");
  for (int i = 0; i < 20; i++) {
    snprintf(key, sizeof key, "marked-%d", i);
    ask(&a, &s->one, key);
    ask(&a, &s->one, key);
  }
  ask(&a, &s->one, "missing:marked");
  s->text = text_of(s->one.cache, GCACHE_METRICS_PROMETHEUS);
}

static void scene_end(struct scene *s) {
  free(s->text);
  member_end(&s->one);
  member_end(&s->two);
}

/* The value behind a sample's whole head; the text has it once. */
static double sample(const struct scene *s, const char *head) {
  char line[300];
  snprintf(line, sizeof line, "\n%s ", head);
  const char *at = strstr(s->text, line);
  if (at == NULL) fail_msg("no %s in %s", head, s->text);
  assert_null(strstr(at + 1, line));
  return strtod(at + strlen(line), NULL);
}

static void values_are_those_of_the_structs(void **state) {
  struct scene s;
  gcache_group_stats_t g;
  gcache_peer_stats_t peer;
  char head[200];
  scene_open(&s, *state);
  gcache_group_stats(s.one.group, &g);
  assert_true(g.gets == 41 && g.hits > 0 && g.peer_loads > 0 && g.local_loads > 0);
  assert_true(sample(&s, "groupcache_gets_total{group=\"g\"}") == (double)g.gets);
  assert_true(sample(&s, "groupcache_hits_total{group=\"g\"}") == (double)g.hits);
  assert_true(sample(&s, "groupcache_loads_total{group=\"g\"}") == (double)g.loads);
  assert_true(sample(&s, "groupcache_peer_loads_total{group=\"g\"}") == (double)g.peer_loads);
  assert_true(sample(&s, "groupcache_local_loads_total{group=\"g\"}") == (double)g.local_loads);
  assert_true(sample(&s, "groupcache_cache_items{group=\"g\",type=\"main\"}") ==
              (double)g.main.items);
  assert_true(sample(&s, "groupcache_cache_bytes{group=\"g\",type=\"hot\"}") ==
              (double)g.hot.bytes);
  assert_true(sample(&s, "gcache_getter_seconds_count{group=\"g\"}") == (double)g.getter.count);
  assert_true(sample(&s, "gcache_get_seconds_count{group=\"g\",source=\"peer\"}") ==
              (double)g.get.peer.count);
  assert_true(sample(&s, "gcache_peers") == 2);
  assert_true(sample(&s, "gcache_build_info{version=\"0.1.0\"}") == 1);
  for (size_t i = 0; gcache_peer_stats(s.one.cache, i, &peer) == 0; i++) {
    snprintf(head, sizeof head, "gcache_peer_exchange_seconds_count{url=\"%s\"}", peer.url);
    if (!peer.is_self)
      assert_true(sample(&s, head) == (double)peer.exchange.count && peer.exchange.count > 0);
    snprintf(head, sizeof head, "gcache_peer_up{url=\"%s\"}", peer.url);
    if (!peer.is_self) assert_true(sample(&s, head) == 1);
  }
  assert_true(sample(&s, "groupcache_gets_total{group=\"" ODD_LABEL "\"}") == 0);
  scene_end(&s);
}

/* Of a sample: its name, without what a histogram adds. */
static void family_of(const char *line, char *name, size_t cap, const char *family) {
  size_t len = strcspn(line, "{ "), known = strlen(family);
  assert_true(len > 0 && len < cap);
  if (len > known && strncmp(line, family, known) == 0 &&
      (strncmp(line + known, "_bucket{", 8) == 0 || strncmp(line + known, "_sum", 4) == 0 ||
       strncmp(line + known, "_count", 6) == 0))
    len = known;
  memcpy(name, line, len);
  name[len] = '\0';
}

static void every_name_is_introduced_once_and_stands_together(void **state) {
  struct scene s;
  char family[100] = "", name[100], again[120];
  size_t families = 0, samples = 0;
  scene_open(&s, *state);
  for (const char *line = s.text; *line != '\0'; line = strchr(line, '\n') + 1) {
    if (strncmp(line, "# HELP ", 7) == 0) {
      assert_int_equal(sscanf(line, "# HELP %99s", family), 1);
      snprintf(again, sizeof again, "# HELP %s ", family);
      assert_null(strstr(line + 1, again));
      families++;
    } else if (strncmp(line, "# TYPE ", 7) == 0) {
      assert_int_equal(sscanf(line, "# TYPE %99s", name), 1);
      assert_string_equal(name, family);
    } else {
      family_of(line, name, sizeof name, family);
      assert_string_equal(name, family);
      samples++;
    }
  }
  assert_true(families > 50 && samples > 200);
  scene_end(&s);
}

static void buckets_rise_to_the_count(void **state) {
  struct scene s;
  scene_open(&s, *state);
  const char *at = s.text;
  uint64_t before = 0;
  size_t in_one = 0, whole = 0;
  while ((at = strstr(at, "_bucket{")) != NULL) {
    const char *le = strstr(at, "le=\""), *value = strstr(at, "} ");
    assert_true(le != NULL && value != NULL);
    double bound = strtod(le + 4, NULL); /* "+Inf" too */
    assert_true(bound == gcache_histogram_bound(in_one));
    uint64_t n = strtoull(value + 2, NULL, 10);
    assert_true(n >= before);
    before = n;
    if (++in_one == GCACHE_HISTOGRAM_BUCKETS) {
      const char *count = strstr(at, "_count");
      assert_int_equal(strtoull(strstr(count, "} ") + 2, NULL, 10), n);
      whole++;
      in_one = before = 0;
    }
    at++;
  }
  assert_int_equal(in_one, 0);
  assert_int_equal(whole, 2 * 6 + 2 + 1); /* gets by source and getters of two groups, one peer */
  scene_end(&s);
}

static void no_key_is_named_in_either_format(void **state) {
  struct scene s;
  scene_open(&s, *state);
  char *json = text_of(s.one.cache, GCACHE_METRICS_JSON);
  assert_null(strstr(s.text, "marked"));
  assert_null(strstr(json, "marked"));
  assert_non_null(strstr(json, "{\"name\":\"g\",\"gets\":41,"));
  assert_non_null(strstr(json, "\"state\":\"up\""));
  assert_non_null(strstr(json, "\"bounds_seconds\":[0.000001,0.0000025,"));
  assert_non_null(strstr(json, ",10],\"cache\":{\"groups\":2,"));
  free(json);
  scene_end(&s);
}

static void what_is_no_format_is_refused(void **state) {
  struct member m = {0};
  gcache_value_t *value = NULL;
  member_start(&m, *state, "m");
  assert_int_equal(gcache_metrics(m.cache, (gcache_metrics_format_t)7, &value), UV_EINVAL);
  assert_null(value);
  assert_null(gcache_metrics_type((gcache_metrics_format_t)7));
  assert_string_equal(gcache_metrics_type(GCACHE_METRICS_PROMETHEUS),
                      "text/plain; version=0.0.4; charset=utf-8");
  assert_string_equal(gcache_metrics_type(GCACHE_METRICS_JSON), "application/json");
  member_end(&m);
}

static void without_memory_there_is_no_text_and_nothing_is_left(void **state) {
  struct member m = {0};
  member_start(&m, *state, "m");
  for (gcache_metrics_format_t f = GCACHE_METRICS_PROMETHEUS; f <= GCACHE_METRICS_JSON; f++) {
    gcache_value_t *value = NULL;
    size_t bytes = m.oom.bytes, failed = 0;
    int rc = UV_ENOMEM;
    for (; rc == UV_ENOMEM; failed++) {
      m.oom.fail_first = m.oom.fail_last = m.oom.asked + failed + 1;
      rc = gcache_metrics(m.cache, f, &value);
      m.oom.fail_first = m.oom.fail_last = 0;
      if (rc < 0) {
        assert_null(value);
        assert_int_equal(m.oom.bytes, bytes);
      }
    }
    assert_int_equal(rc, 0);
    assert_true(failed > 2);
    gcache_value_unref(value);
    assert_int_equal(m.oom.bytes, bytes);
  }
  member_end(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(values_are_those_of_the_structs, loop_setup, loop_teardown),
      cmocka_unit_test_setup_teardown(every_name_is_introduced_once_and_stands_together, loop_setup,
                                      loop_teardown),
      cmocka_unit_test_setup_teardown(buckets_rise_to_the_count, loop_setup, loop_teardown),
      cmocka_unit_test_setup_teardown(no_key_is_named_in_either_format, loop_setup, loop_teardown),
      cmocka_unit_test_setup_teardown(what_is_no_format_is_refused, loop_setup, loop_teardown),
      cmocka_unit_test_setup_teardown(without_memory_there_is_no_text_and_nothing_is_left,
                                      loop_setup, loop_teardown),
  };
  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
