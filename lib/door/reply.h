/* door/reply - answers to peers: status, headers and body parts of each outcome. Owns nothing: a
 * reply points into itself, and into its value or text. Cannot fail. */
#ifndef GCI_DOOR_REPLY_H
#define GCI_DOOR_REPLY_H

#include "base/mem.h"
#include "door/dialect.h"
#include "gcache/http.h"
#include "wire/proto.h"

struct gci_reply {
  gcache_http_reply_t http; /* points into the members below */
  gcache_header_t headers[8];
  char digits[24];
  struct gci_proto_frame frame;
};

/* to_gcache: the client reads headers and fields that only gcache has. */
void gci_reply_value(struct gci_reply *reply, const struct gci_dialect *dialect,
                     gcache_value_t *value, int to_gcache, uint64_t stale_ms);
/* 0: too much is in flight for it: use gci_reply_busy() instead. */
static inline int gci_reply_value_fits(const struct gci_mem *mem, const gcache_value_t *value) {
  return gci_in_flight_fits(&mem->in_flight, gcache_value_bytes(value).len, GCI_FOR_OTHERS);
}
/* Too much is in flight: refuses, and counts that. */
void gci_reply_busy(struct gci_reply *reply, struct gci_mem *mem);
/* reason: for machines, NULL if the status says it all. */
void gci_reply_text(struct gci_reply *reply, int status, const char *reason, gcache_bytes_t text);
/* How long "not found" holds. */
void gci_reply_add_not_found_ms(struct gci_reply *reply, uint64_t ms);
/* Says that this port speaks HTTP/2 in the clear. */
void gci_reply_add_http_2(struct gci_reply *reply);
/* Says that this member is leaving. Call it last. */
void gci_reply_add_leaving(struct gci_reply *reply);
/* 200 without a body. */
void gci_reply_done(struct gci_reply *reply);
void gci_reply_here(struct gci_reply *reply); /* to a ping */

#endif
