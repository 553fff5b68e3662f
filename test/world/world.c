/* world - runs seeded schedules of whole caches over simulated hosts and says which promise broke, with the
 * command that replays it. Exit status 1: one did; 2: a wrong option. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "schedule.h"

#define FAILURES_MAX 20

struct options {
  uint64_t seeds, from, deeds;
  int one, twice;
  int weather; /* WORLD_WEATHERS: each in turn */
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

static enum world_weather_kind weather_of(const struct options *o, uint64_t seed) {
  return (enum world_weather_kind)(o->weather == WORLD_WEATHERS ? (int)(seed % WORLD_WEATHERS)
                                                                : o->weather);
}

static void write_replay(const char *program, const struct world_run *run) {
  char deeds[40] = "";
  if (run->deeds > 0) snprintf(deeds, sizeof deeds, " --deeds %" PRIu64, run->deeds);
  snprintf(replay, sizeof replay, "replay: %s --seed %" PRIu64 " --weather %s%s\n", program,
           run->seed, world_weather_word(run->weather), deeds);
}

static void add(struct world_result *sum, const struct world_result *r) {
  sum->deeds += r->deeds;
  sum->events += r->events;
  sum->connections += r->connections;
  sum->bytes += r->bytes;
  sum->resets += r->resets;
  sum->faults += r->faults;
  sum->deliveries += r->deliveries;
  sum->floors_checked += r->floors_checked;
  sum->trace_hash = sum->trace_hash * UINT64_C(0x100000001b3) ^ r->trace_hash;
}

/* Nonzero: a promise broke. */
static int run_one(const char *program, const struct options *o, uint64_t seed,
                   struct world_result *sum) {
  struct world_run run = {
      .seed = seed, .weather = weather_of(o, seed), .deeds = o->deeds, .printed = o->one};
  struct world_result r, again;
  write_replay(program, &run);
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
  if (r.broken[0] == '\0') return 0;
  printf("seed %" PRIu64 " (%s) failed: %s\n%s", seed, world_weather_word(run.weather), r.broken,
         replay);
  fflush(stdout);
  return 1;
}

static int weather_named(const char *word) {
  for (int f = 0; f < WORLD_WEATHERS; f++)
    if (strcmp(word, world_weather_word((enum world_weather_kind)f)) == 0) return f;
  return strcmp(word, "all") == 0 ? WORLD_WEATHERS : -1;
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
    if (strcmp(word, "--weather") == 0) {
      if ((o->weather = weather_named(given)) < 0) return 0;
      continue;
    }
    if (end == given || *end != '\0') return 0;
    if (strcmp(word, "--seeds") == 0)
      o->seeds = number;
    else if (strcmp(word, "--from") == 0)
      o->from = number;
    else if (strcmp(word, "--deeds") == 0)
      o->deeds = number;
    else if (strcmp(word, "--seed") == 0)
      o->from = number, o->seeds = 1, o->one = 1;
    else
      return 0;
  }
  return 1;
}

int main(int argc, char **argv) {
  struct options o = {.seeds = 1000, .from = 1, .weather = WORLD_WEATHERS};
  struct world_result sum = {0};
  uint64_t failed = 0, run = 0;
  if (!parse(&o, argc, argv)) {
    fprintf(stderr,
            "usage: %s [--seeds N] [--from S] [--seed S] [--deeds N] [--twice]\n"
            "          [--weather calm|lists|loss|partition|crash|mixed|all]\n",
            argv[0]);
    return 2;
  }
  signal(SIGABRT, on_died);
  signal(SIGSEGV, on_died);
  for (; run < o.seeds && failed < FAILURES_MAX; run++)
    failed += (uint64_t)run_one(argv[0], &o, o.from + run, &sum);
  printf("%" PRIu64 " schedules, %" PRIu64 " deeds, %" PRIu64 " failed\n", run, sum.deeds, failed);
  printf("%" PRIu64 " events, %" PRIu64 " connections, %" PRIu64 " bytes, %" PRIu64
         " resets, %" PRIu64 " faults, %" PRIu64 " values delivered, %" PRIu64
         " checked against a change; trace %016" PRIx64 "\n",
         sum.events, sum.connections, sum.bytes, sum.resets, sum.faults, sum.deliveries,
         sum.floors_checked, sum.trace_hash);
  return failed > 0;
}
