/* outside - redis and memcached as child processes of the bench, reached through a socket in a
 * temporary directory. Any failure after the start ends the bench: see bench_need(). */
#ifndef BENCH_OUTSIDE_H
#define BENCH_OUTSIDE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct outside {
  const char *name, *program;
  const char *args[16]; /* "SOCKET" stands for the path of the socket */
  /* What stands before the value in a set, at most 127 bytes: its length. */
  int (*write_set)(char *out, const char *key, size_t value_bytes);
  const char *set_answer;
  const char *ask, *said; /* what to ask for its memory, and what stands before the number */
};

extern const struct outside outside_systems[]; /* up to one without a name */

struct outside_process {
  const struct outside *system;
  char dir[32];
  pid_t pid;
  int fd;
};

int outside_start(const struct outside *system, struct outside_process *out); /* 0: not installed */
void outside_stop(struct outside_process *p);
/* Keys 0 to n-1. */
void outside_fill(struct outside_process *p, uint64_t n, size_t value_bytes);
/* The bytes it says it uses. */
double outside_said(struct outside_process *p);

#endif
