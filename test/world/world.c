/* world - runs seeded schedules of whole caches over simulated hosts, or small scenarios with one
 * fault each, and reports a broken promise, with the command that replays it. Exit status 1: a
 * promise broke; 2: a wrong option. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faults.h"
#include "torture.h"

#define FAILURES_MAX 20
#define TORTURE_DEEDS 6
#define LIST_WORDS_MAX 16

struct options {
  uint64_t seeds, from, deeds;
  int one, twice, wide, secure;
  int weather; /* WORLD_WEATHERS: each in turn */
  enum world_torture_kind torture;
  uint64_t stride, number; /* of what goes wrong; number 0: everything */
};

static const char *program;
static uint64_t failures;

/* What a failed assertion or a crash of the library prints on its way out; a signal handler has no
 * other way to know. */
static char replay[256];

static void on_died(int signal_number) {
  ssize_t ignored = write(STDERR_FILENO, replay, strlen(replay));
  (void)ignored;
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

static enum world_weather_kind weather_of(const struct options *o, uint64_t seed) {
  return (enum world_weather_kind)(o->weather == WORLD_WEATHERS ? (int)(seed % WORLD_WEATHERS)
                                                                : o->weather);
}

static int is_wide(const struct options *o, uint64_t seed) {
  return o->wide || (o->weather == WORLD_WEATHERS && seed / WORLD_WEATHERS % 3 == 1);
}

static void write_replay(const struct world_run *run, enum world_torture_kind kind,
                         uint64_t number) {
  char deeds[40] = "", torture[60] = "";
  if (run->deeds > 0) snprintf(deeds, sizeof deeds, " --deeds %" PRIu64, run->deeds);
  if (number > 0)
    snprintf(torture, sizeof torture, " --%s --number %" PRIu64, world_torture_word(kind), number);
  snprintf(replay, sizeof replay, "replay: %s --seed %" PRIu64 " --weather %s%s%s%s%s\n", program,
           run->seed, world_weather_word(run->weather), run->wide ? " --wide" : "",
           run->secure ? " --secure" : "", deeds, torture);
}

static void tell_failure(const struct world_run *run, const char *words) {
  failures++;
  printf("seed %" PRIu64 " (%s) failed: %s\n%s", run->seed, world_weather_word(run->weather), words,
         replay);
  fflush(stdout);
}

/* ---- schedules ---- */

static void add(struct world_result *sum, const struct world_result *r) {
  sum->deeds += r->deeds;
  sum->events += r->events;
  sum->connections += r->connections;
  sum->bytes += r->bytes;
  sum->resets += r->resets;
  sum->faults += r->faults;
  for (int k = 0; k < WORLD_COUNTS_N; k++)
    sum->counts[k] += r->counts[k];
  for (int op = 0; op < WORLD_OPS_COUNT; op++)
    sum->injected[op] += r->injected[op];
  sum->deliveries += r->deliveries;
  sum->misses += r->misses;
  sum->told += r->told;
  sum->told_all += r->told_all;
  sum->secure += r->secure;
  sum->dead_loads += r->dead_loads;
  sum->floors_checked += r->floors_checked;
  sum->trace_hash = sum->trace_hash * UINT64_C(0x100000001b3) ^ r->trace_hash;
}

static void run_one(const struct options *o, uint64_t seed, struct world_result *sum) {
  struct world_run run = {.seed = seed,
                          .weather = weather_of(o, seed),
                          .deeds = o->deeds,
                          .wide = is_wide(o, seed),
                          .secure = o->secure,
                          .printed = o->one};
  struct world_result r, again;
  world_torture_set(o->torture, &run, o->number);
  write_replay(&run, o->torture, o->number);
  world_schedule_run(&run, &r);
  if (o->twice && r.broken[0] == '\0') {
    run.printed = 0;
    world_schedule_run(&run, &again);
    if (again.trace_hash != r.trace_hash)
      snprintf(r.broken, sizeof r.broken,
               "two runs of one seed differ: %016" PRIx64 ", %016" PRIx64, r.trace_hash,
               again.trace_hash);
  }
  add(sum, &r);
  if (r.broken[0] != '\0') tell_failure(&run, r.broken);
}

/* What befell the members and the network, and which calls failed. */
static void print_counts(const struct world_result *sum) {
  for (int k = 0; k < WORLD_COUNTS_N; k++)
    printf("%s%" PRIu64 " %s", k == 0 ? "" : ", ", sum->counts[k],
           world_count_word((enum world_count_kind)k));
  printf("\ncalls that failed:");
  for (int op = 0; op < WORLD_OPS_COUNT; op++)
    printf("%s %" PRIu64 " %s", op == 0 ? "" : ",", sum->injected[op],
           world_op_word((enum world_op)op));
  printf("\n");
}

static void run_schedules(const struct options *o) {
  struct world_result sum = {0};
  uint64_t run = 0;
  for (; run < o->seeds && failures < FAILURES_MAX; run++)
    run_one(o, o->from + run, &sum);
  printf("%" PRIu64 " schedules, %" PRIu64 " over TLS, %" PRIu64 " deeds, %" PRIu64 " failed\n",
         run, sum.secure, sum.deeds, failures);
  printf("%" PRIu64 " events, %" PRIu64 " connections, %" PRIu64 " bytes, %" PRIu64
         " resets, %" PRIu64 " faults\n",
         sum.events, sum.connections, sum.bytes, sum.resets, sum.faults);
  printf("%" PRIu64 " values delivered, %" PRIu64 " checked against a change, %" PRIu64
         " loads with a member known to be dead; trace %016" PRIx64 "\n",
         sum.deliveries, sum.floors_checked, sum.dead_loads, sum.trace_hash);
  printf("%" PRIu64 " changes missed, %" PRIu64 " told to their owners later, %" PRIu64 " to all\n",
         sum.misses, sum.told, sum.told_all);
  print_counts(&sum);
}

/* ---- torture ---- */

static enum world_torture_kind tortured_by;

static void on_before(const struct world_run *run, uint64_t number) {
  write_replay(run, tortured_by, number);
}

static int on_broken(const struct world_run *run, uint64_t number, const char *words) {
  (void)number;
  tell_failure(run, words);
  return failures >= FAILURES_MAX;
}

static void run_torture(const struct options *o) {
  static const struct world_torture_watch watch = {on_before, on_broken};
  struct world_torture_result result = {0};
  tortured_by = o->torture;
  for (uint64_t i = 0; i < o->seeds && failures < FAILURES_MAX; i++) {
    uint64_t seed = o->from + i;
    struct world_run scenario = {.seed = seed,
                                 .weather = weather_of(o, seed),
                                 .wide = o->wide,
                                 .deeds = o->deeds > 0 ? o->deeds : TORTURE_DEEDS};
    write_replay(&scenario, o->torture, 0);
    world_torture(o->torture, &scenario, o->stride, &watch, &result);
  }
  printf("%s: %" PRIu64 " scenarios, %" PRIu64 " runs, %" PRIu64 " injected, %" PRIu64 " failed\n",
         world_torture_word(o->torture), result.scenarios, result.runs, result.injected,
         result.failed);
}

/* ---- options ---- */

static int weather_named(const char *word) {
  for (int f = 0; f < WORLD_WEATHERS; f++)
    if (strcmp(word, world_weather_word((enum world_weather_kind)f)) == 0) return f;
  return strcmp(word, "all") == 0 ? WORLD_WEATHERS : -1;
}

static int parse_flag(struct options *o, const char *word) {
  if (strcmp(word, "--twice") == 0) return o->twice = 1;
  if (strcmp(word, "--wide") == 0) return o->wide = 1;
  if (strcmp(word, "--secure") == 0) return o->secure = 1;
  for (int k = 0; k < WORLD_TORTURES; k++) {
    if (strncmp(word, "--", 2) != 0 || strcmp(word + 2, world_torture_word(k)) != 0) continue;
    o->torture = (enum world_torture_kind)k;
    return 1;
  }
  return 0;
}

static int parse_number(struct options *o, const char *word, const char *given) {
  char *end = NULL;
  uint64_t number = strtoull(given, &end, 10);
  if (end == given || *end != '\0') return 0;
  if (strcmp(word, "--seeds") == 0)
    o->seeds = number;
  else if (strcmp(word, "--from") == 0)
    o->from = number;
  else if (strcmp(word, "--deeds") == 0)
    o->deeds = number;
  else if (strcmp(word, "--stride") == 0 && number > 0)
    o->stride = number;
  else if (strcmp(word, "--number") == 0)
    o->number = number;
  else if (strcmp(word, "--seed") == 0)
    o->from = number, o->seeds = 1, o->one = 1;
  else
    return 0;
  return 1;
}

static int parse(struct options *o, int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    if (parse_flag(o, argv[i])) continue;
    if (i + 1 == argc) return 0;
    const char *word = argv[i], *given = argv[++i];
    if (strcmp(word, "--weather") == 0) {
      if ((o->weather = weather_named(given)) < 0) return 0;
    } else if (!parse_number(o, word, given)) {
      return 0;
    }
  }
  return 1;
}

static const struct options usual = {
    .seeds = 1000, .from = 1, .weather = WORLD_WEATHERS, .torture = WORLD_TORTURES, .stride = 1};

/* The words of one run, what follows a # left out. */
static int split(char *line, char *words[LIST_WORDS_MAX]) {
  int n = 1;
  line[strcspn(line, "#\n")] = '\0';
  words[0] = line;
  for (char *at = strtok(line, " "); at != NULL && n < LIST_WORDS_MAX; at = strtok(NULL, " "))
    words[n++] = at;
  return n;
}

/* One run a line, in the words of a replay. Nonzero: not readable. */
static int run_list(const char *path) {
  struct world_result sum = {0};
  char line[256], *words[LIST_WORDS_MAX];
  FILE *list = fopen(path, "r");
  int n = 0, bad = list == NULL;
  while (!bad && fgets(line, sizeof line, list) != NULL) {
    struct options o = usual;
    int n_words = split(line, words);
    if (n_words == 1) continue;
    bad = !parse(&o, n_words, words);
    o.one = 0;
    if (!bad) run_one(&o, o.from, &sum);
    n++;
  }
  if (list != NULL) fclose(list);
  if (bad) fprintf(stderr, "%s: run %d cannot be read\n", path, n);
  printf("%d listed runs, %" PRIu64 " failed\n", n, failures);
  return bad;
}

int main(int argc, char **argv) {
  struct options o = usual;
  program = argv[0];
  signal(SIGABRT, on_died);
  signal(SIGSEGV, on_died);
  if (argc == 3 && strcmp(argv[1], "--list") == 0) return run_list(argv[2]) ? 2 : failures > 0;
  if (!parse(&o, argc, argv)) {
    fprintf(
        stderr,
        "usage: %s [--seeds N] [--from S] [--seed S] [--deeds N] [--twice] [--wide] [--secure]\n"
        "          [--weather calm|lists|loss|partition|crash|mixed|dead|all]\n"
        "          [--oom|--oom-on|--faults|--close [--stride N] [--number N]]\n"
        "       %s --list FILE\n",
        argv[0], argv[0]);
    return 2;
  }
  if (o.torture != WORLD_TORTURES && o.number == 0)
    run_torture(&o);
  else
    run_schedules(&o);
  return failures > 0;
}
