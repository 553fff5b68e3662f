#include "source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/value.h"
#include "member.h"

/* ---- values ---- */

static void write_value(unsigned char *bytes, const struct sim_value *v) {
  uint64_t head[3] = {v->serial, v->key, v->size};
  memcpy(bytes, head, sizeof head);
  memset(bytes + sizeof head, (int)(v->serial & 0xff), v->size - sizeof head);
}

gcache_value_t *sim_value_make(struct gci_mem *mem, const struct sim_value *v) {
  unsigned char *bytes = sim_new(v->size);
  write_value(bytes, v);
  gcache_value_t *value = gci_value_copy(mem, gcache_bytes(bytes, v->size), v->expire_unix_ns);
  if (v->has_windows) gcache_value_freshen(value, &v->windows);
  free(bytes);
  return value;
}

int sim_value_read(gcache_value_t *value, struct sim_value *v) {
  gcache_bytes_t b = gcache_value_bytes(value);
  uint64_t head[3];
  if (b.len < sizeof head) return 0;
  memcpy(head, b.base, sizeof head);
  *v = (struct sim_value){.serial = head[0],
                          .key = (unsigned)head[1],
                          .size = b.len,
                          .expire_unix_ns = gcache_value_expire(value)};
  v->has_windows = gcache_value_windows(value, &v->windows) == 0;
  const unsigned char *filler = (const unsigned char *)b.base + sizeof head;
  size_t n = b.len - sizeof head;
  if (head[2] != b.len) return 0;
  if (n > 0 && filler[0] != (v->serial & 0xff)) return 0;
  return n < 2 || memcmp(filler, filler + 1, n - 1) == 0;
}

void sim_value_freshen(struct sim_cluster *c, struct sim_value *v) {
  struct sim_rng *rng = &c->world.rng;
  if (!sim_rng_percent(rng, c->config.windowed_percent)) return;
  v->has_windows = 1;
  v->windows.stale_ms = sim_rng_percent(rng, 50) ? sim_rng_below(rng, 400) : 0;
  v->windows.error_ms = sim_rng_percent(rng, 50) ? sim_rng_below(rng, 1000) : 0;
  v->windows.refresh_ahead_ms = sim_rng_percent(rng, 50) ? sim_rng_below(rng, 200) : 0;
  int stale_is_longer = v->windows.stale_ms > v->windows.error_ms;
  promises_windowed(&c->promises, v->serial,
                    stale_is_longer ? v->windows.stale_ms : v->windows.error_ms);
}

size_t sim_value_some_size(struct sim_cluster *c) {
  struct sim_rng *rng = &c->world.rng;
  if (sim_rng_percent(rng, c->config.small_percent))
    return SIM_VALUE_LEAST + sim_rng_below(rng, 200);
  if (sim_rng_percent(rng, 5)) return SIM_VALUE_MAX;
  return SIM_VALUE_LEAST + sim_rng_below(rng, c->config.value_typical);
}

size_t sim_key_write(unsigned key, char out[16]) {
  int digits = key % 4 == 0 ? 1 : 8; /* hits of keys of 9 bytes and more go a way of their own */
  return (size_t)snprintf(out, 16, "key-%0*u", digits, key);
}

int sim_key_read(gcache_bytes_t key, unsigned *out) {
  char text[16] = "";
  if (key.len >= sizeof text) return 0;
  if (key.len > 0) memcpy(text, key.base, key.len);
  return sscanf(text, "key-%u", out) == 1;
}

uint64_t sim_source_cause(const char *reason, int *hinted) {
  uint64_t serial = 0;
  *hinted = 0;
  if (sscanf(reason, "run %" SCNu64, &serial) == 1) return serial;
  if (sscanf(reason, "hinted %" SCNu64, &serial) != 1) return 0;
  *hinted = 1;
  return serial;
}

/* ---- getters ---- */

struct sim_run {
  struct gcache_link_s link;
  struct sim_event answer;
  struct sim_member *member;
  gcache_load_t *load;
  struct sim_value value;
  uint64_t ttl_ms; /* 0: for ever */
  int status;
  int gives_up; /* has been hinted and does as it is told */
};

static void run_end(struct sim_run *run) {
  struct sim_member *m = run->member;
  struct sim_cluster *c = m->cluster;
  gcache_load_t *load = run->load;
  struct sim_value v = run->value;
  int status = run->gives_up ? UV_ECANCELED : run->status;
  char reason[48];
  snprintf(reason, sizeof reason, "%s %" PRIu64, run->gives_up ? "hinted" : "run", v.serial);
  sim_event_clear(&c->world, &run->answer);
  gci_link_unlink(&run->link);
  uint64_t ttl_ms = run->ttl_ms;
  if (ttl_ms > 0) v.expire_unix_ns = sim_member_unix_ns(m) + (int64_t)ttl_ms * 1000000;
  free(run);
  int told = status == 0 || status == GCACHE_ENOTFOUND ? status : GCACHE_ELOAD;
  int expired = v.expire_unix_ns != 0 && v.expire_unix_ns <= sim_member_unix_ns(m);
  if (v.size > SIM_VALUE_MAX || expired) told = GCACHE_ELOAD; /* what callers must be told */
  promises_run_ended(&c->promises, v.serial, told, v.size, v.expire_unix_ns);
  sim_trace(&c->world, "m%d key %u: run %" PRIu64 " answers %d, %zu bytes, ttl %" PRId64 " us",
            m->index, v.key, v.serial, status, v.size,
            v.expire_unix_ns == 0 ? 0 : (v.expire_unix_ns - sim_member_unix_ns(m)) / 1000);
  promises_enter(&c->promises);
  if (status != 0) {
    if (status == GCACHE_ENOTFOUND && ttl_ms == 0 && v.serial % 4 == 0)
      gcache_load_not_found(load, c->config.fresh.not_found_ms / 2, reason);
    else
      gcache_load_fail(load, status, reason);
  } else {
    sim_value_freshen(c, &v);
    gcache_value_t *value = sim_value_make(m->mem, &v);
    if (ttl_ms % 2 == 1 && !v.has_windows) /* both ways to answer */
      gcache_load_done_copy(load, gcache_value_bytes(value), ttl_ms);
    else
      gcache_load_done(load, gcache_value_ref(value));
    gcache_value_unref(value);
  }
  promises_leave(&c->promises);
}

static void on_answered(struct sim_event *event) {
  run_end(gci_container_of(event, struct sim_run, answer));
}

/* What it will say. */
static void choose(struct sim_run *run) {
  struct sim_cluster *c = run->member->cluster;
  struct sim_rng *rng = &c->world.rng;
  unsigned dice = (unsigned)sim_rng_below(rng, 100);
  run->value.size = sim_value_some_size(c);
  if (dice < 8)
    run->status = GCACHE_ENOTFOUND;
  else if (dice < 15)
    run->status = dice < 12 ? UV_EIO : GCACHE_ELOAD;
  else if (dice < 17)
    run->value.size = SIM_VALUE_MAX + 1 + sim_rng_below(rng, 100);
  else if (dice < 19)
    run->value.expire_unix_ns = sim_member_unix_ns(run->member) - 1;
  else if (dice - 19 < c->config.ttl_percent)
    run->ttl_ms = 1 + sim_rng_below(rng, sim_rng_percent(rng, 50) ? 60 : dice < 25 ? 10000 : 2000);
}

static uint64_t choose_delay(struct sim_cluster *c) {
  struct sim_rng *rng = &c->world.rng;
  if (sim_rng_percent(rng, 20)) return 0;
  if (sim_rng_percent(rng, 80)) return sim_rng_below(rng, 30000);
  return sim_rng_below(rng, c->config.getter_max_us);
}

void sim_source_asked(gcache_load_t *load) {
  struct sim_group *g = gcache_group_data(gcache_load_group(load));
  struct sim_member *m = g->member;
  struct sim_cluster *c = m->cluster;
  struct sim_run *run = sim_new(sizeof *run);
  unsigned key = PROMISES_KEYS;
  if (!sim_key_read(gcache_load_key(load), &key) || key >= c->config.n_keys)
    promises_break(&c->promises, "P10: member %d: a getter was given a key nobody asked for",
                   m->index);
  key %= PROMISES_KEYS;
  run->member = m;
  run->load = load;
  run->value.key = key;
  if (!sim_member_all_know(c)) promises_disturbed(&c->promises, key);
  run->value.serial = promises_run_began(&c->promises, m->index, key);
  choose(run);
  gcache_load_set_data(load, run);
  gci_list_push_back(&m->runs, &run->link);
  sim_event_init(&run->answer, on_answered);
  sim_trace(&c->world, "m%d key %u: run %" PRIu64 " starts", m->index, key, run->value.serial);
  if (sim_rng_percent(&c->world.rng, 15))
    run_end(run);
  else
    sim_event_set(&c->world, &run->answer, c->world.now_us + choose_delay(c));
}

void sim_source_hinted(gcache_load_t *load) {
  struct sim_run *run = gcache_load_data(load);
  struct sim_cluster *c = run->member->cluster;
  promises_run_hinted(&c->promises, run->value.serial, gcache_load_time_left_ms(load));
  sim_trace(&c->world, "m%d key %u: run %" PRIu64 " is told that nobody waits", run->member->index,
            run->value.key, run->value.serial);
  if (sim_rng_percent(&c->world.rng, 40)) return;
  run->gives_up = 1;
  if (sim_rng_percent(&c->world.rng, 40))
    run_end(run);
  else
    sim_event_set(&c->world, &run->answer, c->world.now_us + sim_rng_below(&c->world.rng, 5000));
}

void sim_source_forget(struct sim_member *m) {
  struct gcache_link_s *link;
  while ((link = gci_list_pop_front(&m->runs)) != NULL) {
    struct sim_run *run = gci_container_of(link, struct sim_run, link);
    sim_event_clear(&m->cluster->world, &run->answer);
    free(run);
  }
}
