/* gcache-bench remote --one-process: the owner and the client on one loop of one process, so that a
 * profiler sees both sides; with --unix over a Unix socket. Do not compare its figures with others:
 * the two sides share a core. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "meter.h"

static void begin(const struct bench_options *o, struct work *w) {
  w->value_bytes = o->bytes != 0 ? o->bytes : 100;
  w->outstanding = o->outstanding != 0 ? o->outstanding : 64;
  w->slow_pct = o->slow_pct > 0 ? o->slow_pct : 0;
  w->n_keys = work_keys(w->value_bytes, w->outstanding);
  w->seconds = o->answers != 0 ? 1e9 : o->seconds;
  w->answers_max = o->answers;
}

int bench_one_process(const struct bench_options *o) {
  struct meter *m = malloc(sizeof *m);
  struct bench_member owner;
  struct work w;
  char url[80];

  if (m == NULL) bench_need(UV_ENOMEM, "meter");
  begin(o, &w);
  if (o->over_unix) {
    snprintf(url, sizeof url, "unix:/tmp/gcache-bench-%d", (int)getpid());
    gcache_owner_open_unix(&owner, &w, o->http, url + strlen("unix:"));
  } else {
    snprintf(url, sizeof url, "http://127.0.0.1:%d", gcache_owner_open(&owner, &w, o->http));
  }
  meter_init(m, &w, 0);
  if (w.answers_max != 0) m->begin_ns = 0;
  gcache_ask(m, url, o->http);
  printf("%llu answers  %.0f answers/s  p50 %.1f us  p99 %.1f us  CPU time of both sides "
         "%.2f us\n",
         (unsigned long long)m->answers, (double)m->answers * 1e9 / (double)m->ns,
         latencies_at_us(&m->latencies, 0.5), latencies_at_us(&m->latencies, 0.99),
         (double)m->client_cpu_ns / 1e3 / (double)m->answers);
  free(m);
  gcache_close(owner.cache, NULL, NULL);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  return 0;
}
