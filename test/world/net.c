#include "net.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "host.h"
#include "segment.h"

/* ---- connections ---- */

struct world_conn_end *world_end_other(const struct world_conn_end *end) {
  return &end->conn->ends[end == &end->conn->ends[0]];
}

static void kick(struct world_host *host, uint64_t at_us) {
  if (host != NULL && host->up) world_loop_kick(&host->loop, at_us);
}

static int is_over(const struct world_conn *c) {
  for (int i = 0; i < 2; i++)
    if (!c->ends[i].closed || !gci_list_empty(&c->ends[i].flying)) return 0;
  return c->phase == WORLD_OPEN;
}

static void free_conn(struct world_conn *c) {
  for (int i = 0; i < 2; i++) {
    world_segments_drop(&c->ends[i].queue);
    world_segments_drop(&c->ends[i].flying);
    sim_event_clear(c->net->world, &c->ends[i].arrival);
    sim_event_clear(c->net->world, &c->ends[i].keep);
  }
  sim_event_clear(c->net->world, &c->opening);
  gci_link_unlink(&c->backlog);
  gci_link_unlink(&c->link);
  free(c);
}

static void free_if_over(struct world_conn *c) {
  if (is_over(c)) free_conn(c);
}

static void on_arrival(struct sim_event *event);
static void on_opening(struct sim_event *event);
static void on_silent(struct sim_event *event);

struct world_conn_end *world_net_connect(struct world_host *host, int to_index, uint16_t to_port) {
  struct world_net *net = host->net;
  struct sim_rng *rng = &net->world->rng;
  struct world_conn *c = sim_new(sizeof *c);
  c->net = net;
  c->status = 1;
  c->asked_us = net->world->now_us;
  c->window = sim_rng_between(rng, net->weather.window_min, net->weather.window_max);
  for (int i = 0; i < 2; i++) {
    c->ends[i].conn = c;
    gci_list_init(&c->ends[i].queue);
    gci_list_init(&c->ends[i].flying);
    sim_event_init(&c->ends[i].arrival, on_arrival);
    sim_event_init(&c->ends[i].keep, on_silent);
  }
  c->ends[0].host = host;
  c->ends[0].index = host->index;
  c->ends[1].index = to_index;
  c->ends[0].port = host->next_port++;
  c->ends[1].port = to_port;
  c->ends[1].closed = 1; /* nobody's yet */
  sim_event_init(&c->opening, on_opening);
  sim_event_set(net->world, &c->opening, net->world->now_us + world_latency_us(net));
  gci_list_push_back(&net->conns, &c->link);
  net->connections++;
  return &c->ends[0];
}

/* ---- opening ---- */

static struct world_listener *listener_at(struct world_net *net, int index, uint16_t port) {
  gci_list_each(link, &net->listeners) {
    struct world_listener *l = gci_container_of(link, struct world_listener, link);
    if (l->host->index == index && l->port == port) return l;
  }
  return NULL;
}

static void opened(struct world_conn *c, int status) {
  c->phase = WORLD_OPEN;
  c->status = status;
  /* Who was asked and has taken it, only the answer did not come, goes on having it. */
  if (status < 0 && c->ends[1].host == NULL) c->ends[1].closed = 1;
  kick(c->ends[0].host, c->net->world->now_us);
  free_if_over(c);
}

static void try_again(struct world_conn *c) {
  struct world_net *net = c->net;
  if (net->world->now_us >= c->asked_us + net->weather.give_up_us)
    opened(c, UV_ETIMEDOUT);
  else
    sim_event_set(net->world, &c->opening, net->world->now_us + net->weather.retry_us);
}

static void answer_opening(struct world_conn *c, enum world_opening phase) {
  c->phase = phase;
  sim_event_set(c->net->world, &c->opening, c->net->world->now_us + world_latency_us(c->net));
}

/* The question has come to the host asked. */
static void on_asked(struct world_conn *c) {
  struct world_net *net = c->net;
  struct world_host *to = net->hosts[c->ends[1].index];
  struct world_listener *l = listener_at(net, c->ends[1].index, c->ends[1].port);
  if (c->ends[0].closed) { /* it has given up already, and the question was on its way */
    opened(c, UV_ECANCELED);
    return;
  }
  if (to->dark || net->blocked[c->ends[0].index][c->ends[1].index] ||
      (l != NULL && l->waiting >= l->backlog_max)) {
    try_again(c);
    return;
  }
  if (l == NULL || sim_rng_below(&net->world->rng, 1000) < net->weather.refuse_permille) {
    net->refused++;
    answer_opening(c, WORLD_REFUSED);
    return;
  }
  c->ends[1].host = to;
  c->ends[1].closed = 0;
  c->listener = l;
  l->waiting++;
  gci_list_push_back(&l->backlog, &c->backlog);
  kick(to, net->world->now_us);
  answer_opening(c, WORLD_ACCEPTED);
}

static void on_opening(struct sim_event *event) {
  struct world_conn *c = gci_container_of(event, struct world_conn, opening);
  const struct world_net *net = c->net;
  if (c->phase == WORLD_ASKED)
    on_asked(c);
  else if (!c->ends[0].closed && net->blocked[c->ends[1].index][c->ends[0].index])
    try_again(c);
  else
    opened(c, c->phase == WORLD_REFUSED ? UV_ECONNREFUSED : 0);
}

/* ---- listeners ---- */

struct world_listener *world_net_listen(struct world_host *host, uint16_t port) {
  struct world_listener *l;
  if (listener_at(host->net, host->index, port) != NULL) return NULL;
  l = sim_new(sizeof *l);
  l->host = host;
  l->port = port;
  l->backlog_max = 64;
  gci_list_init(&l->backlog);
  gci_list_push_back(&host->net->listeners, &l->link);
  return l;
}

struct world_conn_end *world_net_accept(struct world_listener *l) {
  struct gcache_link_s *link = gci_list_pop_front(&l->backlog);
  if (link == NULL) return NULL;
  l->waiting--;
  gci_container_of(link, struct world_conn, backlog)->listener = NULL;
  return &gci_container_of(link, struct world_conn, backlog)->ends[1];
}

void world_net_unlisten(struct world_listener *l) {
  struct world_conn_end *end;
  while ((end = world_net_accept(l)) != NULL)
    world_end_close(end);
  gci_link_unlink(&l->link);
  free(l);
}

/* ---- what arrives ---- */

static void die(struct world_conn_end *end, int error) {
  if (end->closed || end->broken) return;
  end->broken = 1;
  end->error = error;
  if (end->conn->net->weather.resets_destroy && error == UV_ECONNRESET) {
    world_segments_drop(&end->queue);
    end->queued = 0;
  }
  kick(end->host, end->conn->net->world->now_us);
}

/* The end is gone: whoever sends to it is told, unless nobody is there to tell. */
static void bounce(struct world_conn_end *end) {
  struct world_conn_end *from = world_end_other(end);
  if (!from->closed) world_segment_send(from, WORLD_RESET, NULL, 0);
}

static void take(struct world_conn_end *end, struct world_segment *s) {
  end->heard_us = end->conn->net->world->now_us;
  end->underway -= s->len;
  if (s->kind == WORLD_RESET) {
    die(end, UV_ECONNRESET);
  } else if (end->closed || end->broken) {
    if (s->kind == WORLD_DATA && end->closed) bounce(end);
  } else if (s->kind == WORLD_END || end->fin) {
    end->fin = 1;
  } else {
    end->queued += s->len;
    gci_list_push_back(&end->queue, &s->link);
    s = NULL;
  }
  free(s);
  kick(end->host, end->conn->net->world->now_us);
}

/* Nonzero: what is sent to end does not get through now. */
static int is_stuck(const struct world_conn_end *end) {
  const struct world_net *net = end->conn->net;
  const struct world_host *to = net->hosts[end->index];
  return end->hushed || to->dark || net->blocked[world_end_other(end)->index][end->index];
}

/* Nobody has answered for so long that the sender is told. */
static void lose(struct world_conn_end *end) {
  world_segments_drop(&end->flying);
  end->underway = 0;
  die(world_end_other(end), UV_ETIMEDOUT);
}

static void on_arrival(struct sim_event *event) {
  struct world_conn_end *end = gci_container_of(event, struct world_conn_end, arrival);
  struct world_conn *c = end->conn;
  struct sim_world *w = c->net->world;
  if (is_stuck(end)) {
    if (end->stuck_us == 0) end->stuck_us = w->now_us;
    if (w->now_us < end->stuck_us + c->net->weather.give_up_us) {
      sim_event_set(w, &end->arrival, w->now_us + c->net->weather.retry_us);
      return;
    }
    lose(end);
  }
  end->stuck_us = 0;
  while (!gci_list_empty(&end->flying)) {
    struct world_segment *s = world_segment_of(gci_list_front(&end->flying));
    if (s->at_us > w->now_us) {
      sim_event_set(w, &end->arrival, s->at_us);
      break;
    }
    gci_link_unlink(&s->link);
    take(end, s);
  }
  free_if_over(c);
}

/* ---- keeping alive ---- */

#define KEEP_AGAIN_US 1000000
#define KEEPS_MAX 10

void world_end_keep_alive(struct world_conn_end *end, unsigned delay_s) {
  struct sim_world *w = end->conn->net->world;
  end->keep_us = delay_s * UINT64_C(1000000);
  end->heard_us = w->now_us;
  sim_event_set(w, &end->keep, w->now_us + end->keep_us);
}

/* The question and its answer take no time, where they come through. */
static void on_silent(struct sim_event *event) {
  struct world_conn_end *end = gci_container_of(event, struct world_conn_end, keep);
  struct world_conn_end *other = world_end_other(end);
  struct sim_world *w = end->conn->net->world;
  uint64_t again_us = end->keep_us;
  if (end->closed || end->broken) return;
  if (w->now_us < end->heard_us + end->keep_us) {
    sim_event_set(w, event, end->heard_us + end->keep_us);
    return;
  }
  if (is_stuck(end) || is_stuck(other)) {
    again_us = KEEP_AGAIN_US;
    if (++end->kept >= KEEPS_MAX) die(end, UV_ETIMEDOUT);
  } else {
    end->kept = 0;
    if (other->closed && gci_list_empty(&end->flying)) die(end, UV_ECONNRESET);
  }
  if (!end->broken) sim_event_set(w, event, w->now_us + again_us);
}

/* ---- weather, life ---- */

void world_net_init(struct world_net *net, struct sim_world *world) {
  memset(net, 0, sizeof *net);
  net->world = world;
  gci_list_init(&net->conns);
  gci_list_init(&net->listeners);
}

void world_net_fini(struct world_net *net) {
  while (!gci_list_empty(&net->conns))
    free_conn(gci_container_of(gci_list_front(&net->conns), struct world_conn, link));
  while (!gci_list_empty(&net->listeners))
    world_net_unlisten(
        gci_container_of(gci_list_front(&net->listeners), struct world_listener, link));
}

void world_net_part(struct world_net *net, uint64_t side, int directed) {
  for (int i = 0; i < WORLD_HOSTS; i++)
    for (int j = 0; j < WORLD_HOSTS; j++) {
      int out = side >> i & 1, in = side >> j & 1;
      net->blocked[i][j] = directed ? out && !in : out != in;
    }
}

void world_net_calm(struct world_net *net) {
  net->weather.reset_permille = net->weather.refuse_permille = net->weather.hush_permille = 0;
  world_net_part(net, 0, 0);
}

static void kill_end(struct world_conn_end *end, int silent) {
  struct world_conn *c = end->conn;
  if (c->listener != NULL && end == &c->ends[1]) {
    c->listener->waiting--;
    c->listener = NULL;
    gci_link_unlink(&c->backlog);
  }
  if (!silent) {
    world_end_close(end);
    return;
  }
  end->closed = 1;
  end->host = NULL;
  world_segments_drop(&end->queue);
  end->queued = 0;
  free_if_over(c);
}

void world_net_kill(struct world_net *net, struct world_host *host, int silent) {
  struct gcache_link_s *next;
  for (struct gcache_link_s *link = net->conns.head.next; link != &net->conns.head; link = next) {
    struct world_conn *c = gci_container_of(link, struct world_conn, link);
    int mine = c->ends[0].host == host ? 0 : 1;
    next = link->next;
    if (c->ends[mine].host == host && !c->ends[mine].closed) kill_end(&c->ends[mine], silent);
  }
  for (struct gcache_link_s *link = net->listeners.head.next; link != &net->listeners.head;
       link = next) {
    struct world_listener *l = gci_container_of(link, struct world_listener, link);
    next = link->next;
    if (l->host == host) world_net_unlisten(l);
  }
}

void world_conn_free_if_over(struct world_conn *c) {
  free_if_over(c);
}
