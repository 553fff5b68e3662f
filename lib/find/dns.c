/* find/dns - members from the addresses of a name. A look is one look-up by the system's resolver,
 * on a thread of libuv's pool. Owns the look-up. Fails: an unknown name is a failed look, as is a
 * name without an address of the wanted kind. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "find/find.h"
#include "find/url.h"
#include "net/lookup.h"
#include "net/loop.h"
#include "wire/route.h"

#define INTERVAL_MS 10000

struct find_dns {
  gcache_find_t find; /* first */
  struct gci_lookup *lookup;
  int secure, family;
  uint16_t port;
  size_t size;
  char name[];
};

static struct find_dns *dns_of(gcache_find_t *find) {
  return gci_container_of(find, struct find_dns, find);
}

static void fail(struct find_dns *f, int status, const char *what) {
  char text[GCI_FIND_TEXT];

  snprintf(text, sizeof text, "%.180s: %s", f->name, what);
  gci_find_failed(&f->find, status, text);
}

static int add(struct find_dns *f, struct gci_find_list *list,
               const struct sockaddr_storage *address) {
  char url[GCI_FIND_URL_MAX];

  if (address->ss_family != f->family) return 0;
  size_t len = gci_find_url_address(url, f->secure, address, f->port);
  return gci_find_list_add(list, gcache_bytes(url, len), 1);
}

static void on_looked_up(void *user, int status, const struct sockaddr_storage addresses[],
                         size_t n) {
  struct find_dns *f = user;
  struct gci_find_list list;

  f->lookup = NULL;
  gci_find_list_init(&list, f->find.env->mem);
  for (size_t i = 0; i < n && status == 0; i++)
    status = add(f, &list, &addresses[i]);
  if (status < 0)
    fail(f, status, gci_core_error_text(f->find.cache, status));
  else if (list.n == 0)
    fail(f, UV_ENOENT, f->family == AF_INET ? "no IPv4 address" : "no IPv6 address");
  else
    gci_find_found(&f->find, &list, "");
  gci_find_list_fini(&list);
}

static void look(gcache_find_t *find) {
  struct find_dns *f = dns_of(find);
  int rc = gci_lookup_start(&f->lookup, find->env, gci_loop_of(find->env)->uv, f->name,
                            on_looked_up, f);

  if (rc < 0) fail(f, rc, gci_core_error_text(find->cache, rc));
}

static void stop(gcache_find_t *find) {
  struct find_dns *f = dns_of(find);

  if (f->lookup != NULL) gci_lookup_cancel(f->lookup);
  gci_find_stopped(find);
}

static void release(gcache_find_t *find) {
  struct find_dns *f = dns_of(find);

  gci_mem_free(find->env->mem, f, f->size);
}

static const struct gci_find_kind kind = {look, stop, release};

static int refuse(gcache_t *cache, const char *why) {
  gci_env_log(cache->env, GCACHE_LOG_WARN, "gcache_find_dns: %s", why);
  return UV_EINVAL;
}

/* Whether url is what its own address would be written as: "[0::1]" and "[::1]" would be two
 * members. */
static int is_plain(const char *url, const struct gci_url *parts, int family) {
  struct sockaddr_storage address = {.ss_family = (sa_family_t)family};
  char text[GCI_FIND_URL_MAX], host[INET6_ADDRSTRLEN];
  size_t len = strlen(url) - (url[strlen(url) - 1] == '/');
  void *bytes = family == AF_INET6 ? (void *)&((struct sockaddr_in6 *)&address)->sin6_addr
                                   : (void *)&((struct sockaddr_in *)&address)->sin_addr;

  snprintf(host, sizeof host, "%.*s", (int)parts->host.len, (const char *)parts->host.base);
  if (inet_pton(family, host, bytes) != 1) return 0;
  return gci_bytes_equal(
      gcache_bytes(text, gci_find_url_address(text, parts->secure, &address, parts->port)),
      gcache_bytes(url, len));
}

/* Whether the others would find this member under its own URL. family: of its address. */
static int check_self(gcache_t *cache, const struct gci_url *where, int *family) {
  struct gci_url self;
  char why[80];

  *family = AF_INET;
  if (cache->self == NULL) return 0;
  if (gci_url_read(gcache_cstr(cache->self), &self) < 0) return UV_EINVAL;
  *family = gci_find_url_family(self.host);
  if (*family == 0)
    return refuse(cache, "our own URL has a name: use its address, which the others will find");
  if (self.port != where->port || self.secure != where->secure) {
    snprintf(why, sizeof why, "our own URL has another scheme or port than %s://...:%u",
             where->secure ? "https" : "http", where->port);
    return refuse(cache, why);
  }
  if (!is_plain(cache->self, &self, *family))
    return refuse(cache,
                  "our own URL is not in the form that the others use: scheme://address:port");
  return 0;
}

static int read_family(const gcache_find_options_t *o, const struct gci_url *where, int *family) {
  int rc = check_self(o->cache, where, family), of_self = *family;

  if (o->ip == GCACHE_FIND_IPV4) *family = AF_INET;
  if (o->ip == GCACHE_FIND_IPV6) *family = AF_INET6;
  if (rc == 0 && o->cache->self != NULL && *family != of_self)
    return refuse(o->cache, "our own URL has an address of the other IP version");
  return rc;
}

int gcache_find_dns(gcache_find_t **out, const gcache_find_options_t *options, const char *where) {
  gcache_find_options_t o;
  struct gci_url parts;
  struct find_dns *f;
  int family, rc = gci_find_options_read(&o, options, INTERVAL_MS);

  if (rc < 0) return rc;
  if (where == NULL || gci_url_read(gcache_cstr(where), &parts) < 0 || parts.path.len > 0)
    return refuse(o.cache, "not http://name:port or https://name:port");
  rc = read_family(&o, &parts, &family);
  if (rc < 0) return rc;
  size_t size = sizeof *f + parts.host.len + 1;
  f = gci_mem_zalloc(o.cache->env->mem, size);
  if (f == NULL) return UV_ENOMEM;
  f->size = size;
  f->secure = parts.secure;
  f->port = parts.port;
  f->family = family;
  memcpy(f->name, parts.host.base, parts.host.len);
  rc = gci_find_open(&f->find, &o, &kind);
  if (rc < 0)
    gci_mem_free(o.cache->env->mem, f, size);
  else
    *out = &f->find;
  return rc;
}
