#include "rows.h"

#include <sqlite3.h>
#include <stdio.h>

/* kv, which the nodes read, is a view: the generated rows, and a report that SQLite computes at
 * every query, by counting to 1,500,000. */
static const char schema[] = "PRAGMA journal_mode = WAL;"
                             "CREATE TABLE rows (key BLOB PRIMARY KEY, value BLOB, ttl_ms INTEGER);"
                             "CREATE VIEW kv AS SELECT key, value, ttl_ms FROM rows"
                             " UNION ALL SELECT CAST('report' AS BLOB), (WITH RECURSIVE n(i) AS"
                             " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500000)"
                             " SELECT CAST('sum ' || sum(i) AS BLOB) FROM n), NULL;";

static int run(const char *file, const char *sql) {
  sqlite3 *db = NULL;
  char *why = NULL;
  int rc = sqlite3_open(file, &db);

  if (rc == SQLITE_OK) rc = sqlite3_busy_timeout(db, 5000);
  if (rc == SQLITE_OK) rc = sqlite3_exec(db, sql, NULL, NULL, &why);
  if (rc != SQLITE_OK) fprintf(stderr, "demo: %s: %s\n", file, why ? why : sqlite3_errmsg(db));
  sqlite3_free(why);
  sqlite3_close(db);
  return rc == SQLITE_OK ? 0 : -1;
}

int rows_make(const char *file) {
  char rows[512];

  snprintf(
      rows, sizeof rows,
      "BEGIN;"
      "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d - 1)"
      " INSERT INTO rows SELECT CAST('user:' || i AS BLOB), CAST('name of user ' || i AS BLOB),"
      " NULL FROM n;"
      "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9)"
      " INSERT INTO rows SELECT CAST('session:' || i AS BLOB), CAST('open' AS BLOB), %d FROM n;"
      "COMMIT;",
      ROWS - 10, TTL_MS);
  return run(file, schema) == 0 ? run(file, rows) : -1;
}

int rows_update(const char *file, const char *key, const char *value) {
  char sql[512];
  sqlite3_snprintf(sizeof sql, sql,
                   "UPDATE rows SET value = CAST(%Q AS BLOB) WHERE key = CAST(%Q AS BLOB)", value,
                   key);
  return run(file, sql);
}
