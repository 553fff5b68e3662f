#include "door/transport_http.h"

#include <string.h>

#include "base/hash.h"

static struct gci_transport_http *http_of(gcache_transport_t *transport) {
  return gci_container_of(transport, struct gci_transport_http, transport);
}

static uint64_t hash_of(const char *url) {
  return gci_hash_shared(gcache_cstr(url), 0); /* URLs come from the application */
}

static struct gci_door_peer *find(const struct gci_transport_http *t, const char *url) {
  struct gci_map_node *node = gci_map_first(&t->peers, hash_of(url));

  for (; node != NULL; node = gci_map_next(node)) {
    struct gci_door_peer *peer = gci_container_of(node, struct gci_door_peer, in_map);
    if (strcmp(peer->url, url) == 0) return peer;
  }
  return NULL;
}

static void on_emptied(struct gci_door_peer *peer) {
  struct gci_transport_http *t = gci_container_of(peer->config, struct gci_transport_http, config);

  if (t->latest == peer) t->latest = NULL;
  gci_map_remove(&t->peers, &peer->in_map);
  gci_link_unlink(&peer->link);
  gci_door_peer_free(peer);
  gci_countdown_give(&t->life);
}

static int find_or_open(struct gci_transport_http *t, const char *url, struct gci_door_peer **out) {
  int err;

  if (t->latest != NULL && strcmp(t->latest->url, url) == 0) {
    *out = t->latest;
    return 0;
  }
  *out = t->latest = find(t, url);
  if (*out != NULL) return 0;
  err = gci_door_peer_open(out, &t->config, url, on_emptied);
  if (err < 0) return err;
  gci_map_insert(&t->peers, &(*out)->in_map, hash_of(url));
  gci_list_push_back(&t->list, &(*out)->link);
  gci_countdown_take(&t->life);
  return 0;
}

static void start(gcache_transport_t *transport, gcache_call_t *call) {
  struct gci_door_peer *peer;
  int err = find_or_open(http_of(transport), gcache_call_peer(call), &peer);

  if (err < 0)
    gcache_call_done(call, err, NULL, NULL);
  else
    gci_door_peer_start(peer, call);
}

static void cancel(gcache_transport_t *transport, gcache_call_t *call) {
  (void)transport;
  gci_door_peer_cancel(call);
}

/* Without memory for its struct now, a peer gets it with its first call. */
static void peer_added(gcache_transport_t *transport, const char *url) {
  struct gci_door_peer *peer;

  if (find_or_open(http_of(transport), url, &peer) == 0) gci_door_peer_enlist(peer);
}

/* This may free the peer. */
static void peer_removed(gcache_transport_t *transport, const char *url) {
  struct gci_door_peer *peer = find(http_of(transport), url);

  if (peer != NULL && peer->listed) gci_door_peer_dismiss(peer);
}

static void on_all_gone(struct gci_countdown *life) {
  struct gci_transport_http *t = gci_container_of(life, struct gci_transport_http, life);

  t->closed(t->closed_arg);
}

static void close_http(gcache_transport_t *transport, gcache_closed_cb closed, void *arg) {
  struct gci_transport_http *t = http_of(transport);

  struct gcache_link_s *link, *next;

  t->closed = closed;
  t->closed_arg = arg;
  for (link = t->list.head.next; link != &t->list.head; link = next) {
    next = link->next; /* this may free the peer */
    gci_door_peer_dismiss(gci_container_of(link, struct gci_door_peer, link));
  }
  gci_countdown_give(&t->life);
}

void gci_transport_http_open(struct gci_transport_http *t,
                             const struct gci_door_peer_config *config) {
  *t = (struct gci_transport_http){
      .transport = {.size = sizeof t->transport,
                    .start = start,
                    .cancel = cancel,
                    .close = close_http,
                    .peer_added = peer_added,
                    .peer_removed = peer_removed,
                    .can = GCACHE_CAN_PING | GCACHE_CAN_ASK_CACHED | GCACHE_CAN_GIVE},
      .config = *config,
  };
  gci_map_init(&t->peers, config->conn.env->mem);
  gci_list_init(&t->list);
  gci_countdown_init(&t->life, on_all_gone);
}

void gci_transport_http_fini(struct gci_transport_http *t) {
  gci_map_fini(&t->peers);
}
