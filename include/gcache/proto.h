/* gcache/proto.h - values that are protobuf-c messages. The only header of gcache that needs
 * <protobuf-c/protobuf-c.h>. gcache.h's rules hold. */
#ifndef GCACHE_PROTO_H
#define GCACHE_PROTO_H

#include <protobuf-c/protobuf-c.h>

#include "gcache.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Packs message into a new value with one reference, yours; NULL: out of memory. message is
 * borrowed. */
GCACHE_EXTERN gcache_value_t *gcache_value_pack(gcache_t *cache, const ProtobufCMessage *message,
                                                int64_t expire_unix_ns);

/* Unpacks the value's bytes into a new message of the given type; free it with
 * protobuf_c_message_free_unpacked(message, allocator). NULL: not such a message, or out of memory.
 * allocator NULL: malloc family. */
GCACHE_EXTERN ProtobufCMessage *gcache_value_unpack(const gcache_value_t *value,
                                                    const ProtobufCMessageDescriptor *type,
                                                    ProtobufCAllocator *allocator);

/* gcache_load_done() with message, which lives ttl_ms (0: for ever). Borrows message. Afterwards
 * load is gone. */
GCACHE_EXTERN void gcache_load_done_message(gcache_load_t *load, const ProtobufCMessage *message,
                                            uint64_t ttl_ms);

#ifdef __cplusplus
}
#endif
#endif /* GCACHE_PROTO_H */
