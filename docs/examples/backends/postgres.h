/* postgres - a PostgreSQL connection on a libuv loop: queries are pipelined, so that all those of a
 * turn leave together and nobody waits for another's answer. Connects on a pool thread, because
 * PQconnectdb() blocks, and again by the first query after a connection was lost. */
#ifndef POSTGRES_H
#define POSTGRES_H

#include <libpq-fe.h>
#include <uv.h>

struct postgres;

struct postgres *postgres_open(uv_loop_t *loop, const char *conninfo); /* NULL: no memory */

/* result: borrowed; NULL: why says why. Once for each query that was taken, from the loop. */
typedef void (*postgres_cb)(void *arg, const PGresult *result, const char *why);
/* sql: a constant, with one parameter, copied. UV_ENOMEM. */
int postgres_query(struct postgres *p, const char *sql, const char *param, size_t len,
                   postgres_cb cb, void *arg);

/* Queries under way end with an error, here. p is gone once the loop has turned. */
void postgres_close(struct postgres *p);

#endif
