/* The SQLite source: a blocking library behind gcache_load_work(). Each run of work borrows one
 * connection, so there are never more connections than pool threads. */
#include "node_source.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A key written by SQL can be a blob or a text, which SQLite does not compare as equal. */
static const char query[] = "SELECT value, ttl_ms FROM kv WHERE key IN (?1, ?2)";

struct connection {
  struct connection *next; /* idle ones */
  sqlite3 *db;
  sqlite3_stmt *select;
};

static void close_connection(struct connection *c) {
  sqlite3_finalize(c->select);
  sqlite3_close(c->db);
  free(c);
}

/* NULL: *why says why, valid until the next call here. */
static struct connection *open_connection(const char *file, char why[256]) {
  const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
  struct connection *c = calloc(1, sizeof *c);
  int rc = SQLITE_NOMEM;

  if (c != NULL) rc = sqlite3_open_v2(file, &c->db, flags, NULL);
  if (rc == SQLITE_OK) rc = sqlite3_busy_timeout(c->db, 5000);
  if (rc == SQLITE_OK) rc = sqlite3_prepare_v2(c->db, query, -1, &c->select, NULL);
  if (rc == SQLITE_OK) return c;
  snprintf(why, 256, "%s", c != NULL && c->db != NULL ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc));
  if (c != NULL) close_connection(c);
  return NULL;
}

static struct connection *borrow_connection(struct source *s, char why[256]) {
  struct connection *c;

  uv_mutex_lock(&s->mutex);
  c = s->idle;
  if (c != NULL) s->idle = c->next;
  uv_mutex_unlock(&s->mutex);
  return c != NULL ? c : open_connection(s->file, why);
}

static void return_connection(struct source *s, struct connection *c) {
  uv_mutex_lock(&s->mutex);
  c->next = s->idle;
  s->idle = c;
  uv_mutex_unlock(&s->mutex);
}

static void answer_row(gcache_work_t *work, sqlite3_stmt *row, uint64_t default_ttl_ms) {
  const void *bytes = sqlite3_column_blob(row, 0); /* before its length: a text is converted once */
  size_t len = (size_t)sqlite3_column_bytes(row, 0);
  sqlite3_int64 ttl_ms = sqlite3_column_int64(row, 1);

  if (sqlite3_column_type(row, 1) == SQLITE_NULL)
    gcache_work_copy(work, gcache_bytes(bytes, len), default_ttl_ms);
  else if (ttl_ms >= 0)
    gcache_work_copy(work, gcache_bytes(bytes, len), (uint64_t)ttl_ms);
  else
    gcache_work_fail(work, GCACHE_ELOAD, "the row's ttl_ms is negative");
}

/* On a pool thread. */
static void read_row(gcache_work_t *work, void *arg) {
  struct source *s = arg;
  gcache_bytes_t key = gcache_work_key(work);
  const char *base = key.len > 0 ? key.base : "";
  char why[256];
  struct connection *c = borrow_connection(s, why);
  int rc;

  if (c == NULL) {
    gcache_work_fail(work, GCACHE_ELOAD, why);
    return;
  }
  rc = sqlite3_bind_blob(c->select, 1, base, (int)key.len, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_bind_text(c->select, 2, base, (int)key.len, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_step(c->select);
  if (rc == SQLITE_ROW)
    answer_row(work, c->select, s->ttl_ms);
  else if (rc == SQLITE_DONE)
    gcache_work_fail(work, GCACHE_ENOTFOUND, "no such row");
  else
    gcache_work_fail(work, GCACHE_ELOAD, sqlite3_errmsg(c->db));
  sqlite3_reset(c->select);
  sqlite3_clear_bindings(c->select);
  return_connection(s, c);
}

static void get(gcache_load_t *load) {
  int rc = gcache_load_work(load, read_row, gcache_group_data(gcache_load_group(load)));
  if (rc < 0) gcache_load_fail(load, rc, NULL);
}

int source_sqlite(struct source *s, const char *file) {
  char why[256];

  if (uv_mutex_init(&s->mutex) < 0) return -1;
  s->getter = get;
  s->file = file;
  s->idle = open_connection(file, why); /* a wrong file is reported now, not by the first get */
  if (s->idle != NULL) return 0;
  fprintf(stderr, "node: --source: %s: %s\n", file, why);
  uv_mutex_destroy(&s->mutex);
  s->file = NULL;
  return -1;
}

void source_close(struct source *s) {
  if (s->file == NULL) return;
  while (s->idle != NULL) {
    struct connection *c = s->idle;
    s->idle = c->next;
    close_connection(c);
  }
  uv_mutex_destroy(&s->mutex);
}
