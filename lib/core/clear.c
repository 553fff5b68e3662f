/* core/clear - gcache_clear(): every member forgets everything, twice: a value that a member
 * fetched during the first round may come from an owner that had not cleared yet. */
#include "core/change.h"

int gcache_clear(gcache_change_t *req, gcache_group_t *group, uint64_t timeout_ms,
                 gcache_change_cb cb) {
  struct gci_change_order order = {GCACHE_OP_CLEAR, {NULL, 0}, NULL};
  return gci_change_start(req, group, &order, timeout_ms, cb);
}
