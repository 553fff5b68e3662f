#include "door/access.h"

#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "core/core.h"
#include "net/stream.h"
#include "wire/route.h"

/* ---------------------------------------------------------------------------------- who ---- */

static int is_loopback(const struct gci_address *a) {
  static const unsigned char ipv4[13] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127};
  static const unsigned char ipv6[16] = {[15] = 1};

  return memcmp(a->bytes, ipv4, sizeof ipv4) == 0 || memcmp(a->bytes, ipv6, sizeof ipv6) == 0;
}

static int is_listed(const struct gci_access *a, const struct gci_visitor *v) {
  for (size_t i = 0; i < a->n_ranges; i++) {
    const struct gci_range *range = &a->ranges[i];
    if (v->is_local ? range->is_unix : gci_range_has(range, &v->address)) return 1;
  }
  return 0;
}

static int is_peers(const struct gci_access *a, const struct gci_visitor *v) {
  return v->is_local || is_loopback(&v->address) || gci_known_has(&a->known, &v->address);
}

static enum gci_verdict judge_address(const struct gci_access *a, const struct gci_visitor *v,
                                      gcache_access_who_t who, int has_proof) {
  if (who == GCACHE_ACCESS_LISTED) return is_listed(a, v) ? GCI_LET_IN : GCI_BARRED_UNLISTED;
  if (who == GCACHE_ACCESS_ANYONE || has_proof || is_peers(a, v)) return GCI_LET_IN;
  return GCI_BARRED_STRANGER;
}

static int is_for(void *user, const char *host) {
  return gci_stream_named(user, host);
}

static enum gci_verdict judge_certificate(const struct gci_access *a, const struct gci_visitor *v) {
  const struct gci_stream *stream = v->secure;

  if (stream == NULL) return GCI_LET_IN;
  if (!gci_stream_verified(stream)) return GCI_BARRED_NO_CERTIFICATE;
  if (!v->must_be_named) return GCI_LET_IN;
  return gci_known_any_host(&a->known, is_for, (void *)(uintptr_t)stream) ? GCI_LET_IN
                                                                          : GCI_BARRED_OTHER_NAME;
}

/* Writing requires the right to read. */
static void judge_visitor(const struct gci_access *a, struct gci_visitor *v) {
  int has_certificate = v->secure != NULL;
  int signs_all = a->has_secret && a->auth.covers == GCACHE_SECRET_ALL;
  enum gci_verdict certificate;

  if (v->judged == a->known.generation + 1) return;
  v->judged = a->known.generation + 1;
  certificate = judge_certificate(a, v);
  v->reading = v->writing = certificate;
  if (certificate != GCI_LET_IN) return;
  v->reading = judge_address(a, v, a->read, has_certificate || signs_all);
  v->writing = judge_address(a, v, a->write, has_certificate || a->has_secret);
  if (v->writing != GCI_LET_IN) return;
  if (a->has_secret && a->read == GCACHE_ACCESS_PEERS) return; /* a signed change proves it */
  v->writing = v->reading;
}

/* ------------------------------------------------------------------------------- requests -- */

/* The host that peers call this member by. Without a URL of its own: the host that they sent. */
static gcache_bytes_t own_host(struct gci_access *a, const struct gci_http_head *head) {
  struct gci_url parts;

  if (a->cache->self == NULL)
    return gci_http_header(head->headers, head->n_headers, GCI_LIT("Host"));
  if (a->self != a->cache->self && gci_url_read(gcache_cstr(a->cache->self), &parts) == 0) {
    a->self = a->cache->self;
    a->authority = parts.authority;
  }
  return a->authority;
}

/* A stranger may be a peer that has moved. */
static enum gci_verdict look_again(struct gci_access *a) {
  gci_known_refresh(&a->known);
  return gci_known_is_refreshing(&a->known) ? GCI_BARRED_LOOKING_UP : GCI_BARRED_STRANGER;
}

enum gci_verdict gci_access_judge(struct gci_access *a, struct gci_visitor *v,
                                  const struct gci_http_head *head, int has_body) {
  int reads = gci_bytes_equal(head->method, GCI_LIT("GET"));
  enum gci_verdict verdict;

  judge_visitor(a, v);
  verdict = reads ? v->reading : v->writing;
  if (verdict == GCI_BARRED_STRANGER) return look_again(a);
  if (verdict != GCI_LET_IN || !a->has_secret || !gci_auth_covers(&a->auth, head->method))
    return verdict;
  return gci_auth_check(&a->auth, head, own_host(a, head), has_body);
}

enum gci_verdict gci_access_judge_body(struct gci_access *a, const struct gci_http_head *head,
                                       const gcache_value_t *body) {
  if (!a->has_secret || !gci_auth_covers(&a->auth, head->method)) return GCI_LET_IN;
  return gci_auth_check_body(&a->auth, head, body);
}

const struct gci_verdict_words *gci_access_refuse(struct gci_access *a, enum gci_verdict verdict) {
  const struct gci_verdict_words *words = gci_verdict_words(verdict);

  if (words->status == 403) a->forbidden++;
  return words;
}

/* ------------------------------------------------------------------------------------ life -- */

struct gci_auth *gci_access_auth(struct gci_access *a) {
  return a->has_secret ? &a->auth : NULL;
}

static int read_ranges(struct gci_access *a, const gcache_access_t *options) {
  size_t n = options->n_addresses;
  int err = 0;

  if (n == 0) return 0;
  a->ranges = gci_mem_zalloc(a->env->mem, n * sizeof *a->ranges);
  if (a->ranges == NULL) return UV_ENOMEM;
  a->n_ranges = n;
  for (size_t i = 0; i < n && err == 0; i++)
    err = gci_range_read(&a->ranges[i], options->addresses[i]);
  return err;
}

int gci_access_open(struct gci_access *a, struct gci_env *env, struct uv_loop_s *uv,
                    gcache_t *cache, const gcache_access_t *options,
                    const unsigned char sender[8]) {
  int err;

  *a = (struct gci_access){
      .env = env, .cache = cache, .read = options->read, .write = options->write};
  gci_known_open(&a->known, env, uv, &cache->hash_key);
  err = read_ranges(a, options);
  if (err < 0 || options->secret == NULL) return err;
  a->has_secret = 1;
  return gci_auth_open(&a->auth, env, &cache->hash_key, options, sender);
}

void gci_access_close(struct gci_access *a) {
  gci_known_close(&a->known);
}

void gci_access_fini(struct gci_access *a) {
  if (a->has_secret) gci_auth_fini(&a->auth);
  gci_known_fini(&a->known);
  gci_mem_free(a->env->mem, a->ranges, a->n_ranges * sizeof *a->ranges);
}
