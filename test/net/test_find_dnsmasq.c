/* Peers from the addresses of a name, as the system's resolver reads them from a real name server.
 * getaddrinfo() asks the servers in /etc/resolv.conf, on port 53: so the test runs in a network
 * namespace and with a resolv.conf of its own. Skipped without dnsmasq, or where the system does
 * not allow this. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>

#include "dnsmasq.h"
#include "finder.h"

#define SELF "http://10.0.0.1:80"

static struct dnsmasq server;

static void find(struct finder *f, const char *where) {
  f->o.interval_ms = 50;
  assert_int_equal(gcache_find_dns(&f->find, &f->o, where), 0);
}

static void members_come_and_go_with_the_name(void **state) {
  struct finder f;

  dnsmasq_start(&server, "10.0.0.1 cache.test\n10.0.0.2 cache.test\nfd00::9 cache.test\n", "");
  finder_open(&f, *state, SELF);
  find(&f, "http://cache.test:80");
  finder_await(&f, "http://10.0.0.1:80 http://10.0.0.2:80");
  dnsmasq_say(&server, "10.0.0.1 cache.test\n10.0.0.2 cache.test\n10.0.0.3 cache.test\n");
  finder_await(&f, "http://10.0.0.1:80 http://10.0.0.2:80 http://10.0.0.3:80");
  dnsmasq_say(&server, "10.0.0.3 cache.test\n");
  finder_await(&f, "http://10.0.0.1:80 http://10.0.0.3:80");
  dnsmasq_say(&server, ""); /* the name is gone: no reason to be alone */
  finder_await_count(&f, &f.keeps, 1);
  assert_string_equal(f.list, "http://10.0.0.1:80 http://10.0.0.3:80");
  dnsmasq_stop(&server);
  finder_await_count(&f, &f.keeps, f.keeps + 1);
  dnsmasq_start(&server, "10.0.0.1 cache.test\n10.0.0.3 cache.test\n", "");
  finder_await_count(&f, &f.sames, 1);
  assert_int_equal(f.sets, 3);
  finder_end(&f);
  dnsmasq_stop(&server);
}

static void answers_too_large_for_a_datagram_are_read(void **state) {
  static char hosts[200 * 32];
  struct finder f;
  gcache_stats_t stats;

  for (int i = 0; i < 200; i++)
    snprintf(hosts + strlen(hosts), sizeof hosts - strlen(hosts), "10.2.0.%d cache.test\n", i);
  dnsmasq_start(&server, hosts, "");
  finder_open(&f, *state, SELF);
  find(&f, "http://cache.test:80");
  finder_await_count(&f, &f.sets, 1);
  do {
    run_loop_turns(*state, 1);
    gcache_stats(f.m.cache, &stats);
  } while (stats.peers_coming > 0);
  assert_int_equal(stats.peers, 201);
  finder_end(&f);
  dnsmasq_stop(&server);
}

static void ipv6_members_are_found(void **state) {
  struct finder f;

  dnsmasq_start(&server, "10.0.0.2 cache.test\nfd00::1 cache.test\nfd00::2 cache.test\n", "");
  finder_open(&f, *state, "http://[fd00::1]:8080");
  find(&f, "http://cache.test:8080");
  finder_await(&f, "http://[fd00::1]:8080 http://[fd00::2]:8080");
  finder_end(&f);
  dnsmasq_stop(&server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(members_come_and_go_with_the_name),
      TEST(answers_too_large_for_a_datagram_are_read),
      TEST(ipv6_members_are_found),
  };
  char resolv[96];
  int rc;

  if (child_program("dnsmasq") == NULL) return 77;
  dnsmasq_init(&server, 53);
  snprintf(resolv, sizeof resolv, "%s/resolv.conf", server.child.dir);
  dnsmasq_write(resolv, "nameserver 127.0.0.1\noptions timeout:1 attempts:2\n");
  rc = child_enter_namespace(resolv, "/etc/resolv.conf") < 0
           ? 77
           : !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
  child_remove_dir(&server.child);
  return rc;
}
