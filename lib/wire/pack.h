/* wire/pack - an application's protobuf-c messages as values. (gcache_value_unpack(), the reverse,
 * is public and needs only the value: it is defined here too.) */
#ifndef GCI_WIRE_PACK_H
#define GCI_WIRE_PACK_H

#include <stdint.h>

#include "base/mem.h"
#include "gcache/proto.h"

/* One reference, the caller's; message is borrowed. NULL: out of memory. */
gcache_value_t *gci_pack(struct gci_mem *mem, const ProtobufCMessage *message,
                         int64_t expire_unix_ns);

#endif
