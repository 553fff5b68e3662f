/* floor_http - a minimal exchange over HTTP/1.1 on libuv and llhttp, to compare with: a server with
 * a table of prepared responses, and a client without logic. Both parse every head with llhttp; all
 * responses to one read, and all requests that follow from one read, are sent in one write. No
 * limits, no deadlines; any error ends the bench. */
#ifndef BENCH_FLOOR_HTTP_H
#define BENCH_FLOOR_HTTP_H

#include <stddef.h>

#include "meter.h"

/* The port it answers on, from the default loop. */
int floor_serve(const struct work *w);

/* Asks on so many connections of a port until the meter ends; pipelined where more are outstanding.
 * Also asks other servers of files, for which the body is not looked at but for its length. */
void floor_ask(struct meter *m, int port, unsigned n_connections);

#endif
