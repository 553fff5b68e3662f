/* gcache - the house: the one room that sees all others. Assembles a cache from its parts, tears it
 * down in order, and does for the application what needs more than one tower: peer lists, totals,
 * error texts.
 *
 * Closing: refuse; the door closes its connections while the core cancels its requests; when
 * neither owes anything the transport closes; then the loop's handles; then all memory is freed and
 * the application is told. */
#include "gcache/gcache.h"

#include <assert.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "base/err.h"
#include "core/core.h"
#include "door/dialect.h"
#include "door/door.h"
#include "door/options.h"
#include "door/transport_http.h"
#include "door/work.h"
#include "net/loop.h"
#include "net/tls.h"
#include "see/metrics.h"
#include "wire/route.h"

#define IN_FLIGHT_LEAST ((size_t)16 * 1024 * 1024)

struct house {
  gcache_t core; /* first: the application's pointer */
  struct gci_mem *mem;
  struct gci_env env;
  struct gci_loop loop;
  struct gci_access access;
  struct gci_door door;
  struct gci_transport_http http; /* unused if the application brings its own */
  gcache_transport_t *transport;
  char *base_path;
  size_t base_path_size;
  int had_peers;
  int closing;
  int parts_open; /* core and door */
  gcache_closed_cb closed;
  void *closed_arg;
};

static struct house *house_of(gcache_t *cache) {
  return gci_container_of(cache, struct house, core);
}

static const struct house *house_of_const(const gcache_t *cache) {
  return (const struct house *)(const void *)cache;
}

static int is_http(const struct house *house) {
  return house->transport == &house->http.transport;
}

/* ------------------------------------------------------------------------------------ words -- */

#define VERSION_TEXT(major, minor, patch) #major "." #minor "." #patch
#define VERSION(major, minor, patch) VERSION_TEXT(major, minor, patch)

const char *gcache_version_string(void) {
  return VERSION(GCACHE_VERSION_MAJOR, GCACHE_VERSION_MINOR, GCACHE_VERSION_PATCH);
}

/* uv_strerror() and uv_err_name() allocate for unknown codes, and never free that. */
const char *gcache_strerror(int code) {
  const char *ours = gci_err_text(code);

  if (ours != NULL) return ours;
  switch (code) {
#define XX(name, text) \
  case UV_##name:      \
    return text;
    UV_ERRNO_MAP(XX)
#undef XX
  case 0:
    return "ok";
  default:
    return "unknown error";
  }
}

const char *gcache_err_name(int code) {
  const char *ours = gci_err_name(code);

  if (ours != NULL) return ours;
  switch (code) {
#define XX(name, text) \
  case UV_##name:      \
    return "UV_" #name;
    UV_ERRNO_MAP(XX)
#undef XX
  case 0:
    return "OK";
  default:
    return "UNKNOWN";
  }
}

/* ------------------------------------------------------------------------------------- open -- */

static void free_house(struct house *house) {
  struct gci_mem *mem = house->mem;

  gci_mem_free(mem, house->base_path, house->base_path_size);
  gci_mem_free(mem, house, sizeof *house);
  gci_mem_unref(mem);
}

static int build(struct house **out, const gcache_options_t *o) {
  struct gci_mem *mem = gci_mem_new(&o->mem);
  struct house *house = mem == NULL ? NULL : gci_mem_zalloc(mem, sizeof *house);

  if (house == NULL) {
    if (mem != NULL) gci_mem_unref(mem);
    return UV_ENOMEM;
  }
  house->mem = mem;
  house->base_path_size = strlen(o->base_path) + 1;
  house->base_path = gci_mem_strdup(mem, gcache_cstr(o->base_path));
  if (house->base_path == NULL) {
    free_house(house);
    return UV_ENOMEM;
  }
  *out = house;
  return 0;
}

static void set_up_transport(struct house *house, const gcache_options_t *o) {
  struct gci_door_peer_config config = {
      .conn = {.env = &house->env,
               .uv = o->loop,
               .limits = &house->door.limits,
               .http = o->http,
               .tls = o->tls,
               .connect_timeout_ms = o->connect_timeout_ms,
               .response_timeout_ms = o->response_timeout_ms,
               .idle_timeout_ms = o->idle_timeout_ms,
               .ping_ms = o->ping_ms,
               .error_text = gcache_strerror},
      .cache = &house->core,
      .base_path = gcache_cstr(house->base_path),
      .dialect = gci_dialect_of(o->dialect),
      .auth = gci_access_auth(&house->access),
      .conns_per_peer = o->conns_per_peer,
      .calls_per_peer = o->calls_per_peer,
  };

  gci_transport_http_open(&house->http, &config);
  house->transport = o->transport != NULL ? o->transport : &house->http.transport;
}

/* Computed anew each time: groups come and go, and change in size. */
static size_t quarter_of_memory(const void *core) {
  return gci_core_max_bytes(core) / 4;
}

static void limit_in_flight(struct house *house, const gcache_limits_t *limits) {
  struct gci_in_flight *f = &house->mem->in_flight;

  f->requests_max = limits->requests_max;
  if (limits->in_flight_max != 0)
    gci_in_flight_limit(f, limits->in_flight_max, NULL, NULL);
  else
    gci_in_flight_limit(f, IN_FLIGHT_LEAST, quarter_of_memory, &house->core);
}

static void set_up_door(struct house *house, const gcache_options_t *o) {
  house->door = (struct gci_door){.cache = &house->core,
                                  .env = &house->env,
                                  .uv = o->loop,
                                  .base_path = gcache_cstr(house->base_path),
                                  .dialect = gci_dialect_of(o->dialect),
                                  .http = o->http,
                                  .limits = o->limits,
                                  .access = &house->access};
  house->core.door = &house->door;
}

/* Saturates. */
static uint64_t twice(uint64_t ms) {
  return ms > UINT64_MAX / 2 ? UINT64_MAX : 2 * ms;
}

static int set_up_core(struct house *house, const gcache_options_t *o,
                       const unsigned char seed[16]) {
  struct gci_core_options core = {
      .self = o->self,
      .dialect = o->dialect,
      .replicas = o->replicas,
      .timeout_ms = o->timeout_ms,
      .key_max = o->limits.key_max,
      .value_max = o->limits.value_max,
      .max_bytes = o->max_bytes,
      .handoff = {.handoff_ms = o->handoff_ms,
                  .wait_ms = o->handoff_wait_ms,
                  .leave_max_bytes = o->leave_max_bytes},
      .transport = house->transport,
      .tell = {.missed_max = o->health.missed_max,
               .missed_max_bytes = o->health.missed_max_bytes,
               .patience_ms = twice(o->connect_timeout_ms)},
      .health = {.set = o->health, .probe_ms = o->connect_timeout_ms, .silent_ms = o->ping_ms},
      .load_work = gci_work_start,
      .load_work_cancel = gci_work_cancel,
      .error_text = gcache_strerror,
      .hooks = o->hooks};

  if (o->handoff_ms == GCACHE_NO_HANDOFF) core.handoff.handoff_ms = 0;
  memcpy(core.hash_seed, seed, sizeof core.hash_seed);
  return gci_core_open(&house->core, &house->env, &core);
}

static void on_loop_closed_unused(void *arg) {
  struct house *house = arg;

  gci_transport_http_fini(&house->http);
  gci_access_fini(&house->access);
  gci_env_fini(&house->env);
  free_house(house);
}

int gcache_open(gcache_t **out, const gcache_options_t *options) {
  unsigned char seed[16], sender[16];
  struct house *house = NULL;
  gcache_options_t o;
  int err = gci_options_read(&o, options);

  if (err == 0) err = gci_loop_random(seed);
  if (err == 0) err = gci_loop_random(sender);
  if (err == 0) err = build(&house, &o);
  if (err < 0) return err;
  gci_loop_open(&house->loop, o.loop, &house->env, &o.clock);
  house->loop.mono_ns = o.clock_mono_ns;
  gci_env_init(&house->env, house->mem, &gci_loop_driver, &house->loop, o.log, o.log_data);
  err = gci_access_open(&house->access, &house->env, o.loop, &house->core, &o.access, sender);
  set_up_transport(house, &o);
  if (err == 0) err = set_up_core(house, &o, seed);
  if (err < 0) { /* libuv closes handles in the next turn of the loop */
    gci_loop_close(&house->loop, on_loop_closed_unused, house);
    return err;
  }
  set_up_door(house, &o);
  limit_in_flight(house, &o.limits);
  gci_door_open(&house->door);
  *out = &house->core;
  return 0;
}

/* ------------------------------------------------------------------------------------ close -- */

static void on_loop_closed(void *arg) {
  struct house *house = arg;
  gcache_closed_cb closed = house->closed;
  void *closed_arg = house->closed_arg;

  gci_core_fini(&house->core);
  gci_door_fini(&house->door);
  gci_transport_http_fini(&house->http);
  gci_access_fini(&house->access);
  gci_env_fini(&house->env);
  free_house(house);
  if (closed != NULL) closed(closed_arg);
}

static void on_transport_closed(void *arg) {
  struct house *house = arg;

  gci_env_release(&house->env);
  gci_loop_close(&house->loop, on_loop_closed, house);
}

/* A transport compiled against an older header is shorter. */
static int has_close(const gcache_transport_t *t) {
  return t->size >= offsetof(gcache_transport_t, close) + sizeof t->close && t->close != NULL;
}

static void on_part_closed(void *arg) {
  struct house *house = arg;
  gcache_transport_t *transport = house->transport;

  if (--house->parts_open > 0) return;
  if (has_close(transport))
    transport->close(transport, on_transport_closed, house);
  else
    on_transport_closed(house);
}

void gcache_close(gcache_t *cache, gcache_closed_cb closed, void *arg) {
  struct house *house = house_of(cache);

  assert(!house->closing);
  house->closing = 1;
  house->closed = closed;
  house->closed_arg = arg;
  house->parts_open = 2;
  gci_env_hold(&house->env);
  gci_door_close(&house->door, on_part_closed, house);
  gci_core_close(&house->core, on_part_closed, house);
}

/* ------------------------------------------------------------------------------------ peers -- */

/* UV_EINVAL: the log names who. */
static int read_url(struct house *house, const char *who, const char *url, struct gci_url *parts) {
  const char *fault = url == NULL ? "is missing" : NULL;

  if (url != NULL && gci_url_read(gcache_cstr(url), parts) < 0)
    fault = gci_url_fault(gcache_cstr(url));
  else if (url != NULL && parts->path.len > 0 && !house->door.dialect->has_unix)
    fault = "this dialect has no unix: URLs";
  if (fault == NULL) return 0;
  gci_env_log(&house->env, GCACHE_LOG_WARN, "%s %s: %s", who, url == NULL ? "NULL" : url, fault);
  return UV_EINVAL;
}

int gcache_set_self(gcache_t *cache, const char *url) {
  struct house *house = house_of(cache);
  struct gci_url parts;

  if (house->closing) return GCACHE_ECLOSING;
  if (cache->self != NULL || house->had_peers) return UV_EINVAL;
  if (read_url(house, "self", url, &parts) < 0) return UV_EINVAL;
  return gci_core_set_self(cache, url);
}

static int check_peers(struct house *house, const char *const urls[], const unsigned weights[],
                       size_t n) {
  struct gci_url parts;

  for (size_t i = 0; i < n; i++) {
    if (read_url(house, "peer", urls[i], &parts) < 0) return UV_EINVAL;
    if (parts.secure && is_http(house) && !gci_tls_asks(house->http.config.conn.tls)) {
      gci_env_log(&house->env, GCACHE_LOG_WARN, "peer %s: https:// needs options.tls", urls[i]);
      return UV_EINVAL;
    }
    if (weights != NULL && (weights[i] < 1 || weights[i] > 1000)) {
      gci_env_log(&house->env, GCACHE_LOG_WARN, "peer %s: weight %u is not 1 to 1000", urls[i],
                  weights[i]);
      return UV_EINVAL;
    }
  }
  return 0;
}

/* host:port of a URL that has been read. */
static gcache_bytes_t authority_of(const char *url) {
  gcache_bytes_t all = gcache_cstr(url);
  gcache_bytes_t rest = gci_bytes_skip(all, strlen(url[4] == 's' ? "https://" : "http://"));

  if (url[all.len - 1] == '/') rest.len--;
  return rest;
}

/* host:port of every URL: n pointers, and then the texts. NULL: out of memory. */
static const char **build_labels(struct gci_mem *mem, const char *const urls[], size_t n,
                                 size_t *size) {
  const char **labels;
  char *text;

  *size = n * sizeof *labels;
  for (size_t i = 0; i < n; i++)
    *size += strlen(urls[i]) + 1;
  labels = gci_mem_alloc(mem, *size);
  if (labels == NULL) return NULL;
  text = (char *)(labels + n);
  for (size_t i = 0; i < n; i++) {
    gcache_bytes_t authority = authority_of(urls[i]);
    memcpy(text, authority.base, authority.len);
    text[authority.len] = '\0';
    labels[i] = text;
    text += authority.len + 1;
  }
  return labels;
}

static int set_core_peers(struct house *house, const char *const urls[], const unsigned weights[],
                          size_t n) {
  const char **labels;
  size_t size;
  int err;

  if (!house->door.dialect->places_authority || n == 0)
    return gci_core_set_peers(&house->core, urls, urls, weights, n);
  labels = build_labels(house->mem, urls, n, &size);
  if (labels == NULL) return UV_ENOMEM;
  err = gci_core_set_peers(&house->core, urls, labels, weights, n);
  gci_mem_free(house->mem, labels, size);
  return err;
}

int gcache_set_peers(gcache_t *cache, const char *const urls[], const unsigned weights[],
                     size_t n) {
  struct house *house = house_of(cache);
  struct gci_known *known = &house->access.known;
  struct gci_known_list *addresses;
  int err;

  if (house->closing) return GCACHE_ECLOSING;
  err = check_peers(house, urls, weights, n);
  if (err == 0) err = gci_known_prepare(known, &addresses, urls, n);
  if (err < 0) return err;
  err = set_core_peers(house, urls, weights, n);
  if (err < 0) {
    gci_known_drop(known, addresses);
    return err;
  }
  gci_known_commit(known, addresses);
  if (!gci_list_empty(&house->door.listeners)) gci_known_refresh(known);
  house->had_peers = 1;
  return 0;
}

/* ----------------------------------------------------------------------------------- totals -- */

int gcache_metrics(const gcache_t *cache, gcache_metrics_format_t format, gcache_value_t **out) {
  return gci_metrics(cache, cache->self, house_of_const(cache)->mem, format, out);
}

void gcache_stats_size(const gcache_t *cache, gcache_stats_t *out, size_t size) {
  const struct house *house = house_of_const(cache);
  gcache_stats_t stats = {.groups = cache->groups.count,
                          .peers = cache->peers.n,
                          .memory_bytes = house->mem->bytes + sizeof *house->mem,
                          .connections_in = house->door.connections,
                          .connections_out = house->http.config.connections,
                          .refused = house->door.refused,
                          .bad_requests = house->door.bad_requests,
                          .forbidden = house->access.forbidden,
                          .awaited_names = house->access.known.waited,
                          .peers_coming = gci_lists_coming(cache),
                          .peers_error = cache->lists.error,
                          .retries = cache->health.retries,
                          .hot_dropped = cache->health.hot_dropped,
                          .retries_denied = cache->health.retries_denied,
                          .in_flight_bytes = house->mem->in_flight.bytes,
                          .requests_in_flight = house->mem->in_flight.requests,
                          .shed = house->mem->in_flight.shed,
                          .hedges = cache->health.hedges,
                          .hedges_denied = cache->health.hedges_denied};

  memset(out, 0, size);
  memcpy(out, &stats, size < sizeof stats ? size : sizeof stats);
}
