/* world/segment - bytes on their way, or the news that no more will follow. */
#ifndef WORLD_SEGMENT_H
#define WORLD_SEGMENT_H

#include "net.h"

enum world_segment_kind { WORLD_DATA, WORLD_END, WORLD_RESET };

struct world_segment {
  struct gcache_link_s link;
  uint64_t at_us; /* when it arrives */
  enum world_segment_kind kind;
  size_t len, read;
  unsigned char bytes[];
};

static inline struct world_segment *world_segment_of(struct gcache_link_s *link) {
  return gci_container_of(link, struct world_segment, link);
}

uint64_t world_latency_us(struct world_net *net);
/* To that end, behind all that was sent there before. */
void world_segment_send(struct world_conn_end *to, enum world_segment_kind kind, const void *bytes,
                        size_t len);
void world_segments_drop(struct gci_list *list);

#endif
