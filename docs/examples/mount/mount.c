/* mount - gcache mounted on an application's own HTTP server: GNU libmicrohttpd, on the same loop
 * and thread. Peers and clients use one port; the server owns the port and the HTTP connections.
 *
 * main() starts the cache and the server, exchange.c collects a request, serve.c passes the
 * requests of peers to gcache_serve(), pages.c answers the others. The getter is the node's
 * (node_demo.c), so that mounts and nodes can form one cluster.
 *
 * The server runs inside the loop: a uv_poll_t watches its epoll descriptor, a uv_timer_t runs its
 * timeout. */
#include "mount.h"

#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: mount --listen ADDRESS:PORT [--peers URL,URL,...] [--group NAME:MAX_BYTES]\n"
    "  port 0: any free port; --peers: all members, can be set later by PUT /peers;\n"
    "  default group: demo:67108864\n";

/* --------------------------------------------------------------- the server inside the loop -- */

static void on_timer(uv_timer_t *timer);

static void run(struct mount *m) {
  MHD_UNSIGNED_LONG_LONG ms;

  MHD_run(m->daemon);
  if (MHD_get_timeout(m->daemon, &ms) == MHD_YES)
    uv_timer_start(&m->timer, on_timer, ms, 0);
  else
    uv_timer_stop(&m->timer);
}

static void on_timer(uv_timer_t *timer) {
  run(timer->data);
}

static void on_event(uv_poll_t *poll, int status, int events) {
  (void)status;
  (void)events;
  run(poll->data);
}

void mount_run_soon(struct mount *m) {
  uv_timer_start(&m->timer, on_timer, 0, 0);
}

static int start_server(struct mount *m, const struct sockaddr_in *address) {
  m->daemon = MHD_start_daemon(
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, exchange_continue, m,
      MHD_OPTION_SOCK_ADDR, address, MHD_OPTION_URI_LOG_CALLBACK, exchange_begin, m,
      MHD_OPTION_NOTIFY_COMPLETED, exchange_end, m, MHD_OPTION_CONNECTION_TIMEOUT, 60u,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)64 << 10, /* the longest key, escaped: 12 KiB */
      MHD_OPTION_END);
  if (m->daemon == NULL) return UV_EADDRINUSE;
  uv_timer_init(&m->loop, &m->timer);
  uv_poll_init(&m->loop, &m->events,
               MHD_get_daemon_info(m->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
  m->timer.data = m->events.data = m;
  return uv_poll_start(&m->events, UV_READABLE, on_event);
}

/* ---------------------------------------------------------------------------------- the end -- */

static void on_cache_closed(void *arg) {
  struct mount *m = arg;

  m->cache = NULL;
  mount_end_further(m);
}

/* Requests under way are answered, then the cache is closed, then, once no connection is suspended,
 * the server. */
void mount_end_further(struct mount *m) {
  struct MHD_Daemon *daemon = m->daemon;

  if (m->ending == 1 && m->exchanges == 0) {
    m->ending = 2;
    gcache_close(m->cache, on_cache_closed, m);
  }
  if (m->cache != NULL || m->suspended > 0 || daemon == NULL) return;
  m->daemon = NULL;
  uv_close((uv_handle_t *)&m->events, NULL);
  uv_close((uv_handle_t *)&m->timer, NULL);
  uv_close((uv_handle_t *)&m->signals[0], NULL);
  uv_close((uv_handle_t *)&m->signals[1], NULL);
  MHD_stop_daemon(daemon);
}

/* The first signal: stop listening. The second: do not wait for requests under way. */
static void on_signalled(uv_signal_t *signal, int number) {
  struct mount *m = signal->data;

  (void)number;
  if (m->ending == 0) {
    m->ending = 1;
    close(MHD_quiesce_daemon(m->daemon));
  } else if (m->ending == 1) {
    m->ending = 2;
    gcache_close(m->cache, on_cache_closed, m);
  }
  mount_end_further(m);
}

/* -------------------------------------------------------------------------------- the start -- */

static int open_cache(struct mount *m, char *group) {
  gcache_options_t o;
  gcache_group_options_t g;
  char *colon = strrchr(group, ':');
  int rc;

  gcache_options_init(&o);
  o.loop = &m->loop;
  rc = gcache_open(&m->cache, &o);
  if (rc < 0) return rc;
  source_demo(&m->source, &m->loop);
  m->source.self = m->self;
  gcache_group_options_init(&g);
  g.getter = m->source.getter;
  g.cancel = m->source.cancel;
  g.data = &m->source;
  g.max_bytes = colon == NULL ? 0 : strtoull(colon + 1, NULL, 10);
  if (colon != NULL) *colon = 0;
  return gcache_group_open(&m->group, m->cache, group, &g);
}

int mount_join(struct mount *m, char *list) {
  const char *urls[64];
  size_t n = 0;

  for (char *url = strtok(list, ", \r\n"); url != NULL; url = strtok(NULL, ", \r\n")) {
    if (n == sizeof urls / sizeof *urls) return UV_E2BIG;
    urls[n++] = url;
  }
  return gcache_set_peers(m->cache, urls, NULL, n);
}

static int start(struct mount *m, char *listen, char *group, char *peers) {
  char *colon = strrchr(listen, ':');
  struct sockaddr_in address;
  int rc = UV_EINVAL;

  if (colon != NULL) *colon = 0;
  if (colon != NULL) rc = uv_ip4_addr(listen, atoi(colon + 1), &address);
  if (rc == 0) rc = open_cache(m, group);
  if (rc == 0) rc = start_server(m, &address);
  if (rc < 0) return rc;
  snprintf(m->self, sizeof m->self, "http://%s:%d", listen,
           MHD_get_daemon_info(m->daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
  rc = gcache_set_self(m->cache, m->self);
  if (rc == 0 && peers != NULL) rc = mount_join(m, peers);
  return rc;
}

int main(int argc, char **argv) {
  static const struct option names[] = {{"listen", required_argument, NULL, 'l'},
                                        {"peers", required_argument, NULL, 'p'},
                                        {"group", required_argument, NULL, 'g'},
                                        {NULL, 0, NULL, 0}};
  static struct mount m;
  char *listen = NULL, *peers = NULL, standard[] = "demo:67108864", *group = standard;
  int c, rc;

  while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
    if (c == '?') break;
    *(c == 'l' ? &listen : c == 'p' ? &peers : &group) = optarg;
  }
  if (c != -1 || optind < argc || listen == NULL) return fputs(usage, stderr), 2;

  signal(SIGPIPE, SIG_IGN); /* the server may write to a client that has left */
  uv_loop_init(&m.loop);
  if ((rc = start(&m, listen, group, peers)) < 0)
    return fprintf(stderr, "mount: %s\n", gcache_strerror(rc)), 1;
  for (int i = 0; i < 2; i++) {
    uv_signal_init(&m.loop, &m.signals[i]);
    m.signals[i].data = &m;
    uv_signal_start(&m.signals[i], on_signalled, i == 0 ? SIGTERM : SIGINT);
  }
  printf("listening on %s\n", m.self);
  fflush(stdout);
  uv_run(&m.loop, UV_RUN_DEFAULT);
  return uv_loop_close(&m.loop) == 0 ? 0 : 1;
}
