/* gcache-bench cores: one cache per core, on 1, 2 and 4 cores (--cluster N: on N), as threads and
 * as processes: hits of keys that a core owns; gets of keys that another core owns, over Unix
 * sockets and over TCP on loopback; and gets of any key, with the hot cache off and on.
 *
 * If there are more caches than processors, the figures show the cost of sharing processors, not
 * the gain of more processors. The processor time of a get is valid in either case: it is the time
 * used by the owner, the client and the kernel together. */
#include "cores.h"

#include <stdio.h>
#include <unistd.h>

#include "bench.h"
#include "figures.h"

static const char *const shapes[] = {"threads", "processes"};
static const char *const overs[] = {"unix", "tcp"};
static const char *const ops[] = {"local", "peer", "any"};

static void say(const struct bench_options *o, const struct cores_setting *s, struct figure per_s,
                struct figure cpu_us) {
  const char *hot = s->hot == GCACHE_HOT_ON ? "on" : "off";

  if (o->json)
    printf("{\"bench\":\"cores\",\"system\":\"%s\",\"cores\":%u,\"op\":\"%s\",\"over\":\"%s\","
           "\"hot\":\"%s\","
           "\"value_bytes\":%zu,\"outstanding\":%u,\"per_s\":%.0f,\"per_s_min\":%.0f,\"per_s_max\":"
           "%.0f,"
           "\"cpu_us\":%.3f,\"processors\":%ld}\n",
           shapes[s->shape], s->cores, ops[s->op], overs[s->over], hot, s->value_bytes,
           s->outstanding, per_s.median, per_s.min, per_s.max, cpu_us.median,
           sysconf(_SC_NPROCESSORS_ONLN));
  else
    printf("%-10s %5u  %-5s  %-4s  %-3s  %12.0f %12.0f %12.0f %9.3f\n", shapes[s->shape], s->cores,
           ops[s->op], overs[s->over], hot, per_s.median, per_s.min, per_s.max, cpu_us.median);
  fflush(stdout);
}

static void measure(const struct bench_options *o, struct cores_setting s) {
  struct cores_round rounds[CORES_ROUNDS_MAX];
  double per_s[CORES_ROUNDS_MAX], cpu_us[CORES_ROUNDS_MAX];

  cores_run(&s, rounds);
  for (unsigned i = 0; i < s.rounds; i++) {
    per_s[i] = rounds[i].per_s;
    cpu_us[i] = rounds[i].cpu_us;
  }
  say(o, &s, figure_of(per_s, s.rounds), figure_of(cpu_us, s.rounds));
}

/* What is asked of so many in one shape. One core has no others to ask. */
static void measure_all(const struct bench_options *o, struct cores_setting s) {
  static const struct {
    enum cores_op op;
    enum cores_over over;
    gcache_hot_t hot;
  } asked[] = {{CORES_LOCAL, CORES_UNIX, GCACHE_HOT_OFF}, {CORES_PEER, CORES_UNIX, GCACHE_HOT_OFF},
               {CORES_PEER, CORES_TCP, GCACHE_HOT_OFF},   {CORES_ANY, CORES_UNIX, GCACHE_HOT_OFF},
               {CORES_ANY, CORES_TCP, GCACHE_HOT_OFF},    {CORES_ANY, CORES_UNIX, GCACHE_HOT_ON}};
  size_t n = s.cores == 1 ? 1 : sizeof asked / sizeof *asked;

  for (size_t i = 0; i < n; i++) {
    s.op = asked[i].op;
    s.over = asked[i].over;
    s.hot = asked[i].hot;
    measure(o, s);
  }
}

int bench_cores(const struct bench_options *o) {
  static const unsigned numbers[] = {1, 2, 4};
  struct cores_setting s = {.outstanding = o->outstanding != 0 ? o->outstanding : 64,
                            .rounds = o->rounds < CORES_ROUNDS_MAX ? o->rounds : CORES_ROUNDS_MAX,
                            .value_bytes = o->bytes != 0 ? o->bytes : 100,
                            .seconds = o->seconds};

  if (o->cluster > CORES_MAX) {
    fprintf(stderr, "gcache-bench: cores: at most %d\n", CORES_MAX);
    return 2;
  }
  if (!o->json)
    printf("%ld processors; %zu bytes, %u outstanding per core\n%-10s %5s  %-5s  %-4s  %-3s  %12s "
           "%12s %12s %9s\n",
           sysconf(_SC_NPROCESSORS_ONLN), s.value_bytes, s.outstanding, "", "cores", "keys", "over",
           "hot", "gets/s", "min", "max", "cpu us");
  for (size_t i = 0; i < (o->cluster != 0 ? 1 : sizeof numbers / sizeof *numbers); i++) {
    s.cores = o->cluster != 0 ? o->cluster : numbers[i];
    for (s.shape = CORES_THREADS; s.shape <= CORES_PROCESSES; s.shape++)
      measure_all(o, s);
  }
  return 0;
}
