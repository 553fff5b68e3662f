/* wire/proto - see proto.h. The usual shapes are read in wire/usual, all others by protobuf-c here. */
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

/* The body becomes the value: slice is a part of it. */
static gcache_value_t *narrowed(gcache_value_t *body, gcache_bytes_t slice,
                                int64_t expire_unix_ns) {
  const char *start = gcache_value_bytes(body).base;
  size_t offset = slice.len == 0 ? 0 : (size_t)((const char *)slice.base - start);
  gci_value_narrow(body, offset, slice.len);
  gci_value_set_expire(body, expire_unix_ns);
  return body;
}

/* The value is a copy of bytes; the body goes. */
static int replaced(struct gci_mem *mem, gcache_value_t *body, ProtobufCBinaryData bytes,
                    int64_t expire_unix_ns, gcache_value_t **value) {
  *value = gci_value_copy(mem, (gcache_bytes_t){bytes.data, bytes.len}, expire_unix_ns);
  if (*value == NULL) return UV_ENOMEM;
  gcache_value_unref(body);
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

static int answer_read_any(struct gci_mem *mem, gcache_value_t *body, gcache_value_t **value) {
  struct gci_capped capped;
  int rc;
  Gci__Pb__GetResponse *answer = unpack(&capped, mem, gcache_value_bytes(body),
                                        &gci__pb__get_response__descriptor, &rc);
  if (answer == NULL) return rc;
  rc = answer->expire < 0 ? UV_EPROTO : replaced(mem, body, answer->value, answer->expire, value);
  gci__pb__get_response__free_unpacked(answer, &capped.allocator);
  return rc;
}

int gci_proto_answer_read(struct gci_mem *mem, gcache_value_t *body, gcache_value_t **value) {
  struct gci_usual usual;
  if (!gci_usual_answer(gcache_value_bytes(body), &usual)) return answer_read_any(mem, body, value);
  if (usual.expire < 0) return UV_EPROTO;
  *value = narrowed(body, usual.value, usual.expire);
  return 0;
}

static int set_read_any(struct gci_mem *mem, gcache_value_t *body, gcache_bytes_t want_group,
                        gcache_bytes_t want_key, gcache_value_t **value) {
  struct gci_capped capped;
  int rc;
  Gci__Pb__SetRequest *set = unpack(&capped, mem, gcache_value_bytes(body),
                                    &gci__pb__set_request__descriptor, &rc);
  if (set == NULL) return rc;
  gcache_bytes_t group = {set->group.data, set->group.len}, key = {set->key.data, set->key.len};
  if (set->expire < 0 || !gci_bytes_equal(group, want_group) || !gci_bytes_equal(key, want_key))
    rc = UV_EINVAL;
  else
    rc = replaced(mem, body, set->value, set->expire, value);
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
  *value = narrowed(body, usual.value, usual.expire);
  return 0;
}
