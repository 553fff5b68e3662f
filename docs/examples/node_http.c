/* Replies and parameters, for all routes. */
#include "node_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ----------------------------------------------------------------------------------- replies -- */

gcache_header_t header_line(const char *name, const char *value) {
  gcache_header_t h = {gcache_cstr(name), gcache_cstr(value)};
  return h;
}

void reply_text(gcache_exchange_t *x, int status, const char *text) {
  gcache_header_t type = header_line("Content-Type", "text/plain; charset=utf-8");
  char line[512];

  snprintf(line, sizeof line, "%s\n", text);
  gcache_exchange_reply(x, status, &type, 1, gcache_cstr(line));
}

void reply_json(gcache_exchange_t *x, int status, struct text *json) {
  gcache_header_t type = header_line("Content-Type", "application/json");

  if (json->failed)
    reply_text(x, 503, gcache_strerror(UV_ENOMEM));
  else
    gcache_exchange_reply(x, status, &type, 1, gcache_bytes(json->base, json->len));
  text_free(json);
}

/* The reply for a gcache call that was refused or has failed. */
void reply_error(gcache_exchange_t *x, int status, const char *reason) {
  int http;

  switch (status) {
  case GCACHE_ENOTFOUND:
  case GCACHE_ENOGROUP:
    http = 404;
    break;
  case UV_ETIMEDOUT:
    http = 504;
    if (reason == NULL || reason[0] == 0) reason = "timed out";
    break;
  case UV_EMSGSIZE:
    http = 414; /* the key */
    break;
  case UV_EINVAL:
    http = 400;
    break;
  default:
    http = 503; /* the getter failed, the node is closing, no memory */
  }
  reply_text(x, http, reason != NULL && reason[0] != 0 ? reason : gcache_strerror(status));
}

/* ---------------------------------------------------------------------------------- requests -- */

/* A query parameter. Nonzero: already answered. */
int want_param(gcache_exchange_t *x, const char *name, gcache_bytes_t *out) {
  int rc = gcache_exchange_param(x, name, out);
  char text[64];

  if (rc == 0) return 0;
  snprintf(text, sizeof text, "%s: %s", name,
           rc == UV_ENOENT ? "missing from the query" : "a % is not followed by two hex digits");
  if (rc == UV_ENOMEM)
    reply_error(x, rc, NULL);
  else
    reply_text(x, 400, text);
  return -1;
}

/* A number, or 0 where the query has none. Nonzero: already answered. */
int want_ms(gcache_exchange_t *x, const char *name, uint64_t *out) {
  gcache_bytes_t text;
  char digits[24], why[64];

  *out = 0;
  if (gcache_exchange_param(x, name, &text) == UV_ENOENT) return 0;
  if (want_param(x, name, &text) < 0) return -1;
  snprintf(digits, sizeof digits, "%.*s", (int)text.len, (const char *)text.base);
  if (strlen(digits) == text.len && read_number(digits, out) == 0) return 0;
  snprintf(why, sizeof why, "%s: not a number of milliseconds", name);
  reply_text(x, 400, why);
  return -1;
}

/* The group named by parameter "group". NULL: already answered. */
gcache_group_t *want_group(struct node *node, gcache_exchange_t *x) {
  gcache_group_t *group = NULL;
  gcache_bytes_t name;
  char *zero_terminated;

  if (want_param(x, "group", &name) < 0) return NULL;
  zero_terminated = strndup(name.base, name.len);
  if (zero_terminated != NULL && strlen(zero_terminated) == name.len) /* no name holds a NUL */
    group = gcache_group_find(node->cache, zero_terminated);
  free(zero_terminated);
  if (group == NULL) reply_error(x, GCACHE_ENOGROUP, NULL);
  return group;
}
