/* remote_nginx - nginx with files in memory, one process. Clients: over HTTP/1.1 the floor's, one
 * request per connection; over HTTP/2 in the clear h2load. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <uv.h>

#include "floor_http.h"

/* -------------------------------------------------------------------------------- the server -- */

static FILE *create(const char *dir, const char *name) {
  char path[128];
  FILE *f;
  snprintf(path, sizeof path, "%s/%s", dir, name);
  f = fopen(path, "w");
  if (f == NULL) bench_need(UV_EIO, path);
  return f;
}

static void close_file(FILE *f) {
  if (fclose(f) != 0) bench_need(UV_ENOSPC, "nginx: files to serve");
}

/* Also the list of URLs that h2load reads. */
static void write_files(const struct server *s, const struct work *w) {
  char name[64], *value = calloc(1, w->value_bytes);
  FILE *urls = create(s->dir, "urls");
  if (value == NULL) bench_need(UV_ENOMEM, "nginx");
  snprintf(name, sizeof name, "%s/_groupcache", s->dir);
  mkdir(name, 0755);
  snprintf(name, sizeof name, "%s/_groupcache/bench", s->dir);
  mkdir(name, 0755);
  for (uint64_t i = 0; i < w->n_keys; i++) {
    char key[KEY_SIZE];
    FILE *f;
    bench_key(key, i);
    snprintf(name, sizeof name, "_groupcache/bench/%.*s", KEY_SIZE, key);
    f = create(s->dir, name);
    fwrite(value, 1, w->value_bytes, f);
    close_file(f);
    fprintf(urls, "http://127.0.0.1:%d/%s\n", s->port, name);
  }
  close_file(urls);
  free(value);
}

static void write_config(const struct server *s, const char *protocol) {
  FILE *f = create(s->dir, "conf");
  fprintf(
      f,
      "daemon off; master_process off; worker_processes 1; error_log /dev/null; pid %s/pid;\n"
      "events { worker_connections 4096; }\n"
      "http {\n"
      "  access_log off; sendfile on; tcp_nodelay on; keepalive_requests 1000000000;\n"
      "  keepalive_timeout 1h; open_file_cache max=100000 inactive=1h; open_file_cache_valid 1h;\n"
      "  client_body_temp_path %s/t1; proxy_temp_path %s/t2; fastcgi_temp_path %s/t3;\n"
      "  uwsgi_temp_path %s/t4; scgi_temp_path %s/t5;\n"
      "  server { listen 127.0.0.1:%d %s; root %s; http2_max_concurrent_streams 512; }\n"
      "}\n",
      s->dir, s->dir, s->dir, s->dir, s->dir, s->dir, s->port, protocol, s->dir);
  close_file(f);
}

static int start_with(struct server *s, const struct work *w, const char *protocol) {
  char config[64];
  const char *args[] = {"nginx", "-c", config, "-e", "/dev/null", "-p", s->dir, NULL};
  process_make_dir(s);
  s->port = process_free_port();
  write_files(s, w);
  write_config(s, protocol);
  snprintf(config, sizeof config, "%s/conf", s->dir);
  if (process_exec(s, args)) return 1;
  fputs("gcache-bench: nginx is left out: it is not installed\n", stderr);
  process_stop(s);
  return 0;
}

static int start(struct server *s, const struct work *w) {
  return start_with(s, w, "");
}

static int start_h2(struct server *s, const struct work *w) {
  if (system("h2load --version >/dev/null 2>&1") == 0) return start_with(s, w, "http2");
  fputs("gcache-bench: nginx over HTTP/2 is left out: h2load is not installed\n", stderr);
  return 0;
}

/* ---------------------------------------------------------------------------------- HTTP/1.1 -- */

static void ask(const struct server *s, const struct work *w, double out[N_FIGURES]) {
  static struct meter m;
  meter_init(&m, w, s->pid);
  floor_ask(&m, s->port, w->outstanding);
  meter_say(&m, out);
}

/* ------------------------------------------------------------------------------------ h2load -- */

/* Its log: a line an answer, its third word the microseconds. */
static void read_log(const struct server *s, struct meter *m) {
  char path[64];
  long long start_us, us;
  int status;
  FILE *f;
  snprintf(path, sizeof path, "%s/log", s->dir);
  f = fopen(path, "r");
  if (f == NULL) bench_need(UV_EIO, path);
  while (fscanf(f, "%lld %d %lld", &start_us, &status, &us) == 3) {
    if (status != 200) bench_need(UV_EIO, "nginx: an answer is wrong");
    m->answers++;
    latencies_add(&m->latencies, (uint64_t)us * 1000);
  }
  fclose(f);
  remove(path);
}

static uint64_t children_cpu_ns(void) {
  struct rusage u;
  getrusage(RUSAGE_CHILDREN, &u);
  return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000u +
         (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000u;
}

/* All of its time counts: connecting takes little of it. Two connections, as are the floor's. */
static void ask_h2load(const struct server *s, const struct work *w, double out[N_FIGURES]) {
  static struct meter m;
  unsigned connections = w->outstanding < 2 ? 1 : 2;
  char command[256];
  snprintf(command, sizeof command,
           "h2load -D %dms -t 1 -c %u -m %u -i %s/urls --log-file=%s/log >/dev/null 2>&1",
           (int)(w->seconds * 1000), connections, w->outstanding / connections, s->dir, s->dir);
  meter_init(&m, w, s->pid);
  m.server_cpu_ns = process_cpu_ns(s->pid);
  if (system(command) != 0) bench_need(UV_EIO, "h2load");
  m.server_cpu_ns = process_cpu_ns(s->pid) - m.server_cpu_ns;
  m.client_cpu_ns = children_cpu_ns();
  m.ns = (uint64_t)(w->seconds * 1e9);
  read_log(s, &m);
  meter_say(&m, out);
}

const struct remote_system remote_nginx = {"nginx", 0, start, ask};
const struct remote_system remote_nginx_h2 = {"nginx", 0, start_h2, ask_h2load};
