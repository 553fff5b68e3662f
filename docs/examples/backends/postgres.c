#include "postgres.h"

#include <stdlib.h>
#include <string.h>

struct query {
  struct query *next;
  const char *sql;
  postgres_cb cb;
  void *arg;
  char param[];
};

struct queue {
  struct query *first, **end;
};

enum state { DOWN, CONNECTING, UP };

struct postgres {
  uv_loop_t *loop;
  enum state state;
  int closing;
  char *conninfo;
  PGconn *conn;
  uv_work_t connecting;
  uv_poll_t *poll;            /* UP only */
  struct queue waiting, sent; /* to be sent; sent, with the result due, in order */
  size_t syncs;               /* due from the server, one per query */
  PGresult *result;           /* of the query that is being answered: the row, or the error */
};

static void push(struct queue *q, struct query *query) {
  query->next = NULL;
  *q->end = query;
  q->end = &query->next;
}

static struct query *pop(struct queue *q) {
  struct query *query = q->first;

  if (query == NULL) return NULL;
  q->first = query->next;
  if (q->first == NULL) q->end = &q->first;
  return query;
}

static void answer(struct query *query, const PGresult *result, const char *why) {
  query->cb(query->arg, result, why);
  free(query);
}

static void fail_all(struct postgres *p, const char *why) {
  struct query *query;

  while ((query = pop(&p->sent)) != NULL)
    answer(query, NULL, why);
  while ((query = pop(&p->waiting)) != NULL)
    answer(query, NULL, why);
}

static void on_poll_closed(uv_handle_t *handle) {
  free(handle);
}

static void lose(struct postgres *p, const char *why) {
  p->state = DOWN;
  p->syncs = 0;
  PQclear(p->result);
  p->result = NULL;
  if (p->poll != NULL) uv_close((uv_handle_t *)p->poll, on_poll_closed);
  p->poll = NULL;
  fail_all(p, why);
  PQfinish(p->conn);
  p->conn = NULL;
}

/* -------------------------------------------------------------------------- to and fro ---- */

static void on_ready(uv_poll_t *poll, int status, int events);

/* Passes waiting queries to libpq, and libpq's output to the socket. */
static int flush(struct postgres *p) {
  struct query *query;
  int rc;

  while ((query = pop(&p->waiting)) != NULL) {
    const char *param = query->param;

    push(&p->sent, query);
    if (PQsendQueryParams(p->conn, query->sql, 1, NULL, &param, NULL, NULL, 0) != 1) return -1;
    if (PQpipelineSync(p->conn) != 1) return -1; /* an error ends this query alone */
    p->syncs++;
  }
  rc = PQflush(p->conn); /* 1: the socket takes no more */
  if (rc < 0) return -1;
  return uv_poll_start(p->poll, rc == 1 ? UV_READABLE | UV_WRITABLE : UV_READABLE, on_ready);
}

static int is_good(const PGresult *result) {
  ExecStatusType kind = result == NULL ? PGRES_EMPTY_QUERY : PQresultStatus(result);

  return kind == PGRES_TUPLES_OK || kind == PGRES_COMMAND_OK;
}

/* A query is committed by its sync: it may fail there, after its row was sent. */
static void settle(struct postgres *p) {
  PGresult *result = p->result;

  p->syncs--;
  p->result = NULL;
  if (is_good(result))
    answer(pop(&p->sent), result, NULL);
  else
    answer(pop(&p->sent), NULL,
           result == NULL ? "PostgreSQL sent no result" : PQresultErrorMessage(result));
  PQclear(result);
}

static void read_results(struct postgres *p) {
  while (p->syncs > 0 && !PQisBusy(p->conn)) {
    PGresult *result = PQgetResult(p->conn), *gone = result;

    if (result != NULL && PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
      settle(p);
    } else if (result != NULL && (p->result == NULL || is_good(p->result))) {
      gone = p->result;
      p->result = result;
    }
    PQclear(gone); /* NULL, which ends a query's results, is fine */
  }
}

static void on_ready(uv_poll_t *poll, int status, int events) {
  struct postgres *p = poll->data;

  if (status < 0 || ((events & UV_READABLE) && PQconsumeInput(p->conn) != 1)) {
    lose(p, "the connection to PostgreSQL was lost");
    return;
  }
  read_results(p);
  if (p->state == UP && flush(p) < 0) lose(p, "the connection to PostgreSQL was lost");
}

/* ------------------------------------------------------------------------------ connecting ---- */

static void on_thread(uv_work_t *work) {
  struct postgres *p = work->data;

  p->conn = PQconnectdb(p->conninfo);
}

static void release(struct postgres *p) {
  free(p->conninfo);
  free(p);
}

static void on_connected(uv_work_t *work, int status) {
  struct postgres *p = work->data;

  if (status < 0 || p->closing || PQstatus(p->conn) != CONNECTION_OK ||
      PQsetnonblocking(p->conn, 1) != 0 || PQenterPipelineMode(p->conn) != 1 ||
      (p->poll = malloc(sizeof *p->poll)) == NULL) {
    char why[256];

    strncpy(why, p->conn != NULL ? PQerrorMessage(p->conn) : "cancelled", sizeof why - 1);
    why[sizeof why - 1] = 0;
    lose(p, why);
    if (p->closing) release(p);
    return;
  }
  if (uv_poll_init(p->loop, p->poll, PQsocket(p->conn)) < 0) {
    free(p->poll);
    p->poll = NULL;
    lose(p, "the connection to PostgreSQL cannot be watched");
    return;
  }
  p->poll->data = p;
  p->state = UP;
  if (flush(p) < 0) lose(p, "the connection to PostgreSQL was lost");
}

struct postgres *postgres_open(uv_loop_t *loop, const char *conninfo) {
  struct postgres *p = calloc(1, sizeof *p);

  if (p == NULL) return NULL;
  p->loop = loop;
  p->conninfo = strdup(conninfo);
  p->waiting.end = &p->waiting.first;
  p->sent.end = &p->sent.first;
  p->connecting.data = p;
  if (p->conninfo != NULL) return p;
  free(p);
  return NULL;
}

int postgres_query(struct postgres *p, const char *sql, const char *param, size_t len,
                   postgres_cb cb, void *arg) {
  struct query *query = calloc(1, sizeof *query + len + 1);

  if (query == NULL) return UV_ENOMEM;
  query->sql = sql;
  query->cb = cb;
  query->arg = arg;
  memcpy(query->param, param, len);
  push(&p->waiting, query);
  if (p->state == DOWN && uv_queue_work(p->loop, &p->connecting, on_thread, on_connected) == 0)
    p->state = CONNECTING;
  if (p->state == UP) /* sent when the socket is writable, with all other queries of this turn */
    uv_poll_start(p->poll, UV_READABLE | UV_WRITABLE, on_ready);
  return 0;
}

void postgres_close(struct postgres *p) {
  p->closing = 1;
  fail_all(p, "closing");
  if (p->state == CONNECTING) return; /* on_connected releases */
  lose(p, "closing");
  release(p);
}
