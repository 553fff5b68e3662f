/* sim/member - one member of the simulated cluster: a bare core, its environment in virtual time,
 * and an allocator of its own, so that a crash can drop all it holds.
 *
 * The cluster owns its members, the network between them and the oracle. A member's life lasts from
 * sim_member_start() to a crash, or to the end of its close; then it may start again, empty. Its
 * clocks differ from the world's by constants; its loop takes a turn soon after it is woken. */
#ifndef SIM_MEMBER_H
#define SIM_MEMBER_H

#include "base/env.h"
#include "base/list.h"
#include "core/core.h"
#include "gcache/gcache.h"
#include "gcache/transport.h"
#include "network.h"
#include "promises.h"
#include "world.h"

#define SIM_DEFAULT_TIMEOUT_MS 700
#define SIM_KEY_MAX 64
#define SIM_VALUE_MAX (24 * 1024)

struct sim_config {
  int n_members;
  unsigned n_keys;
  uint64_t latency_min_us, latency_max_us;
  unsigned slow_percent; /* messages that take up to slow_us instead */
  uint64_t slow_us;
  unsigned loss_percent;
  uint64_t getter_max_us;
  unsigned ttl_percent;        /* values that expire */
  struct promises_fresh fresh; /* of all groups */
  unsigned windowed_percent;   /* values with windows of their own */
  unsigned go_percent;         /* questions of askers that know no stale values */
  unsigned quit_percent;       /* callbacks that ask on which close their group or cache */
  size_t max_bytes;
  unsigned small_percent; /* values of at most 200 bytes; the others up to */
  size_t value_typical;
  gcache_dialect_t dialect;
  unsigned loads_max, loads_queued_max; /* of a group; 0: the core's own limits */
  uint64_t handoff_ms, quiet_ms;        /* 0: nothing is handed over */
  size_t members_at_once; /* longer lists are made in turns; 0: the core's own limit */
  gcache_health_t health;
  uint32_t samples_min; /* answers of a peer, before it is hedged; 0: the core's own limit */
};

struct sim_group {
  struct sim_member *member;
  unsigned index;
  gcache_group_t *group; /* NULL: not open */
  int closing;
};

enum sim_life { SIM_DOWN, SIM_LIVING, SIM_CLOSING };

struct sim_member {
  struct sim_cluster *cluster;
  int index, is_client;
  char url[40];
  enum sim_life life;
  uint64_t mono_offset_us;
  int64_t wall_offset_ns;
  uint64_t list; /* given last, as promises_list(); 0: alone */
  gcache_hot_t hot;
  struct gci_list blocks; /* all it has allocated */
  struct gci_mem *mem;
  struct gci_env env;
  int held; /* the driver's hold */
  gcache_leave_t leave;
  gcache_t core;
  gcache_transport_t transport;
  struct sim_event turn, alarm, end;
  struct sim_group groups[PROMISES_GROUPS];
  struct gci_list runs;                   /* of its getters: struct sim_run */
  struct gci_list gets, changes, batches; /* its program's pending requests */
  struct gci_list spent;                  /* requests that are over: poisoned, kept to the end */
};

struct sim_cluster {
  struct sim_world world;
  struct sim_config config;
  struct promises promises;
  struct sim_network network;
  struct sim_member members[SIM_MEMBERS];
  int dead;        /* -1: nobody */
  uint64_t hedges; /* second questions of those that are gone */
};

void sim_cluster_init(struct sim_cluster *c, uint64_t seed, const struct sim_config *config,
                      const struct promises_setup *setup);
void sim_cluster_fini(struct sim_cluster *c); /* whatever lives is torn down */

void sim_member_init(struct sim_cluster *c, int index); /* down */
void sim_member_start(struct sim_member *m, uint64_t list);
void sim_member_close(struct sim_member *m); /* ends in SIM_DOWN after a while */
void sim_member_crash(struct sim_member *m);
/* In an order of chance. In force at once or some turns later. */
void sim_member_set_list(struct sim_member *m, uint64_t list);
void sim_member_listed(struct sim_member *m); /* it is in force now */
void sim_group_start(struct sim_group *g);
void sim_group_stop(struct sim_group *g);
/* The budget (P5). */
void sim_member_check(struct sim_member *m);
void sim_member_probe(struct sim_member *m); /* items against what can be had (P6) */
void sim_member_rest(struct sim_member *m);  /* nothing is under way */

uint64_t sim_member_mono_ms(const struct sim_member *m);
int64_t sim_member_unix_ns(const struct sim_member *m);
/* When a request given timeout_ms now is due, in the world's time. */
uint64_t sim_member_due_us(const struct sim_member *m, uint64_t timeout_ms);
void sim_member_jump_clock(struct sim_member *m, int64_t by_ms);

/* Nonzero: all who live know who is dead. */
int sim_member_all_know(const struct sim_cluster *c);

int sim_member_of_url(const struct sim_cluster *c, const char *url); /* -1: none */
const char *sim_group_word(unsigned group);
int sim_group_of_word(const char *word); /* -1: none */

#endif
