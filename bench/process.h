/* process - the processes of a measurement: servers on one core, clients on another. All end with
 * the bench, also if it fails. */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

struct server {
  pid_t pid;
  int port;     /* of 127.0.0.1 */
  char dir[32]; /* with what it reads; "": none. Removed when it is stopped */
};

enum process_side { PROCESS_SERVES, PROCESS_ASKS };

/* Pins this process: servers to the first processor it may use, askers to the second. Where there
 * is one only it says so, once, and pins nothing. */
void process_pin(enum process_side side);

/* What the process has used; 0: this is asked of process 0. */
uint64_t process_cpu_ns(pid_t pid);

/* A copy of this process, which calls open(arg), says the port it returns, and runs the default
 * loop. */
void process_serve(struct server *s, enum process_side side, int (*open)(const void *arg),
                   const void *arg);

/* A program, args up to NULL, which will answer on s->port. 0: it is not installed. */
int process_exec(struct server *s, const char *const args[]);
int process_free_port(void);
void process_make_dir(struct server *s);

void process_stop(struct server *s);

/* Runs job(arg, out) in a copy of this process that is pinned to the asking side. out: len
 * bytes. */
void process_ask(void (*job)(const void *arg, void *out), const void *arg, void *out, size_t len);

#endif
