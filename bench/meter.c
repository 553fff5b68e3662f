#include "meter.h"

#include <string.h>

uint64_t work_keys(size_t value_bytes, unsigned outstanding_max) {
  uint64_t each = (64u << 20) / value_bytes / outstanding_max;
  return outstanding_max * (each > 64 ? 64 : each < 1 ? 1 : each);
}

void meter_init(struct meter *m, const struct work *w, pid_t server) {
  uint64_t now = bench_now_ns();
  memset(m, 0, sizeof *m);
  m->work = w;
  m->server = server;
  m->random = 88172645463325252u;
  m->slow_next = now; /* no key of an earlier round */
  m->begin_ns = now + (uint64_t)(w->seconds * 1e9 / 5);
}

int meter_key(struct meter *m, unsigned slot, char key[KEY_SIZE]) {
  const struct work *w = m->work;
  uint64_t r = bench_random(&m->random), slots = w->outstanding;

  if ((double)(r >> 40) < w->slow_pct / 100 * (double)(1 << 24)) {
    bench_key(key, m->slow_next++);
    memcpy(key, "slow", 4);
    return 1;
  }
  bench_key(key, slot + slots * ((uint32_t)r % (w->n_keys / slots)));
  return 0;
}

/* Once at the beginning, once at the end: the difference. */
static void mark(struct meter *m, uint64_t now_ns) {
  m->ns = now_ns - m->ns;
  m->client_cpu_ns = bench_cpu_ns() - m->client_cpu_ns;
  m->server_cpu_ns = process_cpu_ns(m->server) - m->server_cpu_ns;
}

int meter_answered(struct meter *m, uint64_t sent_ns, uint64_t now_ns, int slow) {
  if (now_ns < m->begin_ns) return 1;
  if (m->phase == METER_WARMING) {
    m->phase = METER_COUNTING;
    m->end_ns = now_ns + (uint64_t)(m->work->seconds * 1e9);
    mark(m, now_ns);
    return 1;
  }
  if (m->phase == METER_OVER) return 0;
  m->answers++;
  if (!slow) latencies_add(&m->latencies, now_ns - sent_ns);
  if (now_ns < m->end_ns && m->answers != m->work->answers_max) return 1;
  m->phase = METER_OVER;
  mark(m, now_ns);
  return 0;
}

void meter_say(const struct meter *m, double out[N_FIGURES]) {
  double answers = (double)m->answers;
  memset(out, 0, N_FIGURES * sizeof *out);
  if (m->answers == 0) return;
  out[PER_S] = answers * 1e9 / (double)m->ns;
  out[P50_US] = latencies_at_us(&m->latencies, 0.5);
  out[P99_US] = latencies_at_us(&m->latencies, 0.99);
  out[P999_US] = latencies_at_us(&m->latencies, 0.999);
  out[CLIENT_CPU_US] = (double)m->client_cpu_ns / answers / 1e3;
  out[SERVER_CPU_US] = (double)m->server_cpu_ns / answers / 1e3;
}
