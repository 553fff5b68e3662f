/* meter - see remote.h. */
#include <string.h>
#include <time.h>

#include "remote.h"

uint64_t work_keys(size_t value_bytes, unsigned outstanding_max) {
  uint64_t each = (64u << 20) / value_bytes / outstanding_max;
  return outstanding_max * (each > 64 ? 64 : each < 4 ? 4 : each);
}

void meter_init(struct meter *m, const struct work *w, pid_t server) {
  uint64_t now = bench_now_ns(), ns = (uint64_t)(w->seconds * 1e9);
  memset(m, 0, sizeof *m);
  m->work = w;
  m->server = server;
  m->random = 88172645463325252u;
  m->slow_next = now; /* never the same as in an earlier round */
  m->begin_ns = now + ns / 5;
  m->end_ns = m->begin_ns + ns;
}

static void write_key(char key[KEY_SIZE], const char prefix[4], uint64_t i) {
  bench_key(key, i);
  memcpy(key, prefix, 4);
}

int meter_key(struct meter *m, unsigned slot, char key[KEY_SIZE]) {
  const struct work *w = m->work;
  uint64_t r = bench_random(&m->random), slots = w->outstanding;

  if ((double)(r >> 40) < w->slow_pct / 100 * (double)(1 << 24)) {
    write_key(key, "slow", m->slow_next++);
    return 1;
  }
  bench_key(key, slot + slots * ((uint32_t)r % (w->n_keys / slots)));
  return 0;
}

static uint64_t cpu_ns_of(pid_t pid) {
  struct timespec t = {0};
  clockid_t clock;
  if (pid == 0) return 0;
  if (clock_getcpuclockid(pid, &clock) == 0) clock_gettime(clock, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Once at the beginning, once at the end: the difference. */
static void read_clocks(struct meter *m, uint64_t now_ns) {
  m->ns = now_ns - m->ns;
  m->client_cpu_ns = bench_cpu_ns() - m->client_cpu_ns;
  m->server_cpu_ns = cpu_ns_of(m->server) - m->server_cpu_ns;
}

int meter_answered(struct meter *m, uint64_t sent_ns, uint64_t now_ns, int slow) {
  if (now_ns < m->begin_ns) return 1;
  if (!m->counting) {
    m->counting = 1;
    read_clocks(m, now_ns);
    return 1;
  }
  if (m->counting == 2) return 0;
  m->answers++;
  if (!slow) latencies_add(&m->latencies, now_ns - sent_ns);
  if (now_ns < m->end_ns && m->answers != m->work->answers_max) return 1;
  m->counting = 2;
  read_clocks(m, now_ns);
  return 0;
}
