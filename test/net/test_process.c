/* Effects on the process: no SIGPIPE, whichever side leaves; every descriptor closes on exec; and
 * keys that collide in one table do not collide in another. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "core/core.h"
#include "hostile.h"

#define GET(key) "GET /_groupcache/g/" key " HTTP/1.1\r\nHost: x\r\n\r\n"

/* --------------------------------------------------------------------------------- SIGPIPE ---- */

static volatile sig_atomic_t pipes;

static void on_pipe(int number) {
  (void)number;
  pipes++;
}

/* Clients ask for much and leave, by an end or a reset, before, while and after it is written. */
static void ask_and_leave(struct member *m, int turns, int resets) {
  static const char both[] = GET("big:3000000:") GET("k") "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  int fd = hostile_connect(m->port, turns % 2 == 0 ? 1000 : 0);
  char some[1000];

  assert_true(send(fd, both, sizeof both - 1, MSG_NOSIGNAL) > 0);
  run_loop_turns(m->loop, turns);
  if (turns > 2 && recv(fd, some, sizeof some, MSG_DONTWAIT) < 0) run_loop_turns(m->loop, 1);
  if (resets)
    plain_reset(fd);
  else
    close(fd);
  run_loop_turns(m->loop, 2);
}

static void reset_at_once(struct raw *c) {
  raw_reset(c);
}

static void clients_that_leave_raise_no_signal(void **state) {
  struct member m;
  void (*before)(int) = signal(SIGPIPE, on_pipe);

  pipes = 0;
  member_start(&m, *state, "here");
  for (int turns = 0; turns < 12; turns++)
    for (int resets = 0; resets < 2; resets++)
      ask_and_leave(&m, turns, resets);
  while (stats_of(&m).connections_in > 0)
    assert_true(uv_run(m.loop, UV_RUN_ONCE) != 0);
  member_end(&m);
  signal(SIGPIPE, before);
  assert_int_equal(pipes, 0);
}

/* A peer that resets the connection while values are sent to it. */
static void peers_that_leave_raise_no_signal(void **state) {
  static char big[4 << 20];
  struct member m;
  struct raw_server peer;
  gcache_options_t o;
  void (*before)(int) = signal(SIGPIPE, on_pipe);
  const char *urls[1];

  pipes = 0;
  raw_server_open(&peer, *state, reset_at_once);
  member_options(&m, &o, *state, "here");
  member_open(&m, &o);
  member_group(&m, "g");
  urls[0] = peer.url;
  assert_int_equal(gcache_set_peers(m.cache, urls, NULL, 1), 0);
  for (int i = 0; i < 10; i++) {
    struct changed c = {.req = {.data = &c}};
    gcache_value_t *value = gcache_value_copy(m.cache, gcache_bytes(big, sizeof big), GCACHE_NEVER);
    assert_int_equal(gcache_set(&c.req, m.group, gcache_cstr("k"), value, 0, on_changed), 0);
    gcache_value_unref(value);
    while (peer.n <= i && c.done == 0)
      uv_run(m.loop, UV_RUN_ONCE);
    if (c.done == 0) raw_reset(peer.connections[peer.n - 1]);
    run_loop_until(m.loop, &c.done, 1);
    assert_true(c.status < 0);
  }
  member_end(&m);
  raw_server_end(&peer);
  signal(SIGPIPE, before);
  assert_int_equal(pipes, 0);
}

/* ----------------------------------------------------------------------------- descriptors ---- */

enum { DESCRIPTORS = 4096 };

/* Of those that have been opened since: how many, and how many stay open in a child. */
static int count_opened(const unsigned char before[], int *kept) {
  int n = 0;

  *kept = 0;
  for (int fd = 0; fd < DESCRIPTORS; fd++) {
    int flags = fcntl(fd, F_GETFD);
    if (flags < 0 || before[fd]) continue;
    n++;
    if ((flags & FD_CLOEXEC) == 0) ++*kept;
  }
  return n;
}

static void descriptors_close_on_exec(void **state) {
  struct member all[3];
  struct raw *clients[8];
  struct asked a;
  unsigned char before[DESCRIPTORS];
  int n = 0, most = 0, kept;

  for (int fd = 0; fd < DESCRIPTORS; fd++)
    before[fd] = fcntl(fd, F_GETFD) >= 0;
  for (int i = 0; i < 3; i++)
    member_start(&all[i], *state, "m");
  members_know(all, 3);
  for (int i = 0; i < 8; i++) {
    clients[i] = raw_connect(*state, all[0].port);
    raw_say(clients[i], i % 2 == 0 ? GET("k") : "GET /");
  }
  for (int i = 0; i < 60; i++) { /* while it dials, accepts and answers */
    char key[16];
    snprintf(key, sizeof key, "k%d", i);
    ask_start(&a, &all[i % 3], key, 0);
    do {
      n = count_opened(before, &kept);
      if (n > most) most = n;
      assert_int_equal(kept, 0);
      uv_run(*state, UV_RUN_NOWAIT);
    } while (a.done == 0);
  }
  print_message("%d descriptors, at any moment: all close on exec\n", most);
  assert_true(most > 20);
  for (int i = 0; i < 8; i++)
    end_raw(clients[i]);
  for (int i = 0; i < 3; i++)
    member_end(&all[i]);
}

/* ---------------------------------------------------------------------------- colliding keys -- */

enum { COLLIDING = 1024, BITS = 10 };

static uint64_t fnv1(const char *key) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);

  for (; *key != '\0'; key++)
    hash = (hash * UINT64_C(0x100000001b3)) ^ (unsigned char)*key;
  return hash;
}

static uint64_t of_fnv1(const char *key, const struct gci_hash_key *seed) {
  (void)seed;
  return fnv1(key);
}

static uint64_t of_xxh3(const char *key, const struct gci_hash_key *seed) {
  (void)seed;
  return gci_hash_shared(gcache_cstr(key), 0);
}

static uint64_t of_cache(const char *key, const struct gci_hash_key *seed) {
  return gci_hash_keyed(seed, gcache_cstr(key));
}

typedef uint64_t (*hash_fn)(const char *key, const struct gci_hash_key *seed);

static void write_key(char key[16], unsigned number) {
  memcpy(key, "key-aaaaaaaa", 13);
  for (int i = 11; number > 0; i--, number /= 16)
    key[i] = (char)('a' + number % 16);
}

/* Keys that all fall into one of 2^BITS buckets, as a stranger would look for them. */
static char (*collide(hash_fn hash, const struct gci_hash_key *seed))[16] {
  char(*keys)[16] = malloc(COLLIDING * sizeof *keys);
  int n = 0;

  for (unsigned i = 0; n < COLLIDING; i++) {
    write_key(keys[n], i);
    if ((hash(keys[n], seed) & ((1 << BITS) - 1)) == 0) n++;
  }
  return keys;
}

/* How many of 2^BITS buckets they fall into. */
static int spread(char (*keys)[16], hash_fn hash, const struct gci_hash_key *seed) {
  static unsigned char hit[1 << BITS];
  int n = 0;

  memset(hit, 0, sizeof hit);
  for (int i = 0; i < COLLIDING; i++) {
    unsigned char *at = &hit[hash(keys[i], seed) & ((1 << BITS) - 1)];
    n += *at == 0;
    *at = 1;
  }
  return n;
}

/* Of 1024 keys thrown into 1024 buckets at random, 647 buckets are hit, give or take 14. */
static void assert_spread(int n) {
  assert_in_range(n, 550, 750);
}

static void assert_kept(struct member *m, char (*keys)[16]) {
  struct asked a;

  for (int i = 0; i < COLLIDING; i++)
    ask(&a, m, keys[i]);
  assert_int_equal(m->loads, COLLIDING);
  for (int i = 0; i < COLLIDING; i++)
    ask(&a, m, keys[i]);
  assert_int_equal(m->loads, COLLIDING);
}

static void keys_that_collide_in_one_cache_do_not_in_another(void **state) {
  static const hash_fn known[] = {of_fnv1, of_xxh3, of_cache};
  static const char *const names[] = {"FNV-1", "XXH3 without a seed", "one cache"};
  struct member one, other;

  member_start(&one, *state, "one");
  member_start(&other, *state, "other");
  assert_memory_not_equal(&one.cache->hash_key, &other.cache->hash_key, sizeof one.cache->hash_key);
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    char(*keys)[16] = collide(known[i], &one.cache->hash_key);
    int in_one = spread(keys, of_cache, &one.cache->hash_key);
    int in_other = spread(keys, of_cache, &other.cache->hash_key);
    print_message("%d keys that collide under %s: in %d and %d of %d buckets of two caches\n",
                  COLLIDING, names[i], in_one, in_other, 1 << BITS);
    assert_int_equal(spread(keys, known[i], &one.cache->hash_key), 1);
    if (known[i] != of_cache) assert_spread(in_one);
    assert_spread(in_other);
    if (known[i] == of_fnv1) assert_kept(&other, keys);
    free(keys);
  }
  member_end(&one);
  member_end(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(clients_that_leave_raise_no_signal),
      TEST(peers_that_leave_raise_no_signal),
      TEST(descriptors_close_on_exec),
      TEST(keys_that_collide_in_one_cache_do_not_in_another),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
