/* GET /status: a live page about this node; GET /shares: the share of the keys that each member
 * owns, for that page. */
#include <stdio.h>
#include <string.h>

#include "node.h"
#include "node_http.h"
#include "status/status.h"

#define SAMPLES 4096   /* keys whose owner is looked up: shares are accurate to about 1 % */
#define MEMBERS_MAX 64 /* members shown with their share */

void status_answer(struct node *node, gcache_exchange_t *x) {
  gcache_header_t type = header_line("Content-Type", "text/html; charset=utf-8");

  (void)node;
  if (gcache_exchange_reply(x, 200, &type, 1, gcache_bytes(status_page, status_page_len)) < 0)
    gcache_exchange_abort(x);
}

/* The first n members and how many of the sampled keys they own. */
struct shares {
  const char *urls[MEMBERS_MAX];
  unsigned owned[MEMBERS_MAX];
  size_t n;
};

static void find_shares(const struct node *node, struct shares *s) {
  gcache_peer_stats_t peer;

  for (s->n = 0; s->n < MEMBERS_MAX && gcache_peer_stats(node->cache, s->n, &peer) == 0; s->n++)
    s->urls[s->n] = peer.url;
  for (unsigned i = 0; i < SAMPLES; i++) {
    char key[16];
    size_t len = (size_t)snprintf(key, sizeof key, "sample %u", i);
    const char *owner = gcache_owner(node->cache, gcache_bytes(key, len));
    for (size_t k = 0; owner != NULL && k < s->n; k++)
      if (strcmp(owner, s->urls[k]) == 0) s->owned[k]++;
  }
}

void shares_answer(struct node *node, gcache_exchange_t *x) {
  struct shares shares = {0};
  struct text json = {0};

  find_shares(node, &shares);
  text_open(&json, NULL, '{');
  text_put_string(&json, "self", node->self);
  text_put_count(&json, "samples", SAMPLES);
  text_open(&json, "owned", '{');
  for (size_t i = 0; i < shares.n; i++)
    text_put_count(&json, shares.urls[i], shares.owned[i]);
  text_close(&json, '}');
  text_close(&json, '}');
  reply_json(x, 200, &json);
}
