/* counter - counts the visitors of a page, each once. A visit is a get of "PAGE/VISITOR"; its
 * getter inserts the row into SQLite, on libuv's thread pool. Further visits are answered from
 * memory: the database sees each visitor of a page once, from all members together, as long as
 * memory lasts. A repeated insert changes nothing but the column `asked`.
 *     counter --listen 127.0.0.1:8080 --source FILE
 *     GET /visit/PAGE/VISITOR   "counted"; the column `asked` holds the number of inserts
 *     GET /unique/PAGE          the number of visitors, at most COUNT_MS old */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "member.h"

#define COUNT_MS 500

static const char create[] =
    "CREATE TABLE IF NOT EXISTS visits"
    " (page TEXT, visitor TEXT, asked INT DEFAULT 1, UNIQUE (page, visitor))";
static const char insert[] = "INSERT INTO visits (page, visitor) VALUES (?1, ?2)"
                             " ON CONFLICT DO UPDATE SET asked = asked + 1";
static const char count[] = "SELECT count(*) FROM visits WHERE page = ?1";

/* On a pool thread: the connection is in SQLite's serialized mode. */
static void run(gcache_work_t *work, sqlite3 *db, const char *sql, gcache_bytes_t page,
                gcache_bytes_t visitor) {
  sqlite3_stmt *statement = NULL;
  int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

  if (rc == SQLITE_OK)
    rc = sqlite3_bind_text(statement, 1, page.base, (int)page.len, SQLITE_STATIC);
  if (rc == SQLITE_OK && sqlite3_bind_parameter_count(statement) == 2)
    rc = sqlite3_bind_text(statement, 2, visitor.base, (int)visitor.len, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_step(statement);
  if (rc == SQLITE_DONE)
    gcache_work_copy(work, gcache_cstr("counted\n"), 0); /* until memory is short */
  else if (rc == SQLITE_ROW)
    gcache_work_copy(work, gcache_cstr((const char *)sqlite3_column_text(statement, 0)), COUNT_MS);
  else
    gcache_work_fail(work, GCACHE_ELOAD, sqlite3_errstr(rc));
  sqlite3_finalize(statement);
}

static void on_work(gcache_work_t *work, void *arg) {
  gcache_bytes_t key = gcache_work_key(work);
  const char *slash = memchr(key.base, '/', key.len);
  size_t page = slash == NULL ? key.len : (size_t)(slash - (const char *)key.base);

  if (slash == NULL)
    run(work, arg, count, key, gcache_bytes(NULL, 0));
  else
    run(work, arg, insert, gcache_bytes(key.base, page),
        gcache_bytes(slash + 1, key.len - page - 1));
}

static void on_load(gcache_load_t *load) {
  struct member *m = gcache_group_data(gcache_load_group(load));
  int rc = gcache_load_work(load, on_work, m->backend);

  if (rc < 0) gcache_load_fail(load, rc, NULL);
}

/* PAGE/VISITOR, neither of them empty. */
static int is_visit(gcache_bytes_t key) {
  const char *slash = key.len == 0 ? NULL : memchr(key.base, '/', key.len);

  return slash != NULL && slash != key.base && slash + 1 != (const char *)key.base + key.len;
}

static void answer(struct member *m, gcache_exchange_t *x) {
  gcache_bytes_t visit = path_behind(x, "/visit/"), page = path_behind(x, "/unique/");

  if (is_visit(visit))
    answer_key(m, x, visit, NULL);
  else if (page.len > 0 && memchr(page.base, '/', page.len) == NULL)
    answer_key(m, x, page, NULL);
  else
    answer_text(x, 404, "GET /visit/PAGE/VISITOR, GET /unique/PAGE\n");
}

static void ended(struct member *m) {
  sqlite3_close(m->backend);
}

/* The value of --source, needed before member_run() parses the options. */
static const char *file_of(int argc, char **argv) {
  for (int i = 1; i + 1 < argc; i++)
    if (strcmp(argv[i], "--source") == 0) return argv[i + 1];
  return ":memory:";
}

int main(int argc, char **argv) {
  struct member m = {.name = "counter", .getter = on_load, .answer = answer, .ended = ended};
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX;
  gcache_group_options_t group;
  sqlite3 *db;

  if (sqlite3_open_v2(file_of(argc, argv), &db, flags, NULL) != SQLITE_OK ||
      sqlite3_busy_timeout(db, 5000) != SQLITE_OK ||
      sqlite3_exec(db, create, NULL, NULL, NULL) != SQLITE_OK)
    return fprintf(stderr, "counter: %s\n", sqlite3_errmsg(db)), 1;
  m.backend = db;
  gcache_group_options_init(&group);
  group.max_bytes = 64 << 20;
  return member_run(&m, &group, argc, argv);
}
