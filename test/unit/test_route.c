/* Routes and URLs: the examples of the Go systems, requests that a Go client really sent, round
 * trips of random bytes, and what must be refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "random.h"
#include "recorded.h"
#include "wire/route.h"

static const gcache_bytes_t base_path = {"/_groupcache/", 13};

static gcache_bytes_t text(const char *s) {
  return (gcache_bytes_t){s, strlen(s)};
}

static void assert_bytes(gcache_bytes_t got, gcache_bytes_t want) {
  assert_int_equal(got.len, want.len);
  if (want.len > 0) assert_memory_equal(got.base, want.base, want.len);
}

/* What mailgun and groupcache-go leave; golang leaves nothing more. */
static const char stay[] = "$&+:=@";

static void assert_writes(gcache_bytes_t group, gcache_bytes_t key, const char *want) {
  char out[4096];
  assert_int_equal(gci_route_size(base_path, group, key, stay), strlen(want));
  size_t len = gci_route_write(out, base_path, group, key, stay);
  assert_bytes((gcache_bytes_t){out, len}, text(want));
}

static void assert_reads(const char *path, gcache_bytes_t group, gcache_bytes_t key) {
  char buf[256];
  struct gci_route route;
  assert_int_equal(gci_route_read(base_path, text(path), buf, &route), GCI_ROUTE_OK);
  assert_bytes(route.group, group);
  assert_bytes(route.key, key);
}

static void assert_refused(const char *path, enum gci_route_result want) {
  char buf[256];
  struct gci_route route;
  assert_int_equal(gci_route_read(base_path, text(path), buf, &route), want);
}

static void the_examples_are_written_as_go_clients_write_them(void **state) {
  (void)state;
  assert_writes(text("g"), text("a b/c,d"), "/_groupcache/g/a%20b%2Fc%2Cd");
  assert_writes(text("g"), GCI_LIT("\xff\0"), "/_groupcache/g/%FF%00");
  assert_writes(text("g"), text("a%b"), "/_groupcache/g/a%25b");
  assert_writes(text("g"), text("x+y"), "/_groupcache/g/x+y");
  assert_writes(text("g"), text(""), "/_groupcache/g/");
  assert_writes(text("g"), (gcache_bytes_t){NULL, 0}, "/_groupcache/g/");
  assert_writes(text("a/b c"), text("k"), "/_groupcache/a%2Fb%20c/k");
  assert_writes(text("g"), text("AZaz09-_.~$&+:=@"), "/_groupcache/g/AZaz09-_.~$&+:=@");
}

static void every_other_byte_is_escaped(void **state) {
  (void)state;
  for (int c = 0; c < 256; c++) {
    char byte = (char)c, want[32];
    if (c != 0 && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~$&+:=@",
                         c) != NULL)
      snprintf(want, sizeof want, "/_groupcache/g/%c", c);
    else
      snprintf(want, sizeof want, "/_groupcache/g/%%%02X", c);
    assert_writes(text("g"), (gcache_bytes_t){&byte, 1}, want);
  }
}

static void the_key_is_everything_after_the_first_slash_verbatim(void **state) {
  (void)state;
  assert_reads("/_groupcache/g/a%20b%2Fc%2Cd", text("g"), text("a b/c,d"));
  assert_reads("/_groupcache/g/a/b", text("g"), text("a/b"));
  assert_reads("/_groupcache/g/a//b", text("g"), text("a//b"));
  assert_reads("/_groupcache/g//", text("g"), text("/"));
  assert_reads("/_groupcache/g/a/../b", text("g"), text("a/../b"));
  assert_reads("/_groupcache/g/..", text("g"), text(".."));
  assert_reads("/_groupcache/g/..%2f..%2fx", text("g"), text("../../x"));
  assert_reads("/_groupcache/g/%FF%00", text("g"), GCI_LIT("\xff\0"));
  assert_reads("/_groupcache/g/a%25b", text("g"), text("a%b"));
  assert_reads("/_groupcache/g/%2541", text("g"), text("%41"));
  assert_reads("/_groupcache/g/x+y", text("g"), text("x+y"));
  assert_reads("/_groupcache/g/", text("g"), text(""));
  assert_reads("/_groupcache/g%2Fk", text("g"), text("k"));
  assert_reads("/_groupcache/g%2fh/k", text("g"), text("h/k"));
}

static void bad_escapes_are_told_apart_from_missing_keys(void **state) {
  (void)state;
  assert_refused("/_groupcache/g/%", GCI_ROUTE_BAD_ESCAPE);
  assert_refused("/_groupcache/g/%4", GCI_ROUTE_BAD_ESCAPE);
  assert_refused("/_groupcache/g/%zz", GCI_ROUTE_BAD_ESCAPE);
  assert_refused("/_groupcache/g/%4g", GCI_ROUTE_BAD_ESCAPE);
  assert_refused("/_groupcache/g/k%", GCI_ROUTE_BAD_ESCAPE);
  assert_refused("/_groupcache/%g/k", GCI_ROUTE_BAD_ESCAPE);
  assert_refused("/_groupcache/g", GCI_ROUTE_NO_KEY);
  assert_refused("/_groupcache/", GCI_ROUTE_NO_KEY);
  assert_refused("/_groupcache//k", GCI_ROUTE_NO_KEY);
  assert_refused("/_groupcache/%2Fk", GCI_ROUTE_NO_KEY);
}

static void only_the_raw_prefix_is_ours(void **state) {
  (void)state;
  assert_refused("/", GCI_ROUTE_ELSEWHERE);
  assert_refused("", GCI_ROUTE_ELSEWHERE);
  assert_refused("/_groupcache", GCI_ROUTE_ELSEWHERE);
  assert_refused("/_GROUPCACHE/g/k", GCI_ROUTE_ELSEWHERE);
  assert_refused("/%5Fgroupcache/g/k", GCI_ROUTE_ELSEWHERE);
  assert_refused("//_groupcache/g/k", GCI_ROUTE_ELSEWHERE);
  assert_refused("/x/../_groupcache/g/k", GCI_ROUTE_ELSEWHERE);
}

static void random_bytes_come_back_as_they_were(void **state) {
  (void)state;
  struct random r = {21};
  for (int i = 0; i < 20000; i++) {
    unsigned char group[20], key[40];
    char path[256], buf[256];
    struct gci_route route;
    random_bytes(&r, group, sizeof group);
    random_bytes(&r, key, sizeof key);
    for (size_t j = 0; j < sizeof group; j++)
      if (group[j] == '/') group[j] = '%';
    gcache_bytes_t g = {group, 1 + random_below(&r, sizeof group)};
    gcache_bytes_t k = {key, random_below(&r, sizeof key + 1)};
    size_t len = gci_route_write(path, base_path, g, k, i % 2 == 0 ? stay : "");
    assert_int_equal(len, gci_route_size(base_path, g, k, i % 2 == 0 ? stay : ""));
    assert_int_equal(gci_route_read(base_path, (gcache_bytes_t){path, len}, buf, &route),
                     GCI_ROUTE_OK);
    assert_bytes(route.group, g);
    assert_bytes(route.key, k);
  }
}

/* The request line's target of every recorded request of a mailgun client. */
static void targets_are_those_a_mailgun_client_sent(void **state) {
  (void)state;
  char line[512], name[64], operation[16], hex[200], path[100], request[2048];
  size_t rows = 0;
  FILE *file = recorded_open("wire/clients.tsv");
  while (fgets(line, sizeof line, file) != NULL) {
    unsigned char key[100];
    char buf[512];
    struct gci_route route;
    if (line[0] == '#') continue;
    assert_int_equal(sscanf(line, "%63s\t%15s\t%199s", name, operation, hex), 3);
    gcache_bytes_t k = {key, recorded_hex(hex, key, sizeof key)};
    snprintf(path, sizeof path, "wire/%s", name);
    request[recorded_read(path, request, sizeof request)] = '\0';
    char *target = strchr(request, ' ') + 1;
    *strchr(target, ' ') = '\0';
    assert_writes(text("interop"), k, target);
    assert_int_equal(gci_route_read(base_path, text(target), buf, &route), GCI_ROUTE_OK);
    assert_bytes(route.group, text("interop"));
    assert_bytes(route.key, k);
    rows++;
  }
  fclose(file);
  assert_int_equal(rows, 48);
}

static void assert_split(const char *target, const char *want_path, const char *want_query) {
  gcache_bytes_t path, query;
  gci_route_split_target(text(target), &path, &query);
  assert_bytes(path, text(want_path));
  assert_bytes(query, text(want_query));
}

static void a_target_is_a_path_and_a_query(void **state) {
  (void)state;
  assert_split("/a/b", "/a/b", "");
  assert_split("/a?b=c", "/a", "b=c");
  assert_split("/a?", "/a", "");
  assert_split("/a?b?c", "/a", "b?c");
  assert_split("/", "/", "");
  assert_split("", "", "");
  assert_split("*", "*", "");
  assert_split("http://x/_groupcache/g/k", "/_groupcache/g/k", "");
  assert_split("HTTP://x:80/p?q", "/p", "q");
  assert_split("https://x/p", "/p", "");
  assert_split("http://x", "/", "");
  assert_split("http://x?q=/r", "/", "q=/r");
  assert_split("/http://x/p", "/http://x/p", "");
  assert_split("ftp://x/p", "ftp://x/p", "");
}

static void a_parameter_is_found_by_its_raw_name(void **state) {
  (void)state;
  gcache_bytes_t value, query = text("a=1&bb=2&c&d=&bb=3&e=x=y&%61=4");
  assert_int_equal(gci_route_param(query, text("a"), &value), 0);
  assert_bytes(value, text("1"));
  assert_int_equal(gci_route_param(query, text("bb"), &value), 0);
  assert_bytes(value, text("2"));
  assert_int_equal(gci_route_param(query, text("c"), &value), 0);
  assert_bytes(value, text(""));
  assert_int_equal(gci_route_param(query, text("d"), &value), 0);
  assert_bytes(value, text(""));
  assert_int_equal(gci_route_param(query, text("e"), &value), 0);
  assert_bytes(value, text("x=y"));
  assert_int_equal(gci_route_param(query, text("%61"), &value), 0);
  assert_bytes(value, text("4"));
  assert_int_equal(gci_route_param(query, text("b"), &value), -1);
  assert_int_equal(gci_route_param(query, text("bbb"), &value), -1);
  assert_int_equal(gci_route_param(text(""), text("a"), &value), -1);
  assert_int_equal(gci_route_param(text("&&"), text("a"), &value), -1);
}

static void assert_url(const char *url, const char *host, const char *authority, unsigned port) {
  struct gci_url got;
  if (gci_url_read(text(url), &got) != 0) fail_msg("refused: %s", url);
  assert_bytes(got.host, text(host));
  assert_bytes(got.authority, text(authority));
  assert_int_equal(got.port, port);
}

static void a_url_gives_host_authority_and_port(void **state) {
  (void)state;
  assert_url("http://10.0.0.1:8080", "10.0.0.1", "10.0.0.1:8080", 8080);
  assert_url("http://10.0.0.1:8080/", "10.0.0.1", "10.0.0.1:8080", 8080);
  assert_url("http://node-1.example.com", "node-1.example.com", "node-1.example.com", 80);
  assert_url("http://node_1.example.com./", "node_1.example.com.", "node_1.example.com.", 80);
  assert_url("http://a:1", "a", "a:1", 1);
  assert_url("http://a:65535", "a", "a:65535", 65535);
  assert_url("http://[::1]:8080", "::1", "[::1]:8080", 8080);
  assert_url("http://[2001:db8::7]/", "2001:db8::7", "[2001:db8::7]", 80);
  assert_url("http://[::ffff:10.0.0.1]:80", "::ffff:10.0.0.1", "[::ffff:10.0.0.1]:80", 80);
}

static void https_url_is_read_and_has_its_own_port(void **state) {
  struct gci_url got;

  (void)state;
  assert_int_equal(gci_url_read(GCI_LIT("https://a"), &got), 0);
  assert_int_equal(got.secure, 1);
  assert_int_equal(got.port, 443);
  assert_url("https://a:8443/", "a", "a:8443", 8443);
  assert_int_equal(gci_url_read(GCI_LIT("http://a:443"), &got), 0);
  assert_int_equal(got.secure, 0);
}

static void unix_url_is_a_path_and_has_no_host(void **state) {
  static const char *const urls[] = {"unix:/x", "unix:/run/gcache/0.sock",
                                     "unix:/a/../b:1@[]~!$&'()"};
  char longest[5 + 107];
  struct gci_url got;

  (void)state;
  for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
    if (gci_url_read(text(urls[i]), &got) != 0) fail_msg("refused: %s", urls[i]);
    assert_bytes(got.path, text(urls[i] + 5));
    assert_bytes(got.authority, text("localhost"));
    assert_int_equal(got.host.len + got.port, 0);
    assert_int_equal(got.secure, 0);
    assert_null(gci_url_fault(text(urls[i])));
  }
  memset(longest, 'a', sizeof longest);
  memcpy(longest, "unix:/", 6);
  assert_int_equal(gci_url_read((gcache_bytes_t){longest, sizeof longest}, &got), 0);
  assert_int_equal(got.path.len, 107);
  assert_int_equal(gci_url_read(text("http://a"), &got), 0);
  assert_int_equal(got.path.len, 0);
}

static void any_other_url_is_refused(void **state) {
  (void)state;
  static const char *const urls[] = {"",
                                     "http",
                                     "http:",
                                     "http://",
                                     "http:///",
                                     "http://:80",
                                     "a",
                                     "a:80",
                                     "//a",
                                     "ftp://a",
                                     "https:/a",
                                     "https://",
                                     "https://a:0",
                                     "HTTP://a",
                                     "unix:",
                                     "unix",
                                     "UNIX:/x",
                                     "unix:x",
                                     "unix:///x",
                                     "unix://host/x",
                                     "unix:/",
                                     "unix:/x/",
                                     "unix:/x#y",
                                     "unix:/x?y",
                                     "unix:/x%20y",
                                     "unix:/x y",
                                     "unix:/x\r\ny",
                                     "unix:/\xc3\xbc",
                                     "unix:/\x7f",
                                     " http://a",
                                     "http://a ",
                                     "http://a b",
                                     "http://a:",
                                     "http://a:/",
                                     "http://a:0",
                                     "http://a:080",
                                     "http://a:65536",
                                     "http://a:99999",
                                     "http://a:123456",
                                     "http://a:-1",
                                     "http://a:+1",
                                     "http://a: 1",
                                     "http://a:1 ",
                                     "http://a:1x",
                                     "http://a:1:2",
                                     "http://user@a",
                                     "http://u:p@a:80",
                                     "http://a/x",
                                     "http://a//",
                                     "http://a/?",
                                     "http://a?q",
                                     "http://a#f",
                                     "http://a/#f",
                                     "http://a\\b",
                                     "http://a..b",
                                     "http://.a",
                                     "http://.",
                                     "http://-a",
                                     "http://a-",
                                     "http://a.-b",
                                     "http://\xc3\xbc",
                                     "http://a%41",
                                     "http://a\r\nb",
                                     "http://a\tb",
                                     "http://[::1",
                                     "http://::1",
                                     "http://[::1]8080",
                                     "http://[::1]:",
                                     "http://[::1]x",
                                     "http://[]",
                                     "http://[10.0.0.1]",
                                     "http://[::1%eth0]",
                                     "http://[g::1]",
                                     "http://[1:2:3:4:5:6:7:8:9]",
                                     "http://[[::1]]",
                                     "http://a[::1]",
                                     "http://1]:80"};
  struct gci_url got;
  for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
    if (gci_url_read(text(urls[i]), &got) != UV_EINVAL) fail_msg("taken: %s", urls[i]);
  assert_int_equal(gci_url_read(GCI_LIT("http://a\0b"), &got), UV_EINVAL);
  assert_int_equal(gci_url_read(GCI_LIT("http://[::1\0]"), &got), UV_EINVAL);
  assert_int_equal(gci_url_read(GCI_LIT("http://a:80\0"), &got), UV_EINVAL);
  assert_int_equal(gci_url_read(GCI_LIT("unix:/a\0b"), &got), UV_EINVAL);
}

static void a_host_name_has_at_most_253_bytes_in_parts_of_63(void **state) {
  (void)state;
  char url[300] = "http://";
  struct gci_url got;
  for (size_t i = 0; i < 254; i++)
    url[7 + i] = i % 64 == 63 ? '.' : 'a';
  assert_int_equal(gci_url_read((gcache_bytes_t){url, 7 + 253}, &got), 0);
  assert_int_equal(gci_url_read((gcache_bytes_t){url, 7 + 254}, &got), UV_EINVAL);
  memset(url + 7, 'a', 64);
  assert_int_equal(gci_url_read((gcache_bytes_t){url, 7 + 63}, &got), 0);
  assert_int_equal(gci_url_read((gcache_bytes_t){url, 7 + 64}, &got), UV_EINVAL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_examples_are_written_as_go_clients_write_them),
      cmocka_unit_test(every_other_byte_is_escaped),
      cmocka_unit_test(the_key_is_everything_after_the_first_slash_verbatim),
      cmocka_unit_test(bad_escapes_are_told_apart_from_missing_keys),
      cmocka_unit_test(only_the_raw_prefix_is_ours),
      cmocka_unit_test(random_bytes_come_back_as_they_were),
      cmocka_unit_test(targets_are_those_a_mailgun_client_sent),
      cmocka_unit_test(a_target_is_a_path_and_a_query),
      cmocka_unit_test(a_parameter_is_found_by_its_raw_name),
      cmocka_unit_test(a_url_gives_host_authority_and_port),
      cmocka_unit_test(https_url_is_read_and_has_its_own_port),
      cmocka_unit_test(unix_url_is_a_path_and_has_no_host),
      cmocka_unit_test(any_other_url_is_refused),
      cmocka_unit_test(a_host_name_has_at_most_253_bytes_in_parts_of_63),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
