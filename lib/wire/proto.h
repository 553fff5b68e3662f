/* wire/proto - the two messages of the peer protocol, and an application's own, through protobuf-c.
 * The only room that includes protobuf-c.
 *
 * GetResponse{1: bytes value, 3: int64 expire} is written and, in its usual shape, read by hand, so
 * that the value is never copied: a received body becomes the value by being narrowed. Every other
 * shape goes through protobuf-c with a capped allocator (twice the body plus 64 KiB). Bytes as
 * mailgun v2 sends them: value, then expire, also when 0. After these come fields that only gcache
 * reads, if there are any: how stale the value is, and its own windows. */
#ifndef GCI_WIRE_PROTO_H
#define GCI_WIRE_PROTO_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/windows.h"
#include "gcache/gcache.h"

#define GCI_PROTO_EDGE 64

/* The bytes around the value in a message. */
struct gci_proto_frame {
  char before[GCI_PROTO_EDGE], after[GCI_PROTO_EDGE];
  size_t before_len, after_len;
};

void gci_proto_answer_frame(struct gci_proto_frame *out, size_t value_len, int64_t expire_unix_ns);

/* The part behind an answer's `after`: stale_ms 0: it is fresh; windows NULL: it has none of its
 * own. Returns the size, with the expiry at most GCI_PROTO_EDGE. */
size_t gci_proto_answer_freshness(char *out, uint64_t stale_ms, const struct gci_windows *windows);

/* On success takes body and gives the value, the same block narrowed if the shape allows it, and
 * how stale it was said to be. UV_EPROTO: not a GetResponse, or expire < 0; UV_ENOMEM: body is
 * still the caller's then. */
int gci_proto_answer_read(struct gci_mem *mem, gcache_value_t *body, gcache_value_t **value,
                          uint64_t *stale_ms);

/* SetRequest{1: group, 2: key, 3: value, 4: expire}: everything before the value's bytes is written
 * to a buffer of gci_proto_set_before_size(), everything after to `after`. */
size_t gci_proto_set_before_size(gcache_bytes_t group, gcache_bytes_t key, size_t value_len);
size_t gci_proto_set_before(char *out, gcache_bytes_t group, gcache_bytes_t key, size_t value_len);
size_t gci_proto_set_after(char out[GCI_PROTO_EDGE], int64_t expire_unix_ns);
/* The same for a set. */
size_t gci_proto_set_windows(char *out, const struct gci_windows *windows);

/* Takes body on success, as above. UV_EPROTO: does not decode; UV_EINVAL: negative expire;
 * UV_ENOMEM. An absent value is an empty one.
 * want_group, want_key: from the URL; UV_EINVAL when the body disagrees (docs/rooms/defences.md). */
int gci_proto_set_read(struct gci_mem *mem, gcache_value_t *body, gcache_bytes_t want_group,
                       gcache_bytes_t want_key, gcache_value_t **value);

#endif
