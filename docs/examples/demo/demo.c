/* demo - shows what gcache is for, with real processes: three nodes over one SQLite file.
 *
 * Each line is a claim with the figures just measured for it. If a claim does not hold, the demo
 * ends with exit status 1. In every case the nodes are ended and the files removed.
 *
 *     gcache-demo [NODE_PROGRAM]     (default: ../node, relative to this program's directory) */
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "nodes.h"
#include "rows.h"

#define HERD 10000
#define PER_NODE 16 /* connections to a node; the node takes 64 from one address */

static struct node nodes[N_NODES];
static int failures;

/* ------------------------------------------------------------------------------- small tools -- */

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

static double ms_between(uint64_t from_ns, uint64_t to_ns) {
  return (double)(to_ns - from_ns) / 1e6;
}

static void get_request(struct request *r, int node, const char *key) {
  *r = (struct request){.port = nodes[node].port, .method = "GET"};
  snprintf(r->target, sizeof r->target, "/get?group=demo&key=%.200s", key);
}

/* One request to one node; client_free() the result. */
static struct request *ask(int node, const char *method, const char *target) {
  struct request *r = calloc(1, sizeof *r);
  if (r == NULL) exit(1);
  *r = (struct request){.port = nodes[node].port, .method = method};
  snprintf(r->target, sizeof r->target, "%s", target);
  client_run(r, 1, 1, 15000);
  return r;
}

static struct request *get(int node, const char *key) {
  struct request r;
  get_request(&r, node, key);
  return ask(node, "GET", r.target);
}

/* The sum of all numbers after "name": in the node's /stats. */
static unsigned long long counted(int node, const char *name) {
  struct request *r = ask(node, "GET", "/stats");
  unsigned long long sum = 0;
  char label[64];

  snprintf(label, sizeof label, "\"%s\":", name);
  for (const char *at = r->text; at != NULL && (at = strstr(at, label)) != NULL;) {
    at += strlen(label);
    sum += strtoull(at, NULL, 10);
  }
  client_free(r, 1);
  return sum;
}

static unsigned long long counted_everywhere(const char *name) {
  unsigned long long sum = 0;
  for (int i = 0; i < N_NODES; i++)
    if (nodes[i].pid > 0) sum += counted(i, name);
  return sum;
}

static int owner_of(const char *key) {
  char target[256];
  struct request *r;
  int owner = -1;

  snprintf(target, sizeof target, "/owner?group=demo&key=%s", key);
  r = ask(0, "GET", target);
  for (int i = 0; i < N_NODES; i++)
    if (r->text != NULL && strncmp(r->text, nodes[i].url, strlen(nodes[i].url)) == 0) owner = i;
  client_free(r, 1);
  return owner;
}

/* ------------------------------------------------------------------------------- the claims -- */

static void first_and_last(const struct request *r, size_t n, uint64_t *first, uint64_t *last) {
  *first = UINT64_MAX;
  *last = 0;
  for (size_t i = 0; i < n; i++) {
    if (r[i].sent_ns < *first) *first = r[i].sent_ns;
    if (r[i].answered_ns > *last) *last = r[i].answered_ns;
  }
}

static void show_one_load(void) {
  struct request *r = calloc(HERD, sizeof *r);
  unsigned long long before = counted_everywhere("local_loads"), loads;
  uint64_t first, last;
  size_t same = 0;

  if (r == NULL) exit(1);
  for (int i = 0; i < HERD; i++)
    get_request(&r[i], i % N_NODES, "report");
  client_run(r, HERD, PER_NODE, 30000);
  for (int i = 0; i < HERD; i++) {
    same += r[i].status == 200 && r[0].text != NULL && strcmp(r[i].text, r[0].text) == 0;
  }
  first_and_last(r, HERD, &first, &last);
  loads = counted_everywhere("local_loads") - before;
  claim(loads == 1 && same == HERD,
        "%d concurrent gets of one cold, slow key on %d nodes: %llu load, %zu equal answers, "
        "%.0f ms",
        HERD, N_NODES, loads, same, ms_between(first, last));
  client_free(r, HERD);
}

static void show_hot_hit(void) {
  int asker = (owner_of("report") + 1) % N_NODES;
  unsigned long long before = counted_everywhere("server_requests"), asked;
  struct request *r = get(asker, "report");

  asked = counted_everywhere("server_requests") - before;
  claim(asked == 0 && strcmp(r->from, "hot") == 0,
        "the same key again on a node that does not own it: %llu peer requests, from: %s, %.2f ms",
        asked, r->from, ms_between(r->sent_ns, r->answered_ns));
  client_free(r, 1);
}

/* Repeats a get until a second load has run. No get before the value's expiry may cause one. */
static void show_expiry(void) {
  unsigned long long before = counted_everywhere("local_loads");
  uint64_t loaded = 0, reloaded = 0;
  size_t answers = 0;

  while (reloaded == 0 && answers < 100000) {
    struct request *r = get(0, "session:3");
    unsigned long long loads = counted_everywhere("local_loads") - before;
    if (r->status != 200) break;
    if (loaded == 0) loaded = r->sent_ns;
    if (loads > 1) reloaded = r->answered_ns;
    answers++;
    client_free(r, 1);
  }
  claim(reloaded > 0 && ms_between(loaded, reloaded) >= TTL_MS,
        "a value with a lifetime of %d ms, got %zu times in a row: loaded again after %.0f ms",
        TTL_MS, answers, ms_between(loaded, reloaded));
}

static size_t nodes_saying(const char *key, const char *value) {
  size_t n = 0;
  for (int i = 0; i < N_NODES; i++) {
    struct request *r = get(i, key);
    n += r->status == 200 && strcmp(r->text, value) == 0;
    client_free(r, 1);
  }
  return n;
}

static void show_remove(const char *file) {
  size_t before = nodes_saying("user:7", "name of user 7"), after;
  struct request *r;

  if (rows_update(file, "user:7", "a new name") < 0) exit(1);
  r = ask(owner_of("user:7"), "DELETE", "/remove?group=demo&key=user:7");
  after = nodes_saying("user:7", "a new name");
  claim(before == N_NODES && r->status == 200 && after == N_NODES,
        "a row cached on %zu nodes, changed in SQLite, key removed on one node: %zu nodes return "
        "the new row; remove: %.2f ms",
        before, after, ms_between(r->sent_ns, r->answered_ns));
  client_free(r, 1);
}

/* Four gets of every row on every node; all rows but one are cold. */
static void show_speed(void) {
  const size_t keys = ROWS - 10, n = 4 * N_NODES * keys;
  struct request *r = calloc(n, sizeof *r);
  unsigned long long loads = counted_everywhere("local_loads");
  uint64_t first, last;
  size_t right = 0;

  if (r == NULL) exit(1);
  for (size_t i = 0; i < n; i++) {
    char key[32];
    snprintf(key, sizeof key, "user:%zu", (i / N_NODES * 7) % keys);
    get_request(&r[i], (int)(i % N_NODES), key);
  }
  client_run(r, n, PER_NODE, 60000);
  for (size_t i = 0; i < n; i++)
    right += r[i].status == 200;
  first_and_last(r, n, &first, &last);
  loads = counted_everywhere("local_loads") - loads;
  claim(right == n && loads <= keys,
        "%zu gets of %zu rows on %d nodes: %llu loads, %.0f gets per second (client and nodes "
        "share %ld cores)",
        n, keys, N_NODES, loads, (double)n / (ms_between(first, last) / 1e3),
        sysconf(_SC_NPROCESSORS_ONLN));
  client_free(r, n);
}

static void show_dead_node(void) {
  const int dead = N_NODES - 1;
  int asked = 0, right = 0, i = 0;
  double slowest = 0;

  char keys[100][32];
  for (; asked < 100 && i < ROWS - 10; i++) { /* looked up while the node is alive */
    snprintf(keys[asked], sizeof keys[asked], "user:%d", i);
    asked += owner_of(keys[asked]) == dead;
  }
  node_kill(&nodes[dead]);
  for (i = 0; i < asked; i++) {
    char want[64];
    struct request *r = ask(0, "DELETE", "/clear?group=demo"); /* nothing from memory */
    client_free(r, 1);
    r = get(i % dead, keys[i]);
    snprintf(want, sizeof want, "name of user %s", keys[i] + strlen("user:"));
    right += r->status == 200 && (strcmp(r->text, want) == 0 || strcmp(r->text, "a new name") == 0);
    if (ms_between(r->sent_ns, r->answered_ns) > slowest)
      slowest = ms_between(r->sent_ns, r->answered_ns);
    client_free(r, 1);
  }
  claim(asked == 100 && right == asked,
        "one node killed, memory of the others cleared, %d of its keys got on them: %d correct "
        "answers, slowest %.1f ms",
        asked, right, slowest);
}

static void show_goodbye(void) {
  int clean = 1;
  for (int i = 0; i < N_NODES - 1; i++)
    clean = node_stop(&nodes[i]) == 0 && clean;
  claim(clean, "SIGTERM: the other nodes drain and exit with status 0");
}

/* --------------------------------------------------------------------------------- the frame -- */

static void show_all(const char *file) {
  show_one_load();
  show_hot_hit();
  show_expiry();
  show_remove(file);
  show_speed();
  show_dead_node();
  show_goodbye();
}

static void remove_files(const char *dir, const char *file) {
  static const char *const suffixes[] = {"", "-wal", "-shm"};
  char path[PATH_MAX];
  for (size_t i = 0; i < 3; i++) {
    snprintf(path, sizeof path, "%s%s", file, suffixes[i]);
    unlink(path);
  }
  rmdir(dir);
}

/* The node is built in the directory above the demo's. */
static char *default_node(char *argv0, char *out, size_t cap) {
  snprintf(out, cap, "%s/../node", dirname(argv0));
  return out;
}

static int run_demo(char *program, const char *file) {
  signal(SIGPIPE, SIG_IGN);
  if (rows_make(file) < 0 || nodes_start(nodes, program, file) < 0)
    failures++;
  else {
    printf("three nodes over an SQLite file of %d generated rows: %s %s %s\n", ROWS, nodes[0].url,
           nodes[1].url, nodes[2].url);
    show_all(file);
  }
  for (int i = 0; i < N_NODES; i++)
    node_kill(&nodes[i]);
  return failures > 0;
}

/* Waits for the demo, which runs in a process of its own; a termination signal kills it. The nodes
 * end with the process that started them. */
static int wait_for_demo(pid_t demo, const sigset_t *signals) {
  int signal_number, status;

  while (waitpid(demo, &status, WNOHANG) != demo) {
    sigwait(signals, &signal_number);
    if (signal_number != SIGCHLD) kill(demo, SIGKILL);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv) {
  char dir[] = "/tmp/gcache-demo-XXXXXX", file[64], node[PATH_MAX];
  char *program = argc > 1 ? argv[1] : default_node(argv[0], node, sizeof node);
  sigset_t signals, before;
  pid_t demo;
  int rc;

  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  if (mkdtemp(dir) == NULL) return perror(dir), 1;
  snprintf(file, sizeof file, "%s/kv.db", dir);
  sigprocmask(SIG_BLOCK, &signals, &before);
  demo = fork();
  if (demo == 0) {
    sigprocmask(SIG_SETMASK, &before, NULL);
    exit(run_demo(program, file));
  }
  rc = demo < 0 ? 1 : wait_for_demo(demo, &signals);
  remove_files(dir, file);
  return rc;
}
