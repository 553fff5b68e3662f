#include "process.h"

#include <arpa/inet.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>

#include "bench.h"

void process_pin(enum process_side side) {
  static cpu_set_t allowed;
  static int n_allowed;
  int nth = side == PROCESS_SERVES ? 0 : 1;
  cpu_set_t one;

  if (n_allowed == 0) {
    if (sched_getaffinity(0, sizeof allowed, &allowed) < 0) bench_need(UV_EIO, "affinity");
    n_allowed = CPU_COUNT(&allowed);
  }
  if (n_allowed < 2) return;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
    if (CPU_ISSET(cpu, &allowed) && nth-- == 0) CPU_SET(cpu, &one);
  if (sched_setaffinity(0, sizeof one, &one) < 0) bench_need(UV_EIO, "affinity");
}

uint64_t process_cpu_ns(pid_t pid) {
  struct timespec t = {0};
  clockid_t clock;
  if (pid == 0) return 0;
  if (clock_getcpuclockid(pid, &clock) == 0) clock_gettime(clock, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Returns 0 in the child process, which ends when the bench does. */
static pid_t copy(enum process_side side) {
  pid_t pid;
  fflush(stdout);
  pid = fork();
  if (pid < 0) bench_need(UV_EAGAIN, "fork");
  if (pid > 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_IGN);
  process_pin(side);
  return 0;
}

/* ----------------------------------------------------------------------------------- servers -- */

static void serve(int to, int (*open)(const void *arg), const void *arg) {
  int port = open(arg);
  if (write(to, &port, sizeof port) != sizeof port) _exit(1);
  close(to);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  _exit(0);
}

void process_serve(struct server *s, enum process_side side, int (*open)(const void *arg),
                   const void *arg) {
  int from[2];
  if (pipe(from) < 0) bench_need(UV_EMFILE, "pipe");
  s->dir[0] = '\0';
  s->pid = copy(side);
  if (s->pid == 0) serve(from[1], open, arg);
  close(from[1]);
  if (read(from[0], &s->port, sizeof s->port) != sizeof s->port)
    bench_need(UV_EIO, "the server has ended early");
  close(from[0]);
}

static int loopback(int port, struct sockaddr_in *address) {
  *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

int process_free_port(void) {
  struct sockaddr_in address;
  socklen_t len = sizeof address;
  int fd = loopback(0, &address);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 ||
      getsockname(fd, (struct sockaddr *)&address, &len) < 0)
    bench_need(UV_EADDRINUSE, "port");
  close(fd);
  return ntohs(address.sin_port);
}

static int answers(int port) {
  struct sockaddr_in address;
  int fd = loopback(port, &address);
  int rc = connect(fd, (struct sockaddr *)&address, sizeof address);
  close(fd);
  return rc == 0;
}

static void run_program(const char *const args[]) {
  char *copies[32] = {NULL};
  if (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL)
    _exit(1);
  for (size_t i = 0; args[i] != NULL; i++)
    copies[i] = strdup(args[i]);
  execvp(args[0], copies);
  _exit(127);
}

/* Checks every 10 ms, for a minute: some programs fill their memory first. */
int process_exec(struct server *s, const char *const args[]) {
  struct timespec pause = {0, 10 * 1000 * 1000};
  int status;
  s->pid = copy(PROCESS_SERVES);
  if (s->pid == 0) run_program(args);
  for (int i = 0; i < 6000; i++) {
    if (waitpid(s->pid, &status, WNOHANG) != 0) {
      s->pid = 0;
      if (WIFEXITED(status) && WEXITSTATUS(status) == 127) return 0;
      bench_need(UV_EIO, args[0]);
    }
    if (answers(s->port)) return 1;
    nanosleep(&pause, NULL);
  }
  bench_need(UV_ETIMEDOUT, args[0]);
  return 0;
}

void process_make_dir(struct server *s) {
  snprintf(s->dir, sizeof s->dir, "/dev/shm/gcache-bench-XXXXXX");
  if (access("/dev/shm", W_OK) < 0) snprintf(s->dir, sizeof s->dir, "/tmp/gcache-bench-XXXXXX");
  if (mkdtemp(s->dir) == NULL) bench_need(UV_EIO, s->dir);
}

void process_stop(struct server *s) {
  char command[64];
  if (s->pid > 0) {
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
  }
  if (s->dir[0] != '\0') {
    snprintf(command, sizeof command, "rm -rf '%s'", s->dir);
    if (system(command) != 0) fprintf(stderr, "gcache-bench: %s could not be removed\n", s->dir);
  }
  s->pid = 0;
  s->dir[0] = '\0';
}

/* ------------------------------------------------------------------------------------ askers -- */

void process_ask(void (*job)(const void *arg, void *out), const void *arg, void *out, size_t len) {
  int from[2];
  pid_t pid;
  if (pipe(from) < 0) bench_need(UV_EMFILE, "pipe");
  pid = copy(PROCESS_ASKS);
  if (pid == 0) {
    job(arg, out);
    _exit(write(from[1], out, len) == (ssize_t)len ? 0 : 1);
  }
  close(from[1]);
  if (read(from[0], out, len) != (ssize_t)len) bench_need(UV_EIO, "a round has ended early");
  close(from[0]);
  waitpid(pid, NULL, 0);
}
