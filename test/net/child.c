#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "child.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

const char *child_program(const char *name) {
  static char path[512];
  const char *paths = getenv("PATH");
  char *copy = NULL, *rest;

  if (asprintf(&copy, "%s:/usr/sbin:/sbin", paths == NULL ? "/usr/bin" : paths) < 0) return NULL;
  rest = copy;
  for (char *dir; (dir = strsep(&rest, ":")) != NULL;) {
    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (access(path, X_OK) == 0) break;
    path[0] = '\0';
  }
  free(copy);
  return path[0] == '\0' ? NULL : path;
}

void child_make_dir(struct child *c) {
  memset(c, 0, sizeof *c);
  snprintf(c->dir, sizeof c->dir, "/tmp/gcache-child-XXXXXX");
  assert_non_null(mkdtemp(c->dir));
}

void child_remove_dir(struct child *c) {
  char command[128];

  snprintf(command, sizeof command, "rm -rf %s", c->dir);
  assert_int_equal(system(command), 0);
}

static void become(struct child *c, char *const argv[]) {
  char output[128];
  int fd;

  prctl(PR_SET_PDEATHSIG, SIGKILL);
  snprintf(output, sizeof output, "%s/output", c->dir);
  fd = open(output, O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(fd, 1);
  dup2(fd, 2);
  fd = open("/dev/null", O_RDONLY);
  dup2(fd, 0);
  for (fd = 3; fd < 256; fd++)
    close(fd);
  execv(argv[0], argv);
  _exit(127);
}

void child_start(struct child *c, char *const argv[]) {
  assert_int_equal(c->pid, 0);
  c->pid = fork();
  assert_true(c->pid >= 0);
  if (c->pid == 0) become(c, argv);
}

void child_signal(struct child *c, int number) {
  assert_true(c->pid > 0);
  assert_int_equal(kill(c->pid, number), 0);
}

void child_stop(struct child *c, int number) {
  if (c->pid == 0) return;
  child_signal(c, number);
  while (waitpid(c->pid, NULL, 0) < 0)
    assert_int_equal(errno, EINTR);
  c->pid = 0;
}

static int bound(int type, int port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  int fd = socket(AF_INET, type, 0), rc;

  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  rc = bind(fd, (struct sockaddr *)&at, sizeof at);
  if (rc == 0) {
    socklen_t len = sizeof at;
    rc = getsockname(fd, (struct sockaddr *)&at, &len);
  }
  close(fd);
  return rc == 0 ? ntohs(at.sin_port) : -1;
}

/* Not one of those that the system gives to whoever asks for any: a server that is started again
 * needs its own. */
int child_free_port(void) {
  static unsigned next;

  for (int tries = 0; tries < 1000; tries++) {
    int port = 10000 + (int)(((unsigned)getpid() * 7919u + 101u * next++) % 20000u);
    if (bound(SOCK_STREAM, port) == port && bound(SOCK_DGRAM, port) == port) return port;
  }
  fail_msg("no free port");
  return -1;
}

/* ------------------------------------------------------------------------------- namespaces -- */

static int write_text(const char *path, const char *text) {
  int fd = open(path, O_WRONLY), rc;

  if (fd < 0) return -1;
  rc = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
  close(fd);
  return rc;
}

static int become_root(uid_t uid, gid_t gid) {
  char map[64];

  if (unshare(CLONE_NEWUSER) < 0) return -1;
  snprintf(map, sizeof map, "0 %u 1", (unsigned)uid);
  if (write_text("/proc/self/uid_map", map) < 0) return -1;
  write_text("/proc/self/setgroups", "deny");
  snprintf(map, sizeof map, "0 %u 1", (unsigned)gid);
  return write_text("/proc/self/gid_map", map);
}

static int raise_loopback(void) {
  struct ifreq request;
  int fd = socket(AF_INET, SOCK_DGRAM, 0), rc;

  memset(&request, 0, sizeof request);
  strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  rc = ioctl(fd, SIOCSIFFLAGS, &request);
  close(fd);
  return rc;
}

int child_enter_namespace(const char *file, const char *in_place_of) {
  uid_t uid = getuid();
  gid_t gid = getgid();

  if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0 &&
      (become_root(uid, gid) < 0 || unshare(CLONE_NEWNS | CLONE_NEWNET) < 0))
    return -1;
  if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || raise_loopback() < 0) return -1;
  return mount(file, in_place_of, NULL, MS_BIND, NULL);
}
