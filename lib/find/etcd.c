/* find/etcd - see etcd.h. Checks and copies the application's options; the calls of both halves;
 * the end. */
#include "find/etcd.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "net/loop.h"
#include "wire/route.h"

#define INTERVAL_MS 60000
#define TTL_MS 10000
#define TIMEOUT_MS 5000
#define MS_MAX ((uint64_t)3600 * 1000)
#define SERVERS_MAX 64

/* ------------------------------------------------------------------------------------ calls -- */

int gci_etcd_call(struct gci_etcd *e, struct gci_find_call **call, size_t server, const char *path,
                  const char *body, size_t len, const struct gci_find_call_events *events) {
  int rc = UV_EMSGSIZE;

  if (len > 0)
    rc = gci_find_call_start(call, e->find.env, e->uv, &e->servers[server], path,
                             gcache_bytes(body, len), e->timeout_ms, events, e);
  if (rc == 0) e->calls++;
  return rc;
}

static void stop_if_idle(struct gci_etcd *e) {
  if (!e->stopping || e->calls > 0) return;
  gci_etcd_lease_undo(e); /* its last deadline */
  gci_find_stopped(&e->find);
}

void gci_etcd_gone(void *etcd) {
  struct gci_etcd *e = etcd;

  e->calls--;
  stop_if_idle(e);
}

int gci_etcd_check(const struct gci_find_answer *answer, char why[GCI_ETCD_REASON]) {
  if (answer->status < 0) {
    snprintf(why, GCI_ETCD_REASON, "%s", answer->why);
    return answer->status;
  }
  why[0] = '\0';
  if (answer->http == 200) return 0;
  gci_etcd_read_error(why, answer->body);
  if (why[0] == '\0') snprintf(why, GCI_ETCD_REASON, "HTTP status %d", answer->http);
  return answer->http == 404 ? UV_ENOENT : UV_EPROTO;
}

/* -------------------------------------------------------------------------------------- end -- */

static void stop(gcache_find_t *find) {
  struct gci_etcd *e = gci_etcd_of(find);

  gci_etcd_list_stop(e);
  gci_etcd_lease_stop(e);
  e->stopping = 1;
  stop_if_idle(e);
}

static void release(gcache_find_t *find) {
  struct gci_etcd *e = gci_etcd_of(find);
  struct gci_mem *mem = find->env->mem;

  for (size_t i = 0; e->servers != NULL && i < e->n_servers; i++)
    gci_dial_target_fini(&e->servers[i].target);
  gci_mem_free(mem, e->servers, e->n_servers * sizeof *e->servers);
  gci_mem_free(mem, e->texts, e->texts_size);
  gci_mem_free(mem, e, sizeof *e);
}

static const struct gci_find_kind kind = {gci_etcd_look, stop, release};

/* ---------------------------------------------------------------------------------- options -- */

void gcache_find_etcd_init_size(gcache_find_etcd_t *o, size_t size) {
  memset(o, 0, size);
  o->size = size;
}

static int refuse(gcache_t *cache, const char *why) {
  gci_env_log(cache->env, GCACHE_LOG_WARN, "gcache_find_etcd: %s", why);
  return UV_EINVAL;
}

static int copy(gcache_find_etcd_t *out, const gcache_find_etcd_t *in) {
  const char *bytes = (const char *)in;

  memset(out, 0, sizeof *out);
  if (in->size < offsetof(gcache_find_etcd_t, prefix)) return UV_EINVAL;
  memcpy(out, in, in->size < sizeof *out ? in->size : sizeof *out);
  for (size_t i = sizeof *out; i < in->size; i++)
    if (bytes[i] != 0) return UV_EINVAL;
  if (out->prefix == NULL) out->prefix = "/gcache/";
  if (out->ttl_ms == 0) out->ttl_ms = TTL_MS;
  if (out->timeout_ms == 0) out->timeout_ms = TIMEOUT_MS;
  if (out->weight == 0) out->weight = 1;
  return 0;
}

static int check_servers(gcache_t *cache, const gcache_find_etcd_t *o) {
  struct gci_url parts = {0};

  if (o->endpoints == NULL || o->n_endpoints < 1 || o->n_endpoints > SERVERS_MAX)
    return refuse(cache, "1 to 64 endpoints are needed");
  for (size_t i = 0; i < o->n_endpoints; i++) {
    const char *url = o->endpoints[i];
    if (url == NULL || gci_url_read(gcache_cstr(url), &parts) < 0 || parts.path.len > 0)
      return refuse(cache, "an endpoint is not http://host:port or https://host:port");
    if (!parts.secure || gci_tls_asks(o->tls)) continue;
    refuse(cache, "https endpoints need tls");
    return UV_ENOTSUP;
  }
  return 0;
}

static int check(gcache_t *cache, const gcache_find_etcd_t *o) {
  size_t len = strlen(o->prefix);

  if (len == 0 || len > GCI_ETCD_KEY_MAX / 2) return refuse(cache, "prefix is empty or too long");
  for (size_t i = 0; i < len; i++)
    if (o->prefix[i] <= ' ' || o->prefix[i] > '~')
      return refuse(cache, "prefix has characters other than printable ASCII, or spaces");
  if (o->ttl_ms < 2000 || o->ttl_ms > MS_MAX) return refuse(cache, "ttl_ms is out of range");
  if (o->timeout_ms > MS_MAX) return refuse(cache, "timeout_ms is out of range");
  if (o->weight > 1000) return refuse(cache, "weight is not 1 to 1000");
  return check_servers(cache, o);
}

/* -------------------------------------------------------------------------------------- open -- */

static char *append(char **at, gcache_bytes_t text) {
  char *copy_at = *at;

  memcpy(copy_at, text.base, text.len);
  *at += text.len + 1; /* the memory is zero */
  return copy_at;
}

static void set_server(struct gci_etcd *e, size_t i, const char *url, gcache_tls_t *tls,
                       char **at) {
  struct gci_find_server *s = &e->servers[i];
  struct gci_url parts;

  gci_url_read(gcache_cstr(url), &parts); /* it has been checked before */
  s->target.host = append(at, parts.host);
  s->target.port = parts.port;
  s->authority = append(at, parts.authority);
  s->secure = parts.secure;
  s->tls = tls;
}

static int copy_texts(struct gci_etcd *e, const gcache_find_etcd_t *o) {
  struct gci_mem *mem = e->find.env->mem;
  char *at;

  e->n_servers = o->n_endpoints;
  e->texts_size = strlen(o->prefix) + 1;
  for (size_t i = 0; i < o->n_endpoints; i++)
    e->texts_size += 2 * (strlen(o->endpoints[i]) + 1);
  e->servers = gci_mem_zalloc(mem, e->n_servers * sizeof *e->servers);
  e->texts = gci_mem_zalloc(mem, e->texts_size);
  if (e->servers == NULL || e->texts == NULL) return UV_ENOMEM;
  at = e->texts;
  e->prefix = gcache_cstr(append(&at, gcache_cstr(o->prefix)));
  for (size_t i = 0; i < o->n_endpoints; i++)
    set_server(e, i, o->endpoints[i], o->tls, &at);
  return 0;
}

static int begin(struct gci_etcd *e, const gcache_find_options_t *o,
                 const gcache_find_etcd_t *etcd) {
  int rc;

  e->find.env = o->cache->env;
  e->uv = gci_loop_of(e->find.env)->uv;
  e->ttl_ms = etcd->ttl_ms;
  e->timeout_ms = etcd->timeout_ms;
  e->weight = etcd->weight;
  rc = copy_texts(e, etcd);
  if (rc == 0) rc = gci_find_open(&e->find, o, &kind);
  if (rc < 0) return rc;
  /* Members that start together do not all begin with the same endpoint. */
  e->lease.server = e->list.server = gci_find_spread(&e->find, 1 << 20) % e->n_servers;
  rc = gci_etcd_lease_open(e);
  if (rc < 0) gci_find_undo(&e->find);
  return rc;
}

int gcache_find_etcd(gcache_find_t **out, const gcache_find_options_t *options,
                     const gcache_find_etcd_t *etcd) {
  gcache_find_options_t o;
  gcache_find_etcd_t set;
  struct gci_etcd *e;
  int rc = gci_find_options_read(&o, options, INTERVAL_MS);

  if (rc < 0) return rc;
  if (!gci_etcd_built_in()) return UV_ENOTSUP;
  rc = copy(&set, etcd);
  if (rc == 0) rc = check(o.cache, &set);
  if (rc < 0) return rc;
  e = gci_mem_zalloc(o.cache->env->mem, sizeof *e);
  if (e == NULL) return UV_ENOMEM;
  rc = begin(e, &o, &set);
  if (rc < 0) {
    release(&e->find);
    return rc;
  }
  *out = &e->find;
  return 0;
}
