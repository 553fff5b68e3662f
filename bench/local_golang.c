/* local_golang - golang/groupcache in gcache-bench local: runs bench/go/local.go for each
 * setting. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "golang.h"
#include "local.h"

static void run_child(const char *path, const struct setting *s, size_t n_asked, unsigned rounds,
                      int in, int out) {
  char args[4][32];
  snprintf(args[0], sizeof args[0], "%llu", (unsigned long long)s->n_keys);
  snprintf(args[1], sizeof args[1], "%zu", s->value_bytes);
  snprintf(args[2], sizeof args[2], "%u", rounds);
  snprintf(args[3], sizeof args[3], "%zu", n_asked);
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  execl(path, path, args[0], args[1], args[2], args[3], (char *)NULL);
  _exit(127);
}

static int write_all(int to, const void *bytes, size_t len) {
  const char *at = bytes;
  while (len > 0) {
    ssize_t n = write(to, at, len);
    if (n <= 0) return 0;
    at += n;
    len -= (size_t)n;
  }
  return 1;
}

static int talk(int to, FILE *from, const uint32_t *asked, size_t n_asked, double *ns,
                unsigned rounds) {
  int ok = write_all(to, asked, n_asked * sizeof *asked);
  close(to);
  for (unsigned i = 0; i < rounds; i++)
    if (fscanf(from, "%lf", &ns[i]) != 1) return 0;
  return ok;
}

int golang_rounds(const struct setting *setting, const uint32_t *asked, size_t n_asked, double *ns,
                  unsigned rounds) {
  const char *path = golang_build(GOLANG_LOCAL);
  int to[2], from[2], ok = 0;
  if (path == NULL || pipe(to) < 0 || pipe(from) < 0) return 0;
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    close(to[1]);
    close(from[0]);
    run_child(path, setting, n_asked, rounds, to[0], from[1]);
  }
  close(to[0]);
  close(from[1]);
  FILE *answers = fdopen(from[0], "r");
  if (pid > 0 && answers != NULL) ok = talk(to[1], answers, asked, n_asked, ns, rounds);
  if (answers != NULL) fclose(answers);
  if (pid > 0) waitpid(pid, NULL, 0);
  return ok;
}
