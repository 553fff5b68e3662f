/* Any bytes as a peer's answer and as a set request: read as protobuf-c reads them, without
 * leaks. */
#include "target.h"

#include "base/mem.h"
#include "proto_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size > PROTO_ORACLE_MAX) return 0;
  struct gci_mem *mem = gci_mem_new(NULL);
  fuzz_check(mem != NULL, "memory");
  gcache_bytes_t bytes = {data, size};
  const char *wrong = proto_answer_disagrees(mem, bytes, NULL);
  fuzz_check(wrong == NULL, wrong);
  wrong = proto_set_disagrees(mem, bytes, NULL);
  fuzz_check(wrong == NULL, wrong);
  fuzz_check(mem->bytes == 0 && mem->blocks == 0, "nothing is leaked");
  gci_mem_unref(mem);
  return 0;
}
