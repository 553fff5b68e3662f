/* net/wait - see wait.h. Owns the epoll set, closed with the loop. An entry stays in the set until
 * it is stopped. Entries are one-shot: the kernel disarms one when it has reported it, and the next
 * start arms it again. */
#include "net/wait.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BATCH 64

void gci_wait_init(struct gci_wait *wait, void (*ready)(struct gci_wait *wait)) {
  *wait = (struct gci_wait){.ready = ready, .fd = -1};
}

/* Events left over after a batch keep the set readable: they are reported in the next turn. */
static void on_polled(uv_poll_t *room, int status, int events) {
  struct gci_loop *loop = room->data;
  struct epoll_event full[BATCH];
  int n = epoll_wait(loop->room_fd, full, BATCH, 0);
  (void)status;
  (void)events;

  for (int i = 0; i < n; i++) {
    struct gci_wait *wait = full[i].data.ptr;
    if (!wait->armed) continue; /* stopped by an earlier one */
    wait->armed = 0;
    wait->ready(wait);
  }
}

static int open_set(struct gci_loop *loop) {
  int rc, fd = epoll_create1(EPOLL_CLOEXEC);

  if (fd < 0) return -errno;
  rc = uv_poll_init(loop->uv, &loop->room, fd);
  if (rc < 0) {
    close(fd);
    return rc;
  }
  loop->room.data = loop;
  loop->room_fd = fd;
  gci_loop_take(loop);
  uv_unref((uv_handle_t *)&loop->room);
  return uv_poll_start(&loop->room, UV_READABLE, on_polled);
}

int gci_wait_start(struct gci_loop *loop, struct gci_wait *wait, int fd) {
  struct epoll_event event = {.events = EPOLLOUT | EPOLLONESHOT, .data.ptr = wait};
  int rc = loop->room_fd == -1 ? open_set(loop) : 0;

  assert(!wait->armed && !loop->closing);
  if (rc < 0) return rc;
  if (epoll_ctl(loop->room_fd, wait->fd == fd ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) < 0)
    return -errno;
  wait->fd = fd;
  wait->armed = 1;
  return 0;
}

void gci_wait_stop(struct gci_loop *loop, struct gci_wait *wait) {
  if (wait->fd == -1) return;
  epoll_ctl(loop->room_fd, EPOLL_CTL_DEL, wait->fd, NULL);
  wait->fd = -1;
  wait->armed = 0;
}

static void on_closed(uv_handle_t *room) {
  struct gci_loop *loop = room->data;

  close(loop->room_fd);
  loop->room_fd = -1;
  gci_loop_give(loop);
}

void gci_wait_close(struct gci_loop *loop) {
  if (loop->room_fd != -1) uv_close((uv_handle_t *)&loop->room, on_closed);
}
