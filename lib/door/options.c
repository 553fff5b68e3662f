#include "door/options.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "door/dialect.h"
#include "door/range.h"
#include "gcache/transport.h"
#include "http/h2.h"
#include "net/hmac.h"
#include "wire/route.h"

#define SIZE_LIMIT ((uint64_t)1 << 30) /* for the parts of one message */
#define VALUE_LIMIT ((uint64_t)1 << 31)
#define COUNT_LIMIT 1000000
#define REPLICAS_LIMIT 10000
#define RANGES_LIMIT 4096
#define SECRET_LEAST 16
#define SECRET_MOST 256
#define MAX_BYTES_LEAST ((size_t)64 * 1024)

struct number {
  const char *name;
  size_t offset, size;
  uint64_t otherwise, min, max; /* otherwise: replaces 0 */
};

#define NUMBER(member, otherwise, min, max)                                                  \
  {                                                                                          \
#member, offsetof(gcache_options_t, member), sizeof(((gcache_options_t *)NULL)->member), \
        otherwise, min, max                                                                  \
  }

static const struct number numbers[] = {
    NUMBER(replicas, 50, 1, REPLICAS_LIMIT),
    NUMBER(timeout_ms, 10000, 1, UINT64_MAX),
    NUMBER(connect_timeout_ms, 1000, 1, UINT64_MAX),
    NUMBER(response_timeout_ms, UINT64_MAX, 1, UINT64_MAX),
    NUMBER(idle_timeout_ms, 60000, 1, UINT64_MAX),
    NUMBER(conns_per_peer, 32, 1, COUNT_LIMIT),
    NUMBER(calls_per_peer, 65536, 1, COUNT_LIMIT),
    NUMBER(ping_ms, 5000, 1, UINT64_MAX),
    NUMBER(health.failures_max, 3, 1, COUNT_LIMIT),
    NUMBER(health.retry_percent, 10, 1, 100),
    NUMBER(health.probe_min_ms, 250, 1, UINT64_MAX),
    NUMBER(health.probe_max_ms, 8000, 1, UINT64_MAX),
    NUMBER(health.missed_max, 4096, 1, COUNT_LIMIT),
    NUMBER(health.missed_max_bytes, 1024 * 1024, 1, SIZE_LIMIT),
    NUMBER(health.hedge_percentile, 0, 0, 99),
    NUMBER(health.hedge_min_ms, 5, 1, UINT64_MAX),
    NUMBER(handoff_ms, 30000, 1, UINT64_MAX),
    NUMBER(handoff_wait_ms, 100, 1, UINT64_MAX),
    NUMBER(leave_max_bytes, (size_t)64 << 20, 1, UINT64_MAX),
    NUMBER(limits.key_max, 4096, 1, SIZE_LIMIT),
    NUMBER(limits.value_max, 16 * 1024 * 1024, 1, VALUE_LIMIT),
    NUMBER(limits.line_max, 8 * 1024, 64, SIZE_LIMIT),
    NUMBER(limits.head_max, 16 * 1024, 256, SIZE_LIMIT),
    NUMBER(limits.head_lines_max, 64, 8, COUNT_LIMIT),
    NUMBER(limits.chunk_meta_max, 4 * 1024, 16, SIZE_LIMIT),
    NUMBER(limits.drain_max, 64 * 1024, 1, SIZE_LIMIT),
    NUMBER(limits.head_timeout_ms, 10000, 1, UINT64_MAX),
    NUMBER(limits.body_timeout_ms, 30000, 1, UINT64_MAX),
    NUMBER(limits.body_rate_min, 1024, 1, SIZE_LIMIT),
    NUMBER(limits.write_stall_ms, 10000, 1, UINT64_MAX),
    NUMBER(limits.idle_ms, 60000, 1, UINT64_MAX),
    NUMBER(limits.connections_max, 1024, 1, COUNT_LIMIT),
    NUMBER(limits.connections_per_address, 64, 1, COUNT_LIMIT),
    NUMBER(limits.pipelined_max, 1024, 1, COUNT_LIMIT),
    NUMBER(limits.tls_timeout_ms, 5000, 1, UINT64_MAX),
    NUMBER(limits.streams_max, 128, 1, COUNT_LIMIT),
    NUMBER(limits.resets_burst, 200, 1, COUNT_LIMIT),
    NUMBER(limits.resets_per_s, 50, 1, COUNT_LIMIT),
    NUMBER(limits.continuations_max, 8, 1, COUNT_LIMIT),
    NUMBER(limits.settings_max, 32, 6, COUNT_LIMIT),
    NUMBER(limits.acks_max, 100, 1, COUNT_LIMIT),
    NUMBER(limits.control_max, 1000, 10, COUNT_LIMIT),
    NUMBER(access.skew_ms, 30000, 1000, 3600000),
    NUMBER(access.replays_max, 1048576, 1, SIZE_LIMIT),
    NUMBER(limits.in_flight_max, 0, 0, UINT64_MAX),
    NUMBER(limits.requests_max, 65536, 1, COUNT_LIMIT),
};

static int refuse(const gcache_options_t *o, const char *name, const char *why) {
  char line[160];

  if (o->log != NULL) {
    snprintf(line, sizeof line, "gcache_open: option %s: %s", name, why);
    o->log(o->log_data, GCACHE_LOG_WARN, line);
  }
  return UV_EINVAL;
}

/* An older application has fewer members, a newer one more: those it must have left zero. */
static int copy(gcache_options_t *out, const gcache_options_t *in) {
  const char *bytes = (const char *)in;

  memset(out, 0, sizeof *out);
  if (in->size < offsetof(gcache_options_t, self)) return UV_EINVAL;
  memcpy(out, in, in->size < sizeof *out ? in->size : sizeof *out);
  for (size_t i = sizeof *out; i < in->size; i++)
    if (bytes[i] != 0)
      return refuse(out, "size", "options are set that this version of gcache does not know");
  return 0;
}

static uint64_t load(const void *at, size_t size) {
  uint64_t wide;
  unsigned narrow;

  if (size == sizeof wide) {
    memcpy(&wide, at, sizeof wide);
    return wide;
  }
  memcpy(&narrow, at, sizeof narrow);
  return narrow;
}

static void store(void *at, size_t size, uint64_t wide) {
  unsigned narrow = (unsigned)wide;

  if (size == sizeof wide)
    memcpy(at, &wide, sizeof wide);
  else
    memcpy(at, &narrow, sizeof narrow);
}

static int check_numbers(gcache_options_t *o) {
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    const struct number *n = &numbers[i];
    void *at = (char *)o + n->offset;
    uint64_t value = load(at, n->size);
    if (value == 0) store(at, n->size, value = n->otherwise);
    if (value < n->min || value > n->max) return refuse(o, n->name, "out of range");
  }
  return 0;
}

/* Whether every server and proxy passes it on unchanged, and raw bytes can be compared. */
static int is_plain_path(gcache_bytes_t path) {
  const char *base = path.base;

  if (path.len == 0 || path.len > 1024 || base[0] != '/' || base[path.len - 1] != '/') return 0;
  for (size_t i = 0; i < path.len; i++)
    if (base[i] <= ' ' || base[i] > '~' || strchr("%?#\"\\<>", base[i]) != NULL) return 0;
  return 1;
}

static int check_transport(const gcache_options_t *o) {
  const gcache_transport_t *t = o->transport;

  if (t == NULL) return 0;
  if (t->size < offsetof(gcache_transport_t, start) + sizeof t->start)
    return refuse(o, "transport", "size is not set");
  if (t->start == NULL) return refuse(o, "transport", "start is missing");
  return 0;
}

static int is_who(gcache_access_who_t who) {
  return (int)who >= GCACHE_ACCESS_PEERS && who <= GCACHE_ACCESS_ANYONE;
}

static int check_ranges(const gcache_options_t *o) {
  const gcache_access_t *access = &o->access;
  int lists = access->read == GCACHE_ACCESS_LISTED || access->write == GCACHE_ACCESS_LISTED;
  struct gci_range range;
  char why[80];

  if (lists && access->n_addresses == 0)
    return refuse(o, "access.addresses", "is required with GCACHE_ACCESS_LISTED");
  if (!lists && access->n_addresses > 0)
    return refuse(o, "access.addresses", "is only for GCACHE_ACCESS_LISTED");
  if (access->n_addresses > RANGES_LIMIT) return refuse(o, "access.n_addresses", "out of range");
  for (size_t i = 0; i < access->n_addresses; i++) {
    const char *text = access->addresses[i] != NULL ? access->addresses[i] : "NULL";
    if (gci_range_read(&range, text) == 0) continue;
    snprintf(why, sizeof why, "not an address or address range: %.45s", text);
    for (char *c = why; *c != '\0'; c++)
      if (*c < ' ' || *c > '~') *c = '?';
    return refuse(o, "access.addresses", why);
  }
  return 0;
}

static int check_access(const gcache_options_t *o) {
  const gcache_access_t *access = &o->access;

  if (!is_who(access->read)) return refuse(o, "access.read", "has an unknown value");
  if (!is_who(access->write)) return refuse(o, "access.write", "has an unknown value");
  if (access->write == GCACHE_ACCESS_ANYONE && access->read != GCACHE_ACCESS_ANYONE)
    return refuse(o, "access.write", "admits callers that access.read refuses");
  if ((int)access->secret_for < GCACHE_SECRET_ALL || access->secret_for > GCACHE_SECRET_CHANGES)
    return refuse(o, "access.secret_for", "has an unknown value");
  if (access->secret == NULL && access->secret_len > 0)
    return refuse(o, "access.secret", "is missing, but access.secret_len is set");
  if (access->secret != NULL &&
      (access->secret_len < SECRET_LEAST || access->secret_len > SECRET_MOST))
    return refuse(o, "access.secret_len", "is not 16 to 256");
  if (access->secret != NULL && !gci_hmac_built_in()) {
    refuse(o, "access.secret", "this gcache was built without OpenSSL");
    return UV_ENOTSUP;
  }
  return check_ranges(o);
}

int gci_options_read(gcache_options_t *out, const gcache_options_t *in) {
  struct gci_url url;
  int err = copy(out, in);

  if (err < 0) return err;
  if (out->loop == NULL) return refuse(out, "loop", "is required");
  if (out->self != NULL && gci_url_read(gcache_cstr(out->self), &url) < 0)
    return refuse(out, "self", gci_url_fault(gcache_cstr(out->self)));
  if (out->max_bytes != 0 && out->max_bytes < MAX_BYTES_LEAST)
    return refuse(out, "max_bytes", "is too small for one group");
  if (out->base_path == NULL) out->base_path = "/_groupcache/";
  if (!is_plain_path(gcache_cstr(out->base_path)))
    return refuse(out, "base_path",
                  "must begin and end with a slash, and contain nothing that needs escapes");
  if ((int)out->dialect < GCACHE_DIALECT_GCACHE || out->dialect > GCACHE_DIALECT_GOLANG)
    return refuse(out, "dialect", "has an unknown value");
  if (out->self != NULL && url.path.len > 0 && !gci_dialect_of(out->dialect)->has_unix)
    return refuse(out, "self", "this dialect has no unix: URLs");
  if ((int)out->http < GCACHE_HTTP_AUTO || out->http > GCACHE_HTTP_2)
    return refuse(out, "http", "has an unknown value");
  if (out->http == GCACHE_HTTP_2 && !gci_h2_built_in()) {
    refuse(out, "http", "this gcache was built without HTTP/2");
    return UV_ENOTSUP;
  }
  err = check_numbers(out);
  if (err == 0 && out->health.probe_min_ms > out->health.probe_max_ms)
    err = refuse(out, "health.probe_min_ms", "is larger than health.probe_max_ms");
  if (err == 0) err = check_access(out);
  return err < 0 ? err : check_transport(out);
}

void gcache_options_init_size(gcache_options_t *o, size_t size) {
  memset(o, 0, size);
  o->size = size;
}
