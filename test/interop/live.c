/* live - one cluster of gcache nodes and golang/groupcache nodes, real processes over HTTP/1.1.
 *
 * Each line is a claim with the figures measured for it. If a claim does not hold, the test ends
 * with exit status 1. The members end with this process.
 *
 *     live NODE_PROGRAM GO_NODE_PROGRAM */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "members.h"

#define OWNER_KEYS 6000
#define VALUE_KEYS 360
#define HERD 400
#define ROUTE_GET "/get?group=demo&key="
#define DEADLINE_MS 10000.0

static struct members all;
static int failures;

static void claim(int holds, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void claim(int holds, const char *format, ...) {
  va_list args;

  va_start(args, format);
  printf("%s  ", holds ? "ok  " : "FAIL");
  vprintf(format, args);
  putchar('\n');
  fflush(stdout);
  va_end(args);
  failures += !holds;
}

static struct request *requests(size_t n) {
  struct request *r = calloc(n, sizeof *r);

  if (r == NULL) exit(1);
  return r;
}

/* Key 0 is the empty one. */
static void kind_make(struct key *key, const char *salt, unsigned i) {
  if (i == 0)
    key_of(key, "");
  else
    key_make(key, salt, i);
}

/* Go's ring places keys by CRC-32, under which short counters stay close together: a member may own
 * none of thousands. Multiplied (Knuth's constant) all their bits differ. */
static void spread_make(struct key *key, const char *salt, unsigned i) {
  char text[96];

  snprintf(text, sizeof text, "%s%08x", salt, i * 2654435761u);
  key_of(key, text);
}

/* The first of a row that `owner` owns. */
static void owned_make(struct key *key, const char *salt, int owner) {
  for (unsigned i = 0; i < 1000; i++) {
    spread_make(key, salt, i);
    if (member_owner(&all, C0, key) == owner) return;
  }
  claim(0, "no key begins with %s that member %d owns", salt, owner);
}

/* -------------------------------------------------------------------------------- placement -- */

static void check_owners(void) {
  static struct request *r[N_MEMBERS];
  unsigned mismatches = 0, owned[N_MEMBERS] = {0};
  struct key key;

  for (int m = 0; m < N_MEMBERS; m++) {
    r[m] = requests(OWNER_KEYS);
    for (unsigned i = 0; i < OWNER_KEYS; i++) {
      kind_make(&key, "user", i);
      r[m][i] = member_request(&all, m, "/owner?group=demo&key=", &key);
    }
    client_run(r[m], OWNER_KEYS, 8, 15000);
  }
  for (unsigned i = 0; i < OWNER_KEYS; i++) {
    int owner = member_named(&all, &r[C0][i]), same = owner >= 0;
    for (int m = 0; m < N_MEMBERS; m++)
      same = same && r[m][i].status == 200 && member_named(&all, &r[m][i]) == owner;
    mismatches += !same;
    if (owner >= 0) owned[owner]++;
  }
  for (int m = 0; m < N_MEMBERS; m++)
    client_free(r[m], OWNER_KEYS);
  claim(mismatches == 0 && owned[C0] > 0 && owned[C1] > 0 && owned[GO0] > 0 && owned[GO1] > 0,
        "owners: %d keys of %d kinds compared on 4 members, %u mismatches (own: %u %u %u %u)",
        OWNER_KEYS, KEY_KINDS + 1, mismatches, owned[C0], owned[C1], owned[GO0], owned[GO1]);
}

/* ----------------------------------------------------------------------------------- values -- */

/* The value is "<maker>|<key>|<n>". */
static int value_is_of(const struct request *r, const struct key *key) {
  int maker = member_named(&all, r);
  size_t at;

  if (r->status != 200 || maker < 0) return 0;
  at = strlen(all.m[maker].url);
  return r->text_len > at + key->len + 2 && r->text[at] == '|' &&
         memcmp(r->text + at + 1, key->bytes, key->len) == 0 && r->text[at + 1 + key->len] == '|';
}

static void plus_for_space(struct key *key) {
  for (size_t i = 0; i < key->len; i++)
    if (key->bytes[i] == ' ') key->bytes[i] = '+';
}

struct values {
  unsigned right, wrong, of_owner, elsewhere, plus;
};

/* Go's router answers 301 for these; whoever asks loads for itself. A key's first slash follows the
 * group's. */
static int is_redirected(const struct key *key, int owner) {
  return owner >= GO0 && (key->bytes[0] == '/' || memmem(key->bytes, key->len, "//", 2) != NULL ||
                          memmem(key->bytes, key->len, "/../", 4) != NULL);
}

static void judge_value(struct values *v, int asked, const struct request *r, struct key *key) {
  int owner = member_owner(&all, C0, key);

  if (value_is_of(r, key) && (member_named(&all, r) == owner || is_redirected(key, owner))) {
    v->right++;
    v->of_owner += member_named(&all, r) == owner;
    v->elsewhere += member_named(&all, r) != owner;
    return;
  }
  plus_for_space(key); /* what Go's client makes of a key with spaces that another member owns */
  if (asked >= GO0 && owner != asked && value_is_of(r, key))
    v->plus++;
  else
    v->wrong++;
}

static void check_values(void) {
  static const char *const salts[N_MEMBERS] = {"a", "b", "c",
                                               "d"}; /* each member asks first once */
  struct key key;

  for (int m = 0; m < N_MEMBERS; m++) {
    struct request *r = requests(VALUE_KEYS);
    struct values v = {0};
    for (unsigned i = 0; i < VALUE_KEYS; i++) {
      key_make(&key, salts[m], i);
      r[i] = member_request(&all, m, ROUTE_GET, &key);
    }
    client_run(r, VALUE_KEYS, 8, 15000);
    for (unsigned i = 0; i < VALUE_KEYS; i++) {
      key_make(&key, salts[m], i);
      judge_value(&v, m, &r[i], &key);
    }
    client_free(r, VALUE_KEYS);
    claim(v.wrong == 0 && v.of_owner > VALUE_KEYS / 2,
          "values, asked at %s: %d keys, %u right (%u made by the owner, %u elsewhere since Go's "
          "router answers 301), %u with '+' for space as Go's client asks, %u wrong",
          m < GO0 ? "gcache" : "Go", VALUE_KEYS, v.right, v.of_owner, v.elsewhere, v.plus, v.wrong);
  }
}

static void check_big(size_t size) {
  unsigned right = 0, asked = 0;
  char salt[32];
  struct key key;

  snprintf(salt, sizeof salt, "big:%zu:", size);
  for (int owner = 0; owner < N_MEMBERS; owner++) {
    owned_make(&key, salt, owner);
    for (int m = 0; m < N_MEMBERS; m++, asked++) {
      struct request *r = member_ask(&all, m, "GET", ROUTE_GET, &key);
      right += r->status == 200 && r->text_len == size && strspn(r->text, "x") == size;
      client_free(r, 1);
    }
  }
  claim(right == asked, "values of %zu bytes: %u gets, each member of each, %u right", size, asked,
        right);
}

/* Go has one status for all its getter says; gcache's own word survives between gcache nodes. */
static void check_failure(const char *salt, int status_of_c) {
  unsigned asked = 0, as_expected = 0;
  struct key key;

  for (int owner = 0; owner < N_MEMBERS; owner++) {
    owned_make(&key, salt, owner);
    for (int m = 0; m < N_MEMBERS; m++, asked++) {
      struct request *r = member_ask(&all, m, "GET", ROUTE_GET, &key);
      int wanted = m >= GO0 ? 500 : owner >= GO0 ? 503 : status_of_c;
      as_expected += r->status == wanted;
      if (r->status != wanted)
        printf("      %s, owner %d, asked %d: %d %s", salt, owner, m, r->status, r->text);
      client_free(r, 1);
    }
  }
  claim(asked == as_expected,
        "%s %u gets, %u with the status expected (Go 500, gcache %d of gcache and 503 of Go)", salt,
        asked, as_expected, status_of_c);
}

/* ------------------------------------------------------------------------------------- herd -- */

static void check_herd(int owner) {
  struct request *r = requests(HERD);
  long long before = members_loads(&all), loads;
  unsigned equal = 0;
  struct key key;

  owned_make(&key, "slow:500:herd", owner);
  for (int i = 0; i < HERD; i++)
    r[i] = member_request(&all, i % N_MEMBERS, ROUTE_GET, &key);
  client_run(r, HERD, 40, 15000);
  for (int i = 0; i < HERD; i++)
    equal += r[i].status == 200 && r[0].text != NULL && strcmp(r[i].text, r[0].text) == 0;
  client_free(r, HERD);
  loads = members_loads(&all) - before;
  claim(
      loads == 1 && equal == HERD,
      "herd: %d concurrent gets of one cold key of a %s node at all 4: %lld load, %u equal answers",
      HERD, owner < GO0 ? "gcache" : "Go", loads, equal);
}

/* --------------------------------------------------------------------------- kill and change -- */

static void claim_load(const struct load *load, const char *what) {
  claim(load->wrong == 0 && load->unanswered == 0 && load->slowest_ms < DEADLINE_MS,
        "%s: %u gets, %u wrong, %u unanswered, slowest %.0f ms", what, load->gets, load->wrong,
        load->unanswered, load->slowest_ms);
}

/* Of fresh keys that GO1 owns, asked at gcache nodes in turn, or at one: how many were made by GO1. */
static unsigned made_by_go1(const char *salt, unsigned n, int at) {
  unsigned made = 0, found = 0;
  struct key key;

  for (unsigned i = 0; found < n; i++) {
    struct request *r;
    spread_make(&key, salt, i);
    if (member_owner(&all, C0, &key) != GO1) continue;
    r = member_ask(&all, at >= 0 ? at : found % 2 == 0 ? C0 : C1, "GET", ROUTE_GET, &key);
    found++;
    made += value_is_of(r, &key) && member_named(&all, r) == GO1;
    client_free(r, 1);
  }
  return made;
}

/* A gcache node asks one that was dead again when its probe has been answered: 8 s later at most.
 * Until then some of its keys come from there all the same: through the other Go node, where that
 * is asked in its place. */
static double readmission_ms(int at) {
  uint64_t begin = uv_hrtime();
  char salt[32];

  for (unsigned i = 0; (uv_hrtime() - begin) / 1000000 < 10000; i++) {
    snprintf(salt, sizeof salt, "back%d:%u:", at, i);
    if (made_by_go1(salt, 12, at) == 12) break;
  }
  return (double)(uv_hrtime() - begin) / 1e6;
}

static void check_kill(void) {
  struct load load = {.all = &all, .asked = 1u << C0 | 1u << C1, .salt = "kill"};
  unsigned while_dead, after;

  if (load_begin(&load) < 0) exit(1);
  load_pass(&load, 2);
  node_kill(&all.m[GO1]);
  load_pass(&load, 3);
  while_dead = made_by_go1("dead", 20, -1);
  if (member_restart(&all, GO1) < 0) claim(0, "the Go node starts again on its port");
  double c0_ms = readmission_ms(C0), c1_ms = readmission_ms(C1);
  load_pass(&load, 2);
  load_end(&load);
  after = made_by_go1("again", 40, -1);
  claim_load(&load, "a Go node killed and restarted under load at the gcache nodes");
  claim(while_dead == 0 && after == 40,
        "its keys at the gcache nodes: 20 while dead, %u made by it; asked again after %.0f and "
        "%.0f ms, 40 after that, %u made by it",
        while_dead, c0_ms, c1_ms, after);
}

static void check_change(void) {
  struct load load = {.all = &all, .asked = ALL, .salt = "ring"};
  int told = 0;

  if (load_begin(&load) < 0) exit(1);
  for (int round = 0; round < 6; round++) {
    int left_out = GO1 - round % 3; /* GO1, GO0, C1: it keeps its list, so the lists disagree */
    load_pass(&load, 1);
    told += members_told(&all, ALL & ~(1u << left_out));
    load_pass(&load, 1);
    told += members_told(&all, ALL);
  }
  load_end(&load);
  claim(told == 0, "6 times one member fewer and back, told by PUT /peers: %d refused", -told);
  claim_load(&load, "the ring changed under load at all members");
}

/* C0 is told of itself and GO0, GO0 of C0 and C1: for some keys each takes the other for the owner. */
static void check_disagreement(void) {
  struct request r[2 * 20];
  unsigned n = 0, right = 0;
  double slowest = 0;
  struct key keys[20];

  member_told(&all, C0, 1u << C0 | 1u << GO0);
  member_told(&all, GO0, 1u << C0 | 1u << C1);
  for (unsigned i = 0; n < 20 && i < 2000; i++) {
    spread_make(&keys[n], "slow:20:cross", i);
    if (member_owner(&all, C0, &keys[n]) != GO0 || member_owner(&all, GO0, &keys[n]) != C0)
      continue;
    r[2 * n] = member_request(&all, C0, ROUTE_GET, &keys[n]);
    r[2 * n + 1] = member_request(&all, GO0, ROUTE_GET, &keys[n]);
    n++;
  }
  client_run(r, 2 * n, 40, 15000);
  for (unsigned i = 0; i < 2 * n; i++) {
    double ms = (double)(r[i].answered_ns - r[i].sent_ns) / 1e6;
    right += value_is_of(&r[i], &keys[i / 2]);
    if (r[i].status != 0 && ms > slowest) slowest = ms;
    free(r[i].text);
  }
  members_told(&all, ALL);
  claim(n == 20 && right == 2 * n && slowest < 2000,
        "gcache takes the Go node for the owner and the Go node gcache: %u keys asked at both at "
        "once, "
        "%u right answers, slowest %.0f ms",
        n, right, slowest);
}

/* ------------------------------------------------------------------------------- set, remove -- */

static unsigned count(const char *text, const char *part) {
  unsigned n = 0;

  for (; text != NULL && (text = strstr(text, part)) != NULL; text++)
    n++;
  return n;
}

static void check_changes(const char *method, const char *route) {
  struct key key;
  struct request *r;
  char refused[32];
  unsigned n;

  key_of(&key, "changed");
  r = member_ask(&all, C0, method, route, &key);
  snprintf(refused, sizeof refused, "\"status\":%d", UV_ENOTSUP);
  n = count(r->text, refused);
  claim(r->status == 207 && n == N_MEMBERS - 1,
        "%s on a gcache node: %d, UV_ENOTSUP of %u peers: %s", method, r->status, n,
        r->text == NULL ? "" : r->text);
  client_free(r, 1);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  all.c_program = argv[1];
  all.go_program = argv[2];
  if (members_start(&all) < 0) {
    members_end(&all);
    return 1;
  }
  check_owners();
  check_values();
  check_big(3000);
  check_big(1 << 20);
  check_failure("missing:", 404);
  check_failure("fail:", 503);
  for (int owner = 0; owner < N_MEMBERS; owner++)
    check_herd(owner);
  check_kill();
  check_change();
  check_disagreement();
  check_changes("PUT", "/set?group=demo&key=");
  check_changes("DELETE", "/remove?group=demo&key=");
  members_end(&all);
  return failures > 0;
}
