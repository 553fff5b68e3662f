/* core/report - see report.h. */
#include "core/report.h"

#include "base/value.h"
#include "core/core.h"

static size_t size_of(size_t room, size_t listed) {
  return sizeof(struct gci_report) +
         room * (sizeof(struct gci_reported) + sizeof(gcache_peer_result_t)) +
         listed * sizeof(uint32_t);
}

/* The index of this member, if it is a member. */
static size_t index_of_self(const struct gci_peers *peers) {
  return peers->self == NULL ? peers->n : gci_peers_index(peers, peers->self);
}

/* The index in the list in force of a member that was in another list, perhaps with another
 * spelling; the list's length: it is not in it. */
static size_t index_now(const struct gci_peers *peers, const struct gci_peer *was) {
  if (was == NULL) return peers->n == 0 ? 0 : index_of_self(peers);
  if (peers->n == 0) return was->is_self ? 0 : 1;
  const struct gci_peer *now = gci_peers_find(peers, was->url);
  return now == NULL ? peers->n : gci_peers_index(peers, now);
}

static void take_over(struct gci_report *report, const gcache_t *core, struct gci_report *before) {
  for (size_t i = 0; i < before->n; i++) {
    size_t index = index_now(&core->peers, before->who[i].peer);
    report->who[i] = before->who[i];
    report->results[i] = before->results[i];
    if (index < report->listed) report->places[index] = (uint32_t)i + 1;
  }
  report->n = before->n;
  before->n = 0;
  gci_report_end(before);
}

struct gci_report *gci_report_begin(struct gci_mem *mem, gcache_t *core,
                                    struct gci_report *before) {
  size_t listed = core->peers.n == 0 ? 1 : core->peers.n;
  size_t room = listed + (before == NULL ? 0 : before->n);
  struct gci_report *report = gci_mem_zalloc(mem, size_of(room, listed));
  if (report == NULL) return NULL;
  report->mem = mem;
  report->self = core->self;
  report->room = room;
  report->listed = listed;
  report->results = (gcache_peer_result_t *)(void *)&report->who[room];
  report->places = (uint32_t *)(void *)&report->results[room];
  if (before != NULL) take_over(report, core, before);
  return report;
}

void gci_report_end(struct gci_report *report) {
  if (report == NULL) return;
  for (size_t i = 0; i < report->n; i++) {
    gci_peer_unref(report->who[i].peer);
    gcache_value_unref(report->who[i].reason);
  }
  gci_mem_free(report->mem, report, size_of(report->room, report->listed));
}

size_t gci_report_place(struct gci_report *report, size_t index, struct gci_peer *peer) {
  if (report->places[index] > 0) return report->places[index] - 1;
  size_t place = report->n++;
  report->places[index] = (uint32_t)place + 1;
  report->who[place].peer = peer == NULL ? NULL : gci_peer_ref(peer);
  report->results[place].url = peer == NULL ? report->self : peer->url;
  report->results[place].reason = "";
  return place;
}

void gci_report_add(struct gci_report *report, size_t place, int status, const char *reason) {
  gcache_peer_result_t *result = &report->results[place];
  if (status == 0 || result->status != 0) return;
  result->status = status;
  if (reason == NULL) return;
  report->who[place].reason = gci_value_text(report->mem, reason);
  result->reason = gci_value_words(report->who[place].reason);
}

void gci_report_add_others(struct gci_report *report, int status, const char *reason) {
  for (size_t i = 0; i < report->n; i++) {
    const struct gci_peer *peer = report->who[i].peer;
    if (report->n == 1 || (peer != NULL && !peer->is_self))
      gci_report_add(report, i, status, reason);
  }
}

int gci_report_status(const struct gci_report *report) {
  for (size_t i = 0; i < report->n; i++) {
    if (report->results[i].status != 0) return GCACHE_EPARTIAL;
  }
  return 0;
}
