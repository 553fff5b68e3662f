#include "driver.h"

#include <stdlib.h>
#include <string.h>

#include "member.h"

#define WAKE_MAX_US 20 /* below the least latency: a member's own turn comes before its messages */
#define WALL_START_NS INT64_C(1700000000000000000)

/* ---- memory: each block is listed, so that a crash drops them all ---- */

struct block {
  struct gcache_link_s link;
  max_align_t bytes[];
};

void *sim_driver_resize(void *data, void *ptr, size_t old_size, size_t new_size) {
  struct sim_member *m = data;
  struct block *old = ptr == NULL ? NULL : gci_container_of(ptr, struct block, bytes);
  struct block *block = NULL;
  if (new_size > 0) {
    block = malloc(sizeof *block + new_size);
    if (block == NULL) abort();
    gci_link_init(&block->link);
    gci_list_push_back(&m->blocks, &block->link);
    if (old != NULL) memcpy(block->bytes, ptr, old_size < new_size ? old_size : new_size);
  }
  if (old != NULL) {
    gci_link_unlink(&old->link);
    free(old);
  }
  return block == NULL ? NULL : block->bytes;
}

void sim_driver_drop_blocks(struct sim_member *m) {
  struct gcache_link_s *link;
  while ((link = gci_list_pop_front(&m->blocks)) != NULL)
    free(gci_container_of(link, struct block, link));
}

/* ---- the environment's driver ---- */

uint64_t sim_member_mono_ms(const struct sim_member *m) {
  return (m->cluster->world.now_us + m->mono_offset_us) / 1000;
}

int64_t sim_member_unix_ns(const struct sim_member *m) {
  return WALL_START_NS + (int64_t)m->cluster->world.now_us * 1000 + m->wall_offset_ns;
}

uint64_t sim_member_due_us(const struct sim_member *m, uint64_t timeout_ms) {
  if (timeout_ms == GCACHE_NO_TIMEOUT) return PROMISES_NEVER;
  if (timeout_ms == 0) timeout_ms = SIM_DEFAULT_TIMEOUT_MS;
  return (sim_member_mono_ms(m) + timeout_ms) * 1000 - m->mono_offset_us;
}

static uint64_t on_mono_asked(void *driver) {
  return sim_member_mono_ms(driver);
}

static int64_t on_unix_asked(void *driver) {
  return sim_member_unix_ns(driver);
}

static void on_woken(void *driver) {
  struct sim_member *m = driver;
  struct sim_world *w = &m->cluster->world;
  if (!sim_event_is_set(&m->turn))
    sim_event_set(w, &m->turn, w->now_us + sim_rng_below(&w->rng, WAKE_MAX_US + 1));
}

static void on_armed(void *driver, uint64_t at_ms) {
  struct sim_member *m = driver;
  struct sim_world *w = &m->cluster->world;
  if (at_ms == GCI_DEADLINE_NEVER)
    sim_event_clear(w, &m->alarm);
  else
    sim_event_set(w, &m->alarm,
                  at_ms * 1000 > m->mono_offset_us ? at_ms * 1000 - m->mono_offset_us : 0);
}

static void on_held(void *driver, int on) {
  struct sim_member *m = driver;
  if (m->held == on)
    promises_break(&m->cluster->promises, "P9: member %d: hold %d told twice", m->index, on);
  m->held = on;
}

static uint64_t on_tick_asked(void *driver) {
  struct sim_member *m = driver;
  return m->cluster->world.turn;
}

const struct gci_env_driver sim_driver = {.mono_ms = on_mono_asked,
                                          .unix_ns = on_unix_asked,
                                          .wake = on_woken,
                                          .arm = on_armed,
                                          .hold = on_held,
                                          .tick = on_tick_asked};

void sim_driver_turned(struct sim_event *event) {
  gci_env_turn(&gci_container_of(event, struct sim_member, turn)->env);
}

void sim_driver_alarmed(struct sim_event *event) {
  gci_env_turn(&gci_container_of(event, struct sim_member, alarm)->env);
}
