/* door/door - what the rooms of the network side share: configuration, counters, lists of what is
 * open.
 *
 * gcache.c embeds one beside the core and sets core->door. Owns only its lists and the count of
 * obligations; connections, listeners and requests own themselves and report their end here.
 * Closing: refuse, close listeners and connections, cancel requests, wait for the count to reach
 * zero: that includes handlers of the application that still owe a reply. */
#ifndef GCI_DOOR_DOOR_H
#define GCI_DOOR_DOOR_H

#include "base/countdown.h"
#include "base/env.h"
#include "base/list.h"
#include "core/core.h"
#include "door/access.h"
#include "door/addresses.h"
#include "door/dialect.h"
#include "gcache/gcache.h"
#include "gcache/http.h"

/* Bytes of output that wait for a slow reader: of a connection, shared values included, before no
 * more of it is read; of an answer in parts, before it takes no more parts. */
#define GCI_HELD_MAX (1024 * 1024)

struct gci_door {
  gcache_t *cache; /* borrowed, as are all pointers here */
  struct gci_env *env;
  struct uv_loop_s *uv;
  gcache_bytes_t base_path;
  const struct gci_dialect *dialect;
  gcache_http_t http;
  gcache_limits_t limits; /* complete: no zeros */
  gcache_handler_cb handler;
  void *handler_arg;
  struct gci_list listeners; /* struct gcache_listener_s by link */
  struct gci_list servers;   /* struct gci_server by link */
  struct gci_addresses addresses;
  struct gci_access *access; /* peers that it knows are exempt from the limit per address */
  size_t connections;
  uint64_t refused, bad_requests; /* as in gcache_stats_t */
  struct gci_countdown life;      /* listeners, connections, exchanges, serves, work */
  struct gcache_job_s end;
  int closing;
  gcache_closed_cb closed;
  void *closed_arg;
};

/* The caller sets cache, env, uv, base_path, dialect, http, limits and access. */
void gci_door_open(struct gci_door *door);
/* closed runs when nothing is owed any more; never inside this call. */
void gci_door_close(struct gci_door *door, gcache_closed_cb closed, void *arg);
void gci_door_fini(struct gci_door *door);

#endif
