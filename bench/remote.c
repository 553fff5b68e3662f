/* gcache-bench remote: what a hit in the owner's memory costs, asked over HTTP on loopback.
 *
 * Two processes: the owner, and this one, a client-only member with nothing in its own memory. Each round
 * asks for a fixed time; 100-byte values. */
#include "bench.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uv.h>

#include <gcache/http.h>

#include "remote.h"

#define VALUE_BYTES 100
#define KEYS 1000
#define ROUND_NS 1000000000u
#define OUTSTANDING_MAX 64

struct asked {
  gcache_get_t get;
  struct remote *remote;
  uint64_t sent_ns;
};

struct remote {
  struct bench_member member;
  struct asked asked[OUTSTANDING_MAX];
  struct latencies latencies;
  uint64_t random, stop_ns;
};

/* What the owner sends through the pipe when it is told to: its processor time so far. */
struct owner {
  pid_t pid;
  int port, to, from;
};

/* ------------------------------------------------------------------------------ the owner -- */

struct owner_pipe {
  uv_pipe_t in;
  int out;
};

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  static char byte[1];
  (void)handle, (void)suggested;
  *buf = uv_buf_init(byte, 1);
}

static void on_asked_time(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  struct owner_pipe *p = (struct owner_pipe *)stream;
  uint64_t cpu = bench_cpu_ns();
  (void)buf;
  if (n == 0) return; /* nothing to read after all */
  if (n < 0 || write(p->out, &cpu, sizeof cpu) != sizeof cpu) _exit(0);
}

static void run_owner(int in, int out) {
  struct bench_member m;
  struct owner_pipe p = {.out = out};
  gcache_listener_t *listener;
  struct sockaddr_in addr;
  int port;

  prctl(PR_SET_PDEATHSIG, SIGKILL);
  bench_open(&m, VALUE_BYTES, 64 << 20, GCACHE_HOT_DEFAULT);
  uv_ip4_addr("127.0.0.1", 0, &addr);
  bench_need(gcache_listen(&listener, m.cache, (struct sockaddr *)&addr, 128), "listen");
  port = gcache_listener_port(listener);
  uv_pipe_init(uv_default_loop(), &p.in, 0);
  uv_pipe_open(&p.in, in);
  uv_read_start((uv_stream_t *)&p.in, on_alloc, on_asked_time);
  if (write(out, &port, sizeof port) != sizeof port) _exit(1);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  _exit(0);
}

static void start_owner(struct owner *o) {
  int to[2], from[2];

  if (pipe(to) < 0 || pipe(from) < 0) bench_need(UV_EMFILE, "pipe");
  o->pid = fork();
  if (o->pid == 0) {
    close(to[1]);
    close(from[0]);
    run_owner(to[0], from[1]);
  }
  close(to[0]);
  close(from[1]);
  o->to = to[1];
  o->from = from[0];
  if (o->pid < 0 || read(o->from, &o->port, sizeof o->port) != sizeof o->port)
    bench_need(UV_EIO, "owner");
}

static uint64_t owner_cpu_ns(const struct owner *o) {
  uint64_t ns = 0;
  if (write(o->to, "?", 1) != 1 || read(o->from, &ns, sizeof ns) != sizeof ns)
    bench_need(UV_EIO, "owner");
  return ns;
}

/* ------------------------------------------------------------------------------ the asker -- */

static void ask(struct asked *a);

static void on_answer(gcache_get_t *get, int status, gcache_value_t *value) {
  struct asked *a = get->data;
  uint64_t now = bench_now_ns();

  bench_need(status, gcache_get_reason(get));
  if (gcache_get_from(get) != GCACHE_FROM_PEER || gcache_value_bytes(value).len != VALUE_BYTES)
    bench_need(UV_EIO, "an answer is not what was asked for");
  latencies_add(&a->remote->latencies, now - a->sent_ns);
  if (now < a->remote->stop_ns) ask(a);
}

static void ask(struct asked *a) {
  char key[KEY_SIZE];
  bench_key(key, bench_random(&a->remote->random) % KEYS);
  a->get.data = a;
  a->sent_ns = bench_now_ns();
  bench_need(
      gcache_get(&a->get, a->remote->member.group, gcache_bytes(key, KEY_SIZE), 0, on_answer),
      "get");
}

static void run_round(struct remote *r, unsigned outstanding) {
  memset(&r->latencies, 0, sizeof r->latencies);
  r->stop_ns = bench_now_ns() + ROUND_NS;
  for (unsigned i = 0; i < outstanding; i++) {
    r->asked[i].remote = r;
    ask(&r->asked[i]);
  }
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

enum { PER_S, P50, P99, P999, CLIENT_CPU, SERVER_CPU, N_FIGURES };

static void report(const struct bench_options *o, unsigned outstanding,
                   const struct figure f[N_FIGURES]) {
  if (o->json)
    printf("{\"bench\":\"remote\",\"system\":\"gcache\",\"value_bytes\":%d,\"outstanding\":%u,"
           "\"slow_pct\":0,\"per_s\":%.0f,\"per_s_min\":%.0f,\"per_s_max\":%.0f,\"p50_us\":%.1f,"
           "\"p99_us\":%.1f,\"p999_us\":%.1f,\"client_cpu_us\":%.2f,\"server_cpu_us\":%.2f}\n",
           VALUE_BYTES, outstanding, f[PER_S].median, f[PER_S].min, f[PER_S].max, f[P50].median,
           f[P99].median, f[P999].median, f[CLIENT_CPU].median, f[SERVER_CPU].median);
  else
    printf(
        "%3u outstanding  %8.0f answers/s (%.0f to %.0f)  p50 %.1f us  p99 %.1f us  p99.9 %.1f us  "
        "processor time an answer: client %.2f us, owner %.2f us\n",
        outstanding, f[PER_S].median, f[PER_S].min, f[PER_S].max, f[P50].median, f[P99].median,
        f[P999].median, f[CLIENT_CPU].median, f[SERVER_CPU].median);
  fflush(stdout);
}

static void measure(const struct bench_options *o, struct remote *r, const struct owner *owner,
                    unsigned outstanding) {
  double *rounds = calloc((size_t)N_FIGURES * o->rounds, sizeof *rounds);
  struct figure figures[N_FIGURES];

  if (rounds == NULL) bench_need(UV_ENOMEM, "rounds");
  run_round(r, outstanding); /* loads the keys, opens the connections */
  for (unsigned i = 0; i < o->rounds; i++) {
    uint64_t start = bench_now_ns(), cpu = bench_cpu_ns(), owner_cpu = owner_cpu_ns(owner);
    double answers;
    run_round(r, outstanding);
    answers = (double)r->latencies.count;
    rounds[PER_S * o->rounds + i] = answers * 1e9 / (double)(bench_now_ns() - start);
    rounds[CLIENT_CPU * o->rounds + i] = (double)(bench_cpu_ns() - cpu) / answers / 1e3;
    rounds[SERVER_CPU * o->rounds + i] = (double)(owner_cpu_ns(owner) - owner_cpu) / answers / 1e3;
    rounds[P50 * o->rounds + i] = latencies_at_us(&r->latencies, 0.5);
    rounds[P99 * o->rounds + i] = latencies_at_us(&r->latencies, 0.99);
    rounds[P999 * o->rounds + i] = latencies_at_us(&r->latencies, 0.999);
  }
  for (int k = 0; k < N_FIGURES; k++)
    figures[k] = figure_of(rounds + (size_t)k * o->rounds, o->rounds);
  report(o, outstanding, figures);
  free(rounds);
}

int bench_remote(const struct bench_options *o) {
  static const unsigned outstanding[] = {1, 64};
  struct remote *r = calloc(1, sizeof *r);
  struct owner owner;
  char url[64];
  const char *urls[] = {url};

  if (o->one_process) {
    free(r);
    return bench_one_process(o);
  }
  if (r == NULL) bench_need(UV_ENOMEM, "remote");
  start_owner(&owner);
  r->random = 88172645463325252u;
  bench_open(&r->member, VALUE_BYTES, 64 << 20, GCACHE_HOT_OFF);
  snprintf(url, sizeof url, "http://127.0.0.1:%d", owner.port);
  bench_need(gcache_set_peers(r->member.cache, urls, NULL, 1), "peers");
  for (size_t i = 0; i < sizeof outstanding / sizeof *outstanding; i++)
    measure(o, r, &owner, outstanding[i]);
  gcache_close(r->member.cache, NULL, NULL);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  close(owner.to);
  waitpid(owner.pid, NULL, 0);
  free(r);
  return 0;
}
