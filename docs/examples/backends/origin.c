/* origin - a cache in front of an HTTP origin: each page is fetched once for the whole cluster and
 * kept for the origin's max-age. A page is received into one buffer; that buffer is kept, and sent
 * to peers and clients.
 *     origin --listen 127.0.0.1:8080 --source http://127.0.0.1:9000
 *     GET /any/path?and=query */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetcher.h"
#include "member.h"

#define TTL_S 10 /* if the origin gives no max-age */

/* For the callers that wait now: the page expires in a second and is never delivered stale.
 * Requests within that second share it, so pages of a single user must not be served through this
 * program. */
static void deliver_only(gcache_load_t *load, gcache_bytes_t page) {
  gcache_t *cache = gcache_group_cache(gcache_load_group(load));
  gcache_value_t *value = gcache_value_copy(cache, page, gcache_expire_in(cache, 1000));

  if (value != NULL) gcache_value_freshen(value, &(gcache_windows_t){0});
  gcache_load_done(load, value);
}

static void on_fetched(void *arg, struct fetched *f) {
  gcache_load_t *load = arg;
  gcache_t *cache = gcache_group_cache(gcache_load_group(load));
  long age_s = f->max_age_s < 0 ? TTL_S : f->max_age_s;
  char why[64];

  if (f->why != NULL) {
    gcache_load_fail(load, GCACHE_ELOAD, f->why);
  } else if (f->status == 404) {
    gcache_load_not_found(load, 1000 * TTL_S, NULL);
  } else if (f->status != 200) {
    snprintf(why, sizeof why, "the origin answered %ld", f->status);
    gcache_load_fail(load, GCACHE_ELOAD, why);
  } else if (age_s == 0 || f->body == NULL) {
    deliver_only(load, gcache_bytes(f->body, f->len));
  } else {
    gcache_value_t *page = gcache_value_wrap(cache, gcache_bytes(f->body, f->len),
                                             gcache_expire_in(cache, 1000 * (uint64_t)age_s), free,
                                             f->body);
    if (page != NULL) f->body = NULL;
    gcache_load_done(load, page);
  }
}

/* Peers may ask for any key. Appended to the source's host and port, only a key that begins with a
 * slash leads to the same host. */
static int is_target(gcache_bytes_t key) {
  return key.len > 0 && *(const char *)key.base == '/' && memchr(key.base, 0, key.len) == NULL;
}

static void on_load(gcache_load_t *load) {
  struct member *m = gcache_group_data(gcache_load_group(load));
  gcache_bytes_t path = gcache_load_key(load);
  char url[4096];
  int n = snprintf(url, sizeof url, "%s%.*s", m->source, (int)path.len, (const char *)path.base);
  int rc = UV_ENAMETOOLONG;

  if (m->backend == NULL) m->backend = fetcher_open(uv_default_loop());
  if (m->backend == NULL) rc = UV_ENOMEM;
  if (!is_target(path))
    rc = UV_EINVAL;
  else if (m->backend != NULL && n < (int)sizeof url)
    rc = fetch(m->backend, url, 5000, on_fetched, load);
  if (rc < 0) gcache_load_fail(load, rc, NULL);
}

static void answer(struct member *m, gcache_exchange_t *x) {
  gcache_bytes_t path = gcache_exchange_path(x), query = gcache_exchange_query(x);
  char key[4096];
  int n = snprintf(key, sizeof key, "%.*s%s%.*s", (int)path.len, (const char *)path.base,
                   query.len > 0 ? "?" : "", (int)query.len, (const char *)query.base);

  if (n < (int)sizeof key)
    answer_key(m, x, gcache_bytes(key, (size_t)n), NULL);
  else
    answer_text(x, 414, "the path is too long\n");
}

static void ended(struct member *m) {
  if (m->backend != NULL) fetcher_close(m->backend);
  curl_global_cleanup();
}

int main(int argc, char **argv) {
  struct member m = {.name = "origin", .getter = on_load, .answer = answer, .ended = ended};
  gcache_group_options_t group;

  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return 1;
  gcache_group_options_init(&group);
  group.max_bytes = 64 << 20;
  group.stale_ms = 5000;           /* nobody waits for the origin while there is an old page */
  group.error_ms = 10 * 60 * 1000; /* the old page is served while the origin fails */
  return member_run(&m, &group, argc, argv);
}
