/* Peers from SRV records: of a name server whose responses the test sets, byte for byte, and of
 * dnsmasq, if it is installed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>

#include "dnsmasq.h"
#include "finder.h"

#define SELF "http://node-1.test:80"
#define NAME "_gcache._tcp.test"

/* ------------------------------------------------------------------------ the hostile server -- */

struct liar {
  uv_udp_t udp;
  int port, asked, closed;
  char servers[32];
  const char *flags; /* two bytes behind the id; NULL: says nothing */
  int answers;       /* as the header says */
  const char *records;
  size_t records_len;
};

static char datagram[2048];

static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
  (void)handle, (void)size;
  *buf = uv_buf_init(datagram, sizeof datagram);
}

/* The question comes back, its head changed, and behind it the records. */
static void on_question(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from,
                        unsigned flags) {
  struct liar *l = udp->data;
  char *text = buf->base;
  uv_buf_t out;
  size_t end = 12;

  (void)flags;
  if (n <= 12 || from == NULL) return;
  l->asked++;
  if (l->flags == NULL) return;
  while (text[end] != '\0')
    end += (unsigned char)text[end] + 1U;
  end += 5;
  memcpy(text + 2, l->flags, 2);
  memset(text + 6, 0, 6);
  text[7] = (char)l->answers;
  memcpy(text + end, l->records, l->records_len);
  out = uv_buf_init(text, (unsigned)(end + l->records_len));
  assert_true(uv_udp_try_send(udp, &out, 1, from) > 0);
}

static void liar_open(struct liar *l, uv_loop_t *loop) {
  struct sockaddr_in at;
  int len = sizeof at;

  memset(l, 0, sizeof *l);
  uv_ip4_addr("127.0.0.1", 0, &at);
  uv_udp_init(loop, &l->udp);
  l->udp.data = l;
  assert_int_equal(uv_udp_bind(&l->udp, (struct sockaddr *)&at, 0), 0);
  assert_int_equal(uv_udp_getsockname(&l->udp, (struct sockaddr *)&at, &len), 0);
  l->port = ntohs(at.sin_port);
  snprintf(l->servers, sizeof l->servers, "127.0.0.1:%d", l->port);
  uv_udp_recv_start(&l->udp, on_room, on_question);
  uv_unref((uv_handle_t *)&l->udp);
}

static void on_liar_closed(uv_handle_t *handle) {
  ((struct liar *)handle->data)->closed = 1;
}

static void liar_close(struct liar *l) {
  uv_close((uv_handle_t *)&l->udp, on_liar_closed);
  run_loop_until(l->udp.loop, &l->closed, 1);
}

static void say(struct liar *l, const char *flags, int answers, const char *records, size_t len) {
  l->flags = flags;
  l->answers = answers;
  l->records = records;
  l->records_len = len;
}

#define SAY(l, flags, answers, records) say(l, flags, answers, records, sizeof(records) - 1)
#define OK "\x85\x80"
/* Of the name asked for, class IN, a minute: SRV with len bytes of data. */
#define SRV(len) "\xc0\x0c\x00\x21\x00\x01\x00\x00\x00\x3c\x00" len
#define NODE_2 SRV("\x0e") "\x00\x00\x00\x00\x00\x50\x06node-2\x00"

static void find(struct finder *f, const char *servers) {
  f->o.interval_ms = 20;
  f->o.servers = servers;
  assert_int_equal(gcache_find_srv(&f->find, &f->o, NAME, "http"), 0);
}

static void broken_answers_leave_the_list(void **state) {
  struct finder f;
  struct liar l;

  liar_open(&l, *state);
  finder_open(&f, *state, "http://node-1:80");
  SAY(&l, OK, 1, NODE_2);
  find(&f, l.servers);
  finder_await(&f, "http://node-1:80 http://node-2:80");
  SAY(&l, OK, 2, NODE_2); /* cut */
  finder_await_count(&f, &f.keeps, 1);
  SAY(&l, OK, 1, SRV("\xff") "\x00");
  finder_await_count(&f, &f.keeps, f.keeps + 1);
  SAY(&l, OK, 1, SRV("\x08") "\x00\x00\x00\x00\x00\x50\xc0\x29"); /* a pointer to itself */
  finder_await_count(&f, &f.keeps, f.keeps + 1);
  SAY(&l, OK, 1, SRV("\x0a") "\x00\x00\x00\x00\x00\x50\x02 /\x00"); /* no host */
  finder_await_count(&f, &f.keeps, f.keeps + 2);
  assert_int_equal(f.status, UV_EINVAL);
  SAY(&l, OK, 1, SRV("\x0e") "\x00\x00\x00\x00\x00\x00\x06node-3\x00"); /* port 0 */
  finder_await_count(&f, &f.keeps, f.keeps + 2);
  assert_string_equal(f.text, NAME ": a target is not a host and port");
  SAY(&l, OK, 1, SRV("\x07") "\x00\x00\x00\x00\x00\x50\x00"); /* "not here" */
  finder_await_count(&f, &f.keeps, f.keeps + 2);
  assert_int_equal(f.status, UV_ENOENT);
  SAY(&l, "\x85\x83", 0, ""); /* no such name */
  finder_await_count(&f, &f.keeps, f.keeps + 2);
  assert_int_equal(f.status, UV_EAI_NONAME);
  assert_string_equal(f.list, "http://node-1:80 http://node-2:80");
  assert_int_equal(f.sets, 1);
  SAY(&l, OK, 1, NODE_2);
  finder_await_count(&f, &f.sames, 1);
  finder_end(&f);
  liar_close(&l);
}

/* The first time to wait is longer than this test has. */
static void closed_while_nobody_answers(void **state) {
  struct finder f;
  struct liar l;

  liar_open(&l, *state);
  for (int turns = 0; turns < 10; turns++) {
    finder_open(&f, *state, SELF);
    find(&f, l.servers);
    run_loop_turns(*state, turns);
    if (turns > 5) finder_await_count(&f, &l.asked, l.asked + 1);
    if (turns % 2 == 0) finder_close(&f);
    f.find = NULL;
    finder_end(&f);
  }
  liar_close(&l);
}

static void bad_calls_are_refused(void **state) {
  struct finder f;

  finder_open(&f, *state, SELF);
  assert_int_equal(gcache_find_srv(&f.find, &f.o, NULL, "http"), UV_EINVAL);
  assert_int_equal(gcache_find_srv(&f.find, &f.o, "", "http"), UV_EINVAL);
  assert_int_equal(gcache_find_srv(&f.find, &f.o, NAME, "ftp"), UV_EINVAL);
  assert_int_equal(gcache_find_srv(&f.find, &f.o, NAME, NULL), UV_EINVAL);
  f.find = NULL;
  find(&f, "nobody at all");
  finder_await_count(&f, &f.keeps, 1);
  assert_int_equal(f.status, UV_EINVAL);
  finder_end(&f);
}

/* No record of the service would ever be written so: the others would list this member under
 * another URL. */
static void a_self_that_nobody_would_find_is_refused(void **state) {
  static const char *const selves[] = {"http://Node-1.test:80", "https://node-1.test:80",
                                       "http://node-1.test", "http://[fd00::1]:80",
                                       "unix:/run/node-1"};
  struct finder f;

  for (size_t i = 0; i < sizeof selves / sizeof *selves; i++) {
    finder_open(&f, *state, selves[i]);
    assert_int_equal(gcache_find_srv(&f.find, &f.o, NAME, "http"), UV_EINVAL);
    f.find = NULL;
    finder_end(&f);
  }
  finder_open(&f, *state, "http://node-1.test:80/");
  find(&f, "nobody at all");
  finder_end(&f);
}

static void find_in_failing_memory(struct oom *oom, void *arg) {
  struct liar *l = arg;
  struct finder f;

  if (finder_open_failing(&f, l->udp.loop, NULL, oom) < 0) return;
  f.o.servers = l->servers;
  finder_end_failing(&f, gcache_find_srv(&f.find, &f.o, NAME, "http"));
}

static void every_failure_of_memory_is_survived(void **state) {
  struct liar l;

  liar_open(&l, *state);
  SAY(&l, OK, 1, NODE_2);
  assert_true(oom_sweep(find_in_failing_memory, &l) > 10);
  liar_close(&l);
}

/* --------------------------------------------------------------------------------- dnsmasq ---- */

static struct dnsmasq server;

static void start(const char *conf) {
  dnsmasq_start(&server, "", conf);
}

static void members_come_and_go_with_the_service(void **state) {
  struct finder f;
  char servers[32];

  if (child_program("dnsmasq") == NULL) skip();
  dnsmasq_init(&server, child_free_port());
  snprintf(servers, sizeof servers, "127.0.0.1:%d", server.port);
  start("srv-host=_gcache._tcp.test,Node-1.test,80,0,10\n"
        "srv-host=_gcache._tcp.test,node-2.test,8080,10,90\n");
  finder_open(&f, *state, SELF);
  find(&f, servers);
  finder_await(&f, "http://node-1.test:80 http://node-2.test:8080");
  dnsmasq_stop(&server);
  finder_await_count(&f, &f.keeps, 1); /* nobody is there */
  start("srv-host=_gcache._tcp.test,node-1.test,80\n");
  finder_await(&f, "http://node-1.test:80");
  dnsmasq_stop(&server);
  start(""); /* no such service */
  finder_await_count(&f, &f.keeps, f.keeps + 2);
  assert_string_equal(f.list, "http://node-1.test:80");
  finder_end(&f);
  dnsmasq_stop(&server);
  child_remove_dir(&server.child);
}

static void answers_too_large_for_a_datagram_are_read(void **state) {
  static char conf[100 * 64];
  struct finder f;
  gcache_stats_t stats;
  char servers[32];

  if (child_program("dnsmasq") == NULL) skip();
  for (int i = 0; i < 100; i++)
    snprintf(conf + strlen(conf), sizeof conf - strlen(conf),
             "srv-host=_gcache._tcp.test,node-%d.test,80\n", i);
  dnsmasq_init(&server, child_free_port());
  snprintf(servers, sizeof servers, "127.0.0.1:%d", server.port);
  start(conf);
  finder_open(&f, *state, SELF);
  find(&f, servers);
  finder_await_count(&f, &f.sets, 1);
  do {
    run_loop_turns(*state, 1);
    gcache_stats(f.m.cache, &stats);
  } while (stats.peers_coming > 0);
  assert_int_equal(stats.peers, 100);
  finder_end(&f);
  dnsmasq_stop(&server);
  child_remove_dir(&server.child);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(broken_answers_leave_the_list),
      TEST(closed_while_nobody_answers),
      TEST(bad_calls_are_refused),
      TEST(a_self_that_nobody_would_find_is_refused),
      TEST(every_failure_of_memory_is_survived),
      TEST(members_come_and_go_with_the_service),
      TEST(answers_too_large_for_a_datagram_are_read),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
