#include "door/listen.h"

#include "base/list.h"
#include "door/server.h"
#include "gcache/http.h"
#include "wire/route.h"

#define PERMISSIONS 0777u
#define OWN_ONLY 0600u

/* A listener that was opened after the limit was reached was not paused, nor was any if an adopted
 * connection reached the limit. */
static void on_connection(void *user, uv_stream_t *socket) {
  gcache_listener_t *listener = user;
  struct gci_door *door = listener->door;

  if (door->connections >= door->limits.connections_max) {
    gci_listen_put_off(listener->socket);
    return;
  }
  if (gci_server_accept(door, listener, socket) < 0) {
    door->refused++;
    gci_listen_reject(listener->socket);
  }
  if (door->connections >= door->limits.connections_max) gci_listeners_pause(door);
}

static void on_socket_closed(void *user) {
  gcache_listener_t *listener = user;

  listener->socket = NULL;
  gci_countdown_give(&listener->life);
}

static const struct gci_listen_events socket_events = {on_connection, on_socket_closed};

/* Runs from a uv_close() callback: a connection's or the socket's. */
static void on_all_gone(struct gci_countdown *life) {
  gcache_listener_t *listener = gci_container_of(life, gcache_listener_t, life);
  struct gci_door *door = listener->door;
  gcache_closed_cb closed = listener->closed;
  void *arg = listener->closed_arg;

  gci_link_unlink(&listener->link);
  gci_mem_free(door->env->mem, listener, sizeof *listener);
  gci_env_release(door->env);
  if (closed != NULL) closed(arg);
  gci_countdown_give(&door->life);
}

/* The address to listen at. */
struct place {
  const struct sockaddr *addr; /* NULL: a Unix socket */
  const char *path;
  unsigned mode;
  int backlog;
};

static int open_socket(gcache_listener_t *listener, const struct place *at) {
  struct gci_door *door = listener->door;

  if (at->addr == NULL)
    return gci_listen_open_unix(&listener->socket, door->env, door->uv, at->path, at->mode,
                                at->backlog, &socket_events, listener);
  return gci_listen_open(&listener->socket, door->env, door->uv, at->addr, at->backlog,
                         &socket_events, listener);
}

static int start_to_listen(gcache_listener_t **out, gcache_t *cache, const struct place *at,
                           gcache_tls_t *tls) {
  struct gci_door *door = cache->door;
  gcache_listener_t *listener;
  int err;

  if (door->closing) return GCACHE_ECLOSING;
  listener = gci_mem_zalloc(door->env->mem, sizeof *listener);
  if (listener == NULL) return UV_ENOMEM;
  listener->door = door;
  listener->tls = tls;
  err = open_socket(listener, at);
  if (err < 0) {
    gci_mem_free(door->env->mem, listener, sizeof *listener);
    return err;
  }
  gci_countdown_init(&listener->life, on_all_gone); /* its one count is for the socket */
  gci_link_init(&listener->link);
  gci_list_push_back(&door->listeners, &listener->link);
  gci_countdown_take(&door->life);
  gci_known_refresh(&door->access->known);
  *out = listener;
  return 0;
}

int gcache_listen(gcache_listener_t **out, gcache_t *cache, const struct sockaddr *addr,
                  int backlog) {
  return start_to_listen(out, cache, &(struct place){.addr = addr, .backlog = backlog}, NULL);
}

int gcache_listen_tls(gcache_listener_t **out, gcache_t *cache, const struct sockaddr *addr,
                      int backlog, gcache_tls_t *tls) {
  if (!gci_tls_answers(tls)) return UV_ENOTSUP;
  return start_to_listen(out, cache, &(struct place){.addr = addr, .backlog = backlog}, tls);
}

int gcache_listen_unix(gcache_listener_t **out, gcache_t *cache, const char *path, unsigned mode,
                       int backlog) {
  struct gci_env *env = cache->door->env;
  const char *fault = path == NULL ? "is missing" : gci_url_path_fault(gcache_cstr(path));
  struct place at = {.path = path, .mode = mode == 0 ? OWN_ONLY : mode, .backlog = backlog};

  if ((mode & ~PERMISSIONS) != 0) fault = "the mode has bits that are not file permissions";
  if (fault == NULL) return start_to_listen(out, cache, &at, NULL);
  gci_env_log(env, GCACHE_LOG_WARN, "gcache_listen_unix: %s: %s", path == NULL ? "NULL" : path,
              fault);
  return UV_EINVAL;
}

int gcache_listener_port(const gcache_listener_t *listener) {
  return gci_listen_port(listener->socket);
}

void gci_listener_shut(gcache_listener_t *listener) {
  if (listener->closing) return;
  listener->closing = 1;
  gci_env_hold(listener->door->env); /* somebody waits for the end */
  gci_listen_close(listener->socket);
}

void gcache_listener_close(gcache_listener_t *listener, gcache_closed_cb closed, void *arg) {
  struct gci_list *servers = &listener->door->servers;

  listener->closed = closed;
  listener->closed_arg = arg;
  gci_listener_shut(listener);
  gci_list_each(link, servers) {
    struct gci_server *s = gci_container_of(link, struct gci_server, link);
    if (s->listener == listener) gci_server_drain(s);
  }
}

void gci_listeners_pause(struct gci_door *door) {
  gci_list_each(link, &door->listeners) {
    gcache_listener_t *listener = gci_container_of(link, gcache_listener_t, link);
    if (!listener->closing) gci_listen_pause(listener->socket);
  }
}

void gci_listeners_resume(struct gci_door *door) {
  gci_list_each(link, &door->listeners) {
    gcache_listener_t *listener = gci_container_of(link, gcache_listener_t, link);
    if (!listener->closing) gci_listen_resume(listener->socket);
  }
}
