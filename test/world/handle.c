/* libuv's functions on handles of every kind, and on handles that are not streams. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "files.h"
#include "host.h"

struct world_handle *world_handle_of(const void *uv) {
  struct world_handle *h = ((const uv_handle_t *)uv)->u.reserved[0];
  assert(h != NULL && h->uv == uv); /* closed, or never opened */
  return h;
}

static struct world_loop *loop_of(uv_loop_t *uv) {
  return gci_container_of(uv, struct world_loop, uv);
}

struct world_handle *world_handle_new(uv_loop_t *uv, void *handle, uv_handle_type type) {
  struct world_loop *loop = loop_of(uv);
  struct world_handle *h = sim_new(sizeof *h);
  h->uv = handle;
  h->loop = loop;
  h->fd = h->accepted_fd = -1;
  h->uv->loop = uv;
  h->uv->type = type;
  h->uv->close_cb = NULL;
  h->uv->u.reserved[0] = h;
  gci_list_push_back(&loop->handles, &h->link);
  return h;
}

static void kick(struct world_handle *h) {
  world_loop_kick(h->loop, h->loop->host->world->now_us + 1);
}

void uv_ref(uv_handle_t *uv) {
  world_handle_of(uv)->unref = 0;
}

void uv_unref(uv_handle_t *uv) {
  world_handle_of(uv)->unref = 1;
}

int uv_is_closing(const uv_handle_t *uv) {
  return world_handle_of(uv)->is_closing;
}

uv_handle_type uv_handle_get_type(const uv_handle_t *uv) {
  return uv->type;
}

int uv_fileno(const uv_handle_t *uv, uv_os_fd_t *fd) {
  struct world_handle *h = world_handle_of(uv);
  if (h->is_closing || h->fd == -1) return UV_EBADF;
  *fd = h->fd;
  return 0;
}

/* A stream's descriptors are closed at once, what waits for it is told in the closing phase. */
void uv_close(uv_handle_t *uv, uv_close_cb closed) {
  struct world_handle *h = world_handle_of(uv);
  assert(!h->is_closing);
  h->is_closing = 1;
  h->active = h->reading = h->listening = 0;
  uv->close_cb = closed;
  if (uv->type == UV_TCP) {
    if (h->fd != -1) world_file_close(h->fd);
    if (h->accepted_fd != -1) world_file_close(h->accepted_fd);
    h->fd = h->accepted_fd = -1;
  }
  gci_list_push_front(&h->loop->closing, &h->closing);
  kick(h);
}

/* ---- time ---- */

uint64_t uv_now(const uv_loop_t *uv) {
  return ((const struct world_loop *)(const void *)uv)->time_ms; /* uv is its first member */
}

void uv_update_time(uv_loop_t *uv) {
  loop_of(uv)->time_ms = world_host_mono_us(loop_of(uv)->host) / 1000;
}

int uv_timer_init(uv_loop_t *uv, uv_timer_t *timer) {
  world_handle_new(uv, timer, UV_TIMER);
  return 0;
}

int uv_timer_start(uv_timer_t *timer, uv_timer_cb cb, uint64_t timeout, uint64_t repeat) {
  struct world_handle *h = world_handle_of(timer);
  uint64_t due_ms = h->loop->time_ms + timeout;
  if (h->is_closing || cb == NULL) return UV_EINVAL;
  if (repeat != 0) abort(); /* the library has no use for it */
  h->due_ms = due_ms < timeout ? UINT64_MAX : due_ms;
  h->order = h->loop->next_order++;
  h->timer_cb = cb;
  h->active = 1;
  if (!h->loop->running) kick(h); /* which looks when the next is due */
  return 0;
}

int uv_timer_stop(uv_timer_t *timer) {
  world_handle_of(timer)->active = 0;
  return 0;
}

/* ---- idle, check ---- */

int uv_idle_init(uv_loop_t *uv, uv_idle_t *idle) {
  world_handle_new(uv, idle, UV_IDLE);
  return 0;
}

int uv_idle_start(uv_idle_t *idle, uv_idle_cb cb) {
  struct world_handle *h = world_handle_of(idle);
  if (h->active) return 0;
  h->idle_cb = cb;
  h->active = 1;
  kick(h);
  return 0;
}

int uv_idle_stop(uv_idle_t *idle) {
  world_handle_of(idle)->active = 0;
  return 0;
}

int uv_check_init(uv_loop_t *uv, uv_check_t *check) {
  world_handle_new(uv, check, UV_CHECK);
  return 0;
}

int uv_check_start(uv_check_t *check, uv_check_cb cb) {
  struct world_handle *h = world_handle_of(check);
  h->check_cb = cb;
  h->active = 1;
  return 0;
}

/* ---- polls ---- */

int uv_poll_init(uv_loop_t *uv, uv_poll_t *poll, int fd) {
  int error = world_fault(loop_of(uv)->host->faults, WORLD_OP_POLL_INIT);
  if (error < 0) return error;
  world_handle_new(uv, poll, UV_POLL)->fd = fd;
  return 0;
}

int uv_poll_start(uv_poll_t *poll, int events, uv_poll_cb cb) {
  struct world_handle *h = world_handle_of(poll);
  if (events != UV_READABLE) abort(); /* an epoll set has nothing else */
  h->poll_cb = cb;
  h->active = 1;
  return 0;
}
