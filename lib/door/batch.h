/* door/batch - calls on their way to one peer, and which of them share a request: usually one call
 * per request; if the dialect has a request for many removes, consecutive removes of one group.
 *
 * Owns nothing: asks and batches are door/peer's. */
#ifndef GCI_DOOR_BATCH_H
#define GCI_DOOR_BATCH_H

#include "door/conn_out.h"
#include "door/question.h"

struct gci_door_peer;
struct gci_batch;

/* One call on its way. */
struct gci_ask {
  struct gcache_link_s link; /* the peer's, while it waits; or batch->asks */
  struct gci_door_peer *peer;
  gcache_call_t *call;
  struct gci_batch *batch; /* NULL: waiting */
  int repeated;
  int among_many; /* it travels, or is to travel, with other removes in one request */
  int alone;      /* must not share a request again */
  int slow;       /* must not use a fast lane again */
  int large;      /* the peer has said that its value is large */
  uint64_t order; /* of arrival */
};

/* One request, and the calls that it carries. */
struct gci_batch {
  struct gci_trip trip;
  struct gci_list asks; /* empty: nobody waits any more */
  size_t n;             /* when it was sent */
  int fast;             /* over a fast lane */
  int silent;           /* it ended because the peer showed no sign of life */
  struct gci_result result;
};

/* Call it first. */
void gci_batch_init(struct gci_batch *batch);
/* Takes the ask that has waited longest and, if removes may travel together, the removes right
 * behind it. */
void gci_batch_load(struct gci_batch *batch, struct gci_list *waiting, int removes_many);
struct gci_ask *gci_batch_first(const struct gci_batch *batch);
/* UV_ENOMEM. 0: the caller must call gci_question_fini(). */
int gci_batch_write(const struct gci_batch *batch, struct gci_question *question,
                    struct gci_mem *mem, const struct gci_question_way *way);

#endif
