/* find/etcd_words - see etcd_words.h. Keys and values are base64 in JSON, 64-bit numbers are
 * strings; members with default values are left out of an answer. */
#include "find/etcd_words.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "find/lines.h"

#define BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1)
#define VALUE_MAX ((size_t)512) /* "URL weight" */

int gci_etcd_built_in(void) {
  return 1;
}

/* ---------------------------------------------------------------------------------- base64 -- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* out: BASE64_SIZE(bytes.len). */
static void write_base64(char *out, gcache_bytes_t bytes) {
  const unsigned char *p = bytes.base;

  for (size_t i = 0; i < bytes.len; i += 3) {
    size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
    unsigned three = (unsigned)p[i] << 16;
    if (n > 1) three |= (unsigned)p[i + 1] << 8;
    if (n > 2) three |= p[i + 2];
    *out++ = digits[three >> 18];
    *out++ = digits[three >> 12 & 63];
    *out++ = n > 1 ? digits[three >> 6 & 63] : '=';
    *out++ = n > 2 ? digits[three & 63] : '=';
  }
  *out = '\0';
}

/* Returns the number of bytes; -1: it is no base64, or longer than cap. */
static int read_base64(char *out, size_t cap, const char *text) {
  size_t n = 0, bits = 0;
  unsigned held = 0;

  for (; *text != '\0' && *text != '='; text++) {
    const char *digit = strchr(digits, *text);
    if (digit == NULL) return -1;
    held = (held << 6 | (unsigned)(digit - digits)) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    if (n == cap) return -1;
    out[n++] = (char)(held >> bits);
  }
  return text[strspn(text, "=")] == '\0' ? (int)n : -1;
}

/* --------------------------------------------------------------------------------- requests -- */

static size_t written(int len) {
  return len > 0 && (size_t)len < GCI_ETCD_BODY_MAX ? (size_t)len : 0;
}

/* The end of the range of keys with that prefix, which ends in a byte below 0xff. */
static int write_ends(char from[BASE64_SIZE(GCI_ETCD_KEY_MAX)],
                      char to[BASE64_SIZE(GCI_ETCD_KEY_MAX)], gcache_bytes_t prefix) {
  char end[GCI_ETCD_KEY_MAX];

  if (prefix.len == 0 || prefix.len > sizeof end) return -1;
  memcpy(end, prefix.base, prefix.len);
  end[prefix.len - 1]++;
  write_base64(from, prefix);
  write_base64(to, gcache_bytes(end, prefix.len));
  return 0;
}

size_t gci_etcd_write_range(char out[GCI_ETCD_BODY_MAX], gcache_bytes_t prefix) {
  char from[BASE64_SIZE(GCI_ETCD_KEY_MAX)], to[BASE64_SIZE(GCI_ETCD_KEY_MAX)];

  if (write_ends(from, to, prefix) < 0) return 0;
  return written(
      snprintf(out, GCI_ETCD_BODY_MAX, "{\"key\":\"%s\",\"range_end\":\"%s\"}", from, to));
}

size_t gci_etcd_write_watch(char out[GCI_ETCD_BODY_MAX], gcache_bytes_t prefix, uint64_t revision) {
  char from[BASE64_SIZE(GCI_ETCD_KEY_MAX)], to[BASE64_SIZE(GCI_ETCD_KEY_MAX)];

  if (write_ends(from, to, prefix) < 0) return 0;
  return written(snprintf(out, GCI_ETCD_BODY_MAX,
                          "{\"create_request\":{\"key\":\"%s\",\"range_end\":\"%s\","
                          "\"start_revision\":\"%" PRIu64 "\"}}",
                          from, to, revision));
}

size_t gci_etcd_write_grant(char out[GCI_ETCD_BODY_MAX], uint64_t ttl_s) {
  return written(snprintf(out, GCI_ETCD_BODY_MAX, "{\"TTL\":\"%" PRIu64 "\"}", ttl_s));
}

size_t gci_etcd_write_lease(char out[GCI_ETCD_BODY_MAX], uint64_t lease) {
  return written(snprintf(out, GCI_ETCD_BODY_MAX, "{\"ID\":\"%" PRIu64 "\"}", lease));
}

size_t gci_etcd_write_put(char out[GCI_ETCD_BODY_MAX], gcache_bytes_t key, gcache_bytes_t value,
                          uint64_t lease) {
  char k[BASE64_SIZE(GCI_ETCD_KEY_MAX)], v[BASE64_SIZE(VALUE_MAX)];

  if (key.len > GCI_ETCD_KEY_MAX || value.len > VALUE_MAX) return 0;
  write_base64(k, key);
  write_base64(v, value);
  return written(snprintf(out, GCI_ETCD_BODY_MAX,
                          "{\"key\":\"%s\",\"value\":\"%s\",\"lease\":\"%" PRIu64 "\"}", k, v,
                          lease));
}

/* ---------------------------------------------------------------------------------- answers -- */

static json_t *load(gcache_bytes_t body) {
  json_t *root = body.len == 0 ? NULL : json_loadb(body.base, body.len, 0, NULL);

  if (json_is_object(root)) return root;
  json_decref(root);
  return NULL;
}

/* A string, as in gRPC's JSON, or a number; absent: 0. -1: anything else, or below 0. */
static int number_of(const json_t *object, const char *name, uint64_t *out) {
  const json_t *field = json_object_get(object, name);

  *out = 0;
  if (field == NULL) return 0;
  if (json_is_string(field))
    return gci_bytes_to_u64(gcache_bytes(json_string_value(field), json_string_length(field)), out);
  if (!json_is_integer(field) || json_integer_value(field) < 0) return -1;
  *out = (uint64_t)json_integer_value(field);
  return 0;
}

static int add_member(const json_t *kv, struct gci_find_list *list, size_t *odd) {
  const char *text = json_string_value(json_object_get(kv, "value"));
  char value[VALUE_MAX];
  int len = text == NULL ? -1 : read_base64(value, sizeof value, text);
  int rc = len < 0 || memchr(value, '\n', (size_t)len) != NULL
               ? UV_EINVAL
               : gci_find_line_read(list, gcache_bytes(value, (size_t)len));

  if (rc != UV_EINVAL && rc != 1) return rc;
  ++*odd;
  return 0;
}

static int read_members(const json_t *root, struct gci_find_list *list, uint64_t *revision,
                        size_t *odd) {
  const json_t *header = json_object_get(root, "header"), *kvs = json_object_get(root, "kvs");
  int rc = 0;

  if (number_of(header, "revision", revision) < 0 || *revision == 0) return UV_EPROTO;
  if (kvs != NULL && !json_is_array(kvs)) return UV_EPROTO;
  if (json_is_true(json_object_get(root, "more"))) return UV_EPROTO;
  for (size_t i = 0; i < json_array_size(kvs) && rc == 0; i++)
    rc = add_member(json_array_get(kvs, i), list, odd);
  return rc;
}

int gci_etcd_read_range(gcache_bytes_t body, struct gci_find_list *list, uint64_t *revision,
                        size_t *odd) {
  json_t *root = load(body);
  int rc = UV_EPROTO;

  *odd = 0;
  if (root != NULL) rc = read_members(root, list, revision, odd);
  json_decref(root);
  return rc;
}

int gci_etcd_read_grant(gcache_bytes_t body, uint64_t *lease, uint64_t *ttl_s) {
  json_t *root = load(body);
  int bad = root == NULL || number_of(root, "ID", lease) < 0 || *lease == 0 ||
            number_of(root, "TTL", ttl_s) < 0 || *ttl_s == 0;

  json_decref(root);
  return bad ? UV_EPROTO : 0;
}

int gci_etcd_read_keep(gcache_bytes_t body, uint64_t *ttl_s) {
  json_t *root = load(body);
  const json_t *result = json_object_get(root, "result");
  int bad = !json_is_object(result) || number_of(result, "TTL", ttl_s) < 0;

  json_decref(root);
  return bad ? UV_EPROTO : 0;
}

/* One message of a watch. A message that is no event ends the watch, and the list must be read
 * again. */
static int read_message(gcache_bytes_t line) {
  json_t *root = load(line);
  const json_t *result = json_object_get(root, "result");
  int said = UV_EPROTO;

  if (json_is_object(result)) {
    const json_t *events = json_object_get(result, "events");
    said = GCI_ETCD_SILENT;
    if (json_is_true(json_object_get(result, "created"))) said = GCI_ETCD_CREATED;
    if (json_array_size(events) > 0 || json_is_true(json_object_get(result, "canceled")))
      said = GCI_ETCD_CHANGED;
  }
  json_decref(root);
  return said;
}

int gci_etcd_read_watch(gcache_bytes_t body) {
  int said = GCI_ETCD_SILENT;
  const char *end;

  while (body.len > 0 && (end = memchr(body.base, '\n', body.len)) != NULL) {
    size_t len = (size_t)(end - (const char *)body.base);
    int now = read_message(gcache_bytes(body.base, len));
    if (now < 0) return now;
    if (now > said) said = now;
    body = gci_bytes_skip(body, len + 1);
  }
  return said;
}

void gci_etcd_read_error(char out[GCI_ETCD_REASON], gcache_bytes_t body) {
  json_t *root = load(body);
  const json_t *error = json_object_get(root, "error");
  const char *text;

  if (json_is_object(error)) error = json_object_get(error, "message"); /* of a stream */
  text = json_string_value(error);
  snprintf(out, GCI_ETCD_REASON, "%s", text == NULL ? "" : text);
  for (char *c = out; *c != '\0'; c++)
    if (*c < ' ' || *c > '~') *c = '?';
  json_decref(root);
}
