/* sim - runs seeded schedules of a simulated cluster and reports a broken promise, with the facts
 * and the command that replays it. Exit status 1: a promise broke; 2: a wrong option. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "schedule.h"

struct options {
  uint64_t seeds, first, steps;
  int one, twice;
  int faults; /* SIM_FAULTS_KINDS: each in turn */
};

/* What a failed assertion or a crash of the library prints on its way out; a signal handler has no
 * other way to know. */
static char replay[256];

static void on_died(int signal_number) {
  ssize_t ignored = write(STDERR_FILENO, replay, strlen(replay));
  (void)ignored;
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

static enum sim_faults faults_of(const struct options *o, uint64_t seed) {
  return o->faults == SIM_FAULTS_KINDS ? (enum sim_faults)(seed % SIM_FAULTS_KINDS)
                                       : (enum sim_faults)o->faults;
}

static void write_replay(const char *program, uint64_t seed, const struct options *o) {
  char steps[40] = "";
  if (o->steps > 0) snprintf(steps, sizeof steps, " --steps %" PRIu64, o->steps);
  snprintf(replay, sizeof replay, "replay: %s --seed %" PRIu64 " --faults %s%s\n", program, seed,
           sim_faults_word(faults_of(o, seed)), steps);
}

/* Nonzero: a promise broke. */
static int run_one(const char *program, const struct options *o, uint64_t seed,
                   struct sim_result *sum) {
  struct sim_result r = {0};
  write_replay(program, seed, o);
  sim_schedule_run(seed, faults_of(o, seed), o->steps, o->one, &r);
  if (o->twice && r.broken[0] == '\0') {
    struct sim_result again = {0};
    sim_schedule_run(seed, faults_of(o, seed), o->steps, 0, &again);
    if (again.trace_hash != r.trace_hash)
      snprintf(r.broken, sizeof r.broken,
               "two runs of one seed differ: %016" PRIx64 ", %016" PRIx64, r.trace_hash,
               again.trace_hash);
  }
  sum->steps += r.steps;
  sum->events += r.events;
  sum->messages += r.messages;
  sum->deliveries += r.deliveries;
  sum->stale += r.stale;
  sum->floors_checked += r.floors_checked;
  sum->shed += r.shed;
  sum->hedges += r.hedges;
  sum->trace_hash = sum->trace_hash * UINT64_C(0x100000001b3) ^ r.trace_hash;
  if (r.broken[0] == '\0') return 0;
  printf("seed %" PRIu64 " (%s) failed: %s\n%s", seed, sim_faults_word(faults_of(o, seed)),
         r.broken, replay);
  fflush(stdout);
  return 1;
}

static int faults_named(const char *word) {
  for (int f = 0; f < SIM_FAULTS_KINDS; f++)
    if (strcmp(word, sim_faults_word((enum sim_faults)f)) == 0) return f;
  return strcmp(word, "all") == 0 ? SIM_FAULTS_KINDS : -1;
}

static int parse(struct options *o, int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--twice") == 0) {
      o->twice = 1;
      continue;
    }
    if (i + 1 == argc) return 0;
    char *end = NULL;
    const char *word = argv[i], *given = argv[++i];
    uint64_t number = strtoull(given, &end, 10);
    if (strcmp(word, "--faults") == 0) {
      if ((o->faults = faults_named(given)) < 0) return 0;
      continue;
    }
    if (end == given || *end != '\0') return 0;
    if (strcmp(word, "--seeds") == 0)
      o->seeds = number;
    else if (strcmp(word, "--first") == 0)
      o->first = number;
    else if (strcmp(word, "--steps") == 0)
      o->steps = number;
    else if (strcmp(word, "--seed") == 0)
      o->first = number, o->seeds = 1, o->one = 1;
    else
      return 0;
  }
  return 1;
}

int main(int argc, char **argv) {
  struct options o = {.seeds = 1000, .first = 1, .faults = SIM_FAULTS_KINDS};
  struct sim_result sum = {0};
  uint64_t failed = 0;
  if (!parse(&o, argc, argv)) {
    fprintf(stderr,
            "usage: %s [--seeds N] [--first S] [--seed S] [--steps N] [--twice]\n"
            "          [--faults none|lists|loss|partition|crash|mixed|dead|all]\n",
            argv[0]);
    return 2;
  }
  signal(SIGABRT, on_died);
  signal(SIGSEGV, on_died);
  for (uint64_t i = 0; i < o.seeds && failed < 20; i++)
    failed += (uint64_t)run_one(argv[0], &o, o.first + i, &sum);
  printf("%" PRIu64 " schedules, %" PRIu64 " steps, %" PRIu64 " failed\n", o.seeds, sum.steps,
         failed);
  printf("%" PRIu64 " events, %" PRIu64 " messages, %" PRIu64 " values delivered, %" PRIu64
         " of them stale, %" PRIu64 " checked against a change, %" PRIu64 " loads refused, %" PRIu64
         " second questions; trace %016" PRIx64 "\n",
         sum.events, sum.messages, sum.deliveries, sum.stale, sum.floors_checked, sum.shed,
         sum.hedges, sum.trace_hash);
  return failed > 0;
}
