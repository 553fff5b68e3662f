/* Members that speak TLS to each other, and strangers that speak it badly or not at all. Each story
 * runs with every HTTP version in this build. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "certs.h"
#include "gcache/http.h"
#include "gcache/openssl.h"
#include "http/h2.h"
#include "member.h"
#include "raw.h"

static struct certs certs;
static char logged[512];

static void on_log(void *data, gcache_log_level_t level, const char *line) {
  (void)data;
  (void)level;
  snprintf(logged, sizeof logged, "%s", line);
}

/* Shows `asking` when it asks and `asked` when it is asked. CERT_NONE for asked: it cannot be. */
static gcache_tls_t *tls_of(enum cert asking, enum cert asked, gcache_tls_peers_t peers) {
  gcache_tls_options_t o;
  gcache_tls_t *tls;

  gcache_tls_options_init(&o);
  o.client = certs_context(&certs, TLS_client_method(), asking);
  o.server = asked == CERT_NONE ? NULL : certs_context(&certs, TLS_server_method(), asked);
  o.peers = peers;
  assert_int_equal(gcache_tls_open(&tls, &o), 0);
  SSL_CTX_free(o.client);
  SSL_CTX_free(o.server);
  return tls;
}

/* tls_timeout_ms 0: the default, so that no handshake is late on a busy machine. */
static void start_within(struct member *m, uv_loop_t *loop, const char *name, gcache_tls_t *tls,
                         gcache_http_t http, uint64_t tls_timeout_ms) {
  gcache_options_t o;

  member_options(m, &o, loop, name);
  o.tls = m->tls = tls;
  o.http = http;
  o.log = on_log;
  o.limits.tls_timeout_ms = tls_timeout_ms;
  member_open(m, &o);
  member_group(m, "g");
  member_listen(m);
}

static void start(struct member *m, uv_loop_t *loop, const char *name, gcache_tls_t *tls,
                  gcache_http_t http) {
  start_within(m, loop, name, tls, http, 0);
}

/* A client-only member that knows `of`. */
static void start_client(struct member *m, uv_loop_t *loop, gcache_tls_t *tls, gcache_http_t http,
                         const struct member *of) {
  const char *urls[] = {of->url};
  gcache_options_t o;

  member_options(m, &o, loop, "client");
  o.tls = tls;
  o.http = http;
  member_open(m, &o);
  member_group(m, "g");
  assert_int_equal(gcache_set_peers(m->cache, urls, NULL, 1), 0);
}

static void end(struct member *m, gcache_tls_t *tls) {
  member_end(m);
  gcache_tls_free(tls);
}

static void each_http(void (*story)(void **state, gcache_http_t http), void **state) {
  story(state, GCACHE_HTTP_1);
  story(state, GCACHE_HTTP_AUTO);
  if (gci_h2_built_in()) story(state, GCACHE_HTTP_2);
}

/* --------------------------------------------------------------------------------- members -- */

static void tell_set_and_remove(void **state, gcache_http_t http) {
  struct member m[2];
  struct asked a;
  struct changed c = {.n = 0};
  gcache_value_t *value;
  char key[64];

  start(&m[0], *state, "a", tls_of(CERT_CLIENT, CERT_SERVER, GCACHE_TLS_PEERS_VERIFIED), http);
  start(&m[1], *state, "b", tls_of(CERT_CLIENT, CERT_SERVER, GCACHE_TLS_PEERS_VERIFIED), http);
  members_know(m, 2);
  ask(&a, &m[0], member_key(&m[1], "k", key, sizeof key));
  assert_int_equal(a.from, GCACHE_FROM_PEER);
  assert_int_equal(m[0].loads, 0);
  value = gcache_value_copy(m[0].cache, gcache_cstr("set"), GCACHE_NEVER);
  c.req.data = &c;
  assert_int_equal(gcache_set(&c.req, m[0].group, gcache_cstr(key), value, 0, on_changed), 0);
  gcache_value_unref(value);
  run_loop_until(*state, &c.done, 1);
  assert_int_equal(c.status, 0);
  ask(&a, &m[0], key);
  assert_string_equal(a.value, "set");
  ask(&a, &m[0], member_key(&m[1], "big:3000000:", key, sizeof key));
  assert_int_equal(a.value_len, 3000000);
  assert_int_equal(a.from, GCACHE_FROM_PEER);
  end(&m[0], m[0].tls);
  end(&m[1], m[1].tls);
}

static void members_ask_set_and_remove_over_tls(void **state) {
  each_http(tell_set_and_remove, state);
}

static void tell_many_at_once(void **state, gcache_http_t http) {
  static struct asked a[500];
  struct member owner, client;
  gcache_tls_t *tls = tls_of(CERT_NONE, CERT_NONE, GCACHE_TLS_PEERS_ANY);
  char key[32];

  start(&owner, *state, "owner", tls_of(CERT_NONE, CERT_SERVER, GCACHE_TLS_PEERS_ANY), http);
  start_client(&client, *state, tls, http, &owner);
  for (int i = 0; i < 500; i++) {
    snprintf(key, sizeof key, "%s%d", i % 50 == 0 ? "big:70000:" : "k", i);
    ask_start(&a[i], &client, key, 0);
  }
  for (int i = 0; i < 500; i++) {
    run_loop_until(*state, &a[i].done, 1);
    assert_int_equal(a[i].status, 0);
    assert_int_equal(a[i].from, GCACHE_FROM_PEER);
    if (i % 50 == 0) assert_int_equal(a[i].value_len, 70000);
  }
  assert_int_equal(owner.loads, 500);
  end(&client, tls);
  end(&owner, owner.tls);
}

static void many_questions_at_once_are_all_answered(void **state) {
  each_http(tell_many_at_once, state);
}

/* ---------------------------------------------------------------------------- certificates -- */

static void refused_for(void **state, gcache_tls_t *asking, enum cert asked, const char *why) {
  struct member owner, client;
  struct changed c = {.n = 0};
  struct asked a;

  start(&owner, *state, "owner", tls_of(CERT_NONE, asked, GCACHE_TLS_PEERS_ANY), GCACHE_HTTP_AUTO);
  start_client(&client, *state, asking, GCACHE_HTTP_AUTO, &owner);
  ask(&a, &client, "k");
  assert_int_equal(a.from, GCACHE_FROM_LOAD); /* nothing of that peer is believed */
  c.req.data = &c;
  assert_int_equal(gcache_remove(&c.req, client.group, gcache_cstr("k"), 0, on_changed), 0);
  run_loop_until(*state, &c.done, 1);
  assert_int_equal(c.status, GCACHE_EPARTIAL);
  assert_true(c.statuses[0] < 0);
  print_message("    %s\n", c.reasons[0]);
  if (strstr(c.reasons[0], why) == NULL) fail_msg("no '%s' in: %s", why, c.reasons[0]);
  end(&client, asking);
  end(&owner, owner.tls);
}

static void bad_certificate_is_named_in_the_report(void **state) {
  static const struct {
    enum cert cert;
    const char *why;
  } cases[] = {
      {CERT_EXPIRED, "certificate has expired"},
      {CERT_FUTURE, "certificate is not yet valid"},
      {CERT_WRONG_HOST, "IP address mismatch"},
      {CERT_STRANGER, "unable to get local issuer certificate"},
      {CERT_SELF_MADE, "self-signed certificate"},
      {CERT_NOT_SERVER, "purpose"},
  };

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    refused_for(state, tls_of(CERT_NONE, CERT_NONE, GCACHE_TLS_PEERS_ANY), cases[i].cert,
                cases[i].why);
}

/* What the key's owner says to a peer with that certificate. */
static void tell_mutual(void **state, gcache_http_t http) {
  gcache_tls_t *known = tls_of(CERT_CLIENT, CERT_NONE, GCACHE_TLS_PEERS_ANY);
  gcache_tls_t *unknown = tls_of(CERT_NONE, CERT_NONE, GCACHE_TLS_PEERS_ANY);
  struct member owner, friend, stranger;
  struct changed c = {.n = 0};
  struct asked a;

  start(&owner, *state, "owner", tls_of(CERT_NONE, CERT_SERVER, GCACHE_TLS_PEERS_VERIFIED), http);
  start_client(&friend, *state, known, http, &owner);
  start_client(&stranger, *state, unknown, http, &owner);
  ask(&a, &friend, "k");
  assert_int_equal(a.from, GCACHE_FROM_PEER);
  ask(&a, &stranger, "k");
  assert_int_equal(a.from, GCACHE_FROM_LOAD);
  c.req.data = &c;
  assert_int_equal(gcache_remove(&c.req, stranger.group, gcache_cstr("k"), 0, on_changed), 0);
  run_loop_until(*state, &c.done, 1);
  print_message("    %s\n", c.reasons[0]);
  assert_non_null(strstr(c.reasons[0], "answered 403: peers must show a certificate"));
  ask(&a, &friend, "k");
  assert_string_equal(a.value, "owner|k|1"); /* it was not removed */
  end(&stranger, unknown);
  end(&friend, known);
  end(&owner, owner.tls);
}

static void peer_without_a_certificate_is_barred_where_that_is_asked(void **state) {
  each_http(tell_mutual, state);
}

/* The certificate of the friend is for client.test, the members' are for 127.0.0.1 among others. */
static void tell_named(void **state, gcache_http_t http) {
  gcache_tls_t *known = tls_of(CERT_CLIENT, CERT_NONE, GCACHE_TLS_PEERS_ANY);
  gcache_tls_t *server = tls_of(CERT_SERVER, CERT_NONE, GCACHE_TLS_PEERS_ANY);
  struct member owner, friend, listed;
  const char *urls[2];
  struct asked a;

  start(&owner, *state, "owner", tls_of(CERT_NONE, CERT_SERVER, GCACHE_TLS_PEERS_NAMED), http);
  start_client(&friend, *state, known, http, &owner);
  start_client(&listed, *state, server, http, &owner);
  ask(&a, &friend, "k");
  assert_int_equal(a.from, GCACHE_FROM_LOAD); /* the list is empty */
  urls[0] = owner.url;
  urls[1] = "https://other.test:1";
  assert_int_equal(gcache_set_peers(owner.cache, urls, NULL, 2), 0);
  ask(&a, &friend, "k");
  assert_int_equal(a.from, GCACHE_FROM_LOAD);
  ask(&a, &listed, "k");
  assert_int_equal(a.from, GCACHE_FROM_PEER); /* by its address */
  urls[1] = "https://CLIENT.test:1";
  assert_int_equal(gcache_set_peers(owner.cache, urls, NULL, 2), 0);
  ask(&a, &friend, "k");
  assert_int_equal(a.from, GCACHE_FROM_PEER); /* over the connection that it has */
  urls[1] = "https://lient.test:1";
  assert_int_equal(gcache_set_peers(owner.cache, urls, NULL, 2), 0);
  ask(&a, &friend, "l");
  assert_int_equal(a.from, GCACHE_FROM_LOAD);
  end(&listed, server);
  end(&friend, known);
  end(&owner, owner.tls);
}

static void certificate_of_nobody_on_the_list_is_barred_where_that_is_asked(void **state) {
  each_http(tell_named, state);
}

/* A certificate is as good as a peer's address, and does not stand in for one that must be listed. */
static void certificate_stands_for_a_peers_address_and_no_other(void **state) {
  static const char *const elsewhere[] = {"10.0.0.0/8"}, *const here[] = {"127.0.0.0/8"};
  gcache_tls_t *known = tls_of(CERT_CLIENT, CERT_NONE, GCACHE_TLS_PEERS_ANY);

  for (int is_in = 0; is_in < 2; is_in++) {
    struct member owner, friend;
    gcache_options_t o;
    struct asked a;
    member_options(&owner, &o, *state, "owner");
    o.tls = owner.tls = tls_of(CERT_NONE, CERT_SERVER, GCACHE_TLS_PEERS_VERIFIED);
    o.access.read = o.access.write = GCACHE_ACCESS_LISTED;
    o.access.addresses = is_in ? here : elsewhere;
    o.access.n_addresses = 1;
    member_open(&owner, &o);
    member_group(&owner, "g");
    member_listen(&owner);
    start_client(&friend, *state, known, GCACHE_HTTP_AUTO, &owner);
    ask(&a, &friend, "k");
    assert_int_equal(a.from, is_in ? GCACHE_FROM_PEER : GCACHE_FROM_LOAD);
    member_end(&friend);
    end(&owner, owner.tls);
  }
  gcache_tls_free(known);
}

static void connection_keeps_its_certificate_when_another_comes(void **state) {
  gcache_tls_t *tls = tls_of(CERT_NONE, CERT_NONE, GCACHE_TLS_PEERS_ANY);
  SSL_CTX *asking = certs_context(&certs, TLS_client_method(), CERT_NONE);
  SSL_CTX *expired = certs_context(&certs, TLS_server_method(), CERT_EXPIRED);
  struct member owner, client, late;
  struct asked a;

  start(&owner, *state, "owner", tls_of(CERT_NONE, CERT_SERVER, GCACHE_TLS_PEERS_ANY),
        GCACHE_HTTP_AUTO);
  start_client(&client, *state, tls, GCACHE_HTTP_AUTO, &owner);
  ask(&a, &client, "k");
  assert_int_equal(a.from, GCACHE_FROM_PEER);
  assert_int_equal(gcache_tls_replace(owner.tls, asking, expired), 0);
  SSL_CTX_free(asking);
  SSL_CTX_free(expired);
  ask(&a, &client, "k");
  assert_int_equal(a.from,
                   GCACHE_FROM_PEER); /* over the connection that there is: no other would do */
  start_client(&late, *state, tls, GCACHE_HTTP_AUTO, &owner);
  ask(&a, &late, "k");
  assert_int_equal(a.from, GCACHE_FROM_LOAD); /* the new one has expired */
  member_end(&late);
  end(&client, tls);
  end(&owner, owner.tls);
}

/* ------------------------------------------------------------------------------- strangers -- */

static void next_one_is_served(void **state, struct member *owner) {
  gcache_tls_t *tls = tls_of(CERT_NONE, CERT_NONE, GCACHE_TLS_PEERS_ANY);
  struct member client;
  struct asked a;

  start_client(&client, *state, tls, GCACHE_HTTP_AUTO, owner);
  ask(&a, &client, "honest");
  assert_int_equal(a.from, GCACHE_FROM_PEER);
  end(&client, tls);
}

static void stranger_says(void **state, const char *bytes, const char *why) {
  struct member owner;
  struct raw *c;

  start(&owner, *state, "owner", tls_of(CERT_NONE, CERT_SERVER, GCACHE_TLS_PEERS_ANY),
        GCACHE_HTTP_AUTO);
  c = raw_connect(*state, owner.port);
  logged[0] = '\0';
  raw_say(c, bytes);
  run_loop_until(*state, &c->ended, 1);
  if (strstr(logged, why) == NULL) fail_msg("no '%s' in: %s", why, logged);
  next_one_is_served(state, &owner);
  raw_close(c);
  run_loop_until(*state, &c->closed, 1);
  raw_free(c);
  end(&owner, owner.tls);
}

static void bytes_that_are_no_tls_end_the_connection(void **state) {
  stranger_says(state, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "http request");
  stranger_says(state, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "");
  stranger_says(state, "\x16\x03\x01 this is not a client hello at all", "");
}

static void silent_handshake_is_cut_at_its_limit(void **state) {
  struct member owner;
  gcache_stats_t stats;
  struct raw *c;

  start_within(&owner, *state, "owner", tls_of(CERT_NONE, CERT_SERVER, GCACHE_TLS_PEERS_ANY),
               GCACHE_HTTP_AUTO, 40);
  c = raw_connect(*state, owner.port);
  run_loop_until(*state, &c->ended, 1); /* after 40 ms; the test's own limit ends a hang */
  gcache_stats(owner.cache, &stats);
  assert_int_equal(stats.refused, 1);
  assert_non_null(strstr(logged, "handshake took too long"));
  next_one_is_served(state, &owner);
  raw_close(c);
  run_loop_until(*state, &c->closed, 1);
  raw_free(c);
  end(&owner, owner.tls);
}

static void peer_that_is_not_tls_is_given_up(void **state) {
  gcache_tls_t *tls = tls_of(CERT_NONE, CERT_NONE, GCACHE_TLS_PEERS_ANY);
  struct member plain, client;
  const char *urls[1];
  char url[64];
  gcache_options_t o;
  struct asked a;

  member_start(&plain, *state, "plain");
  snprintf(url, sizeof url, "https://127.0.0.1:%d", plain.port);
  urls[0] = url;
  member_options(&client, &o, *state, "client");
  o.tls = tls;
  member_open(&client, &o);
  member_group(&client, "g");
  assert_int_equal(gcache_set_peers(client.cache, urls, NULL, 1), 0);
  ask(&a, &client, "k");
  assert_int_equal(a.from, GCACHE_FROM_LOAD);
  assert_int_equal(plain.loads, 0);
  end(&client, tls);
  member_end(&plain);
}

/* ------------------------------------------------------------------------------------ ends -- */

/* Closing in every turn of a connection's youth. */
static void tell_closing(void **state, gcache_http_t http) {
  for (int turns = 0; turns < 30; turns++) {
    gcache_tls_t *tls = tls_of(CERT_CLIENT, CERT_NONE, GCACHE_TLS_PEERS_ANY);
    struct member owner, client;
    struct asked a;

    start(&owner, *state, "owner", tls_of(CERT_NONE, CERT_SERVER, GCACHE_TLS_PEERS_VERIFIED), http);
    start_client(&client, *state, tls, http, &owner);
    ask_start(&a, &client, "big:100000:k", 0);
    run_loop_turns(*state, turns);
    if (turns % 2 == 0) {
      end(&owner, owner.tls);
      end(&client, tls);
    } else {
      end(&client, tls);
      end(&owner, owner.tls);
    }
    assert_int_equal(a.done, 1);
  }
}

static void closing_at_any_moment_leaves_nothing(void **state) {
  each_http(tell_closing, state);
}

/* ---------------------------------------------------------------------------------- adopt ---- */

struct door {
  uv_tcp_t tcp;
  struct member *owner;
  int adopted, released;
};

static struct door *the_door;

static void on_released(uv_stream_t *stream) {
  the_door->released++;
  free(stream);
}

static void on_knock(uv_stream_t *listening, int status) {
  struct door *door = listening->data;
  uv_tcp_t *tcp = malloc(sizeof *tcp);

  assert_int_equal(status, 0);
  uv_tcp_init(listening->loop, tcp);
  assert_int_equal(uv_accept(listening, (uv_stream_t *)tcp), 0);
  assert_int_equal(gcache_adopt_tls(door->owner->cache, (uv_stream_t *)tcp, gcache_bytes(NULL, 0),
                                    door->owner->tls, on_released),
                   0);
  door->adopted++;
}

static void adopted_stream_speaks_tls(void **state) {
  gcache_tls_t *tls = tls_of(CERT_NONE, CERT_NONE, GCACHE_TLS_PEERS_ANY);
  struct member owner, client, at;
  struct door door = {.owner = &owner};
  struct sockaddr_in addr;
  struct asked a;
  int len = sizeof addr;

  the_door = &door;
  start(&owner, *state, "owner", tls_of(CERT_NONE, CERT_SERVER, GCACHE_TLS_PEERS_ANY),
        GCACHE_HTTP_AUTO);
  uv_ip4_addr("127.0.0.1", 0, &addr);
  uv_tcp_init(*state, &door.tcp);
  door.tcp.data = &door;
  assert_int_equal(uv_tcp_bind(&door.tcp, (struct sockaddr *)&addr, 0), 0);
  assert_int_equal(uv_listen((uv_stream_t *)&door.tcp, 8, on_knock), 0);
  uv_tcp_getsockname(&door.tcp, (struct sockaddr *)&addr, &len);
  snprintf(at.url, sizeof at.url, "https://127.0.0.1:%d", ntohs(addr.sin_port));
  start_client(&client, *state, tls, GCACHE_HTTP_AUTO, &at);
  ask(&a, &client, "k");
  assert_int_equal(a.from, GCACHE_FROM_PEER);
  assert_int_equal(door.adopted, 1);
  end(&client, tls);
  end(&owner, owner.tls);
  assert_int_equal(door.released, 1);
  uv_close((uv_handle_t *)&door.tcp, NULL);
  run_loop_turns(*state, 4);
}

static void without_a_server_context_nobody_can_listen(void **state) {
  gcache_tls_t *tls = tls_of(CERT_NONE, CERT_NONE, GCACHE_TLS_PEERS_ANY);
  struct sockaddr_in addr;
  gcache_listener_t *listener;
  struct member m;
  gcache_options_t o;

  uv_ip4_addr("127.0.0.1", 0, &addr);
  member_options(&m, &o, *state, "m");
  member_open(&m, &o);
  assert_int_equal(gcache_listen_tls(&listener, m.cache, (struct sockaddr *)&addr, 8, tls),
                   UV_ENOTSUP);
  assert_int_equal(gcache_listen_tls(&listener, m.cache, (struct sockaddr *)&addr, 8, NULL),
                   UV_ENOTSUP);
  end(&m, tls);
}

static int set_up(void **state) {
  certs_make(&certs);
  return loop_warm_up(state);
}

static int tear_down(void **state) {
  (void)state;
  certs_free(&certs);
  return 0;
}

/* Beside whatever the slow lanes speak; where nothing but HTTP/2 may be spoken there are none. */
static void ask_over_fast_lanes(void **state, gcache_http_t http) {
  gcache_tls_t *tls = tls_of(CERT_CLIENT, CERT_NONE, GCACHE_TLS_PEERS_VERIFIED);
  struct member owner, client;
  struct asked a;
  gcache_stats_t stats;

  start(&owner, *state, "a", tls_of(CERT_CLIENT, CERT_SERVER, GCACHE_TLS_PEERS_VERIFIED), http);
  start_client(&client, *state, tls, http, &owner);
  for (int i = 0; i < 4; i++) {
    for (int turns = 0; turns < 20; turns++)
      uv_run(*state, UV_RUN_NOWAIT);
    ask(&a, &client, i < 3 ? "k" : "big:100000:");
    assert_int_equal(a.status, 0);
    assert_int_equal(a.from, GCACHE_FROM_PEER);
  }
  gcache_stats(owner.cache, &stats);
  assert_int_equal(stats.connections_in, http == GCACHE_HTTP_2 ? 1 : 2);
  assert_int_equal(owner.loads, 2);
  assert_int_equal(client.loads, 0);
  end(&client, tls);
  end(&owner, owner.tls);
}

static void fast_lanes_are_secure_too(void **state) {
  each_http(ask_over_fast_lanes, state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(members_ask_set_and_remove_over_tls),
      TEST(many_questions_at_once_are_all_answered),
      TEST(bad_certificate_is_named_in_the_report),
      TEST(peer_without_a_certificate_is_barred_where_that_is_asked),
      TEST(certificate_of_nobody_on_the_list_is_barred_where_that_is_asked),
      TEST(certificate_stands_for_a_peers_address_and_no_other),
      TEST(connection_keeps_its_certificate_when_another_comes),
      TEST(bytes_that_are_no_tls_end_the_connection),
      TEST(silent_handshake_is_cut_at_its_limit),
      TEST(peer_that_is_not_tls_is_given_up),
      TEST(closing_at_any_moment_leaves_nothing),
      TEST(adopted_stream_speaks_tls),
      TEST(without_a_server_context_nobody_can_listen),
      TEST(fast_lanes_are_secure_too),
  };

  return !!cmocka_run_group_tests(tests, set_up, tear_down);
}
