/* net/dial - see dial.h. A dial is a loop over addresses: try() one, fail, renew the stream's
 * handle (a socket that failed to connect is not tried again), try the next. A Unix socket is one
 * address, tried again after a pause while its backlog is full. The dial ends with `over` set and
 * done called. */
#include "net/dial.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

/* Between two attempts at a Unix socket. */
#define PAUSE_MS 5

struct gci_dial {
  struct gci_env *env;
  uv_loop_t *uv;
  struct gci_stream *stream;
  struct gci_dial_target *target; /* not read after done was called */
  void (*done)(void *user, int status);
  void *user;
  struct gcache_link_s waits; /* the target's, for its look-up */
  uv_connect_t connect;
  struct gcache_deadline_s deadline; /* of the whole, or of this attempt */
  struct gcache_job_s end;           /* calls done from the loop */
  uint64_t give_up_ms;
  struct sockaddr_storage addresses[GCI_DIAL_ADDRESSES]; /* a copy: dials share a target */
  size_t n, next;
  int status; /* the latest error, for done */
  unsigned connecting : 1, renewing : 1, pausing : 1, over : 1;
};

static void try_next(struct gci_dial *d);

/* --------------------------------------------------------------------------------- the end ---- */

static void tell(struct gci_dial *d) {
  struct gci_loop *loop = gci_loop_of(d->env);
  void (*done)(void *user, int status) = d->done;
  void *user = d->user;
  int status = d->status;

  gci_env_deadline_clear(d->env, &d->deadline);
  gci_env_release(d->env);
  gci_mem_free(d->env->mem, d, sizeof *d);
  gci_loop_give(loop);
  done(user, status);
}

static void on_end(struct gcache_job_s *job) {
  tell(gci_container_of(job, struct gci_dial, end));
}

/* ------------------------------------------------------------------------------- addresses ---- */

/* Reads the host as an address, without its brackets. Nonzero: it is one. */
static int read_literal(struct gci_dial_target *t) {
  struct sockaddr_in *in = (struct sockaddr_in *)&t->addresses[0];
  struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&t->addresses[0];
  char bare[INET6_ADDRSTRLEN + 2];
  size_t len = strlen(t->host);

  if (len >= sizeof bare) return 0;
  memcpy(bare, t->host, len + 1);
  if (bare[0] == '[' && bare[len - 1] == ']') {
    memmove(bare, bare + 1, len - 2);
    bare[len - 2] = 0;
  }
  if (uv_ip4_addr(bare, t->port, in) == 0 || uv_ip6_addr(bare, t->port, in6) == 0) {
    t->n = 1;
    return 1;
  }
  return 0;
}

/* Nonzero: it needs no look-up. */
static int is_known(struct gci_dial_target *t) {
  if (t->is_unix) t->n = 1; /* libuv connects to it by its name */
  return t->n > 0 || read_literal(t);
}

static void keep_addresses(struct gci_dial_target *t, const struct sockaddr_storage addresses[],
                           size_t n) {
  t->n = n < GCI_DIAL_ADDRESSES ? n : GCI_DIAL_ADDRESSES;
  for (size_t i = 0; i < t->n; i++) {
    t->addresses[i] = addresses[i];
    if (addresses[i].ss_family == AF_INET)
      ((struct sockaddr_in *)&t->addresses[i])->sin_port = htons(t->port);
    else
      ((struct sockaddr_in6 *)&t->addresses[i])->sin6_port = htons(t->port);
  }
}

static void take_addresses(struct gci_dial *d) {
  memcpy(d->addresses, d->target->addresses, sizeof d->addresses);
  d->n = d->target->n;
}

/* The target is not read behind the last of them: it may be gone. */
static void on_looked_up(void *user, int status, const struct sockaddr_storage addresses[],
                         size_t n) {
  struct gci_dial_target *t = user;
  struct gci_list waiting;
  struct gcache_link_s *link;

  t->lookup = NULL;
  keep_addresses(t, addresses, n);
  gci_list_init(&waiting);
  gci_list_move(&waiting, &t->waiting);
  while ((link = gci_list_pop_front(&waiting)) != NULL) {
    struct gci_dial *d = gci_container_of(link, struct gci_dial, waits);
    if (status < 0) d->status = status;
    take_addresses(d);
    try_next(d);
  }
}

static int look_up(struct gci_dial *d) {
  struct gci_dial_target *t = d->target;
  int rc = 0;

  if (t->lookup == NULL) {
    gci_list_init(&t->waiting);
    rc = gci_lookup_start(&t->lookup, d->env, d->uv, t->host, on_looked_up, t);
  }
  if (rc == 0) gci_list_push_back(&t->waiting, &d->waits);
  return rc;
}

void gci_dial_target_fini(struct gci_dial_target *target) {
  if (target->lookup == NULL) return;
  assert(gci_list_empty(&target->waiting));
  gci_lookup_cancel(target->lookup);
  target->lookup = NULL;
}

/* ---------------------------------------------------------------------------------- trying ---- */

/* Tries the same address again, soon. */
static void try_again_soon(struct gci_dial *d) {
  uint64_t at_ms = gci_env_after_ms(d->env, PAUSE_MS);

  d->next = 0;
  d->pausing = 1;
  if (at_ms > d->give_up_ms) at_ms = d->give_up_ms;
  if (gci_env_deadline(d->env, &d->deadline, at_ms) == 0) return;
  d->status = UV_ENOMEM;
  tell(d);
}

static void on_renewed(uv_handle_t *handle) {
  struct gci_dial *d = handle->data;

  d->renewing = 0;
  gci_stream_renew(d->stream, d->uv);
  if (d->status == UV_EAGAIN && d->target->is_unix && !d->over)
    try_again_soon(d);
  else
    try_next(d);
}

/* Gives the attempt up; try_next() decides whether another follows. */
static void fail_attempt(struct gci_dial *d, int status) {
  d->status = status;
  d->renewing = 1;
  d->stream->own.handle.data = d;
  uv_close(&d->stream->own.handle, on_renewed);
}

/* The status that TCP would give: a path without a file is a port without a listener. */
static int read_status(const struct gci_dial *d, int status) {
  if (!d->target->is_unix) return status;
  if (status == UV_ENOENT || status == UV_ENOTDIR) return UV_ECONNREFUSED;
  return status == UV_EPERM ? UV_EACCES : status;
}

static void on_connected(uv_connect_t *connect, int status) {
  struct gci_dial *d = connect->data;

  d->connecting = 0;
  if (d->renewing) return; /* the attempt was given up: on_renewed follows */
  if (status < 0) {
    fail_attempt(d, read_status(d, status));
    return;
  }
  d->status = 0;
  tell(d);
}

/* Each address left gets an equal share of the time left. */
static uint64_t attempt_until_ms(struct gci_dial *d) {
  uint64_t now_ms = gci_env_mono_ms(d->env);
  uint64_t left_ms = d->give_up_ms > now_ms ? d->give_up_ms - now_ms : 0;
  if (d->give_up_ms == GCI_DEADLINE_NEVER) return GCI_DEADLINE_NEVER;
  return now_ms + left_ms / (d->n - d->next);
}

static int connect_to(struct gci_dial *d, const struct sockaddr_storage *address) {
  d->connect.data = d;
  if (!d->target->is_unix)
    return uv_tcp_connect(&d->connect, &d->stream->own.tcp, (const struct sockaddr *)address,
                          on_connected);
  uv_pipe_connect(&d->connect, &d->stream->own.pipe, d->target->host, on_connected);
  return 0;
}

static void try_next(struct gci_dial *d) {
  int rc;

  if (d->over || d->next == d->n) {
    if (d->status != UV_ECANCELED) d->target->n = 0; /* looked up again by the next dial */
    tell(d);
    return;
  }
  rc = gci_env_deadline(d->env, &d->deadline, attempt_until_ms(d));
  if (rc == 0) rc = connect_to(d, &d->addresses[d->next++]);
  d->connecting = rc == 0;
  if (rc < 0) fail_attempt(d, rc);
}

/* Ends the dial with status, in any state. */
static void give_up(struct gci_dial *d, int status) {
  if (d->over) return;
  d->over = 1;
  d->pausing = 0;
  d->status = status;
  if (d->renewing) return; /* on_renewed() goes on to try_next(), which calls done */
  if (d->connecting) {
    fail_attempt(d, status);
    return;
  }
  gci_link_unlink(&d->waits);
  gci_env_defer(d->env, GCI_COMPLETIONS, &d->end);
}

static void on_passed(struct gcache_deadline_s *deadline) {
  struct gci_dial *d = gci_container_of(deadline, struct gci_dial, deadline);

  if (gci_env_mono_ms(d->env) >= d->give_up_ms) {
    give_up(d, UV_ETIMEDOUT);
  } else if (d->pausing) {
    d->pausing = 0;
    try_next(d);
  } else if (d->connecting && !d->renewing) {
    fail_attempt(d, UV_ETIMEDOUT);
  }
}

int gci_dial_start(struct gci_dial **out, struct gci_stream *stream, struct gci_dial_target *target,
                   uint64_t timeout_ms, void (*done)(void *user, int status), void *user) {
  struct gci_env *env = stream->env;
  struct gci_dial *d = gci_mem_zalloc(env->mem, sizeof *d);
  int rc;

  if (d == NULL) return UV_ENOMEM;
  d->env = env;
  d->uv = stream->own.handle.loop;
  d->stream = stream;
  d->target = target;
  d->done = done;
  d->user = user;
  d->status = UV_EADDRNOTAVAIL; /* the name has no IPv4 or IPv6 address */
  d->give_up_ms = gci_env_after_ms(env, timeout_ms);
  gci_link_init(&d->waits);
  gci_job_init(&d->end, on_end);
  gci_deadline_init(&d->deadline, on_passed);
  rc = gci_env_deadline(env, &d->deadline, d->give_up_ms);
  if (rc == 0 && !is_known(target)) rc = look_up(d);
  if (rc < 0) {
    gci_env_deadline_clear(env, &d->deadline);
    gci_mem_free(env->mem, d, sizeof *d);
    return rc;
  }
  gci_env_hold(env);
  gci_loop_take(gci_loop_of(env));
  *out = d;
  if (!gci_link_linked(&d->waits)) {
    take_addresses(d);
    try_next(d);
  }
  return 0;
}

void gci_dial_cancel(struct gci_dial *dial) {
  give_up(dial, UV_ECANCELED);
}
