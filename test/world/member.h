/* world/member - one member of the cluster: the whole library on a host, with its program.
 *
 * A member's life lasts from world_member_start() to a crash, or to the end of its close; then it
 * may start again, empty, on the same address. All its allocations are counted and can be dropped
 * at once. The library is only called from inside an iteration of the member's loop. */
#ifndef WORLD_MEMBER_H
#define WORLD_MEMBER_H

#include "base/list.h"
#include "counts.h"
#include "faults.h"
#include "gcache/gcache.h"
#include "gcache/http.h"
#include "gcache/leave.h"
#include "host.h"
#include "net.h"
#include "sim/promises.h"

#define WORLD_PORT 8080
#define WORLD_VALUE_MAX (24 * 1024)
#define WORLD_KEY_MAX 64

struct world;

struct world_config {
  int n_members;
  unsigned n_keys;
  uint64_t getter_max_us;
  unsigned ttl_percent;
  unsigned work_percent; /* of the getter's runs that are given to a thread */
  unsigned name_percent; /* of the members that are known by name */
  unsigned small_percent;
  size_t value_typical;
  size_t max_bytes;
  uint64_t timeout_ms, connect_timeout_ms, ping_ms;
  unsigned conns_per_peer;
  int is_patient; /* some have all the time there is */
  gcache_dialect_t dialect;
  gcache_http_t http;
  unsigned quit_percent;   /* of callbacks that ask on which close their group or cache */
  unsigned client_percent; /* of the worlds: the last member is a client only */
  unsigned missed_max;     /* 0: the usual */
  unsigned hedge_percentile;
  uint64_t handoff_ms;
  int is_secure; /* they speak TLS */
  int is_signed; /* members share a secret */
  gcache_access_who_t who;
  unsigned again_percent; /* of callbacks that ask for something more */
  int n_hosts;            /* machines, with a member on them or not */
  int is_wide;            /* members stop, too, and clocks jump by hours */
  uint64_t skew_max_s;    /* of wall clocks, 0: they differ by milliseconds */
};

struct world_group {
  struct world_member *member;
  unsigned index;
  gcache_group_t *group; /* NULL: not open */
  int closing;
};

enum world_life { WORLD_DOWN, WORLD_LIVING, WORLD_CLOSING };

struct world_member {
  struct world *world;
  int index, is_client;
  unsigned lives; /* times it has started */
  char url[48];
  enum world_life life;
  uint64_t list; /* mask of members; 0: alone */
  gcache_hot_t hot;
  struct world_host host;
  gcache_t *cache;
  gcache_listener_t *listener;
  struct world_group groups[PROMISES_GROUPS];
  struct sim_event end; /* of its close */
  struct sim_event resumed;
  gcache_leave_t leave;
  int leaving;            /* 1: asked for, 2: over */
  struct gci_list blocks; /* all it has allocated */
  size_t bytes;
  struct gci_list runs;                   /* of its getters */
  struct gci_list gets, changes, batches; /* its program's pending requests */
  struct gci_list spent;                  /* requests that are over: poisoned, kept to the end */
};

/* What dead.h knows. */
enum world_fate { WORLD_FATE_KILLED, WORLD_FATE_DARK, WORLD_FATE_STOPPED, WORLD_FATES };

struct world_dead_view {
  int is_out;
  uint64_t opened, gets, sets;
  uint64_t up_opened; /* opened, when it was last up */
};

struct world_dead {
  int is_on, member;
  enum world_fate fate;
  uint64_t strikes, returns; /* after how many deeds */
  int agree;
  uint64_t differ_us; /* when they last did not */
  uint64_t loads;     /* in the cluster that has settled without it */
  struct world_dead_view views[WORLD_HOSTS][WORLD_HOSTS]; /* of whom, of whom */
};

struct world {
  struct sim_world time;
  gcache_tls_t *tls; /* NULL: in the clear */
  struct world_config config;
  struct promises promises;
  struct world_net net;
  struct world_faults faults;
  uint64_t allocations, fail_allocation,
      refused;      /* so far; which one fails, 0: none; how many did */
  int fail_lasting; /* and all that follow */
  uint64_t counts[WORLD_COUNTS_N];
  unsigned torture;       /* something is made to fail: errors of memory and system are lawful */
  struct gci_list misses; /* changes that members have missed */
  uint64_t misses_noted, misses_told, misses_told_all; /* changes, owners, whole clusters */
  struct world_dead dead;
  struct gci_list rests; /* what changes that failed may still do */
  struct world_member members[WORLD_HOSTS];
  uint64_t everybody; /* the full list: all but a client-only member */
};

void world_init(struct world *w, uint64_t seed);
void world_fini(struct world *w); /* whatever lives is torn down */

void world_member_ended(struct sim_event *event);   /* of m->end; internal */
void world_member_resumed(struct sim_event *event); /* of m->resumed; internal */
void world_member_start(struct world_member *m, uint64_t list);
void world_member_leave(struct world_member *m); /* and close it, perhaps */
void world_member_close(struct world_member *m); /* ends in WORLD_DOWN after a while */
void world_member_crash(struct world_member *m, int silent);
/* Its process stands still for that long; the system goes on answering for its sockets. */
void world_member_stop(struct world_member *m, uint64_t for_us);
void world_member_resume(struct world_member *m); /* now; not stopped is fine */
static inline int world_member_runs(const struct world_member *m) {
  return m->life == WORLD_LIVING && !m->host.stopped;
}
void world_member_set_list(struct world_member *m, uint64_t list);
void world_member_jump_clock(struct world_member *m, int64_t by_ms);
void world_group_start(struct world_group *g);
void world_group_stop(struct world_group *g);
/* Runs f(arg) inside an iteration of the member's loop, in this call. It is not stopped. */
void world_member_do(struct world_member *m, void (*f)(void *arg), void *arg);

void world_member_check(struct world_member *m); /* budget (P5) */
void world_member_probe(struct world_member *m); /* items against what can be had (P6) */
/* Nothing keeps its loop alive but that it has somebody to tell. */
int world_member_idles(struct world_member *m);
void world_member_rest(struct world_member *m); /* nothing is under way */

/* When a request given timeout_ms now is due, in the world's time. */
uint64_t world_member_due_us(const struct world_member *m, uint64_t timeout_ms);
int world_member_of_url(const struct world *w, const char *url); /* -1: none */

/* The member's allocator; fails when its turn has come. */
void *world_memory_resize(void *member, void *ptr, size_t old_size, size_t new_size);
void world_memory_drop(struct world_member *m);

#endif
