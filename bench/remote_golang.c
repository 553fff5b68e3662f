/* remote_golang - golang/groupcache as server and as client: bench/go/remote.go. */
#include <stdio.h>

#include <uv.h>

#include "golang.h"
#include "remote.h"

static int start(struct server *s, const struct work *w) {
  const char *path = golang_build(GOLANG_REMOTE);
  char port[16], keys[24], bytes[24];
  const char *args[] = {path, "serve", port, keys, bytes, NULL};
  if (path == NULL) return 0;
  s->dir[0] = '\0';
  s->port = process_free_port();
  snprintf(port, sizeof port, "%d", s->port);
  snprintf(keys, sizeof keys, "%llu", (unsigned long long)w->n_keys);
  snprintf(bytes, sizeof bytes, "%zu", w->value_bytes);
  return process_exec(s, args);
}

static void ask(const struct server *s, const struct work *w, double out[N_FIGURES]) {
  char command[512];
  FILE *from;
  snprintf(command, sizeof command, "exec %s ask %d %llu %zu %u %f %f %d",
           golang_build(GOLANG_REMOTE), s->port, (unsigned long long)w->n_keys, w->value_bytes,
           w->outstanding, w->slow_pct, w->seconds, (int)s->pid);
  from = popen(command, "r");
  for (int i = 0; i < N_FIGURES; i++)
    if (from == NULL || fscanf(from, "%lf", &out[i]) != 1) bench_need(UV_EIO, "golang");
  pclose(from);
}

const struct remote_system remote_golang = {"golang", 1, start, ask};
