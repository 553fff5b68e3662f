/* core/remove - gcache_remove(): the owner forgets first, so that nobody can fetch the old value
 * again, then everybody else at the same time. */
#include "core/ask.h"
#include "core/change.h"

int gcache_remove(gcache_change_t *req, gcache_group_t *group, gcache_bytes_t key,
                  uint64_t timeout_ms, gcache_change_cb cb) {
  int rc = gci_ask_check_key(group->core, key);
  if (rc < 0) return rc;
  struct gci_change_order order = {GCACHE_OP_REMOVE, key, NULL};
  return gci_change_start(req, group, &order, timeout_ms, cb);
}
