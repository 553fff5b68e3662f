#include "host.h"

#include <string.h>
#include <time.h>
#include <uv.h>

#include "files.h"
#include "net.h"

#define WALL_BASE_NS INT64_C(1700000000000000000)

/* The system calls name no host. */
static struct world_host *current;

struct world_host *world_host_enter(struct world_host *host) {
  struct world_host *before = current;
  current = host;
  return before;
}

struct world_host *world_host_current(void) {
  return current;
}

uint64_t world_host_mono_us(const struct world_host *host) {
  return host->world->now_us + host->mono_offset_us;
}

int64_t world_host_unix_ns(const struct world_host *host) {
  return WALL_BASE_NS + (int64_t)host->world->now_us * 1000 + host->wall_offset_ns;
}

void world_host_init(struct world_host *host, struct sim_world *world, struct world_net *net,
                     struct world_faults *faults, int index) {
  memset(host, 0, sizeof *host);
  host->world = world;
  host->net = net;
  host->faults = faults;
  host->index = index;
  host->files_max = 1000;
  host->next_port = 30000;
  host->mono_offset_us = sim_rng_below(&world->rng, 100000000);
}

void world_host_boot(struct world_host *host) {
  host->up = 1;
  host->dark = 0;
  world_loop_init(&host->loop, host);
}

void world_host_stop(struct world_host *host) {
  host->stopped = 1;
  sim_event_clear(host->world, &host->loop.turn);
}

void world_host_resume(struct world_host *host) {
  host->stopped = 0;
  world_loop_kick(&host->loop, host->world->now_us);
}

void world_host_kill(struct world_host *host, int silent) {
  host->up = host->stopped = 0;
  host->dark = silent;
  world_net_kill(host->net, host, silent);
  world_files_forget(host);
  world_loop_forget(&host->loop);
  host->files = 0;
}

/* ---- the clocks, as the library reads them ---- */

#define TICK_US 4000 /* of a coarse clock */

int __real_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out);

int __wrap_clock_gettime(clockid_t id, struct timespec *out) {
  if (current == NULL) return __real_clock_gettime(id, out);
  uint64_t ns = world_host_mono_us(current) * 1000;
  if (id == CLOCK_REALTIME) ns = (uint64_t)world_host_unix_ns(current);
  if (id == CLOCK_MONOTONIC_COARSE) ns -= ns % (TICK_US * 1000);
  out->tv_sec = (time_t)(ns / 1000000000);
  out->tv_nsec = (long)(ns % 1000000000);
  return 0;
}

/* Else a busy machine would decide how much of a stream is read in a turn. */
uint64_t uv_hrtime(void) {
  return current == NULL ? 0 : world_host_mono_us(current) * 1000;
}
