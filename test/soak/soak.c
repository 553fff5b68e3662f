/* soak - a cluster of real processes under load, with all kinds of faults: members are killed,
 * stopped and started again, leave and come back; the traffic between them is delayed, silently
 * lost, cut short or reset; one URL on the list is not a member but answers nonsense. Every answer
 * is checked (truth.h).
 *
 *     soak [--seconds N] [--seed N]
 *
 * Phases of faults and of calm alternate. At the end there are no faults any more, and every member
 * must give the newest version of every key. Prints a line every ten seconds and a summary at the
 * end; exit status 1: a check failed. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cast.h"

enum {
  FAULTS_MS = 45000,
  CALM_MS = 15000,
  REPORT_MS = 10000,
  SETTLE_MS = 12000,
  PATIENCE_MS = 60000 /* as the machine does much else */
};

struct soak {
  struct cast cast;
  uv_timer_t events, reports;
  uint64_t begin_ms, end_ms;
  enum { RUNNING, SETTLING, SWEEPING, READING, DONE } step;
  int failed;
};

static uint64_t total(const struct soak *s, size_t offset) {
  uint64_t sum = 0;
  for (int i = 0; i < TRUTH_MEMBERS; i++)
    sum += atomic_load((
        const _Atomic uint64_t *)(const void *)((const char *)&s->cast.truth->members[i] + offset));
  return sum;
}
#define TOTAL(s, name) ((unsigned long long)total((s), offsetof(struct truth_member, name)))

static void report(const struct soak *s, const char *what) {
  const struct truth *t = s->cast.truth;
  printf("%s %4llu s: %llu gets, %llu values, %llu out of time, %llu busy, %llu failed; %llu "
         "loads, %llu at "
         "two at a time (%llu in calm); %llu changes, %llu partial; %llu wrong, %llu late; RSS "
         "%llu MiB, "
         "memory %llu MiB\n",
         what, (unsigned long long)(truth_now_ms() - s->begin_ms) / 1000, TOTAL(s, gets),
         TOTAL(s, values), TOTAL(s, timeouts), TOTAL(s, busy), TOTAL(s, failures), TOTAL(s, loads),
         (unsigned long long)atomic_load(&t->doubles),
         (unsigned long long)atomic_load(&t->doubles_calm), TOTAL(s, changes), TOTAL(s, partial),
         TOTAL(s, wrong), TOTAL(s, late), TOTAL(s, rss_kib) / 1024, TOTAL(s, memory_bytes) >> 20);
  fflush(stdout);
}

static void on_report(uv_timer_t *timer) {
  report(timer->data, "soak");
}

/* ---------------------------------------------------------------------------------- events ---- */

static int is_calm(const struct soak *s) {
  return (truth_now_ms() - s->begin_ms) % (FAULTS_MS + CALM_MS) >= FAULTS_MS;
}

/* All is well from now on, and the writers come to their ends. */
static void end_faults(struct soak *s) {
  cast_heal(&s->cast);
  atomic_store(&s->cast.truth->writing, 0);
  s->step = SETTLING;
}

static int all_have(const struct soak *s, size_t offset) {
  for (int i = 0; i < TRUTH_MEMBERS; i++)
    if (!*(const _Atomic int *)(const void *)((const char *)&s->cast.truth->members[i] + offset))
      return 0;
  return 1;
}

/* What is in the source now must be had from everybody. */
static void work_to_end(struct soak *s) {
  uint64_t now_ms = truth_now_ms();
  struct truth *t = s->cast.truth;
  if (s->step == SETTLING) cast_heal(&s->cast); /* who was leaving has gone, perhaps */
  if (s->step == SETTLING && now_ms > atomic_load(&t->disturbed_ms) + SETTLE_MS) {
    cast_say_to(&s->cast, 0, "sweep\n");
    s->step = SWEEPING;
  } else if (s->step == SWEEPING && atomic_load(&t->members[0].swept)) {
    cast_say(&s->cast, "read\n");
    s->step = READING;
  } else if (s->step == READING && all_have(s, offsetof(struct truth_member, read))) {
    s->step = DONE;
  }
  s->failed = s->step != DONE && now_ms > atomic_load(&t->disturbed_ms) + SETTLE_MS + PATIENCE_MS;
  if (s->step != DONE && !s->failed) return;
  if (s->failed) printf("step %d of the end has not come to its end\n", (int)s->step);
  uv_timer_stop(&s->events);
  uv_timer_stop(&s->reports);
  cast_end(&s->cast);
}

static void on_event(uv_timer_t *timer) {
  struct soak *s = timer->data;
  uv_timer_start(timer, on_event, 200 + (uint64_t)rand() % 1000, 0);
  if (s->step != RUNNING)
    work_to_end(s);
  else if (truth_now_ms() >= s->end_ms)
    end_faults(s);
  else if (is_calm(s))
    cast_heal(&s->cast);
  else
    cast_disturb(&s->cast);
}

/* ------------------------------------------------------------------------------------ main ---- */

static uint64_t number(int argc, char **argv, const char *name, uint64_t otherwise) {
  for (int i = 1; i + 1 < argc; i++)
    if (strcmp(argv[i], name) == 0) return strtoull(argv[i + 1], NULL, 10);
  return otherwise;
}

static int judge(const struct soak *s) {
  const struct truth *t = s->cast.truth;
  int good = !s->failed;
  report(s, "end ");
  for (int i = 0; i < TRUTH_MEMBERS; i++) {
    if (t->members[i].words[0] == '\0') continue;
    printf("member %d: %s\n", i, t->members[i].words);
  }
  printf("%llu values given by those who left\n", TOTAL(s, given));
  cast_report(&s->cast);
  good = good && TOTAL(s, wrong) == 0 && TOTAL(s, late) == 0;
  /* Members agree within seconds who is there; one in a thousand loads may fall between. */
  good = good && atomic_load(&t->doubles_calm) * 1000 <= TOTAL(s, loads) && s->cast.bad_ends == 0;
  good = good && TOTAL(s, values) > 0 && TOTAL(s, changes) > 0;
  printf("%s\n", good ? "ok" : "FAILED");
  return !good;
}

int main(int argc, char **argv) {
  static struct soak s;
  int slot, fd;
  char self[64];
  if (argc == 5 && strcmp(argv[1], "member") == 0 && sscanf(argv[2], "%d", &fd) == 1 &&
      sscanf(argv[3], "%d", &slot) == 1 && sscanf(argv[4], "%63s", self) == 1)
    return member_main(fd, slot, self);
  uint64_t seconds = number(argc, argv, "--seconds", 60), seed = number(argc, argv, "--seed", 1);
  srand((unsigned)seed);
  signal(SIGPIPE, SIG_IGN); /* of those that were killed; members begin with the default again */
  if (cast_start(&s.cast, argv[0]) < 0) {
    fprintf(stderr, "soak: the members do not start\n");
    return 2;
  }
  s.begin_ms = truth_now_ms();
  s.end_ms = s.begin_ms + seconds * 1000;
  uv_timer_init(s.cast.loop, &s.events);
  uv_timer_init(s.cast.loop, &s.reports);
  s.events.data = s.reports.data = &s;
  uv_timer_start(&s.events, on_event, 500, 0);
  uv_timer_start(&s.reports, on_report, REPORT_MS, REPORT_MS);
  uv_run(s.cast.loop, UV_RUN_DEFAULT);
  return judge(&s);
}
