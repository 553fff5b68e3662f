/* dnsmasq - a real name server for tests: answers from a hosts file and from a configuration file
 * of its own. */
#ifndef TEST_NET_DNSMASQ_H
#define TEST_NET_DNSMASQ_H

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "child.h"

struct dnsmasq {
  struct child child;
  int port;
  char hosts[96], conf[96];
};

static inline void dnsmasq_write(const char *path, const char *text) {
  FILE *file = fopen(path, "w");

  assert_non_null(file);
  fputs(text, file);
  assert_int_equal(fclose(file), 0);
}

/* A directory is there, and nothing runs. */
static inline void dnsmasq_init(struct dnsmasq *d, int port) {
  memset(d, 0, sizeof *d);
  child_make_dir(&d->child);
  d->port = port;
  snprintf(d->hosts, sizeof d->hosts, "%s/hosts", d->child.dir);
  snprintf(d->conf, sizeof d->conf, "%s/conf", d->child.dir);
}

/* Waits until it answers: any answer to a query will do. The socket is not connected, so that
 * nobody there is silence, and each try takes as long as it waits for an answer. */
static inline void dnsmasq_await(const struct dnsmasq *d) {
  static const unsigned char query[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
                                       "\x05ready\x04test\x00\x00\x01\x00\x01";
  enum { TRIES = 600, TRY_US = 50000 };
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)d->port)};
  struct timeval wait = {.tv_usec = TRY_US};
  int fd = socket(AF_INET, SOCK_DGRAM, 0), tries = 0;
  char answer[512];

  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait), 0);
  do {
    if (tries++ == TRIES) fail_msg("dnsmasq does not answer at port %d", d->port);
    assert_int_equal(sendto(fd, query, sizeof query - 1, 0, (struct sockaddr *)&at, sizeof at),
                     sizeof query - 1);
  } while (recv(fd, answer, sizeof answer, 0) < 12);
  close(fd);
}

static inline void dnsmasq_start(struct dnsmasq *d, const char *hosts, const char *conf) {
  char port[16], hosts_file[128], conf_file[128];
  char *argv[] = {NULL,
                  (char *)(uintptr_t) "--no-daemon",
                  (char *)(uintptr_t) "--no-resolv",
                  (char *)(uintptr_t) "--no-hosts",
                  (char *)(uintptr_t) "--bind-interfaces",
                  (char *)(uintptr_t) "--listen-address=127.0.0.1",
                  (char *)(uintptr_t) "--local=/test/",
                  (char *)(uintptr_t) "--pid-file=",
                  port,
                  hosts_file,
                  conf_file,
                  NULL};

  argv[0] = (char *)(uintptr_t)child_program("dnsmasq");
  snprintf(port, sizeof port, "--port=%d", d->port);
  snprintf(hosts_file, sizeof hosts_file, "--addn-hosts=%s", d->hosts);
  snprintf(conf_file, sizeof conf_file, "--conf-file=%s", d->conf);
  dnsmasq_write(d->hosts, hosts);
  dnsmasq_write(d->conf, conf);
  child_start(&d->child, argv);
  dnsmasq_await(d);
}

/* Other hosts, without a new start. */
static inline void dnsmasq_say(struct dnsmasq *d, const char *hosts) {
  dnsmasq_write(d->hosts, hosts);
  child_signal(&d->child, SIGHUP);
}

static inline void dnsmasq_stop(struct dnsmasq *d) {
  child_stop(&d->child, SIGKILL);
}

#endif
