/* wire/capped - an allocator for protobuf-c over gci_mem, with a cap: a hostile message can make
 * protobuf-c hold many times its own size. Owns nothing; protobuf-c gives back every block. */
#ifndef GCI_WIRE_CAPPED_H
#define GCI_WIRE_CAPPED_H

#include <protobuf-c/protobuf-c.h>

#include "base/mem.h"

struct gci_capped {
  ProtobufCAllocator allocator; /* to be passed to protobuf-c; its data points at this struct */
  struct gci_mem *mem;
  size_t left;       /* bytes until the cap */
  int out_of_memory; /* nonzero: gci_mem refused, not the cap */
};

void gci_capped_init(struct gci_capped *capped, struct gci_mem *mem, size_t cap);

#endif
