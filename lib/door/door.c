#include "door/door.h"

#include "door/listen.h"
#include "door/server.h"

/* The count can reach zero inside a public call, for instance a reply: so the end is reported from
 * the queue. */
static void on_zero(struct gci_countdown *life) {
  struct gci_door *door = gci_container_of(life, struct gci_door, life);

  gci_env_defer(door->env, GCI_COMPLETIONS, &door->end);
}

static void on_end(struct gcache_job_s *job) {
  struct gci_door *door = gci_container_of(job, struct gci_door, end);

  door->closed(door->closed_arg);
}

void gci_door_open(struct gci_door *door) {
  gci_list_init(&door->listeners);
  gci_list_init(&door->servers);
  gci_addresses_init(&door->addresses, door->env->mem, &door->cache->hash_key);
  gci_countdown_init(&door->life, on_zero);
  gci_job_init(&door->end, on_end);
}

void gci_door_close(struct gci_door *door, gcache_closed_cb closed, void *arg) {
  door->closing = 1;
  door->closed = closed;
  door->closed_arg = arg;
  gci_access_close(door->access);
  gci_list_each(link, &door->listeners)
      gci_listener_shut(gci_container_of(link, gcache_listener_t, link));
  gci_list_each(link, &door->servers)
      gci_server_close(gci_container_of(link, struct gci_server, link));
  gci_countdown_give(&door->life);
}

void gci_door_fini(struct gci_door *door) {
  gci_addresses_fini(&door->addresses);
}
