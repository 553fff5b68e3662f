#include "door/peer.h"

#include <stdio.h>
#include <string.h>

#include "core/core.h"
#include "wire/remove_keys.h"
#include "wire/route.h"

/* One call on its way. */
struct ask {
  struct gcache_link_s link; /* peer->waiting, or conn->carried */
  struct gci_door_peer *peer;
  gcache_call_t *call;
  struct gci_conn_out *conn; /* NULL: waiting */
  int repeated;
  int among_many; /* it travels, or is to travel, with other removes in one request */
  int alone;      /* not among many again */
};

static void pump(struct gci_door_peer *peer);

static struct gci_mem *mem_of(const struct gci_door_peer *peer) {
  return peer->config->conn.env->mem;
}

/* ------------------------------------------------------------------------- end of a call ---- */

static void check_emptied(struct gci_door_peer *peer) {
  if (!peer->listed && peer->calls == 0 && peer->connections == 0) peer->emptied(peer);
}

/* ask is gone. The caller checks for emptied. */
static void end_ask(struct ask *ask, int status, gcache_value_t *value, const char *reason) {
  struct gci_door_peer *peer = ask->peer;
  gcache_call_t *call = ask->call;
  char copy[GCI_REASON_MAX + 1];

  snprintf(copy, sizeof copy, "%s", reason);
  gci_link_unlink(&ask->link);
  gci_mem_free(mem_of(peer), ask, sizeof *ask);
  peer->calls--;
  gcache_call_set_data(call, NULL);
  gcache_call_done(call, status, value, copy[0] != '\0' ? copy : NULL);
}

static void fail_ask(struct ask *ask, int status, const char *what, const char *why) {
  char reason[GCI_REASON_MAX + 1];

  snprintf(reason, sizeof reason, "%s %s: %s", what, ask->peer->url, why);
  end_ask(ask, status, NULL, reason);
}

static void fail_waiting(struct gci_door_peer *peer, int status) {
  struct gci_list failed;
  struct gcache_link_s *link;

  gci_list_init(&failed);
  gci_list_move(&failed, &peer->waiting); /* what comes meanwhile is dialled for again */
  while ((link = gci_list_pop_front(&failed)) != NULL)
    fail_ask(gci_container_of(link, struct ask, link), status, "cannot connect to",
             peer->config->conn.error_text(status));
}

/* ----------------------------------------------------------------------------- connections -- */

static void close_all(struct gci_list *connections) {
  struct gcache_link_s *link;

  while ((link = gci_list_front(connections)) != NULL)
    gci_conn_out_close(gci_container_of(link, struct gci_conn_out, link));
}

static void make_rest(struct gci_door_peer *peer, struct gci_conn_out *c) {
  if (c->closing) return;
  if (peer->listed || !gci_list_empty(&peer->waiting))
    gci_list_push_front(&peer->resting, &c->link);
  else
    gci_conn_out_close(c);
}

static void on_opened(void *user, struct gci_conn_out *c, int status) {
  struct gci_door_peer *peer = user;

  gci_link_unlink(&c->link);
  peer->dialing--;
  if (status == 0) {
    peer->open++;
    make_rest(peer, c);
    pump(peer);
  } else if (peer->open == 0 && status != UV_ECANCELED) {
    fail_waiting(peer, status);
  }
}

static struct ask *first_carried(const struct gci_conn_out *c) {
  return gci_container_of(gci_list_front(&c->carried), struct ask, link);
}

/* Between this and on_ended() nothing runs that could end the ask. */
static void on_answered(void *user, struct gci_conn_out *c, const struct gci_http_head *head,
                        gcache_value_t *body) {
  struct gci_door_peer *peer = user;

  gci_question_read_answer(&peer->result, gcache_call_op(first_carried(c)->call), peer->url,
                           peer->config->dialect, head, body);
  c->to_gcache = peer->result.is_gcache != 0;
}

static void end_answered(struct ask *ask, struct gci_result *result) {
  struct gci_door_peer *peer = ask->peer;

  if (gcache_call_op(ask->call) == GCACHE_OP_GET && result->status == 0)
    gci_question_read_value(result, mem_of(peer), peer->url, peer->config->conn.limits->value_max);
  end_ask(ask, result->status, result->value, result->reason);
}

/* A groupcache-go that does not know the request for many takes each by itself. */
static int wants_them_alone(const struct ask *ask, const struct gci_result *result) {
  return ask->among_many && (result->http_status == 404 || result->http_status == 405);
}

static void ask_again(struct ask *ask) {
  ask->conn = NULL;
  gci_list_push_front(&ask->peer->waiting, &ask->link);
}

static void end_exchange(struct ask *ask, struct gci_result *result, int status, const char *reason,
                         int stale) {
  ask->conn = NULL;
  if (status == 0 && wants_them_alone(ask, result)) {
    ask->alone = 1;
    ask_again(ask);
  } else if (status == 0) {
    end_answered(ask, result);
  } else if (stale && !ask->repeated) {
    ask->repeated = 1;
    ask_again(ask);
  } else {
    fail_ask(ask, status, "no answer from", reason[0] != '\0' ? reason : "the exchange broke");
  }
}

static void on_ended(void *user, struct gci_conn_out *c, int status, const char *reason) {
  struct gci_door_peer *peer = user;
  struct gci_result result = peer->result;
  struct gci_list carried;
  struct gcache_link_s *link;
  int stale = c->stale;

  gci_list_init(&carried);
  gci_list_move(&carried, &c->carried);
  make_rest(peer, c);
  if (status < 0 && stale) close_all(&peer->resting);
  while ((link = gci_list_back(&carried)) != NULL) { /* what goes again keeps its order */
    gci_link_unlink(link);
    end_exchange(gci_container_of(link, struct ask, link), &result, status, reason, stale);
  }
  pump(peer);
}

static void on_closed(void *user, struct gci_conn_out *c) {
  struct gci_door_peer *peer = user;

  if (c->dial_status == 0) peer->open--;
  peer->connections--;
  peer->config->connections--;
  /* After a failed dial others may still be open: their end will pump, so that nobody dials in a hurry;
   * when none is left, nobody else will. */
  if (c->dial_status == 0 || c->dial_status == UV_ECANCELED || peer->connections == 0) pump(peer);
  check_emptied(peer);
}

static const struct gci_conn_out_events conn_events = {on_opened, on_answered, on_ended, on_closed};

/* ---------------------------------------------------------------------------- begin of one -- */

/* A connection that can take a call now; NULL: none. Here the fast lanes will be looked at first. */
static struct gci_conn_out *lane(struct gci_door_peer *peer) {
  struct gcache_link_s *link = gci_list_pop_front(&peer->resting);

  return link == NULL ? NULL : gci_container_of(link, struct gci_conn_out, link);
}

/* Whether it can go with other removes; *bytes is what is left for keys. */
static int can_be_among_many(const struct ask *ask, const char *group, size_t *bytes) {
  gcache_bytes_t key = gcache_call_key(ask->call);

  if (ask->alone || gcache_call_op(ask->call) != GCACHE_OP_REMOVE || key.len > *bytes) return 0;
  if (strcmp(gcache_call_group(ask->call), group) != 0 || !gci_remove_keys_carries(key)) return 0;
  *bytes -= key.len;
  return 1;
}

static void carry(struct gci_conn_out *c, struct ask *ask) {
  gci_link_unlink(&ask->link);
  gci_list_push_back(&c->carried, &ask->link);
  ask->conn = c;
}

/* The call that waits longest and, where the dialect can say it, the removes right behind it. How many. */
static size_t load_up(struct gci_door_peer *peer, struct gci_conn_out *c) {
  struct ask *first = gci_container_of(gci_list_front(&peer->waiting), struct ask, link);
  const char *group = gcache_call_group(first->call);
  size_t n = 1, bytes = GCI_REMOVE_KEYS_BYTES_MAX;
  struct gcache_link_s *link;

  carry(c, first);
  first->among_many = 0;
  if (!peer->config->dialect->removes_many || !can_be_among_many(first, group, &bytes)) return 1;
  while (n < GCI_REMOVE_KEYS_MAX && (link = gci_list_front(&peer->waiting)) != NULL) {
    struct ask *ask = gci_container_of(link, struct ask, link);
    if (!can_be_among_many(ask, group, &bytes)) break;
    carry(c, ask);
    ask->among_many = 1;
    n++;
  }
  first->among_many = n > 1;
  return n;
}

static int write_question(struct gci_question *question, struct gci_conn_out *c, size_t n,
                          const struct gci_question_way *way) {
  struct gci_mem *mem = c->config->env->mem;
  gcache_call_t *first = first_carried(c)->call;
  gcache_bytes_t *keys;
  size_t i = 0;
  int err;

  if (n == 1) return gci_question_init(question, mem, first, way);
  keys = gci_mem_alloc(mem, n * sizeof *keys);
  if (keys == NULL) return UV_ENOMEM;
  gci_list_each(link, &c->carried)
      keys[i++] = gcache_call_key(gci_container_of(link, struct ask, link)->call);
  err = gci_question_init_many(question, mem, gcache_cstr(gcache_call_group(first)), keys, n, way);
  gci_mem_free(mem, keys, n * sizeof *keys);
  return err;
}

static int send_carried(struct gci_door_peer *peer, struct gci_conn_out *c, size_t n) {
  const struct gci_door_peer_config *config = peer->config;
  struct gci_question question;
  struct gci_question_way way = {.base_path = config->base_path,
                                 .host = peer->authority,
                                 .self = config->cache->self,
                                 .plain = config->dialect->plain && !c->to_gcache};
  int err = write_question(&question, c, n, &way);

  if (err < 0) {
    make_rest(peer, c);
    return err;
  }
  err = gci_conn_out_send(c, &question.message);
  gci_question_fini(&question);
  return err;
}

static void fail_carried(struct gci_list *carried, int status) {
  struct gcache_link_s *link;

  while ((link = gci_list_pop_front(carried)) != NULL)
    end_ask(gci_container_of(link, struct ask, link), status, NULL, "");
}

static void dial(struct gci_door_peer *peer) {
  struct gci_conn_out *c;
  int err = gci_conn_out_open(&c, &peer->config->conn, &peer->target, &conn_events, peer);

  if (err == 0) {
    if (!c->closing) gci_list_push_back(&peer->dials, &c->link); /* else it has failed at once */
    peer->connections++;
    peer->config->connections++;
    peer->dialing++;
  } else if (peer->connections == 0) {
    fail_waiting(peer, err);
  }
}

static size_t count_waiting(const struct gci_door_peer *peer, size_t enough) {
  size_t n = 0;

  gci_list_each(link, &peer->waiting) {
    if (n == enough) break;
    n++;
  }
  return n;
}

/* Gives calls to connections, then sees that there will be enough of these. */
static void pump(struct gci_door_peer *peer) {
  struct gci_conn_out *c;

  while (!gci_list_empty(&peer->waiting) && (c = lane(peer)) != NULL) {
    struct gci_list unsent;
    int err = send_carried(peer, c, load_up(peer, c));
    if (err == 0) continue;
    gci_list_init(&unsent); /* c may go */
    gci_list_move(&unsent, &c->carried);
    fail_carried(&unsent, err);
  }
  while (peer->connections < peer->config->conns_per_peer &&
         peer->dialing < count_waiting(peer, peer->dialing + 1)) {
    unsigned before = peer->connections;
    dial(peer);
    if (peer->connections == before) return; /* no memory */
  }
}

void gci_door_peer_start(struct gci_door_peer *peer, gcache_call_t *call) {
  struct ask *ask;
  char reason[GCI_REASON_MAX + 1];

  if (peer->config->dialect->gets_only && gcache_call_op(call) != GCACHE_OP_GET) {
    gcache_call_done(call, UV_ENOTSUP, NULL, "golang/groupcache can only get: nothing was sent");
    check_emptied(peer);
    return;
  }
  if (peer->calls >= peer->config->calls_per_peer) {
    snprintf(reason, sizeof reason, "%u calls to %s wait already", peer->calls, peer->url);
    gcache_call_done(call, GCACHE_EBUSY, NULL, reason);
    return;
  }
  ask = gci_mem_zalloc(mem_of(peer), sizeof *ask);
  if (ask == NULL) {
    gcache_call_done(call, UV_ENOMEM, NULL, NULL);
    check_emptied(peer);
    return;
  }
  ask->peer = peer;
  ask->call = call;
  gcache_call_set_data(call, ask);
  gci_link_init(&ask->link);
  gci_list_push_back(&peer->waiting, &ask->link);
  peer->calls++;
  pump(peer);
  check_emptied(peer);
}

void gci_door_peer_cancel(gcache_call_t *call) {
  struct ask *ask = gcache_call_data(call);
  struct gci_door_peer *peer;

  if (ask == NULL) return;
  peer = ask->peer;
  gci_link_unlink(&ask->link);
  if (ask->conn != NULL && gci_list_empty(&ask->conn->carried)) gci_conn_out_close(ask->conn);
  end_ask(ask, UV_ECANCELED, NULL, "");
  check_emptied(peer);
}

/* ---------------------------------------------------------------------------------- a peer -- */

void gci_door_peer_enlist(struct gci_door_peer *peer) {
  peer->listed = 1;
}

void gci_door_peer_dismiss(struct gci_door_peer *peer) {
  peer->listed = 0;
  close_all(&peer->resting);
  if (gci_list_empty(&peer->waiting)) close_all(&peer->dials);
  check_emptied(peer);
}

int gci_door_peer_open(struct gci_door_peer **out, struct gci_door_peer_config *config,
                       const char *url, void (*emptied)(struct gci_door_peer *peer)) {
  struct gci_mem *mem = config->conn.env->mem;
  gcache_bytes_t text = gcache_cstr(url);
  struct gci_door_peer *peer = gci_mem_zalloc(mem, sizeof *peer);
  struct gci_url parts;
  int err = UV_ENOMEM;

  if (peer == NULL) return UV_ENOMEM;
  peer->config = config;
  peer->url = gci_mem_strdup(mem, text);
  peer->url_len = text.len;
  peer->emptied = emptied;
  gci_list_init(&peer->waiting);
  gci_list_init(&peer->resting);
  gci_list_init(&peer->dials);
  if (peer->url != NULL) err = gci_url_read(gcache_bytes(peer->url, text.len), &parts);
  if (err == 0) {
    peer->authority = parts.authority;
    peer->target.port = parts.port;
    peer->host_size = parts.host.len + 1;
    peer->target.host = gci_mem_strdup(mem, parts.host);
    if (peer->target.host == NULL) err = UV_ENOMEM;
  }
  if (err < 0) {
    gci_door_peer_free(peer);
    return err;
  }
  *out = peer;
  return 0;
}

void gci_door_peer_free(struct gci_door_peer *peer) {
  struct gci_mem *mem = mem_of(peer);

  gci_mem_free(mem, peer->target.host, peer->host_size);
  gci_mem_free(mem, peer->url, peer->url_len + 1);
  gci_mem_free(mem, peer, sizeof *peer);
}
