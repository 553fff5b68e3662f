/* The part of the network that a program sees: writing to and reading from one end of a
 * connection. */
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "host.h"
#include "segment.h"

static struct sim_rng *rng_of(const struct world_conn_end *end) {
  return &end->conn->net->world->rng;
}

/* How many of n bytes go at once: all, some, or a few. */
static size_t some_of(const struct world_conn_end *end, size_t n) {
  struct sim_rng *rng = rng_of(end);
  unsigned split = end->conn->net->weather.split;
  if (n <= 1 || split == 0) return n;
  if (split == 1 && sim_rng_percent(rng, 75)) return n;
  if (split == 2 && n > 8 && sim_rng_percent(rng, 80)) return 1 + sim_rng_below(rng, 8);
  return 1 + sim_rng_below(rng, n);
}

size_t world_end_room(const struct world_conn_end *end) {
  const struct world_conn_end *to = world_end_other(end);
  size_t used = to->queued + to->underway;
  return used < end->conn->window ? end->conn->window - used : 0;
}

int world_end_writable(const struct world_conn_end *end) {
  return end->broken || world_end_room(end) > 0;
}

int world_end_readable(const struct world_conn_end *end) {
  return end->queued > 0 || end->fin || (end->broken && end->error != 0);
}

static int broken_pipe(struct world_conn_end *end) {
  int error = end->error != 0 ? end->error : UV_EPIPE;
  end->error = 0;
  return error;
}

static int strikes(struct world_conn_end *end, unsigned permille) {
  return permille > 0 && sim_rng_below(rng_of(end), 1000) < permille;
}

/* In what pieces bytes travel is chance. */
static void send_pieces(struct world_conn_end *to, const unsigned char *bytes, size_t len) {
  while (len > 0) {
    size_t n = some_of(to, len);
    world_segment_send(to, WORLD_DATA, bytes, n);
    bytes += n;
    len -= n;
  }
}

long world_end_send(struct world_conn_end *end, const void *bytes, size_t len) {
  struct world_conn_end *to = world_end_other(end);
  const struct world_weather *w = &end->conn->net->weather;
  size_t room = world_end_room(end);
  if (end->broken) return broken_pipe(end);
  if (end->shut) return UV_EPIPE;
  if (strikes(end, w->hush_permille)) {
    end->hushed = sim_rng_percent(rng_of(end), 50);
    to->hushed = !end->hushed || sim_rng_percent(rng_of(end), 50);
    end->conn->net->hushed++;
  }
  if (strikes(end, w->reset_permille)) {
    world_end_reset(end);
    return broken_pipe(end);
  }
  if (room == 0) return UV_EAGAIN;
  len = some_of(end, len < room ? len : room);
  send_pieces(to, bytes, len);
  return (long)len;
}

static void tell_of_room(struct world_conn_end *end) {
  struct world_net *net = end->conn->net;
  if (end->host != NULL && end->host->up)
    world_loop_kick(&end->host->loop, net->world->now_us + net->weather.latency_min_us);
}

long world_end_read(struct world_conn_end *end, void *bytes, size_t len) {
  struct gcache_link_s *link = gci_list_front(&end->queue);
  size_t n = 0, wanted = some_of(end, len < end->queued ? len : end->queued);
  int was_full = world_end_room(world_end_other(end)) == 0;
  while (link != NULL && n < wanted) {
    struct world_segment *s = world_segment_of(link);
    size_t part = s->len - s->read < wanted - n ? s->len - s->read : wanted - n;
    memcpy((unsigned char *)bytes + n, s->bytes + s->read, part);
    n += part;
    s->read += part;
    if (s->read < s->len) break;
    gci_link_unlink(&s->link);
    free(s);
    link = gci_list_front(&end->queue);
  }
  end->queued -= n;
  if (n > 0 && was_full) tell_of_room(world_end_other(end));
  if (n > 0) return (long)n;
  if (end->broken) return broken_pipe(end) == UV_EPIPE ? 0 : UV_ECONNRESET;
  return end->fin ? 0 : UV_EAGAIN;
}

int world_end_shut(struct world_conn_end *end) {
  if (end->broken) return UV_ENOTCONN;
  if (!end->shut) world_segment_send(world_end_other(end), WORLD_END, NULL, 0);
  end->shut = 1;
  return 0;
}

/* Unread bytes make a reset of it, as the kernel does. */
void world_end_close(struct world_conn_end *end) {
  struct world_conn *c = end->conn;
  int was_open = !end->closed && !end->broken;
  int is_there = end == &c->ends[1] || c->phase == WORLD_ACCEPTED || c->phase == WORLD_OPEN;
  if (end->closed) return;
  end->closed = 1;
  end->host = NULL;
  if (was_open && is_there && c->status >= 0 && end->queued > 0)
    world_segment_send(world_end_other(end), WORLD_RESET, NULL, 0);
  else if (was_open && is_there && c->status >= 0 && !end->shut)
    world_segment_send(world_end_other(end), WORLD_END, NULL, 0);
  world_segments_drop(&end->queue);
  end->queued = 0;
  world_conn_free_if_over(c);
}

void world_end_cut(struct world_conn_end *end) {
  world_segments_drop(&end->queue);
  end->queued = 0;
  end->fin = 1;
  world_segment_send(world_end_other(end), WORLD_RESET, NULL, 0);
}

void world_end_reset(struct world_conn_end *end) {
  struct world_conn_end *other = world_end_other(end);
  end->conn->net->resets++;
  end->broken = 1;
  end->error = UV_ECONNRESET;
  world_segment_send(other, WORLD_RESET, NULL, 0);
}
