/* core/set - gcache_set(): the owner stores, everybody else forgets. */
#include <uv.h>

#include "base/value.h"
#include "core/ask.h"
#include "core/change.h"

int gcache_set(gcache_change_t *req, gcache_group_t *group, gcache_bytes_t key,
               gcache_value_t *value, uint64_t timeout_ms, gcache_change_cb cb) {
  int rc = gci_ask_check_key(group->core, key);
  if (rc == 0) rc = gci_ask_check_value(group->core, value);
  if (rc < 0) return rc;
  struct gci_change_order order = {GCACHE_OP_SET, key, value};
  return gci_change_start(req, group, &order, timeout_ms, cb);
}
