/* door/batch - calls on their way to one peer, and which of them travel in one request: one call as a
 * rule; where the dialect has a request for it, removes of one group that wait one behind the other.
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
  int alone;      /* not among many again */
  int slow;       /* not over a fast lane again */
  int large;      /* the peer has said so of its value */
  uint64_t order; /* who came first */
};

/* One request, and the calls that it is for. */
struct gci_batch {
  struct gci_trip trip;
  struct gci_list asks; /* empty: nobody waits any more */
  size_t n;             /* that it set out with */
  int fast;             /* over a fast lane */
  int silent;           /* it ended because the peer showed no sign of life */
  struct gci_result result;
};

/* Before anything else. */
void gci_batch_init(struct gci_batch *batch);
/* Takes the ask that waits longest and, if removes may travel together, those right behind it. */
void gci_batch_load(struct gci_batch *batch, struct gci_list *waiting, int removes_many);
struct gci_ask *gci_batch_first(const struct gci_batch *batch);
/* UV_ENOMEM. 0: question is the caller's to fini. */
int gci_batch_write(const struct gci_batch *batch, struct gci_question *question,
                    struct gci_mem *mem, const struct gci_question_way *way);

#endif
