/* net/srv - see srv.h. One channel of c-ares per look-up: its sockets are polled, and a timer tells
 * it that time passes. An answer waits for a turn, because nothing of c-ares may be destroyed
 * inside its callbacks. Then the channel goes at once, and the memory when libuv has closed timer
 * and polls. */
#include <ares.h>
#include <arpa/nameser.h>
#include <string.h>
#include <uv.h>

#include "net/loop.h"
#include "net/srv.h"

#define TICK_MS 200
#define TRY_MS 2000 /* the first wait for an answer; doubled by c-ares */
#define TRIES 3

struct sock {
  struct gci_srv *srv;
  struct gcache_link_s link;
  uv_poll_t poll;
  int fd;
};

struct gci_srv {
  struct gci_env *env;
  uv_loop_t *uv;
  ares_channel channel;
  uv_timer_t timer;
  struct gci_list socks; /* that are polled */
  size_t handles;        /* not closed yet: the timer, sockets */
  struct gcache_job_s answered;
  int status; /* of c-ares */
  struct ares_srv_reply *replies;
  gci_srv_cb done;
  void *user;
};

int gci_srv_built_in(void) {
  return 1;
}

/* ---------------------------------------------------------------------------------- handles -- */

static void free_one(struct gci_srv *s) {
  struct gci_loop *loop = gci_loop_of(s->env);

  if (--s->handles > 0) return;
  gci_mem_free(s->env->mem, s, sizeof *s);
  gci_loop_give(loop);
}

static void on_sock_closed(uv_handle_t *handle) {
  struct sock *sock = handle->data;
  struct gci_srv *s = sock->srv;

  gci_mem_free(s->env->mem, sock, sizeof *sock);
  free_one(s);
}

static void on_timer_closed(uv_handle_t *handle) {
  free_one(handle->data);
}

static void on_polled(uv_poll_t *poll, int status, int events) {
  struct sock *sock = poll->data;
  ares_socket_t fd = sock->fd;
  int failed = status < 0; /* reading and writing will report it */

  ares_process_fd(sock->srv->channel, failed || (events & UV_READABLE) ? fd : ARES_SOCKET_BAD,
                  failed || (events & UV_WRITABLE) ? fd : ARES_SOCKET_BAD);
}

static void on_ticked(uv_timer_t *timer) {
  struct gci_srv *s = timer->data;

  ares_process_fd(s->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static struct sock *sock_of(struct gci_srv *s, int fd) {
  gci_list_each(link, &s->socks) {
    struct sock *sock = gci_container_of(link, struct sock, link);
    if (sock->fd == fd) return sock;
  }
  return NULL;
}

static struct sock *make_sock(struct gci_srv *s, int fd) {
  struct sock *sock = gci_mem_zalloc(s->env->mem, sizeof *sock);

  if (sock == NULL) return NULL;
  if (uv_poll_init(s->uv, &sock->poll, fd) < 0) {
    gci_mem_free(s->env->mem, sock, sizeof *sock);
    return NULL;
  }
  sock->srv = s;
  sock->fd = fd;
  sock->poll.data = sock;
  gci_list_push_back(&s->socks, &sock->link);
  s->handles++;
  return sock;
}

static void end(struct gci_srv *s, int status) {
  if (s->done == NULL || gci_job_queued(&s->answered)) return; /* destroyed, or ended */
  s->status = status;
  gci_env_defer(s->env, GCI_COMPLETIONS, &s->answered);
}

/* c-ares reports that it opens, uses and closes a socket. */
static void on_sock_state(void *data, ares_socket_t fd, int readable, int writable) {
  struct gci_srv *s = data;
  struct sock *sock = sock_of(s, fd);
  int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);

  if (sock == NULL && events != 0) {
    sock = make_sock(s, fd);
    if (sock == NULL) end(s, ARES_ENOMEM);
  }
  if (sock == NULL) return;
  if (events != 0) {
    uv_poll_start(&sock->poll, events, on_polled);
    return;
  }
  gci_link_unlink(&sock->link);
  uv_close((uv_handle_t *)&sock->poll, on_sock_closed);
}

/* ---------------------------------------------------------------------------------- answers -- */

static int code_of(int status) {
  switch (status) {
  case ARES_SUCCESS:
    return 0;
  case ARES_ENOTFOUND:
  case ARES_ENODATA:
    return UV_EAI_NONAME;
  case ARES_ETIMEOUT:
    return UV_ETIMEDOUT;
  case ARES_ECONNREFUSED:
    return UV_ECONNREFUSED;
  case ARES_ENOMEM:
    return UV_ENOMEM;
  case ARES_EBADNAME:
  case ARES_EBADSTR:
    return UV_EINVAL;
  case ARES_ESERVFAIL:
    return UV_EAI_AGAIN;
  default:
    return UV_EPROTO;
  }
}

static void on_replied(void *arg, int status, int timeouts, unsigned char *bytes, int len) {
  struct gci_srv *s = arg;

  (void)timeouts;
  if (status == ARES_SUCCESS && s->replies == NULL)
    status = ares_parse_srv_reply(bytes, len, &s->replies);
  end(s, status);
}

static void tear_down(struct gci_srv *s) {
  s->done = NULL;
  ares_destroy(s->channel); /* closes its sockets, which closes the polls */
  if (s->replies != NULL) ares_free_data(s->replies);
  uv_close((uv_handle_t *)&s->timer, on_timer_closed);
}

static void tell(const struct gci_srv *s, gci_srv_cb done) {
  struct gci_srv_target *targets = NULL;
  int rc = code_of(s->status);
  size_t n = 0, i = 0;

  for (const struct ares_srv_reply *r = s->replies; r != NULL; r = r->next)
    n++;
  if (n > 0) targets = gci_mem_alloc(s->env->mem, n * sizeof *targets);
  if (n > 0 && targets == NULL) {
    done(s->user, UV_ENOMEM, ares_strerror(ARES_ENOMEM), NULL, 0);
    return;
  }
  for (const struct ares_srv_reply *r = s->replies; r != NULL; r = r->next)
    targets[i++] = (struct gci_srv_target){r->host, r->port};
  done(s->user, rc, ares_strerror(s->status), targets, rc == 0 ? n : 0);
  gci_mem_free(s->env->mem, targets, n * sizeof *targets);
}

static void on_answered(struct gcache_job_s *job) {
  struct gci_srv *s = gci_container_of(job, struct gci_srv, answered);
  gci_srv_cb done = s->done;

  s->done = NULL;
  tell(s, done);
  tear_down(s);
}

void gci_srv_cancel(struct gci_srv *s) {
  gci_defer_cancel(&s->answered);
  tear_down(s);
}

/* ------------------------------------------------------------------------------------- start -- */

static int open_channel(struct gci_srv *s, const char *servers) {
  struct ares_options o = {
      .timeout = TRY_MS, .tries = TRIES, .sock_state_cb = on_sock_state, .sock_state_cb_data = s};
  int rc = ares_init_options(&s->channel, &o,
                             ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);

  if (rc != ARES_SUCCESS) return code_of(rc);
  if (servers != NULL) rc = ares_set_servers_ports_csv(s->channel, servers);
  if (rc != ARES_SUCCESS) ares_destroy(s->channel);
  return rc == ARES_EBADSTR ? UV_EINVAL : code_of(rc);
}

int gci_srv_start(struct gci_srv **out, struct gci_env *env, struct uv_loop_s *uv,
                  const char *servers, const char *name, gci_srv_cb done, void *user) {
  struct gci_srv *s = gci_mem_zalloc(env->mem, sizeof *s);
  int rc;

  if (s == NULL) return UV_ENOMEM;
  *s = (struct gci_srv){.env = env, .uv = uv, .handles = 1, .done = done, .user = user};
  gci_list_init(&s->socks);
  gci_job_init(&s->answered, on_answered);
  rc = open_channel(s, servers);
  if (rc < 0) {
    gci_mem_free(env->mem, s, sizeof *s);
    return rc;
  }
  gci_loop_take(gci_loop_of(env));
  uv_timer_init(uv, &s->timer);
  s->timer.data = s;
  uv_timer_start(&s->timer, on_ticked, TICK_MS, TICK_MS);
  *out = s;
  ares_query(s->channel, name, ns_c_in, ns_t_srv, on_replied, s);
  return 0;
}
