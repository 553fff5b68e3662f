/* net/srv - a build without c-ares. */
#include <uv.h>

#include "net/srv.h"

int gci_srv_built_in(void) {
  return 0;
}

int gci_srv_start(struct gci_srv **out, struct gci_env *env, struct uv_loop_s *uv,
                  const char *servers, const char *name, gci_srv_cb done, void *user) {
  (void)out, (void)env, (void)uv, (void)servers, (void)name, (void)done, (void)user;
  return UV_ENOTSUP;
}

void gci_srv_cancel(struct gci_srv *srv) {
  (void)srv;
}
