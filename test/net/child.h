/* child - another project's server as a child process of a test: with its own directory and its own
 * output file in there; it ends with the test. */
#ifndef TEST_NET_CHILD_H
#define TEST_NET_CHILD_H

#include <sys/types.h>

struct child {
  pid_t pid; /* 0: not running */
  char dir[64];
};

/* Where a program is, in PATH or in /usr/sbin or /sbin; NULL: nowhere. Static storage. */
const char *child_program(const char *name);

void child_make_dir(struct child *c);
void child_remove_dir(struct child *c);
/* argv: as for execv(), ends with NULL. What it prints goes to <dir>/output. */
void child_start(struct child *c, char *const argv[]);
void child_signal(struct child *c, int number);
void child_stop(struct child *c, int number); /* and waits until it is gone */

/* A port of 127.0.0.1 that nobody listens on now, neither by TCP nor by UDP. */
int child_free_port(void);

/* A network with nothing but a loopback, files of its own in the place of some of the system's: for
 * this process and its children. -1: this system does not let us. */
int child_enter_namespace(const char *file, const char *in_place_of);

#endif
