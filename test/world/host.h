/* world/host - a machine of the simulated network: an address, clocks, descriptors, one loop.
 *
 * One member runs on it at a time; when that member dies, the host drops all it held for it and can
 * be used again. Calls of the library to the system that name no loop (clocks, a descriptor) go to
 * the host whose loop runs: the current one. */
#ifndef WORLD_HOST_H
#define WORLD_HOST_H

#include "loop.h"
#include "sim/world.h"

struct world_net;
struct world_faults;

struct world_host {
  struct sim_world *world;
  struct world_net *net;
  struct world_faults *faults;
  int index;   /* address 10.0.0.(index + 1) */
  int up;      /* a program runs */
  int stopped; /* its programs stand still */
  int dark;    /* the machine itself is off: nobody answers for it */
  uint64_t mono_offset_us;
  int64_t wall_offset_ns;
  unsigned files, files_max; /* open descriptors, and how many it may have */
  uint16_t next_port;        /* of its own end of connections */
  struct world_loop loop;
};

void world_host_init(struct world_host *host, struct sim_world *world, struct world_net *net,
                     struct world_faults *faults, int index);
void world_host_boot(struct world_host *host);
/* silent: nobody is told; else what was open is closed or reset, as by a kernel whose process dies. */
void world_host_kill(struct world_host *host, int silent);

/* Its programs stand still, and go on; what is due meanwhile runs then. */
void world_host_stop(struct world_host *host);
void world_host_resume(struct world_host *host);

uint64_t world_host_mono_us(const struct world_host *host);
int64_t world_host_unix_ns(const struct world_host *host);

/* Whose code runs; NULL: nobody's. Returns the one before. */
struct world_host *world_host_enter(struct world_host *host);
struct world_host *world_host_current(void);

#endif
