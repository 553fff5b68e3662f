#include "door/lanes.h"

#include "http/h2.h"

enum {
  CALLS_OF_MANY =
      100,        /* calls that a connection may be expected to carry while it is being dialled */
  FAST_LANES = 2, /* one is written to while the other is answered: measured */
  BULK_LANES = 8,
  FAST_PAUSE_MS = 1000,
  FAST_PAUSE_MAX_MS = 60 * 1000,
  HTTP_2_PAUSE_MS = 60 * 1000
};

static struct gci_conn_out *conn_of(struct gcache_link_s *link) {
  return gci_container_of(link, struct gci_conn_out, link);
}

void gci_lanes_init(struct gci_lanes *lanes, const struct gci_conn_out_config *config) {
  *lanes = (struct gci_lanes){.config = config, .many = config->http == GCACHE_HTTP_2};
  gci_list_init(&lanes->roomy);
  gci_list_init(&lanes->fast);
  gci_list_init(&lanes->bulk);
  gci_list_init(&lanes->dials);
}

/* ---------------------------------------------------------------------------------- choosing -- */

static struct gci_conn_out *first_with_room(struct gci_list *list) {
  struct gcache_link_s *link;

  while ((link = gci_list_front(list)) != NULL) {
    if (gci_conn_out_room(conn_of(link)) > 0) return conn_of(link);
    gci_link_unlink(
        link); /* the other side has withdrawn it; `turned` follows when there is room again */
  }
  return NULL;
}

struct gci_conn_out *gci_lanes_slow(struct gci_lanes *lanes) {
  return first_with_room(&lanes->roomy);
}

struct gci_conn_out *gci_lanes_bulk(struct gci_lanes *lanes) {
  return first_with_room(&lanes->bulk);
}

int gci_lanes_uses_bulk(const struct gci_lanes *lanes) {
  return lanes->many && lanes->to_gcache && lanes->config->http == GCACHE_HTTP_AUTO;
}

struct gci_conn_out *gci_lanes_fast(const struct gci_lanes *lanes) {
  struct gci_conn_out *best = NULL;

  gci_list_each(link, &lanes->fast) {
    struct gci_conn_out *c = conn_of(link);
    if (gci_conn_out_room(c) > 0 && (best == NULL || c->n_trips < best->n_trips)) best = c;
  }
  return best;
}

int gci_lanes_has_fast(const struct gci_lanes *lanes) {
  gci_list_each(link, &lanes->fast) if (conn_of(link)->to_gcache) return 1;
  return 0;
}

/* --------------------------------------------------------------------------------- dialling -- */

size_t gci_lanes_enough(const struct gci_lanes *lanes) {
  return (size_t)lanes->dialing * (lanes->many ? CALLS_OF_MANY : 1) + 1;
}

unsigned gci_lanes_n_slow(const struct gci_lanes *lanes) {
  return lanes->connections - lanes->n_fast - lanes->n_bulk;
}

int gci_lanes_wants_slow(const struct gci_lanes *lanes, unsigned conns_per_peer, size_t n_waiting) {
  return gci_lanes_n_slow(lanes) < conns_per_peer && n_waiting >= gci_lanes_enough(lanes);
}

int gci_lanes_wants_bulk(const struct gci_lanes *lanes, size_t n_waiting) {
  return lanes->n_bulk < BULK_LANES && n_waiting > lanes->dialing_bulk;
}

/* While a fast lane carries one request at a time, a second lane would only rest. */
int gci_lanes_wants_fast(const struct gci_lanes *lanes) {
  struct gcache_link_s *only = gci_list_front(&lanes->fast);

  if (!lanes->to_gcache || lanes->config->http == GCACHE_HTTP_2 || lanes->n_fast == FAST_LANES)
    return 0;
  if (lanes->n_fast > 0 && (only == NULL || conn_of(only)->n_trips < 2)) return 0;
  return gci_env_mono_ms(lanes->config->env) >= lanes->no_fast_until_ms;
}

/* In the clear, if the peer has said that it speaks HTTP/2. */
static int prefers_2(const struct gci_lanes *lanes) {
  return lanes->speaks_2 && lanes->config->http == GCACHE_HTTP_AUTO && !lanes->origin.secure;
}

struct gci_lane gci_lanes_new_slow(const struct gci_lanes *lanes) {
  struct gci_lane lane = {.http = lanes->config->http};

  if (!prefers_2(lanes)) return lane;
  return (struct gci_lane){.http = GCACHE_HTTP_2, .supposed = 1};
}

struct gci_lane gci_lanes_new_fast(void) {
  return (struct gci_lane){.http = GCACHE_HTTP_1, .fast = 1};
}

struct gci_lane gci_lanes_new_bulk(void) {
  return (struct gci_lane){.http = GCACHE_HTTP_1, .bulk = 1};
}

/* ----------------------------------------------------------------------------------- events -- */

void gci_lanes_dialed(struct gci_lanes *lanes, struct gci_conn_out *c) {
  if (!c->closing) gci_list_push_back(&lanes->dials, &c->link); /* else it has failed already */
  lanes->connections++;
  if (c->lane.fast) {
    lanes->n_fast++;
  } else if (c->lane.bulk) {
    lanes->n_bulk++;
    lanes->dialing_bulk++;
  } else {
    lanes->dialing++;
  }
}

void gci_lanes_opened(struct gci_lanes *lanes, struct gci_conn_out *c, int status) {
  gci_link_unlink(&c->link);
  if (c->lane.bulk)
    lanes->dialing_bulk--;
  else if (!c->lane.fast)
    lanes->dialing--;
  if (status < 0) return;
  if (!c->lane.bulk && !c->lane.fast) {
    lanes->open++;
    lanes->many = c->many;
  }
  gci_lanes_file(lanes, c);
}

/* Before anything is dialled for the calls it carried. */
static void note_closing(struct gci_lanes *lanes, const struct gci_conn_out *c) {
  if (!c->lane.supposed || c->dial_status < 0 || c->exchanges > 0 || !c->opened) return;
  lanes->speaks_2 = lanes->many = 0;
  lanes->no_2_until_ms = gci_env_after_ms(lanes->config->env, HTTP_2_PAUSE_MS);
}

void gci_lanes_file(struct gci_lanes *lanes, struct gci_conn_out *c) {
  if (c->closing) {
    note_closing(lanes, c);
    return;
  }
  if (c->lane.fast) {
    if (!gci_link_linked(&c->link)) gci_list_push_back(&lanes->fast, &c->link);
    return;
  }
  gci_link_unlink(&c->link);
  if (c->lane.bulk) {
    if (gci_conn_out_room(c) > 0) gci_list_push_front(&lanes->bulk, &c->link);
  } else if (!c->many && prefers_2(lanes) && gci_conn_out_rests(c)) {
    gci_conn_out_close(c); /* replaced, when it is wanted, by one that carries many */
  } else if (gci_conn_out_room(c) > 0) {
    gci_list_push_front(&lanes->roomy, &c->link);
  }
}

/* A port may be closed to HTTP/1.1 for ever. */
static void pause_fast(struct gci_lanes *lanes, int is_dial) {
  uint64_t ms = is_dial ? 2 * lanes->fast_pause_ms : 0;

  if (ms < FAST_PAUSE_MS) ms = FAST_PAUSE_MS;
  if (ms > FAST_PAUSE_MAX_MS) ms = FAST_PAUSE_MAX_MS;
  lanes->fast_pause_ms = ms;
  lanes->no_fast_until_ms = gci_env_after_ms(lanes->config->env, ms);
}

void gci_lanes_closed(struct gci_lanes *lanes, struct gci_conn_out *c) {
  lanes->connections--;
  if (c->lane.fast) {
    lanes->n_fast--;
    if (!c->to_gcache && c->dial_status != UV_ECANCELED) pause_fast(lanes, c->dial_status < 0);
    if (c->to_gcache) lanes->fast_pause_ms = 0;
    return;
  }
  if (c->lane.bulk)
    lanes->n_bulk--;
  else if (c->dial_status == 0)
    lanes->open--;
}

void gci_lanes_note(struct gci_lanes *lanes, struct gci_conn_out *c, int is_gcache, int speaks_2) {
  c->to_gcache = is_gcache != 0;
  lanes->to_gcache = is_gcache != 0;
  if (!speaks_2 || lanes->speaks_2 || !gci_h2_built_in()) return;
  if (gci_env_mono_ms(lanes->config->env) < lanes->no_2_until_ms) return;
  lanes->speaks_2 = 1;
  if (!prefers_2(lanes)) return;
  lanes->many = 1;
  lanes->stale = 1;
}

void gci_lanes_refresh(struct gci_lanes *lanes) {
  struct gcache_link_s *link, *next;

  if (!lanes->stale) return;
  lanes->stale = 0;
  for (link = lanes->roomy.head.next; link != &lanes->roomy.head; link = next) {
    next = link->next;
    gci_lanes_file(lanes, conn_of(link));
  }
}

void gci_lanes_close_resting(struct gci_lanes *lanes) {
  struct gci_list *lists[] = {&lanes->roomy, &lanes->fast, &lanes->bulk};

  for (int i = 0; i < 3; i++) {
    struct gcache_link_s *link, *next;
    for (link = lists[i]->head.next; link != &lists[i]->head; link = next) {
      next = link->next;
      if (gci_conn_out_rests(conn_of(link))) gci_conn_out_close(conn_of(link));
    }
  }
}

void gci_lanes_close_dials(struct gci_lanes *lanes) {
  struct gcache_link_s *link;

  while ((link = gci_list_front(&lanes->dials)) != NULL)
    gci_conn_out_close(conn_of(link));
}

void gci_lanes_break_fast(struct gci_lanes *lanes) {
  struct gcache_link_s *link;

  while ((link = gci_list_front(&lanes->fast)) != NULL)
    gci_conn_out_break(conn_of(link));
}
