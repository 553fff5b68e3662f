/* A peer of plain bytes that hangs, resets, sends nonsense or is slow, and recovers: what a member
 * notices, over sockets. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "member.h"
#include "raw.h"

enum manner { WELL, HANGS, RESETS, BABBLES, LOADS_LONG, SAYS_LATE };

struct scene {
  struct raw_server peer;
  struct member m;
  uv_loop_t *loop;
};

static enum manner manner;
static int pings;
static struct raw *waiting; /* a get whose getter takes long */

static int is_ping(const struct raw *c) {
  return strncmp(c->request, "GET /_groupcache/ HTTP/1.1\r\n", 28) == 0;
}

/* As a Go system does: it knows no ping. */
static void answer(struct raw *c) {
  if (is_ping(c))
    raw_say(c, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
               "Content-Length: 12\r\n\r\nbad request\n");
  else
    raw_answer_value(c, "there");
}

static void on_request(struct raw *c) {
  pings += is_ping(c);
  switch (manner) {
  case HANGS:
    break;
  case RESETS:
    raw_reset(c);
    break;
  case BABBLES:
    raw_say(c, "\x16\x03\x01 what?\r\n\r\n");
    break;
  case LOADS_LONG:
    if (!is_ping(c)) {
      waiting = c;
      break;
    }
    answer(c);
    break;
  case SAYS_LATE:
    raw_say(c, "HTTP/1.1 504 Gateway Timeout\r\nGcache: 1\r\nGcache-Reason: timeout\r\n"
               "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 12\r\n\r\n"
               "out of time\n");
    break;
  case WELL:
    answer(c);
  }
}

static void open_scene(struct scene *s, void **state, enum manner how) {
  gcache_options_t o;
  const char *urls[1];

  memset(s, 0, sizeof *s);
  manner = how;
  pings = 0;
  waiting = NULL;
  s->loop = *state;
  raw_server_open(&s->peer, s->loop, on_request);
  member_options(&s->m, &o, s->loop, "here");
  o.ping_ms = 60;
  o.connect_timeout_ms = 200;
  o.conns_per_peer = 1;
  o.health.probe_min_ms = 20;
  o.health.probe_max_ms = 40;
  member_open(&s->m, &o);
  member_group(&s->m, "g");
  urls[0] = s->peer.url;
  assert_int_equal(gcache_set_peers(s->m.cache, urls, NULL, 1), 0);
}

static void close_scene(struct scene *s) {
  member_end(&s->m);
  raw_server_end(&s->peer);
}

static gcache_peer_stats_t peer_of(const struct scene *s) {
  gcache_peer_stats_t stats;
  assert_int_equal(gcache_peer_stats(s->m.cache, 0, &stats), 0);
  return stats;
}

/* Asks until the peer is down; each is loaded here. */
static void ask_until_down(struct scene *s) {
  struct asked a;
  char key[16];

  for (int i = 0; peer_of(s).opened == 0; i++) {
    assert_true(i < 3);
    snprintf(key, sizeof key, "k%d", i);
    ask(&a, &s->m, key);
    assert_int_equal(a.status, 0);
    assert_int_equal(a.from, GCACHE_FROM_LOAD);
  }
}

static void peer_is_down_and_comes_back(void **state, enum manner how) {
  struct scene s;
  struct asked a;

  open_scene(&s, state, how);
  ask_until_down(&s);
  ask(&a, &s.m, "while it is down");
  assert_int_equal(a.from, GCACHE_FROM_LOAD);
  manner = WELL;
  member_await_up(&s.m, 0);
  ask(&a, &s.m, "afterwards");
  assert_int_equal(a.from, GCACHE_FROM_PEER);
  assert_int_equal(peer_of(&s).opened, 1);
  close_scene(&s);
}

static void peer_that_hangs_is_found_out_by_a_ping(void **state) {
  peer_is_down_and_comes_back(state, HANGS);
}

static void peer_that_resets_is_down_after_three_questions(void **state) {
  peer_is_down_and_comes_back(state, RESETS);
}

static void peer_that_talks_nonsense_is_down_after_three_questions(void **state) {
  peer_is_down_and_comes_back(state, BABBLES);
}

/* Its one connection is taken, and the ping has another. */
static void peer_whose_getter_takes_long_is_not_down(void **state) {
  struct scene s;
  struct asked a;

  open_scene(&s, state, LOADS_LONG);
  ask_start(&a, &s.m, "slow", 0);
  run_loop_until(s.loop, &pings, 3);
  assert_int_equal(a.done, 0);
  assert_int_equal(peer_of(&s).state, GCACHE_PEER_UP);
  raw_answer_value(waiting, "there");
  run_loop_until(s.loop, &a.done, 1);
  assert_int_equal(a.from, GCACHE_FROM_PEER);
  assert_int_equal(s.m.loads, 0);
  assert_int_equal(peer_of(&s).opened, 0);
  close_scene(&s);
}

/* With most of the asker's time left: its clock, or a proxy, is wrong, and it is there. */
static void peer_that_says_too_early_that_time_ran_out_is_not_down(void **state) {
  struct scene s;
  struct asked a;
  char key[16];

  open_scene(&s, state, SAYS_LATE);
  for (int i = 0; i < 5; i++) {
    snprintf(key, sizeof key, "k%d", i);
    ask(&a, &s.m, key);
    assert_int_equal(a.status, 0);
    assert_int_equal(a.from, GCACHE_FROM_LOAD);
  }
  assert_int_equal(peer_of(&s).state, GCACHE_PEER_UP);
  assert_int_equal(peer_of(&s).opened, 0);
  manner = WELL;
  ask(&a, &s.m, "afterwards");
  assert_int_equal(a.from, GCACHE_FROM_PEER);
  close_scene(&s);
}

/* A listener that takes no connection: its backlog is full. */
struct silent {
  int fds[8];
  struct sockaddr_in at;
};

static void silent_open(struct silent *s) {
  socklen_t len = sizeof s->at;

  s->at = (struct sockaddr_in){.sin_family = AF_INET};
  s->at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int i = 0; i < 8; i++) {
    s->fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(s->fds[i] >= 0);
    if (i > 0) {
      connect(s->fds[i], (struct sockaddr *)&s->at, sizeof s->at);
      continue;
    }
    assert_int_equal(bind(s->fds[0], (struct sockaddr *)&s->at, sizeof s->at), 0);
    assert_int_equal(listen(s->fds[0], 0), 0);
    assert_int_equal(getsockname(s->fds[0], (struct sockaddr *)&s->at, &len), 0);
  }
}

static void silent_close(struct silent *s) {
  for (int i = 0; i < 8; i++)
    close(s->fds[i]);
}

/* Not UV_ETIMEDOUT, which is an owner's word. */
static void peer_that_takes_no_connection_in_time_cannot_be_reached(void **state) {
  struct silent silent;
  struct scene s;
  struct asked a;
  struct changed c = {0};
  char url[64];
  const char *urls[] = {url};

  open_scene(&s, state, WELL);
  silent_open(&silent);
  snprintf(url, sizeof url, "http://127.0.0.1:%d", ntohs(silent.at.sin_port));
  assert_int_equal(gcache_set_peers(s.m.cache, urls, NULL, 1), 0);
  ask(&a, &s.m, "k");
  assert_int_equal(a.from, GCACHE_FROM_LOAD);
  assert_int_equal(peer_of(&s).opened, 1);
  assert_int_equal(peer_of(&s).last_error, UV_EHOSTUNREACH);
  c.req.data = &c;
  assert_int_equal(gcache_remove(&c.req, s.m.group, gcache_cstr("k"), 0, on_changed), 0);
  run_loop_until(s.loop, &c.done, 1);
  assert_int_equal(c.status, GCACHE_EPARTIAL);
  assert_int_equal(c.statuses[0], UV_EHOSTUNREACH);
  close_scene(&s);
  silent_close(&silent);
}

static void cache_closes_while_a_ping_hangs(void **state) {
  struct scene s;
  struct asked a;

  open_scene(&s, state, HANGS);
  ask_start(&a, &s.m, "slow", 0);
  run_loop_until(s.loop, &pings, 1);
  close_scene(&s);
  assert_int_equal(a.status, UV_ECANCELED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(peer_that_hangs_is_found_out_by_a_ping),
      TEST(peer_that_resets_is_down_after_three_questions),
      TEST(peer_that_talks_nonsense_is_down_after_three_questions),
      TEST(peer_whose_getter_takes_long_is_not_down),
      TEST(peer_that_says_too_early_that_time_ran_out_is_not_down),
      TEST(peer_that_takes_no_connection_in_time_cannot_be_reached),
      TEST(cache_closes_while_a_ping_hangs),
  };
  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
