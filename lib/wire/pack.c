/* wire/pack - see pack.h. */
#include "wire/pack.h"

#include "base/value.h"

gcache_value_t *gci_pack(struct gci_mem *mem, const ProtobufCMessage *message,
                         int64_t expire_unix_ns) {
  size_t size = protobuf_c_message_get_packed_size(message);
  gcache_value_t *value = gci_value_block(mem, size);
  if (value == NULL) return NULL;
  if (size > 0) protobuf_c_message_pack(message, gci_value_fill(value));
  gci_value_set_expire(value, expire_unix_ns);
  return value;
}

ProtobufCMessage *gcache_value_unpack(const gcache_value_t *value,
                                      const ProtobufCMessageDescriptor *type,
                                      ProtobufCAllocator *allocator) {
  gcache_bytes_t bytes = gcache_value_bytes(value);
  return protobuf_c_message_unpack(type, allocator, bytes.len, bytes.base);
}
