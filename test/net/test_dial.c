/* net/dial: names and literals, addresses in turn, timeouts, cancelling at every stage. Names are
 * looked up in the table below, not by the system: getaddrinfo() is replaced for this program,
 * including libuv's calls. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include "net/dial.h"
#include "world.h"

/* ---- the name service ---- */

static uv_sem_t slow_begun, slow_gate;
static int lookups; /* read by the loop's thread when none is under way */

static struct addrinfo *address_node(int family, struct addrinfo *next) {
  struct addrinfo *ai = calloc(1, sizeof *ai + sizeof(struct sockaddr_in6));
  ai->ai_family = family;
  ai->ai_socktype = SOCK_STREAM;
  ai->ai_addr = (struct sockaddr *)(void *)(ai + 1);
  ai->ai_next = next;
  if (family == AF_INET) {
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)ai->ai_addr;
    *in = loopback(0);
    ai->ai_addrlen = sizeof *in;
  } else {
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)ai->ai_addr;
    in6->sin6_family = (sa_family_t)family;
    in6->sin6_addr.s6_addr[15] = 1;
    ai->ai_addrlen = sizeof *in6;
  }
  return ai;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **res) {
  (void)service;
  (void)hints;
  __atomic_add_fetch(&lookups, 1, __ATOMIC_SEQ_CST);
  *res = NULL;
  if (strcmp(node, "slow.test") == 0) {
    uv_sem_post(&slow_begun);
    uv_sem_wait(&slow_gate);
  }
  if (strcmp(node, "nobody.test") == 0) return EAI_NONAME;
  if (strcmp(node, "odd.test") == 0)
    *res = address_node(AF_PACKET, NULL);
  else if (strcmp(node, "many.test") == 0)
    for (int i = 0; i < 3 * GCI_DIAL_ADDRESSES; i++)
      *res = address_node(AF_INET6, *res);
  else /* as "localhost": IPv6 first */
    *res = address_node(AF_INET6, address_node(AF_INET, NULL));
  return 0;
}

void freeaddrinfo(struct addrinfo *res) {
  while (res != NULL) {
    struct addrinfo *next = res->ai_next;
    free(res);
    res = next;
  }
}

/* ---- a caller ---- */

struct caller {
  struct world *w;
  struct gci_stream s;
  struct gci_dial_target target;
  struct gci_dial *dial;
  char host[64];
  int done, status, closed, close_when_done;
};

static void on_nothing_read(void *user, gcache_bytes_t bytes) {
  (void)user;
  (void)bytes;
}
static void on_end(void *user, int status) {
  (void)user;
  (void)status;
}
static void on_nothing_written(void *user) {
  (void)user;
}
static void on_closed(void *user) {
  ((struct caller *)user)->closed++;
}
static const struct gci_stream_events events = {.on_read = on_nothing_read,
                                                .on_end = on_end,
                                                .on_written = on_nothing_written,
                                                .on_closed = on_closed};

static void on_done(void *user, int status) {
  struct caller *c = user;
  c->done++;
  c->status = status;
  c->dial = NULL;
  if (c->close_when_done) gci_stream_close(&c->s);
}

static void caller_init(struct caller *c, struct world *w, const char *host, int port) {
  memset(c, 0, sizeof *c);
  c->w = w;
  snprintf(c->host, sizeof c->host, "%s", host);
  c->target.host = c->host;
  c->target.port = (uint16_t)port;
  assert_int_equal(gci_stream_init(&c->s, &w->env, &w->uv, &events, c), 0);
}

static void caller_start(struct caller *c, uint64_t timeout_ms) {
  assert_int_equal(gci_dial_start(&c->dial, &c->s, &c->target, timeout_ms, on_done, c), 0);
  assert_int_equal(c->done, 0); /* from the loop */
}

static void caller_close(struct caller *c) {
  assert_int_equal(c->done, 1);
  if (!c->close_when_done) gci_stream_close(&c->s);
  run_until(c->w, &c->closed, 1);
}

static void caller_fini(struct caller *c) {
  caller_close(c);
  gci_dial_target_fini(&c->target);
}

/* Another dial of the same target. */
static void caller_renew(struct caller *c) {
  c->done = c->closed = 0;
  assert_int_equal(gci_stream_init(&c->s, &c->w->env, &c->w->uv, &events, c), 0);
}

/* Starts, waits, and ends; returns what done was told. */
static int dial(struct world *w, const char *host, int port, uint64_t timeout_ms) {
  struct caller c;
  caller_init(&c, w, host, port);
  caller_start(&c, timeout_ms);
  run_until(w, &c.done, 1);
  caller_fini(&c);
  return c.status;
}

/* A port that nobody listens at. */
static int dead_port(void) {
  int port, fd = plain_listen(1, &port);
  close(fd);
  return port;
}

/* A listener that answers nobody: its backlog is full. */
struct silent {
  int port, listener, n, fds[8];
};

static void silent_open(struct silent *s) {
  s->listener = plain_listen(0, &s->port);
  for (s->n = 0; s->n < 8; s->n++)
    s->fds[s->n] = plain_connect(s->port);
}

static void silent_close(struct silent *s) {
  while (s->n > 0)
    close(s->fds[--s->n]);
  close(s->listener);
}

static struct sockaddr_storage at_port(int port) {
  struct sockaddr_storage storage = {0};
  struct sockaddr_in in = loopback(port);
  memcpy(&storage, &in, sizeof in);
  return storage;
}

static int have_ipv6(void) {
  struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int rc = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&in6, sizeof in6);
  if (fd >= 0) close(fd);
  return rc == 0;
}

/* ---- what it finds ---- */

static void a_literal_needs_no_look_up(void **state) {
  int port, fd = plain_listen(4, &port);
  lookups = 0;
  assert_int_equal(dial(*state, "127.0.0.1", port, 60000), 0);
  assert_int_equal(lookups, 0);
  close(fd);
}

static void an_ipv6_literal_may_have_brackets(void **state) {
  struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  socklen_t len = sizeof in6;
  int fd;
  if (!have_ipv6()) return;
  fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&in6, sizeof in6), 0);
  assert_int_equal(listen(fd, 4), 0);
  getsockname(fd, (struct sockaddr *)&in6, &len);
  lookups = 0;
  assert_int_equal(dial(*state, "[::1]", ntohs(in6.sin6_port), 60000), 0);
  assert_int_equal(dial(*state, "::1", ntohs(in6.sin6_port), 60000), 0);
  assert_int_equal(lookups, 0);
  close(fd);
}

static void a_name_is_looked_up_and_its_addresses_tried_in_turn(void **state) {
  int port, fd = plain_listen(4, &port); /* on IPv4 only: the first address refuses */
  lookups = 0;
  assert_int_equal(dial(*state, "both.test", port, 60000), 0);
  assert_int_equal(lookups, 1);
  close(fd);
}

static void a_known_name_is_not_looked_up_until_it_fails(void **state) {
  int port, fd = plain_listen(4, &port);
  struct caller c;
  lookups = 0;
  caller_init(&c, *state, "both.test", port);
  for (int i = 0; i < 4; i++) {
    if (i == 2) close(fd); /* the third finds the door shut, the fourth asks for the way again */
    if (i > 0) caller_renew(&c);
    caller_start(&c, 60000);
    run_until(c.w, &c.done, 1);
    caller_close(&c);
    assert_int_equal(c.status, i < 2 ? 0 : UV_ECONNREFUSED);
    assert_int_equal(lookups, i < 3 ? 1 : 2);
  }
}

static void a_refused_connection_is_an_error(void **state) {
  assert_int_equal(dial(*state, "127.0.0.1", dead_port(), 60000), UV_ECONNREFUSED);
}

static void an_unknown_name_is_an_error(void **state) {
  assert_int_equal(dial(*state, "nobody.test", 1, 60000), UV_EAI_NONAME);
}

static void a_name_without_an_address_of_ours_is_an_error(void **state) {
  assert_int_equal(dial(*state, "odd.test", 1, 60000), UV_EADDRNOTAVAIL);
}

static void more_addresses_than_there_is_room_for_are_cut(void **state) {
  struct caller c;
  int port = dead_port();
  caller_init(&c, *state, "many.test", port);
  caller_start(&c, 60000);
  run_until(c.w, &c.done, 1);
  assert_true(c.status < 0);
  caller_fini(&c);
}

static void an_error_at_once_is_told_from_the_loop(void **state) {
  assert_true(dial(*state, "255.255.255.255", 9, 60000) < 0); /* connect() itself refuses */
}

static void the_good_address_among_bad_ones_is_found(void **state) {
  int port, fd = plain_listen(4, &port);
  struct caller c;
  caller_init(&c, *state, "unused.test", 0);
  c.target.n = 4;
  for (int i = 0; i < 3; i++)
    c.target.addresses[i] = at_port(dead_port());
  c.target.addresses[3] = at_port(port);
  caller_start(&c, 60000);
  run_until(c.w, &c.done, 1);
  assert_int_equal(c.status, 0);
  caller_fini(&c);
  close(fd);
}

static void a_silent_address_does_not_use_up_the_time_of_the_next(void **state) {
  int port, fd = plain_listen(4, &port);
  struct silent silent;
  struct caller c;
  silent_open(&silent);
  caller_init(&c, *state, "unused.test", 0);
  c.target.n = 2;
  c.target.addresses[0] = at_port(silent.port);
  c.target.addresses[1] = at_port(port);
  caller_start(&c, 400);
  run_until(c.w, &c.done, 1);
  assert_int_equal(c.status, 0);
  caller_fini(&c);
  silent_close(&silent);
  close(fd);
}

static int socket_option(const struct caller *c, int level, int name) {
  uv_os_fd_t fd;
  int value = -1;
  socklen_t len = sizeof value;
  assert_int_equal(uv_fileno(&c->s.own.handle, &fd), 0);
  assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
  return value;
}

static void a_stream_kept_alive_is_asked_after_in_whole_seconds(void **state) {
  static const struct {
    uint64_t silent_ms;
    int seconds;
  } times[] = {{1, 1}, {1000, 1}, {5001, 6}, {UINT64_MAX, 32767}};
  struct world *w = *state;
  int port, fd = plain_listen(1, &port);
  struct caller c;
  caller_init(&c, w, "127.0.0.1", port);
  caller_start(&c, 5000);
  run_until(w, &c.done, 1);
  assert_int_equal(c.status, 0);
  assert_int_equal(socket_option(&c, SOL_SOCKET, SO_KEEPALIVE), 0);
  for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
    gci_stream_keep_alive(&c.s, times[i].silent_ms);
    assert_int_equal(socket_option(&c, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(socket_option(&c, IPPROTO_TCP, TCP_KEEPIDLE), times[i].seconds);
  }
  caller_fini(&c);
  close(fd);
}

static void a_connected_stream_carries_bytes(void **state) {
  int port, listener = plain_listen(4, &port), fd;
  struct gci_out out;
  struct caller c;
  char got[8];
  caller_init(&c, *state, "both.test", port);
  gci_out_init(&out, c.w->env.mem);
  caller_start(&c, 60000);
  run_until(c.w, &c.done, 1);
  fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  gci_out_text(&out, gcache_cstr("hello"));
  gci_stream_flush(&c.s, &out);
  assert_int_equal(recv(fd, got, sizeof got, 0), 5);
  assert_memory_equal(got, "hello", 5);
  caller_fini(&c);
  gci_out_fini(&out);
  close(fd);
  close(listener);
}

/* ---- time and cancelling ---- */

static void silence_ends_with_the_time(void **state) {
  struct silent silent;
  uint64_t start = uv_hrtime();
  silent_open(&silent);
  assert_int_equal(dial(*state, "127.0.0.1", silent.port, 30), UV_ETIMEDOUT);
  assert_true(uv_hrtime() - start >= 29 * 1000000u);
  silent_close(&silent);
}

/* As of a machine that has gone, with its address: nothing comes back. But who is cancelled says
 * nothing about the address. */
static void a_name_whose_address_is_silent_is_looked_up_again(void **state) {
  struct silent silent;
  struct caller c;
  lookups = 0;
  silent_open(&silent);
  caller_init(&c, *state, "both.test", silent.port);
  for (int i = 0; i < 4; i++) {
    int cancels = i == 2;
    if (i > 0) caller_renew(&c);
    if (cancels) {
      c.target.addresses[0] = at_port(silent.port);
      c.target.n = 1;
    }
    caller_start(&c, cancels ? 60000 : 30);
    if (cancels) gci_dial_cancel(c.dial);
    run_until(c.w, &c.done, 1);
    caller_close(&c);
    assert_int_equal(c.status, cancels ? UV_ECANCELED : UV_ETIMEDOUT);
    assert_int_equal(lookups, i == 0 ? 1 : 2);
  }
  silent_close(&silent);
}

static void a_dial_keeps_the_loop_alive_until_done(void **state) {
  struct silent silent;
  struct caller c;
  silent_open(&silent);
  caller_init(&c, *state, "127.0.0.1", silent.port);
  c.close_when_done = 1;
  caller_start(&c, 20);
  assert_int_equal(uv_run(&c.w->uv, UV_RUN_DEFAULT), 0);
  assert_int_equal(c.done, 1);
  assert_int_equal(c.closed, 1);
  silent_close(&silent);
}

static void cancelled_at_once_it_is_told_from_the_loop(void **state) {
  struct silent silent;
  struct caller c;
  silent_open(&silent);
  caller_init(&c, *state, "127.0.0.1", silent.port);
  caller_start(&c, 60000);
  gci_dial_cancel(c.dial);
  gci_dial_cancel(c.dial); /* again is fine */
  assert_int_equal(c.done, 0);
  run_until(c.w, &c.done, 1);
  assert_int_equal(c.status, UV_ECANCELED);
  run_a_little(c.w);
  caller_fini(&c);
  silent_close(&silent);
}

static void cancelled_after_any_number_of_turns_it_is_told_once(void **state) {
  for (int turns = 0; turns < 12; turns++) {
    struct caller c;
    caller_init(&c, *state, "both.test", dead_port());
    caller_start(&c, 60000);
    for (int i = 0; i < turns && c.done == 0; i++)
      turn(c.w);
    if (c.done == 0) gci_dial_cancel(c.dial);
    run_until(c.w, &c.done, 1);
    assert_true(c.status == UV_ECANCELED || c.status == UV_ECONNREFUSED);
    run_a_little(c.w);
    caller_fini(&c);
  }
}

static void a_look_up_that_nobody_can_stop_is_not_waited_for(void **state) {
  struct world *w = *state;
  struct caller c;
  caller_init(&c, w, "slow.test", 1);
  caller_start(&c, 60000);
  uv_sem_wait(&slow_begun); /* in a thread now */
  gci_dial_cancel(c.dial);
  run_until(w, &c.done, 1);
  assert_int_equal(c.status, UV_ECANCELED);
  caller_fini(&c);
  memset(&c, 0xee, sizeof c); /* all that the caller had may be gone */
  gci_loop_close(&w->loop, on_world_closed, w);
  for (int i = 0; i < 5; i++)
    uv_run(&w->uv, UV_RUN_NOWAIT);
  assert_int_equal(w->closed, 0); /* closing does wait */
  uv_sem_post(&slow_gate);
  uv_run(&w->uv, UV_RUN_DEFAULT);
  assert_int_equal(w->closed, 1);
}

/* A dial that is over before its look-up, which a thread has, and which waits at the gate. */
static void dial_too_briefly(struct caller *c, struct world *w, int port) {
  lookups = 0;
  caller_init(c, w, "slow.test", port);
  caller_start(c, 20);
  uv_sem_wait(&slow_begun);
  run_until(w, &c->done, 1);
  assert_int_equal(c->status, UV_ETIMEDOUT);
  caller_close(c);
}

static void a_slow_look_up_ends_with_the_time(void **state) {
  struct caller c;
  dial_too_briefly(&c, *state, 1);
  gci_dial_target_fini(&c.target);
  uv_sem_post(&slow_gate);
}

static void a_look_up_that_outlives_its_dial_serves_the_next(void **state) {
  int port, fd = plain_listen(4, &port);
  struct caller c;
  dial_too_briefly(&c, *state, port);
  caller_renew(&c);
  caller_start(&c, 60000); /* waits for the same */
  run_a_little(c.w);
  assert_int_equal(c.done, 0);
  uv_sem_post(&slow_gate);
  run_until(c.w, &c.done, 1);
  assert_int_equal(c.status, 0);
  assert_int_equal(lookups, 1);
  caller_fini(&c);
  close(fd);
}

static void addresses_that_nobody_waits_for_any_more_are_kept(void **state) {
  int port, fd = plain_listen(4, &port);
  struct caller c;
  dial_too_briefly(&c, *state, port);
  uv_sem_post(&slow_gate);
  while (c.target.lookup != NULL)
    turn(c.w);
  caller_renew(&c);
  caller_start(&c, 60000);
  run_until(c.w, &c.done, 1);
  assert_int_equal(c.status, 0);
  assert_int_equal(lookups, 1);
  caller_fini(&c);
  close(fd);
}

enum { SHARING = 3 };

/* One of them is cancelled while the others wait. */
static void dials_of_one_target_share_a_look_up(void **state) {
  int port, fd = plain_listen(4, &port);
  struct caller c[SHARING];
  struct gci_dial_target *target = &c[0].target;
  lookups = 0;
  for (int i = 0; i < SHARING; i++) {
    caller_init(&c[i], *state, "slow.test", port);
    assert_int_equal(gci_dial_start(&c[i].dial, &c[i].s, target, 60000, on_done, &c[i]), 0);
  }
  uv_sem_wait(&slow_begun);
  gci_dial_cancel(c[0].dial);
  run_until(c[0].w, &c[0].done, 1);
  uv_sem_post(&slow_gate);
  for (int i = 0; i < SHARING; i++) {
    run_until(c[i].w, &c[i].done, 1);
    assert_int_equal(c[i].status, i == 0 ? UV_ECANCELED : 0);
  }
  assert_int_equal(lookups, 1);
  for (int i = SHARING; i-- > 0;)
    caller_fini(&c[i]);
  close(fd);
}

static void a_look_up_no_thread_has_taken_is_cancelled(void **state) {
  enum { THREADS = 2 }; /* libuv looks names up on half of its pool, which main() sets to 4 */
  struct caller busy[THREADS], c;
  for (int i = 0; i < THREADS; i++) {
    caller_init(&busy[i], *state, "slow.test", dead_port());
    caller_start(&busy[i], 60000);
  }
  for (int i = 0; i < THREADS; i++)
    uv_sem_wait(&slow_begun);
  caller_init(&c, *state, "both.test", dead_port());
  caller_start(&c, 60000);
  gci_dial_cancel(c.dial);
  run_until(c.w, &c.done, 1);
  assert_int_equal(c.status, UV_ECANCELED);
  caller_fini(&c);
  for (int i = 0; i < THREADS; i++)
    uv_sem_post(&slow_gate);
  for (int i = 0; i < THREADS; i++) {
    run_until(busy[i].w, &busy[i].done, 1);
    assert_int_equal(busy[i].status, UV_ECONNREFUSED);
    caller_fini(&busy[i]);
  }
}

/* ---- failing resources ---- */

static void without_a_descriptor_it_is_an_error(void **state) {
  struct rlimit before, none;
  struct caller c;
  caller_init(&c, *state, "127.0.0.1", dead_port());
  getrlimit(RLIMIT_NOFILE, &before);
  none = before;
  none.rlim_cur = 0;
  setrlimit(RLIMIT_NOFILE, &none);
  caller_start(&c, 60000);
  setrlimit(RLIMIT_NOFILE, &before);
  run_until(c.w, &c.done, 1);
  assert_int_equal(c.status, UV_EMFILE);
  caller_fini(&c);
}

static void dial_without(struct oom *oom, void *arg) {
  gcache_mem_t user = oom_mem(oom);
  struct gci_mem *mem = gci_mem_new(&user);
  struct world w = {0};
  struct caller c;
  if (mem == NULL) return;
  assert_int_equal(uv_loop_init(&w.uv), 0);
  gci_loop_open(&w.loop, &w.uv, &w.env, NULL);
  gci_env_init(&w.env, mem, &gci_loop_driver, &w.loop, NULL, NULL);
  gci_mem_unref(mem);
  caller_init(&c, &w, "both.test", *(int *)arg);
  if (gci_dial_start(&c.dial, &c.s, &c.target, 60000, on_done, &c) == 0) run_until(&w, &c.done, 1);
  gci_stream_close(&c.s);
  run_until(&w, &c.closed, 1);
  gci_dial_target_fini(&c.target);
  gci_loop_close(&w.loop, on_world_closed, &w);
  uv_run(&w.uv, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&w.uv), 0);
}

static void out_of_memory_is_an_error_or_harmless(void **state) {
  int port = dead_port();
  (void)state;
  assert_in_range(oom_sweep(dial_without, &port), 2, 20);
}

int main(void) {
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
  const struct CMUnitTest tests[] = {
      IN_WORLD(a_literal_needs_no_look_up),
      IN_WORLD(an_ipv6_literal_may_have_brackets),
      IN_WORLD(a_name_is_looked_up_and_its_addresses_tried_in_turn),
      IN_WORLD(a_known_name_is_not_looked_up_until_it_fails),
      IN_WORLD(a_refused_connection_is_an_error),
      IN_WORLD(an_unknown_name_is_an_error),
      IN_WORLD(a_name_without_an_address_of_ours_is_an_error),
      IN_WORLD(more_addresses_than_there_is_room_for_are_cut),
      IN_WORLD(an_error_at_once_is_told_from_the_loop),
      IN_WORLD(the_good_address_among_bad_ones_is_found),
      IN_WORLD(a_silent_address_does_not_use_up_the_time_of_the_next),
      IN_WORLD(a_connected_stream_carries_bytes),
      IN_WORLD(a_stream_kept_alive_is_asked_after_in_whole_seconds),
      IN_WORLD(silence_ends_with_the_time),
      IN_WORLD(a_name_whose_address_is_silent_is_looked_up_again),
      IN_WORLD(a_dial_keeps_the_loop_alive_until_done),
      IN_WORLD(cancelled_at_once_it_is_told_from_the_loop),
      IN_WORLD(cancelled_after_any_number_of_turns_it_is_told_once),
      IN_WORLD(a_look_up_that_nobody_can_stop_is_not_waited_for),
      IN_WORLD(a_slow_look_up_ends_with_the_time),
      IN_WORLD(a_look_up_that_outlives_its_dial_serves_the_next),
      IN_WORLD(addresses_that_nobody_waits_for_any_more_are_kept),
      IN_WORLD(dials_of_one_target_share_a_look_up),
      IN_WORLD(a_look_up_no_thread_has_taken_is_cancelled),
      IN_WORLD(without_a_descriptor_it_is_an_error),
      cmocka_unit_test(out_of_memory_is_an_error_or_harmless),
  };
  setenv("UV_THREADPOOL_SIZE", "4", 1);
  uv_sem_init(&slow_begun, 0);
  uv_sem_init(&slow_gate, 0);
  return !!cmocka_run_group_tests(tests, world_warm_up, NULL);
}
