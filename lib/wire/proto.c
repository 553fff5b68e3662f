/* wire/proto - see proto.h. The usual shapes are read in wire/usual, all others by protobuf-c
 * here. */
#include "wire/proto.h"

#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "base/value.h"
#include "wire/capped.h"
#include "wire/groupcache.pb-c.h"
#include "wire/usual.h"

#define UNPACK_CAP_BASE (64 * 1024) /* on top of twice the message */

static size_t write_expire(char *out, char tag, int64_t expire_unix_ns) {
  out[0] = tag;
  return 1 + gci_varint_write(out + 1, (uint64_t)expire_unix_ns);
}

void gci_proto_answer_frame(struct gci_proto_frame *out, size_t value_len, int64_t expire_unix_ns) {
  out->before[0] = 0x0a;
  out->before_len = 1 + gci_varint_write(out->before + 1, value_len);
  out->after_len = write_expire(out->after, 0x18, expire_unix_ns);
}

size_t gci_proto_set_before_size(gcache_bytes_t group, gcache_bytes_t key, size_t value_len) {
  return 1 + gci_varint_size(group.len) + group.len + 1 + gci_varint_size(key.len) + key.len + 1 +
         gci_varint_size(value_len);
}

static size_t write_bytes(char *out, char tag, gcache_bytes_t bytes) {
  out[0] = tag;
  size_t size = 1 + gci_varint_write(out + 1, bytes.len);
  if (bytes.len > 0) memcpy(out + size, bytes.base, bytes.len);
  return size + bytes.len;
}

size_t gci_proto_set_before(char *out, gcache_bytes_t group, gcache_bytes_t key, size_t value_len) {
  size_t size = write_bytes(out, 0x0a, group);
  size += write_bytes(out + size, 0x12, key);
  out[size++] = 0x1a;
  return size + gci_varint_write(out + size, value_len);
}

size_t gci_proto_set_after(char out[GCI_PROTO_EDGE], int64_t expire_unix_ns) {
  return write_expire(out, 0x20, expire_unix_ns);
}

static size_t write_own(char *out, unsigned i, uint64_t n) {
  out[0] = (char)(0x80 | 8 * i);
  out[1] = 0x01;
  return 2 + gci_varint_write(out + 2, n);
}

size_t gci_proto_set_windows(char *out, const struct gci_windows *windows) {
  if (windows == NULL) return 0;
  const uint32_t ms[] = {windows->stale_ms, windows->error_ms, windows->refresh_ahead_ms,
                         windows->hot_max_ms};
  size_t size = write_own(out, GCI_USUAL_WINDOWS, ms[0]); /* also 0: there are windows */
  for (unsigned i = 1; i < sizeof ms / sizeof ms[0]; i++) {
    if (ms[i] > 0) size += write_own(out + size, GCI_USUAL_WINDOWS + i, ms[i]);
  }
  return size;
}

size_t gci_proto_answer_freshness(char *out, uint64_t stale_ms, const struct gci_windows *windows) {
  size_t size = stale_ms == 0 ? 0 : write_own(out, GCI_USUAL_STALE_FOR, stale_ms);
  return size + gci_proto_set_windows(out + size, windows);
}

/* What a message says of a value besides its bytes. */
struct traits {
  int64_t expire_unix_ns;
  int has_windows;
  gcache_windows_t windows;
};

static struct traits traits_of(const struct gci_usual *usual) {
  const uint64_t *ms = &usual->own[GCI_USUAL_WINDOWS];
  struct traits traits = {usual->expire, usual->has_windows, {ms[0], ms[1], ms[2], ms[3]}};
  return traits;
}

static int set_windows(gcache_value_t *value, const struct traits *traits) {
  struct gci_windows windows = gci_windows_of(&traits->windows);
  return traits->has_windows ? gci_value_set_windows(value, &windows) : 0;
}

/* The body becomes the value: slice is a part of it. */
static int narrowed(gcache_value_t *body, gcache_bytes_t slice, const struct traits *traits,
                    gcache_value_t **value) {
  const char *start = gcache_value_bytes(body).base;
  size_t offset = slice.len == 0 ? 0 : (size_t)((const char *)slice.base - start);
  int rc = set_windows(body, traits);
  if (rc < 0) return rc;
  gci_value_narrow(body, offset, slice.len);
  gci_value_set_expire(body, traits->expire_unix_ns);
  *value = body;
  return 0;
}

/* The value is a copy of bytes; the body goes. */
static int replaced(struct gci_mem *mem, gcache_value_t *body, ProtobufCBinaryData bytes,
                    const struct traits *traits, gcache_value_t **value) {
  gcache_bytes_t copied = {bytes.data, bytes.len};
  gcache_value_t *copy = gci_value_copy(mem, copied, traits->expire_unix_ns);
  if (copy == NULL || set_windows(copy, traits) < 0) {
    gcache_value_unref(copy);
    return UV_ENOMEM;
  }
  gcache_value_unref(body);
  *value = copy;
  return 0;
}

/* NULL: *rc says why. */
static void *unpack(struct gci_capped *capped, struct gci_mem *mem, gcache_bytes_t message,
                    const ProtobufCMessageDescriptor *type, int *rc) {
  gci_capped_init(capped, mem, 2 * message.len + UNPACK_CAP_BASE);
  void *unpacked = protobuf_c_message_unpack(type, &capped->allocator, message.len, message.base);
  *rc = capped->out_of_memory ? UV_ENOMEM : UV_EPROTO;
  return unpacked;
}

static struct traits traits_of_answer(const Gci__Pb__GetResponse *m) {
  struct traits traits = {m->expire,
                          m->has_stale_ms || m->has_error_ms || m->has_refresh_ahead_ms ||
                              m->has_hot_max_ms,
                          {m->stale_ms, m->error_ms, m->refresh_ahead_ms, m->hot_max_ms}};
  return traits;
}

static struct traits traits_of_set(const Gci__Pb__SetRequest *m) {
  struct traits traits = {m->expire,
                          m->has_stale_ms || m->has_error_ms || m->has_refresh_ahead_ms ||
                              m->has_hot_max_ms,
                          {m->stale_ms, m->error_ms, m->refresh_ahead_ms, m->hot_max_ms}};
  return traits;
}

static int answer_read_any(struct gci_mem *mem, gcache_value_t *body, gcache_value_t **value,
                           uint64_t *stale_ms) {
  struct gci_capped capped;
  int rc;
  Gci__Pb__GetResponse *answer = unpack(&capped, mem, gcache_value_bytes(body),
                                        &gci__pb__get_response__descriptor, &rc);
  if (answer == NULL) return rc;
  struct traits traits = traits_of_answer(answer);
  rc = answer->expire < 0 ? UV_EPROTO : replaced(mem, body, answer->value, &traits, value);
  *stale_ms = answer->stale_for;
  gci__pb__get_response__free_unpacked(answer, &capped.allocator);
  return rc;
}

int gci_proto_answer_read(struct gci_mem *mem, gcache_value_t *body, gcache_value_t **value,
                          uint64_t *stale_ms) {
  struct gci_usual usual;
  if (!gci_usual_answer(gcache_value_bytes(body), &usual))
    return answer_read_any(mem, body, value, stale_ms);
  if (usual.expire < 0) return UV_EPROTO;
  struct traits traits = traits_of(&usual);
  *stale_ms = usual.own[GCI_USUAL_STALE_FOR];
  return narrowed(body, usual.value, &traits, value);
}

static int set_read_any(struct gci_mem *mem, gcache_value_t *body, gcache_bytes_t want_group,
                        gcache_bytes_t want_key, gcache_value_t **value) {
  struct gci_capped capped;
  int rc;
  Gci__Pb__SetRequest *set = unpack(&capped, mem, gcache_value_bytes(body),
                                    &gci__pb__set_request__descriptor, &rc);
  if (set == NULL) return rc;
  struct traits traits = traits_of_set(set);
  gcache_bytes_t group = {set->group.data, set->group.len}, key = {set->key.data, set->key.len};
  if (set->expire < 0 || !gci_bytes_equal(group, want_group) || !gci_bytes_equal(key, want_key))
    rc = UV_EINVAL;
  else
    rc = replaced(mem, body, set->value, &traits, value);
  gci__pb__set_request__free_unpacked(set, &capped.allocator);
  return rc;
}

int gci_proto_set_read(struct gci_mem *mem, gcache_value_t *body, gcache_bytes_t want_group,
                       gcache_bytes_t want_key, gcache_value_t **value) {
  struct gci_usual usual;
  if (!gci_usual_set(gcache_value_bytes(body), &usual))
    return set_read_any(mem, body, want_group, want_key, value);
  if (usual.expire < 0 || !gci_bytes_equal(usual.group, want_group) ||
      !gci_bytes_equal(usual.key, want_key))
    return UV_EINVAL;
  struct traits traits = traits_of(&usual);
  return narrowed(body, usual.value, &traits, value);
}
