/* remote_floor - the floor, on two connections. */
#include "floor_http.h"

static int open_server(const void *arg) {
  return floor_serve(arg);
}

static int start(struct server *s, const struct work *w) {
  process_serve(s, PROCESS_SERVES, open_server, w);
  return 1;
}

static void ask(const struct server *s, const struct work *w, double out[N_FIGURES]) {
  static struct meter m;
  meter_init(&m, w, s->pid);
  floor_ask(&m, s->port, w->outstanding < 2 ? 1 : 2);
  meter_say(&m, out);
}

const struct remote_system remote_floor = {"floor", 0, start, ask};
