#include "door/listen.h"

#include "base/list.h"
#include "door/server.h"
#include "gcache/http.h"

static void on_connection(void *user, uv_stream_t *socket) {
  gcache_listener_t *listener = user;
  struct gci_door *door = listener->door;

  if (door->connections >= door->limits.connections_max) {
    gci_listeners_pause(door);
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

static int start_to_listen(gcache_listener_t **out, gcache_t *cache, const struct sockaddr *addr,
                           int backlog, gcache_tls_t *tls) {
  struct gci_door *door = cache->door;
  gcache_listener_t *listener;
  int err;

  if (door->closing) return GCACHE_ECLOSING;
  listener = gci_mem_zalloc(door->env->mem, sizeof *listener);
  if (listener == NULL) return UV_ENOMEM;
  listener->door = door;
  listener->tls = tls;
  err = gci_listen_open(&listener->socket, door->env, door->uv, addr, backlog, &socket_events,
                        listener);
  if (err < 0) {
    gci_mem_free(door->env->mem, listener, sizeof *listener);
    return err;
  }
  gci_countdown_init(&listener->life, on_all_gone); /* its one count is the socket's */
  gci_link_init(&listener->link);
  gci_list_push_back(&door->listeners, &listener->link);
  gci_countdown_take(&door->life);
  gci_known_refresh(&door->access->known);
  *out = listener;
  return 0;
}

int gcache_listen(gcache_listener_t **out, gcache_t *cache, const struct sockaddr *addr,
                  int backlog) {
  return start_to_listen(out, cache, addr, backlog, NULL);
}

int gcache_listen_tls(gcache_listener_t **out, gcache_t *cache, const struct sockaddr *addr,
                      int backlog, gcache_tls_t *tls) {
  if (!gci_tls_answers(tls)) return UV_ENOTSUP;
  return start_to_listen(out, cache, addr, backlog, tls);
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
