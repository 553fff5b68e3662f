/* find/srv - members from the SRV records of a service. A look is one request (net/srv), which is
 * owned here. Fails: a name without such records is a failed look, as is an answer with a target
 * that is no host.
 *
 * Priorities and weights are not used. They say how clients should spread over servers, and change
 * with the number of servers (CoreDNS: 100 / n); as weights of members they would move keys
 * whenever a member comes or goes. */
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "find/find.h"
#include "find/url.h"
#include "net/loop.h"
#include "net/srv.h"
#include "wire/route.h"

#define INTERVAL_MS 10000

struct find_srv {
  gcache_find_t find; /* first */
  struct gci_srv *srv;
  int secure;
  char *servers; /* in texts; NULL: the system's */
  size_t size;
  char texts[]; /* the name, then the servers */
};

static struct find_srv *srv_of(gcache_find_t *find) {
  return gci_container_of(find, struct find_srv, find);
}

static void fail(struct find_srv *f, int status, const char *what) {
  char text[GCI_FIND_TEXT];

  snprintf(text, sizeof text, "%.160s: %s", f->texts, what);
  gci_find_failed(&f->find, status, text);
}

static int add(struct find_srv *f, struct gci_find_list *list,
               const struct gci_srv_target *target) {
  char url[GCI_FIND_URL_MAX];

  if (target->host[0] == '\0' || strcmp(target->host, ".") == 0) return 0; /* "not here" */
  size_t len = gci_find_url_name(url, f->secure, target->host, target->port);
  return gci_find_list_add(list, gcache_bytes(url, len), 1);
}

static void on_answered(void *user, int status, const char *why,
                        const struct gci_srv_target targets[], size_t n) {
  struct find_srv *f = user;
  struct gci_find_list list;

  f->srv = NULL;
  gci_find_list_init(&list, f->find.env->mem);
  for (size_t i = 0; i < n && status == 0; i++) {
    status = add(f, &list, &targets[i]);
    why = status == UV_EINVAL ? "a target is not a host and port"
                              : gci_core_error_text(f->find.cache, status);
  }
  if (status < 0)
    fail(f, status, why);
  else
    gci_find_found(&f->find, &list, "");
  gci_find_list_fini(&list);
}

static void look(gcache_find_t *find) {
  struct find_srv *f = srv_of(find);
  int rc = gci_srv_start(&f->srv, find->env, gci_loop_of(find->env)->uv, f->servers, f->texts,
                         on_answered, f);

  if (rc < 0) fail(f, rc, gci_core_error_text(find->cache, rc));
}

static void stop(gcache_find_t *find) {
  struct find_srv *f = srv_of(find);

  if (f->srv != NULL) gci_srv_cancel(f->srv);
  gci_find_stopped(find);
}

static void release(gcache_find_t *find) {
  struct find_srv *f = srv_of(find);

  gci_mem_free(find->env->mem, f, f->size);
}

static const struct gci_find_kind kind = {look, stop, release};

static int refuse(gcache_t *cache, const char *why) {
  gci_env_log(cache->env, GCACHE_LOG_WARN, "gcache_find_srv: %s", why);
  return UV_EINVAL;
}

/* Whether the others would find this member under its own URL, if it is found at all: its URL must
 * be written as a record's target is written here. */
static int check_self(gcache_t *cache, int secure) {
  struct gci_url self;
  char host[GCI_FIND_URL_MAX], url[GCI_FIND_URL_MAX];
  size_t len;

  if (cache->self == NULL) return 0;
  len = strlen(cache->self);
  len -= cache->self[len - 1] == '/';
  if (gci_url_read(gcache_cstr(cache->self), &self) < 0) return UV_EINVAL;
  snprintf(host, sizeof host, "%.*s", (int)self.host.len, (const char *)self.host.base);
  if (gci_bytes_equal(gcache_bytes(url, gci_find_url_name(url, secure, host, self.port)),
                      gcache_bytes(cache->self, len)))
    return 0;
  return refuse(cache, "our own URL is not in the form that the others use: scheme://name:port, in "
                       "lower case");
}

static int make(struct find_srv **out, const gcache_find_options_t *o, const char *name) {
  size_t name_size = strlen(name) + 1;
  size_t servers_size = o->servers == NULL ? 0 : strlen(o->servers) + 1;
  size_t size = sizeof(struct find_srv) + name_size + servers_size;
  struct find_srv *f = gci_mem_zalloc(o->cache->env->mem, size);

  if (f == NULL) return UV_ENOMEM;
  f->size = size;
  memcpy(f->texts, name, name_size);
  if (servers_size > 0) f->servers = memcpy(f->texts + name_size, o->servers, servers_size);
  *out = f;
  return 0;
}

int gcache_find_srv(gcache_find_t **out, const gcache_find_options_t *options, const char *name,
                    const char *scheme) {
  gcache_find_options_t o;
  struct find_srv *f = NULL;
  int secure, rc = gci_find_options_read(&o, options, INTERVAL_MS);

  if (rc < 0) return rc;
  if (!gci_srv_built_in()) return UV_ENOTSUP;
  if (name == NULL || *name == '\0') return refuse(o.cache, "name is missing");
  secure = scheme != NULL && strcmp(scheme, "https") == 0;
  if (!secure && (scheme == NULL || strcmp(scheme, "http") != 0))
    return refuse(o.cache, "scheme is neither http nor https");
  rc = check_self(o.cache, secure);
  if (rc < 0) return rc;
  rc = make(&f, &o, name);
  if (rc < 0) return rc;
  f->secure = secure;
  rc = gci_find_open(&f->find, &o, &kind);
  if (rc < 0)
    gci_mem_free(o.cache->env->mem, f, f->size);
  else
    *out = &f->find;
  return rc;
}
