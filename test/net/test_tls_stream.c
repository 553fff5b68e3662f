/* net/stream with TLS inside: two streams on one loop, over loopback. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <malloc.h>
#include <openssl/err.h>
#include <stdio.h>

#include "base/value.h"
#include "certs.h"
#include "gcache/openssl.h"
#include "net/stream.h"
#include "world.h"

static struct certs certs;

enum event { NEVER, ON_SECURED, ON_READ, ON_WRITTEN, ON_END };

/* One end: a stream, and what was told. */
struct end {
  struct world *w;
  struct gci_stream s;
  struct gci_out out;
  char *got;
  size_t n_got, cap;
  int reads, ends, status, written, closed, secured;
  char reason[256];
  enum event close_at, finish_at, stop_at, flush_at;
  gcache_tls_t *sniff; /* becomes a TLS server inside on_read of plain bytes */
};

struct link {
  struct world *w;
  SSL_CTX *client_ctx, *server_ctx;
  gcache_tls_t *tls;
  struct end client, server;
};

static void act(struct end *e, enum event event) {
  if (e->flush_at == event) {
    gci_out_text(&e->out, gcache_cstr("flushed inside"));
    gci_stream_flush(&e->s, &e->out);
  }
  if (e->stop_at == event) gci_stream_read_stop(&e->s);
  if (e->finish_at == event) gci_stream_finish(&e->s, 60000, 1 << 20);
  if (e->close_at == event) gci_stream_close(&e->s);
}

static void on_secured(void *user) {
  struct end *e = user;
  assert_int_equal(e->secured + e->reads + e->ends + e->closed, 0);
  e->secured++;
  act(e, ON_SECURED);
}

static void on_read(void *user, gcache_bytes_t bytes) {
  struct end *e = user;
  assert_int_equal(e->ends + e->closed, 0);
  assert_true(bytes.len > 0);
  if (e->sniff != NULL && e->s.tls == NULL) {
    assert_int_equal(gci_stream_secure_server(&e->s, e->sniff, GCI_TLS_OFFER_BOTH, bytes), 0);
    return;
  }
  assert_int_equal(e->secured, 1);
  e->reads++;
  if (e->n_got + bytes.len > e->cap) {
    e->cap = 2 * (e->n_got + bytes.len);
    e->got = realloc(e->got, e->cap);
  }
  memcpy(e->got + e->n_got, bytes.base, bytes.len);
  e->n_got += bytes.len;
  act(e, ON_READ);
}

static void on_end(void *user, int status) {
  struct end *e = user;
  assert_int_equal(e->ends + e->closed, 0);
  e->ends++;
  e->status = status;
  snprintf(e->reason, sizeof e->reason, "%s", gci_stream_reason(&e->s));
  act(e, ON_END);
}

static void on_written(void *user) {
  struct end *e = user;
  assert_int_equal(e->closed, 0);
  assert_int_equal(e->out.bytes, 0);
  assert_false(gci_stream_blocked(&e->s));
  e->written++;
  act(e, ON_WRITTEN);
}

static void on_closed(void *user) {
  ((struct end *)user)->closed++;
}

static const struct gci_stream_events events = {.on_read = on_read,
                                                .on_end = on_end,
                                                .on_written = on_written,
                                                .on_closed = on_closed,
                                                .on_secured = on_secured};

/* ---- contexts and connections ---- */

static void contexts_of(struct link *l, enum cert server, enum cert client,
                        gcache_tls_peers_t peers) {
  gcache_tls_options_t o;
  l->client_ctx = certs_context(&certs, TLS_client_method(), client);
  l->server_ctx = certs_context(&certs, TLS_server_method(), server);
  gcache_tls_options_init(&o);
  o.client = l->client_ctx;
  o.server = l->server_ctx;
  o.peers = peers;
  assert_int_equal(gcache_tls_open(&l->tls, &o), 0);
}

static void contexts_free(struct link *l) {
  gcache_tls_free(l->tls);
  SSL_CTX_free(l->client_ctx);
  SSL_CTX_free(l->server_ctx);
}

static void end_open(struct end *e, struct world *w, int fd) {
  enum event close_at = e->close_at, finish_at = e->finish_at, stop_at = e->stop_at,
             flush_at = e->flush_at;
  memset(e, 0, sizeof *e);
  e->close_at = close_at;
  e->finish_at = finish_at;
  e->stop_at = stop_at;
  e->flush_at = flush_at;
  e->w = w;
  gci_out_init(&e->out, w->env.mem);
  assert_int_equal(gci_stream_init(&e->s, &w->env, &w->uv, &events, e), 0);
  assert_int_equal(uv_tcp_open(&e->s.own.tcp, fd), 0);
}

static void sockets_open(struct link *l) {
  int fds[2];
  plain_pair(fds);
  end_open(&l->client, l->w, fds[0]);
  end_open(&l->server, l->w, fds[1]);
}

static void secure(struct link *l) {
  assert_int_equal(
      gci_stream_secure_client(&l->client.s, l->tls, "127.0.0.1", 443, GCI_TLS_OFFER_BOTH), 0);
  assert_int_equal(
      gci_stream_secure_server(&l->server.s, l->tls, GCI_TLS_OFFER_BOTH, gcache_bytes(NULL, 0)), 0);
}

static void link_open(struct link *l, struct world *w) {
  l->w = w;
  contexts_of(l, CERT_SERVER, CERT_NONE, GCACHE_TLS_PEERS_ANY);
  sockets_open(l);
  secure(l);
}

static void link_secured(struct link *l, struct world *w) {
  memset(l, 0, sizeof *l);
  link_open(l, w);
  run_until(w, &l->client.secured, 1);
  run_until(w, &l->server.secured, 1);
  run_a_little(w);
}

static void end_close(struct end *e) {
  if (e->closed == 0) gci_stream_close(&e->s);
  run_until(e->w, &e->closed, 1);
  run_a_little(e->w);
  assert_int_equal(e->closed, 1);
  gci_out_fini(&e->out);
  free(e->got);
}

static void sockets_close(struct link *l) {
  end_close(&l->client);
  end_close(&l->server);
}

static void link_close(struct link *l) {
  sockets_close(l);
  contexts_free(l);
  assert_int_equal(ERR_peek_error(), 0);
}

static int descriptor(const struct end *e) {
  uv_os_fd_t fd = -1;
  uv_fileno((const uv_handle_t *)e->s.uv, &fd);
  return fd;
}

static void say(struct end *e, const char *text) {
  assert_int_equal(gci_out_text(&e->out, gcache_cstr(text)), 0);
  gci_stream_flush(&e->s, &e->out);
}

#define MUCH ((size_t)16 << 20)
static char at(size_t i) {
  return (char)(i * 31 + i / 251);
}

static void say_much(struct end *e) {
  gcache_value_t *value = gci_value_block(e->w->env.mem, MUCH);
  assert_non_null(value);
  for (size_t i = 0; i < MUCH; i++)
    ((char *)gci_value_fill(value))[i] = at(i);
  assert_int_equal(gci_out_value(&e->out, value), 0);
  gcache_value_unref(value);
  gci_stream_flush(&e->s, &e->out);
}

static void assert_much(const struct end *e) {
  for (size_t i = 0; i < MUCH; i++)
    if (e->got[i] != at(i)) fail_msg("byte %zu", i);
}

static void got_text(const struct end *e, const char *text) {
  assert_int_equal(e->n_got, strlen(text));
  assert_memory_equal(e->got, text, strlen(text));
}

/* ---- the good way ---- */

static void both_are_told_when_it_is_secure(void **state) {
  struct link l;
  link_secured(&l, *state);
  assert_int_equal(gci_stream_alpn(&l.client.s), GCI_TLS_ALPN_HTTP_2);
  assert_int_equal(gci_stream_alpn(&l.server.s), GCI_TLS_ALPN_HTTP_2);
  assert_true(gci_stream_verified(&l.client.s));
  assert_false(gci_stream_verified(&l.server.s));
  assert_int_equal(l.client.reads + l.server.reads + l.client.ends + l.server.ends, 0);
  say(&l.client, "question");
  run_until(l.w, &l.server.reads, 1);
  got_text(&l.server, "question");
  say(&l.server, "answer");
  run_until(l.w, &l.client.reads, 1);
  got_text(&l.client, "answer");
  assert_int_equal(l.client.written + l.server.written, 0); /* nothing was ever blocked */
  link_close(&l);
}

static void in_the_clear_there_is_nothing_to_tell(void **state) {
  struct link l = {.w = *state};
  sockets_open(&l);
  assert_int_equal(gci_stream_alpn(&l.client.s), GCI_TLS_ALPN_NONE);
  assert_int_equal(gci_stream_verified(&l.client.s) + gci_stream_resumed(&l.client.s), 0);
  assert_string_equal(gci_stream_reason(&l.client.s), "");
  assert_int_equal(
      gci_stream_secure_client(&l.client.s, NULL, "127.0.0.1", 443, GCI_TLS_OFFER_BOTH),
      UV_ENOTSUP);
  assert_int_equal(
      gci_stream_secure_server(&l.server.s, NULL, GCI_TLS_OFFER_BOTH, gcache_bytes("x", 1)),
      UV_ENOTSUP);
  assert_null(l.client.s.tls);
  sockets_close(&l);
}

static void what_is_flushed_before_waits_for_the_handshake(void **state) {
  struct link l = {0};
  link_open(&l, *state);
  assert_false(gci_stream_blocked(&l.client.s));
  say(&l.client, "early question");
  say(&l.server, "early answer");
  assert_true(gci_stream_blocked(&l.client.s));
  assert_true(gci_stream_blocked(&l.server.s));
  run_until(l.w, &l.server.reads, 1);
  run_until(l.w, &l.client.reads, 1);
  got_text(&l.server, "early question");
  got_text(&l.client, "early answer");
  assert_int_equal(l.client.written, 1);
  assert_int_equal(l.server.written, 1);
  link_close(&l);
}

static void what_waited_may_leave_with_what_is_flushed_inside(void **state) {
  struct link l = {0};
  l.client.flush_at = ON_SECURED;
  link_open(&l, *state);
  say(&l.client, "early, ");
  run_until(l.w, &l.client.written, 1);
  while (l.server.n_got < 21)
    turn(l.w);
  got_text(&l.server, "early, flushed inside");
  run_a_little(l.w);
  assert_int_equal(l.client.written, 1);
  link_close(&l);
}

static void much_goes_both_ways_at_once(void **state) {
  struct link l;
  link_secured(&l, *state);
  say_much(&l.client);
  say_much(&l.server);
  assert_true(gci_stream_blocked(&l.client.s));
  assert_true(gci_stream_blocked(&l.server.s));
  assert_true(l.w->oom.bytes < 2 * MUCH + (1 << 20));
  while (l.client.n_got < MUCH || l.server.n_got < MUCH)
    turn(l.w);
  run_until(l.w, &l.client.written, 1);
  run_until(l.w, &l.server.written, 1);
  assert_much(&l.client);
  assert_much(&l.server);
  run_a_little(l.w);
  assert_int_equal(l.client.written + l.server.written, 2);
  link_close(&l);
}

static void stopped_in_the_middle_nothing_is_lost(void **state) {
  struct link l;
  int reads = 0;
  link_secured(&l, *state);
  l.server.stop_at = ON_READ;
  say_much(&l.client);
  while (l.server.n_got < MUCH) {
    run_a_little(l.w);
    assert_in_range(l.server.reads, reads, reads + 1); /* each one is the last until asked again */
    reads = l.server.reads;
    assert_int_equal(gci_stream_read_start(&l.server.s), 0);
  }
  assert_much(&l.server);
  assert_in_range(reads, MUCH / 16384, 2 * MUCH / 16384);
  link_close(&l);
}

static void what_was_read_before_is_not_lost_when_the_other_side_ends(void **state) {
  struct link l;
  link_secured(&l, *state);
  l.server.stop_at = ON_READ;
  for (int i = 0; i < 3; i++)
    say(&l.client, "x");
  gci_stream_finish(&l.client.s, 60000, 1 << 20);
  run_a_little(l.w);
  for (int i = 1; i <= 3; i++) {
    assert_int_equal(l.server.reads, i);
    assert_int_equal(l.server.ends, 0);
    assert_int_equal(gci_stream_read_start(&l.server.s), 0);
    run_a_little(l.w);
  }
  assert_int_equal(l.server.ends, 1);
  assert_int_equal(l.server.status, UV_EOF);
  link_close(&l);
}

static void a_secured_stream_does_not_keep_the_loop_alive(void **state) {
  struct link l;
  link_secured(&l, *state);
  l.server.stop_at = ON_READ;
  say_much(&l.client);
  run_a_little(l.w);
  assert_int_equal(uv_run(&l.w->uv, UV_RUN_DEFAULT), 0);
  link_close(&l);
}

static uint64_t standing_clock(void *data) {
  return *(uint64_t *)data;
}

static void progress_is_when_the_other_side_last_took_bytes(void **state) {
  uint64_t now_ms = 1000;
  gcache_clock_t clock = {standing_clock, NULL, &now_ms};
  struct world w;
  struct link l;
  (void)state;
  world_init(&w, &clock);
  link_secured(&l, &w);
  gci_stream_read_stop(&l.server.s);
  now_ms = 2000;
  say_much(&l.client);
  run_a_little(&w);
  assert_int_equal(l.client.s.progress_ms, 2000);
  now_ms = 3000;
  run_a_little(&w);
  assert_int_equal(l.client.s.progress_ms, 2000);
  gci_stream_read_start(&l.server.s);
  while (l.client.s.progress_ms == 2000)
    turn(&w);
  assert_int_equal(l.client.s.progress_ms, 3000);
  link_close(&l);
  world_fini(&w);
}

/* A handshake that does not fit into the sockets, which the client does not read yet. */
static void link_open_wide(struct link *l, struct world *w) {
  int small = 4096;
  *l = (struct link){.w = w};
  contexts_of(l, CERT_SERVER, CERT_NONE, GCACHE_TLS_PEERS_ANY);
  for (int i = 0; i < 600; i++)
    assert_int_equal(SSL_CTX_add1_chain_cert(l->server_ctx, certs.cert[CERT_CA]), 1);
  SSL_CTX_set_max_cert_list(l->client_ctx, 1 << 20);
  sockets_open(l);
  setsockopt(descriptor(&l->server), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  setsockopt(descriptor(&l->client), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  l->server.s.progress_min = 1 << 20; /* more than there is */
  secure(l);
  gci_stream_read_stop(&l->client.s);
  while (!gci_stream_blocked(&l->server.s))
    turn(w);
}

/* What TLS has to say by itself waits like what is flushed: since when is asked as soon as it is
 * secure. */
static void progress_begins_with_the_wait_of_a_handshake(void **state) {
  uint64_t now_ms = 1000000;
  gcache_clock_t clock = {standing_clock, NULL, &now_ms};
  struct world w;
  struct link l;
  (void)state;
  world_init(&w, &clock);
  link_open_wide(&l, &w);
  assert_int_equal(l.server.s.progress_ms, 1000000);
  now_ms = 2000000;
  assert_int_equal(gci_stream_read_start(&l.client.s), 0);
  run_until(&w, &l.client.secured, 1);
  run_until(&w, &l.server.secured, 1);
  assert_int_equal(l.server.s.progress_ms, 1000000);
  link_close(&l);
  world_fini(&w);
}

/* ---- ways to begin ---- */

static void a_server_may_find_out_by_the_first_bytes(void **state) {
  struct link l = {.w = *state};
  contexts_of(&l, CERT_SERVER, CERT_NONE, GCACHE_TLS_PEERS_ANY);
  sockets_open(&l);
  l.server.sniff = l.tls;
  assert_int_equal(gci_stream_read_start(&l.server.s), 0);
  assert_int_equal(
      gci_stream_secure_client(&l.client.s, l.tls, "127.0.0.1", 443, GCI_TLS_OFFER_HTTP_1), 0);
  say(&l.client, "question");
  run_until(l.w, &l.server.reads, 1);
  got_text(&l.server, "question");
  assert_int_equal(gci_stream_alpn(&l.server.s), GCI_TLS_ALPN_HTTP_1);
  link_close(&l);
}

static void bytes_read_before_are_handed_in(void **state) {
  struct link l = {.w = *state};
  char first[4096];
  ssize_t n;
  contexts_of(&l, CERT_SERVER, CERT_NONE, GCACHE_TLS_PEERS_ANY);
  sockets_open(&l);
  assert_int_equal(
      gci_stream_secure_client(&l.client.s, l.tls, "127.0.0.1", 443, GCI_TLS_OFFER_HTTP_2), 0);
  n = recv(descriptor(&l.server), first, sizeof first, 0);
  assert_true(n > 0);
  assert_int_equal(gci_stream_secure_server(&l.server.s, l.tls, GCI_TLS_OFFER_BOTH,
                                            gcache_bytes(first, (size_t)n)),
                   0);
  assert_int_equal(l.server.secured, 0);
  memset(first, 0, sizeof first);
  run_until(l.w, &l.client.secured, 1);
  run_until(l.w, &l.server.secured, 1);
  link_close(&l);
}

static void the_other_side_leaves_before_the_first_bytes_are_looked_at(void **state) {
  struct link l = {.w = *state};
  contexts_of(&l, CERT_SERVER, CERT_NONE, GCACHE_TLS_PEERS_ANY);
  sockets_open(&l);
  shutdown(descriptor(&l.client), SHUT_WR);
  assert_int_equal(gci_stream_secure_server(&l.server.s, l.tls, GCI_TLS_OFFER_BOTH,
                                            gcache_bytes("\x16\x03\x01", 3)),
                   0);
  run_until(l.w, &l.server.ends, 1);
  assert_int_equal(l.server.status, UV_ECONNABORTED);
  assert_string_equal(l.server.reason, "the connection ended during the TLS handshake");
  link_close(&l);
}

/* ---- ends ---- */

static void finished_the_other_side_reads_all_and_the_end(void **state) {
  struct link l;
  link_secured(&l, *state);
  say_much(&l.client);
  gci_stream_finish(&l.client.s, 60000, 1 << 20);
  run_until(l.w, &l.server.ends, 1);
  assert_int_equal(l.server.status, UV_EOF);
  assert_int_equal(l.server.n_got, MUCH);
  assert_much(&l.server);
  assert_int_equal(l.client.closed, 0);
  gci_stream_close(&l.server.s);
  run_until(l.w, &l.client.closed, 1);
  assert_int_equal(l.client.ends, 0);
  link_close(&l);
}

static void finished_before_it_is_secure_all_arrives(void **state) {
  struct link l = {0};
  link_open(&l, *state);
  say(&l.client, "question");
  gci_stream_finish(&l.client.s, 60000, 1 << 20);
  run_until(l.w, &l.server.ends, 1);
  assert_int_equal(l.server.status, UV_EOF);
  got_text(&l.server, "question");
  assert_int_equal(l.client.secured, 0); /* no event but on_closed */
  link_close(&l);
}

static void finished_with_nothing_to_say_it_closes(void **state) {
  struct link l = {0};
  link_open(&l, *state);
  gci_stream_finish(&l.client.s, 60000, 1 << 20);
  run_until(l.w, &l.server.ends, 1);
  assert_int_equal(l.server.status, UV_ECONNABORTED);
  gci_stream_close(&l.server.s);
  run_until(l.w, &l.client.closed, 1);
  link_close(&l);
}

static void after_the_other_side_ended_it_still_gets_its_answer(void **state) {
  struct link l;
  link_secured(&l, *state);
  say(&l.client, "question");
  gci_tls_write_end(l.client.s.tls);
  gci_stream_flush(&l.client.s, &l.client.out);
  run_until(l.w, &l.server.ends, 1);
  assert_int_equal(l.server.status, UV_EOF);
  say_much(&l.server);
  while (l.client.n_got < MUCH)
    turn(l.w);
  run_until(l.w, &l.server.written, 1);
  gci_stream_finish(&l.server.s, 60000, 1 << 20);
  run_until(l.w, &l.client.ends, 1);
  assert_int_equal(l.client.status, UV_EOF);
  link_close(&l);
}

static void closed_at_rest_it_is_an_end_for_the_other_side(void **state) {
  struct link l;
  link_secured(&l, *state);
  gci_stream_close(&l.client.s);
  run_until(l.w, &l.server.ends, 1);
  assert_int_equal(l.server.status, UV_EOF);
  link_close(&l);
}

static void closed_with_output_left_it_is_a_cut(void **state) {
  struct link l;
  link_secured(&l, *state);
  say_much(&l.client);
  gci_stream_close(&l.client.s);
  run_until(l.w, &l.server.ends, 1);
  assert_int_equal(l.server.status, UV_ECONNABORTED);
  assert_string_equal(l.server.reason, "TLS connection cut without close_notify");
  assert_true(l.server.n_got < MUCH);
  link_close(&l);
}

static void a_cut_is_told_apart_from_an_end(void **state) {
  struct link l;
  link_secured(&l, *state);
  say(&l.client, "the first half");
  shutdown(descriptor(&l.client), SHUT_WR);
  run_until(l.w, &l.server.ends, 1);
  got_text(&l.server, "the first half");
  assert_int_equal(l.server.status, UV_ECONNABORTED);
  assert_string_equal(l.server.reason, "TLS connection cut without close_notify");
  run_a_little(l.w);
  assert_int_equal(l.server.ends, 1);
  link_close(&l);
}

static void a_reset_is_told_as_one(void **state) {
  struct linger linger = {1, 0};
  struct link l;
  link_secured(&l, *state);
  l.server.stop_at = l.client.stop_at = ON_READ;
  say_much(&l.client);
  say_much(&l.server); /* so that closing it is no orderly end */
  run_a_little(l.w);
  setsockopt(descriptor(&l.server), SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  gci_stream_close(&l.server.s);
  run_until(l.w, &l.client.ends, 1);
  assert_true(l.client.status == UV_ECONNRESET || l.client.status == UV_EPIPE);
  assert_string_equal(l.client.reason, "");
  assert_int_equal(l.client.written, 0);
  link_close(&l);
}

static void writing_to_one_who_has_left_is_told_from_the_loop(void **state) {
  struct linger linger = {1, 0};
  struct link l;
  link_secured(&l, *state);
  setsockopt(descriptor(&l.server), SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  gci_stream_read_stop(&l.client.s);
  say(&l.client, "unread");
  gci_stream_close(&l.server.s);
  run_until(l.w, &l.server.closed, 1);
  say(&l.client, "to nobody");
  say(&l.client, "to nobody");
  assert_int_equal(l.client.ends, 0);
  run_until(l.w, &l.client.ends, 1);
  run_a_little(l.w);
  assert_int_equal(l.client.ends, 1);
  link_close(&l);
}

/* ---- refused ---- */

static void a_bad_certificate_is_told_to_both(void **state) {
  struct link l = {.w = *state};
  contexts_of(&l, CERT_EXPIRED, CERT_NONE, GCACHE_TLS_PEERS_ANY);
  sockets_open(&l);
  secure(&l);
  say(&l.client, "secret");
  run_until(l.w, &l.client.ends, 1);
  assert_int_equal(l.client.status, UV_EPROTO);
  assert_string_equal(l.client.reason, "certificate verify failed: certificate has expired");
  assert_false(gci_stream_blocked(&l.client.s));
  gci_stream_finish(&l.client.s, 60000, 1 << 20);
  run_until(l.w, &l.server.ends, 1);
  assert_int_equal(l.server.status, UV_EPROTO);
  assert_true(
      same_words(l.server.reason, "sslv3 alert certificate expired (reported by the other side)"));
  gci_stream_close(&l.server.s);
  run_until(l.w, &l.client.closed, 1);
  assert_int_equal(l.client.secured + l.server.secured + l.client.written, 0);
  link_close(&l);
}

/* With TLS 1.3 a client is done before the server has looked at its certificate: what it has already
 * asked must not turn the server's alert into a reset. */
static void a_refused_client_reads_why_though_it_has_asked_already(void **state) {
  struct link l = {.w = *state};
  contexts_of(&l, CERT_SERVER, CERT_STRANGER, GCACHE_TLS_PEERS_VERIFIED);
  for (int i = 0; i < 10; i++) {
    sockets_open(&l);
    secure(&l);
    l.server.finish_at = ON_END;
    run_until(l.w, &l.client.secured, 1);
    say_much(&l.client);
    run_until(l.w, &l.client.ends, 1);
    assert_int_equal(l.server.ends, 1);
    assert_string_equal(l.server.reason,
                        "certificate verify failed: unable to get local issuer certificate");
    assert_int_equal(l.client.status, UV_EPROTO);
    assert_string_equal(l.client.reason, "tlsv1 alert unknown ca (reported by the other side)");
    assert_int_equal(l.server.reads, 0);
    sockets_close(&l);
  }
  contexts_free(&l);
}

static void plain_http_at_a_tls_port_is_named(void **state) {
  struct link l = {.w = *state};
  contexts_of(&l, CERT_SERVER, CERT_NONE, GCACHE_TLS_PEERS_ANY);
  sockets_open(&l);
  assert_int_equal(
      gci_stream_secure_server(&l.server.s, l.tls, GCI_TLS_OFFER_BOTH, gcache_bytes(NULL, 0)), 0);
  say(&l.client, "GET / HTTP/1.1\r\n\r\n");
  run_until(l.w, &l.server.ends, 1);
  assert_int_equal(l.server.status, UV_EPROTO);
  assert_string_equal(l.server.reason, "http request (plain HTTP sent to a TLS port)");
  link_close(&l);
}

/* ---- destroying anything inside any callback ---- */

static void an_end_may_go_inside_any_event(void **state) {
  int cases = 0;
  for (enum event close_at = NEVER; close_at <= ON_END; close_at++)
    for (enum event finish_at = NEVER; finish_at <= ON_END; finish_at++)
      for (int server = 0; server < 2; server++) {
        struct link l = {.w = *state};
        struct end *e = server ? &l.server : &l.client;
        struct end *other = server ? &l.client : &l.server;
        if (close_at == NEVER && finish_at == NEVER) continue;
        e->close_at = close_at;
        e->finish_at = finish_at;
        e->flush_at = ON_SECURED;
        contexts_of(&l, CERT_SERVER, CERT_NONE, GCACHE_TLS_PEERS_ANY);
        sockets_open(&l);
        secure(&l);
        for (int i = 0; i < 3; i++)
          say(other, "several records at once");
        say(e, "early");
        for (int i = 0; i < 100 && e->ends + e->closed == 0; i++)
          turn(l.w);
        gci_stream_close(&other->s);
        run_until(l.w, &other->closed, 1);
        for (int i = 0; i < 100 && e->closed == 0; i++)
          turn(l.w);
        if (close_at != NEVER || finish_at != NEVER) assert_true(e->ends + e->closed > 0);
        link_close(&l);
        cases++;
      }
  print_message("ways to go: %d\n", cases);
}

static void closed_while_anything_is_under_way_nothing_is_told(void **state) {
  for (int turns = 0; turns < 12; turns++)
    for (int server = 0; server < 2; server++) {
      struct link l = {.w = *state};
      struct end *e;
      int told;
      contexts_of(&l, CERT_SERVER, CERT_NONE, GCACHE_TLS_PEERS_ANY);
      sockets_open(&l);
      secure(&l);
      e = server ? &l.server : &l.client;
      say_much(&l.client);
      for (int i = 0; i < turns; i++)
        turn(l.w);
      gci_stream_close(&e->s);
      told = e->reads + e->ends + e->written + e->secured;
      run_until(l.w, &e->closed, 1);
      run_a_little(l.w);
      assert_int_equal(e->reads + e->ends + e->written + e->secured, told);
      link_close(&l);
    }
}

/* The sockets end under both, at any moment: each is told once, whatever it was doing. */
static void cut_at_any_moment_each_end_is_told_once(void **state) {
  static const int ways[] = {SHUT_RD, SHUT_WR, SHUT_RDWR};
  int faults = 0;
  for (int turns = 0; turns < 16; turns++)
    for (size_t way = 0; way < 3; way++)
      for (int server = 0; server < 2; server++)
        for (int much = 0; much <= (way == 2); much++) {
          struct link l = {.w = *state};
          contexts_of(&l, CERT_SERVER, CERT_NONE, GCACHE_TLS_PEERS_ANY);
          sockets_open(&l);
          secure(&l);
          l.server.flush_at = ON_SECURED;
          if (much) say_much(&l.client);
          for (int i = 0; i < turns; i++)
            turn(l.w);
          shutdown(descriptor(server ? &l.server : &l.client), ways[way]);
          l.client.close_at = l.server.close_at = ON_END;
          run_until(l.w, &l.client.ends, 1);
          run_until(l.w, &l.server.ends, 1);
          run_until(l.w, &l.client.closed, 1);
          run_until(l.w, &l.server.closed, 1);
          assert_int_equal(l.client.ends + l.server.ends, 2);
          faults += (l.client.status != UV_EOF) + (l.server.status != UV_EOF);
          link_close(&l);
        }
  print_message("ends told as failures: %d\n", faults);
  assert_true(faults > 100);
}

/* ---- memory ---- */

/* The n-th allocation of a conversation fails: it ends, on both sides, and leaves nothing. */
static void every_allocation_may_fail(void **state) {
  struct world *w = *state;
  size_t n = 0, refused;
  do {
    struct link l = {.w = w};
    size_t before;
    contexts_of(&l, CERT_SERVER, CERT_NONE, GCACHE_TLS_PEERS_ANY);
    sockets_open(&l);
    l.server.stop_at = ON_READ;
    before = w->oom.refused;
    oom_fail_nth(&w->oom, ++n);
    if (gci_stream_secure_client(&l.client.s, l.tls, "127.0.0.1", 443, GCI_TLS_OFFER_BOTH) == 0 &&
        gci_stream_secure_server(&l.server.s, l.tls, GCI_TLS_OFFER_BOTH, gcache_bytes(NULL, 0)) ==
            0) {
      for (int i = 0; i < 40; i++) {
        if (i == 12 && gci_out_text(&l.client.out, gcache_cstr("question")) == 0)
          gci_stream_flush(&l.client.s, &l.client.out);
        if (i == 12 && gci_out_text(&l.client.out, gcache_cstr("question")) == 0)
          gci_stream_flush(&l.client.s, &l.client.out);
        turn(w);
        if (i > 12 && l.server.ends + l.server.closed == 0) gci_stream_read_start(&l.server.s);
      }
    }
    refused = w->oom.refused - before;
    if (refused == 0) got_text(&l.server, "questionquestion");
    if (l.client.ends + l.server.ends > 0)
      assert_true(l.client.status == UV_ENOMEM || l.server.status == UV_ENOMEM);
    oom_heal(&w->oom);
    link_close(&l);
  } while (refused > 0);
  print_message("allocations: %zu\n", n - 1);
}

/* ---- figures ---- */

static void many_connections_are_resumed_and_cost_little(void **state) {
  enum { AT_ONCE = 100, ROUNDS = 5 };
  struct world *w = *state;
  struct link shared = {.w = w}, *links = calloc(AT_ONCE, sizeof *links);
  uint64_t start_ns, full_ns = 0, resumed_ns = 0;
  size_t before = 0, grown = 0;
  int resumed = 0;
  contexts_of(&shared, CERT_SERVER, CERT_NONE, GCACHE_TLS_PEERS_ANY);
  for (int round = 0; round < ROUNDS; round++) {
    if (round == 1) before = mallinfo2().uordblks;
    start_ns = uv_hrtime();
    for (int i = 0; i < AT_ONCE; i++) {
      links[i] = shared;
      sockets_open(&links[i]);
      secure(&links[i]);
    }
    for (int i = 0; i < AT_ONCE; i++) {
      run_until(w, &links[i].client.secured, 1);
      run_until(w, &links[i].server.secured, 1);
    }
    *(round == 0 ? &full_ns : &resumed_ns) += uv_hrtime() - start_ns;
    for (int i = 0; i < AT_ONCE; i++) {
      say(&links[i].client, "question");
      run_until(w, &links[i].server.reads, 1);
    }
    for (int i = 0; i < AT_ONCE; i++)
      if (round > 0) resumed += gci_stream_resumed(&links[i].server.s);
    if (round == 1) grown = mallinfo2().uordblks - before;
    for (int i = 0; i < AT_ONCE; i++)
      sockets_close(&links[i]);
  }
  print_message("handshakes/s, both sides in one thread: full %.0f, resumed %.0f\n",
                AT_ONCE * 1e9 / (double)full_ns, AT_ONCE * (ROUNDS - 1) * 1e9 / (double)resumed_ns);
  print_message("resumed: %d of %d\n", resumed, AT_ONCE * (ROUNDS - 1));
  print_message("heap of an idle connection, both sides together: %zu bytes\n", grown / AT_ONCE);
  assert_int_equal(resumed, AT_ONCE * (ROUNDS - 1));
  contexts_free(&shared);
  free(links);
}

int main(void) {
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
  const struct CMUnitTest tests[] = {
      IN_WORLD(both_are_told_when_it_is_secure),
      IN_WORLD(in_the_clear_there_is_nothing_to_tell),
      IN_WORLD(what_is_flushed_before_waits_for_the_handshake),
      IN_WORLD(what_waited_may_leave_with_what_is_flushed_inside),
      IN_WORLD(much_goes_both_ways_at_once),
      IN_WORLD(stopped_in_the_middle_nothing_is_lost),
      IN_WORLD(what_was_read_before_is_not_lost_when_the_other_side_ends),
      IN_WORLD(a_secured_stream_does_not_keep_the_loop_alive),
      cmocka_unit_test(progress_is_when_the_other_side_last_took_bytes),
      cmocka_unit_test(progress_begins_with_the_wait_of_a_handshake),
      IN_WORLD(a_server_may_find_out_by_the_first_bytes),
      IN_WORLD(bytes_read_before_are_handed_in),
      IN_WORLD(the_other_side_leaves_before_the_first_bytes_are_looked_at),
      IN_WORLD(finished_the_other_side_reads_all_and_the_end),
      IN_WORLD(finished_before_it_is_secure_all_arrives),
      IN_WORLD(finished_with_nothing_to_say_it_closes),
      IN_WORLD(after_the_other_side_ended_it_still_gets_its_answer),
      IN_WORLD(closed_at_rest_it_is_an_end_for_the_other_side),
      IN_WORLD(closed_with_output_left_it_is_a_cut),
      IN_WORLD(a_cut_is_told_apart_from_an_end),
      IN_WORLD(a_reset_is_told_as_one),
      IN_WORLD(writing_to_one_who_has_left_is_told_from_the_loop),
      IN_WORLD(a_bad_certificate_is_told_to_both),
      IN_WORLD(a_refused_client_reads_why_though_it_has_asked_already),
      IN_WORLD(plain_http_at_a_tls_port_is_named),
      IN_WORLD(an_end_may_go_inside_any_event),
      IN_WORLD(closed_while_anything_is_under_way_nothing_is_told),
      IN_WORLD(cut_at_any_moment_each_end_is_told_once),
      IN_WORLD(every_allocation_may_fail),
      IN_WORLD(many_connections_are_resumed_and_cost_little),
  };
  int failed;
  certs_make(&certs);
  failed = cmocka_run_group_tests(tests, world_warm_up, NULL);
  certs_free(&certs);
  return !!failed;
}
