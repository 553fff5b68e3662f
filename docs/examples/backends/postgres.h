/* postgres - a PostgreSQL connection on a libuv loop. Queries are pipelined: all queries of a turn
 * are sent together, and none waits for the result of another. Connects on a pool thread, because
 * PQconnectdb() blocks; the first query after a lost connection connects again. */
#ifndef POSTGRES_H
#define POSTGRES_H

#include <libpq-fe.h>
#include <uv.h>

struct postgres;

struct postgres *postgres_open(uv_loop_t *loop, const char *conninfo); /* NULL: no memory */

/* result: borrowed; NULL: why tells the reason. Once for each query that was taken, from the
 * loop. */
typedef void (*postgres_cb)(void *arg, const PGresult *result, const char *why);
/* sql: a constant, with one parameter, copied. UV_ENOMEM. */
int postgres_query(struct postgres *p, const char *sql, const char *param, size_t len,
                   postgres_cb cb, void *arg);

/* Queries under way end with an error, in this call. p is freed after one more loop turn. */
void postgres_close(struct postgres *p);

#endif
