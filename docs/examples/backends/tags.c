/* tags - a tag service: returns the id of a tag, created when the tag is first seen. The getter is
 * the upsert: one upsert reaches PostgreSQL however many members see a new tag at the same moment,
 * and none as long as the id is in memory.
 *     tags --listen 127.0.0.1:8080 --source 'host=/run/postgresql dbname=tags'
 *     GET /tag/NAME   the id
 * Table: CREATE TABLE tags (id serial PRIMARY KEY, name text UNIQUE, upserts int DEFAULT 1) */
#include "member.h"
#include "postgres.h"

static const char upsert[] = "INSERT INTO tags (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET "
                             "upserts = tags.upserts + 1 "
                             "RETURNING id";

static void on_row(void *arg, const PGresult *result, const char *why) {
  gcache_load_t *load = arg;

  if (result == NULL || PQntuples(result) != 1)
    gcache_load_fail(load, GCACHE_ELOAD, why);
  else
    gcache_load_done_copy(load, gcache_cstr(PQgetvalue(result, 0, 0)), 10 * 60 * 1000);
}

static void on_load(gcache_load_t *load) {
  struct member *m = gcache_group_data(gcache_load_group(load));
  gcache_bytes_t name = gcache_load_key(load);
  int rc;

  if (m->backend == NULL) m->backend = postgres_open(uv_default_loop(), m->source);
  rc = m->backend == NULL ? UV_ENOMEM
                          : postgres_query(m->backend, upsert, name.base, name.len, on_row, load);
  if (rc < 0) gcache_load_fail(load, rc, NULL);
}

static void answer(struct member *m, gcache_exchange_t *x) {
  gcache_bytes_t name = path_behind(x, "/tag/");

  if (name.len > 0)
    answer_key(m, x, name, NULL);
  else
    answer_text(x, 404, "GET /tag/NAME\n");
}

static void ended(struct member *m) {
  if (m->backend != NULL) postgres_close(m->backend);
}

int main(int argc, char **argv) {
  struct member m = {.name = "tags", .getter = on_load, .answer = answer, .ended = ended};
  gcache_group_options_t group;

  gcache_group_options_init(&group);
  group.max_bytes = 64 << 20;
  group.loads_max = 1000; /* queries to PostgreSQL at a time */
  return member_run(&m, &group, argc, argv);
}
