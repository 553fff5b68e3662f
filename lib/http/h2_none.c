/* http/h2_none - in place of http/h2 in a build without the feature http2. */
#include <uv.h>

#include "http/h2.h"

int gci_h2_built_in(void) {
  return 0;
}

int gci_h2_server_open(struct gci_http_server **out, struct gci_env *env,
                       const gcache_limits_t *limits, const struct gci_http_server_events *events,
                       void *user) {
  (void)out;
  (void)env;
  (void)limits;
  (void)events;
  (void)user;
  return UV_ENOTSUP;
}

int gci_h2_client_open(struct gci_http_client **out, struct gci_env *env, const char *scheme,
                       const gcache_limits_t *limits, const struct gci_http_client_events *events,
                       void *user) {
  (void)out;
  (void)env;
  (void)scheme;
  (void)limits;
  (void)events;
  (void)user;
  return UV_ENOTSUP;
}
