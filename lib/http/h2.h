/* http/h2 - HTTP/2 (RFC 9113), both roles: bytes in, bytes out, no I/O and no clock. The only room
 * that includes nghttp2. Without the feature http2 both open functions return UV_ENOTSUP. */
#ifndef GCI_HTTP_H2_H
#define GCI_HTTP_H2_H

#include "base/env.h"
#include "http/session.h"

int gci_h2_built_in(void);

/* limits, env and events are borrowed until close. env: its monotonic clock judges the rates of
 * control frames; no timers are set. */
int gci_h2_server_open(struct gci_http_server **out, struct gci_env *env,
                       const gcache_limits_t *limits, const struct gci_http_server_events *events,
                       void *user);

/* scheme: "http" or "https", static. An answer's body may be limits->value_max and 8 KiB long. */
int gci_h2_client_open(struct gci_http_client **out, struct gci_env *env, const char *scheme,
                       const gcache_limits_t *limits, const struct gci_http_client_events *events,
                       void *user);

#endif
