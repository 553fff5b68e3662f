#include "outside.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>

#include "bench.h"

enum { BATCH = 500 };

static int write_redis_set(char *out, const char *key, size_t value_bytes) {
  return snprintf(out, 128, "*3\r\n$3\r\nSET\r\n$%d\r\n%.*s\r\n$%zu\r\n", KEY_SIZE, KEY_SIZE, key,
                  value_bytes);
}

static int write_memcached_set(char *out, const char *key, size_t value_bytes) {
  return snprintf(out, 128, "set %.*s 0 0 %zu\r\n", KEY_SIZE, key, value_bytes);
}

const struct outside outside_systems[] = {
    {"redis",
     "redis-server",
     {"redis-server", "--port", "0", "--unixsocket", "SOCKET", "--save", "", "--appendonly", "no",
      "--logfile", "/dev/null"},
     write_redis_set,
     "+OK\r\n",
     "INFO memory\r\n",
     "used_memory:"},
    {"memcached",
     "memcached",
     {"memcached", "-s", "SOCKET", "-m", "8192", "-u", "nobody", "-a", "0777"},
     write_memcached_set,
     "STORED\r\n",
     "stats\r\n",
     "STAT bytes "},
    {NULL, NULL, {NULL}, NULL, NULL, NULL, NULL},
};

static void socket_path(const struct outside_process *p, char out[64]) {
  snprintf(out, 64, "%s/socket", p->dir);
}

/* Exits with 127 if the program is not installed. */
static void run(const struct outside_process *p) {
  char path[64];
  char *args[17] = {NULL};
  socket_path(p, path);
  for (size_t i = 0; p->system->args[i] != NULL; i++)
    args[i] = strcmp(p->system->args[i], "SOCKET") == 0 ? path : strdup(p->system->args[i]);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  execvp(p->system->program, args);
  _exit(127);
}

static int connect_to(const struct outside_process *p) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  socket_path(p, address.sun_path);
  if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

int outside_start(const struct outside *system, struct outside_process *out) {
  struct timespec pause = {0, 20 * 1000 * 1000};
  *out = (struct outside_process){.system = system, .dir = "/tmp/gcache-bench-XXXXXX", .fd = -1};
  if (mkdtemp(out->dir) == NULL || chmod(out->dir, 0777) < 0) bench_need(UV_EIO, out->dir);
  out->pid = fork();
  if (out->pid == 0) run(out);
  for (int i = 0; i < 500 && out->fd < 0; i++) {
    if (waitpid(out->pid, NULL, WNOHANG) != 0) {
      rmdir(out->dir);
      return 0;
    }
    out->fd = connect_to(out);
    if (out->fd < 0) nanosleep(&pause, NULL);
  }
  if (out->fd < 0) bench_need(UV_ETIMEDOUT, system->name);
  return 1;
}

void outside_stop(struct outside_process *p) {
  char path[64];
  socket_path(p, path);
  close(p->fd);
  kill(p->pid, SIGKILL);
  waitpid(p->pid, NULL, 0);
  unlink(path);
  rmdir(p->dir);
}

static void send_all(struct outside_process *p, const char *bytes, size_t len) {
  while (len > 0) {
    ssize_t n = write(p->fd, bytes, len);
    if (n <= 0) bench_need(UV_EIO, p->system->name);
    bytes += n;
    len -= (size_t)n;
  }
}

static void read_answers(struct outside_process *p, size_t n) {
  char text[16];
  size_t len = strlen(p->system->set_answer);
  for (size_t i = 0; i < n; i++) {
    ssize_t got = recv(p->fd, text, len, MSG_WAITALL);
    if (got != (ssize_t)len || memcmp(text, p->system->set_answer, len) != 0)
      bench_need(UV_EIO, p->system->name);
  }
}

void outside_fill(struct outside_process *p, uint64_t n, size_t value_bytes) {
  char key[KEY_SIZE];
  char *batch = malloc(BATCH * (value_bytes + 130));
  if (batch == NULL) bench_need(UV_ENOMEM, "batch");
  for (uint64_t i = 0; i < n;) {
    size_t count = 0, len = 0;
    for (; count < BATCH && i < n; count++, i++) {
      bench_key(key, i);
      len += (size_t)p->system->write_set(batch + len, key, value_bytes);
      memset(batch + len, 'x', value_bytes);
      memcpy(batch + len + value_bytes, "\r\n", 2);
      len += value_bytes + 2;
    }
    send_all(p, batch, len);
    read_answers(p, count);
  }
  free(batch);
}

double outside_said(struct outside_process *p) {
  char text[8192];
  size_t len = 0;
  const char *at = NULL;
  send_all(p, p->system->ask, strlen(p->system->ask));
  for (;;) { /* the end of either answer is an empty line or END */
    ssize_t n = read(p->fd, text + len, sizeof text - 1 - len);
    if (n <= 0) bench_need(UV_EIO, p->system->name);
    len += (size_t)n;
    text[len] = '\0';
    if (strcmp(text + len - 4, "\r\n\r\n") == 0 || strcmp(text + len - 5, "END\r\n") == 0) break;
  }
  at = strstr(text, p->system->said);
  if (at == NULL) bench_need(UV_EPROTO, p->system->name);
  return atof(at + strlen(p->system->said));
}
