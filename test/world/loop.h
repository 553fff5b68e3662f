/* world/loop - libuv in virtual time: one loop, its handles and requests, one iteration after the
 * other.
 *
 * An iteration runs when something needs it (a timer's time, a socket, the idle handle, a closing
 * handle) and does the same as libuv's, in order: timers, idle, poll, check, closing; or, as from
 * libuv 1.45 on, timers after poll. Handles that are ready in poll are reported in random order,
 * closing handles in libuv's order, the latest first. Each handle has a record of the loop, found
 * through a field that libuv reserves. */
#ifndef WORLD_LOOP_H
#define WORLD_LOOP_H

#include <uv.h>

#include "base/list.h"
#include "sim/world.h"

struct world_host;
struct world_loop;
struct world_conn_end;
struct world_listener;

struct world_handle {
  struct gcache_link_s link;    /* of the loop's handles, in the order they were made */
  struct gcache_link_s closing; /* of those to be told that they are closed */
  struct world_loop *loop;
  uv_handle_t *uv;
  unsigned active : 1, unref : 1, is_closing : 1;
  /* timers */
  uint64_t due_ms, order;
  void (*timer_cb)(uv_timer_t *timer);
  /* idle, check */
  void (*idle_cb)(uv_idle_t *idle);
  void (*check_cb)(uv_check_t *check);
  /* streams and polls */
  int fd; /* -1: none */
  int accepted_fd;
  int delayed_error;
  unsigned listening : 1, reading : 1, readable : 1, connecting : 1;
  unsigned retry_accept : 1; /* the last one could not be taken */
  uv_connection_cb connection_cb;
  uv_alloc_cb alloc_cb;
  uv_read_cb read_cb;
  uv_poll_cb poll_cb;
  uv_connect_t *connect;
};

/* A look-up, or work for the pool: done comes from the loop. */
struct world_request {
  struct gcache_link_s link;
  struct world_loop *loop;
  struct sim_event event; /* its thread begins, then ends */
  uv_req_t *uv;
  int started, finished, status;
  struct addrinfo *answer;
  void (*cancelled)(void *arg); /* work: no thread will take it */
  void *arg;
};

enum world_phase { WORLD_BEFORE_TIMERS, WORLD_IN_POLL, WORLD_AFTER_CHECK, WORLD_PHASES };

struct world_loop {
  uv_loop_t uv; /* its address is what the library has */
  struct world_host *host;
  struct gci_list handles, closing, requests;
  struct sim_event turn;
  uint64_t time_ms, next_order, iterations;
  int timers_last; /* as from libuv 1.45 on */
  int running;
  void (*app)(void *arg); /* the program's own callback in the next iteration */
  void *app_arg;
  enum world_phase app_phase;
};

void world_loop_init(struct world_loop *loop, struct world_host *host);
/* An iteration at that time, or before. */
void world_loop_kick(struct world_loop *loop, uint64_t at_us);
/* Runs an iteration now, and in its given phase app. Not from inside one. */
void world_loop_call(struct world_loop *loop, enum world_phase phase, void (*app)(void *arg),
                     void *arg);
/* Of the request begun last: who is told when it is cancelled. */
void world_request_on_cancel(struct world_loop *loop, void (*cancelled)(void *arg), void *arg);
/* What was to be called with arg, if it was not yet, will not be. */
void world_loop_uncall(struct world_loop *loop, const void *arg);
/* uv_loop_alive(); not_listeners: as if nothing listened. */
int world_loop_alive(const struct world_loop *loop, int not_listeners);
int world_loop_is_empty(const struct world_loop *loop);
/* Its program is dead: no callback will run. */
void world_loop_forget(struct world_loop *loop);

/* ---- internal ---- */
struct world_handle *world_handle_of(const void *uv);
struct world_handle *world_handle_new(uv_loop_t *uv, void *handle, uv_handle_type type);
int world_handle_is_ready(struct world_handle *h); /* something to tell in poll */
void world_handle_tell(struct world_handle *h);
void world_stream_finish_close(struct world_handle *h); /* before its close callback */
int world_requests_ready(struct world_loop *loop);
void world_requests_tell(struct world_loop *loop);
void world_request_free(struct world_request *r);

#endif
