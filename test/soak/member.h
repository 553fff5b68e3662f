/* member - a process of the soak: one cache, callers who ask it for keys without a pause, and a writer.
 *
 * Told what to do on its standard input: "peers URL URL...", "sweep" (have forgotten whatever is
 * older than the source), "read" (every key), "quit"; says "port N" once it listens. What it sees
 * goes into the truth. */
#ifndef SOAK_MEMBER_H
#define SOAK_MEMBER_H

/* The process's exit status. */
int member_main(int truth_fd, int slot, const char *self);

#endif
