/* member - a cache over real sockets for tests: an allocator that counts, one group "g" whose
 * getter does what the key says, a listener on loopback, and a teardown that detects whatever is
 * left.
 *
 * Keys: "missing:..." is not found ("no such row"), "fail:..." fails ("demo failure"), "hold:..."
 * waits for member_release(), "brief:..." lives 150 ms, "big:N:" has N bytes; any other has
 * "<name>|<key>|<n>", where n counts the member's getter runs. */
#ifndef TEST_NET_MEMBER_H
#define TEST_NET_MEMBER_H

#include <uv.h>

#include "../unit/oom.h"
#include "gcache/gcache.h"
#include "gcache/http.h"

#define MEMBER_HELD 64

struct member {
  const char *name;
  uv_loop_t *loop;
  struct oom oom;
  gcache_t *cache;
  gcache_group_t *group;
  gcache_listener_t *listener;
  gcache_tls_t *tls; /* set after member_options(): listens with it. NULL: in the clear */
  int port;
  char url[64];
  int loads;   /* getter runs */
  int cancels; /* hints to the getter */
  gcache_load_t *held[MEMBER_HELD];
  int n_held;
  int closed;
};

/* Options to change before member_open(). */
void member_options(struct member *m, gcache_options_t *o, uv_loop_t *loop, const char *name);
void member_open(struct member *m, const gcache_options_t *o); /* not listening */
void member_group(struct member *m, const char *name);
void member_listen(struct member *m); /* and tells the cache its URL if it has none */
void member_start(struct member *m, uv_loop_t *loop, const char *name); /* all of these */
void member_release(struct member *m);                                  /* answers what is held */
void member_close(struct member *m);                                    /* begins */
/* Runs the loop until it is closed; nothing may be left of it. */
void member_end(struct member *m);

/* Every member is given the list of all. */
void members_know(struct member members[], size_t n);

/* One get and its answer. */
struct asked {
  gcache_get_t req;
  int done; /* times */
  int status;
  char value[256];
  size_t value_len;
  char reason[300];
  gcache_from_t from;
  uint64_t stale_ms;
};

void ask_start(struct asked *a, struct member *m, const char *key, uint64_t timeout_ms);
void ask(struct asked *a, struct member *m, const char *key); /* and runs the loop */

/* One change and its report. */
struct changed {
  gcache_change_t req;
  int done;
  int status;
  size_t n;
  int statuses[16];
  char reasons[16][300];
};

void on_changed(gcache_change_t *req, int status, const gcache_peer_result_t *peers, size_t n);

/* A key of that beginning that m owns. */
const char *member_key(struct member *m, const char *prefix, char *buf, size_t cap);
/* The same, and `next` owns it where m is down. */
const char *member_key_then(struct member *m, struct member *next, const char *prefix, char *buf,
                            size_t cap);
/* Until m takes its peer at that place in the list for one that is up. */
void member_await_up(struct member *m, size_t index);

/* cmocka group set-up: what libuv opens once a process. */
int loop_warm_up(void **state);
/* state: a loop; the teardown finds handles and descriptors that were left. */
int loop_setup(void **state);
int loop_teardown(void **state);

#endif
