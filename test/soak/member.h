/* member - a process of the soak: one cache, callers that get keys without a pause, and a writer.
 *
 * Commands on standard input: "peers URL URL...", "sweep" (remove everything that is older than the
 * source), "read" (every key), "quit"; prints "port N" once it listens. Its observations go into
 * the truth. */
#ifndef SOAK_MEMBER_H
#define SOAK_MEMBER_H

/* The process's exit status. */
int member_main(int truth_fd, int slot, const char *self);

#endif
