#include "door/cached.h"

#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "core/answer.h"
#include "door/large.h"
#include "http/h2.h"
#include "wire/route.h"

enum {
  URL_MAX = 512,       /* of a URL in a list */
  FAST_PATH_MAX = 1024 /* a request with a longer path is served the slow way */
};

/* A Cache-Control line: directives, some with =value (RFC 9111, 5.2). The value of max-stale is
 * ignored. */
static void hear(struct gci_cached *said, gcache_bytes_t line) {
  gcache_bytes_t directive;

  while (gci_http_next_element(&line, &directive)) {
    if (gci_bytes_equal_nocase(directive, GCI_LIT("only-if-cached"))) said->only = 1;
    if (gci_bytes_equal_nocase(directive, GCI_LIT("max-stale"))) said->takes_stale = 1;
  }
}

void gci_cached_judge(struct gci_cached *said, const struct gci_door *door) {
  gcache_bytes_t url = said->newcomer;
  char text[URL_MAX];

  said->newcomer = gcache_bytes(NULL, 0);
  if (url.base == NULL) return;
  said->is_known = 1;
  if (url.len >= sizeof text) return;
  memcpy(text, url.base, url.len);
  text[url.len] = '\0';
  said->is_known = !gci_previous_is_new(door->cache, text);
}

/* A line that begins with Gcache-. */
static void hear_gcache(struct gci_cached *said, const gcache_header_t *header) {
  if (gci_bytes_equal_nocase(header->name, GCI_LIT("Gcache-Handoff"))) {
    said->hands_over = 1;
    said->takes_large = gci_bytes_equal(header->value, GCI_LIT("any"));
  } else if (gci_bytes_equal_nocase(header->name, GCI_LIT("Gcache-Newcomer"))) {
    said->newcomer = header->value;
  }
}

/* Without regard to case: HTTP/2 has lower case only. */
static int is_gcaches(gcache_bytes_t name) {
  gcache_bytes_t ours = GCI_LIT("Gcache-");

  if (name.len < ours.len) return 0;
  name.len = ours.len;
  return gci_bytes_equal_nocase(name, ours);
}

struct gci_cached gci_cached_read(const gcache_header_t headers[], size_t n) {
  struct gci_cached said = {0};

  for (size_t i = 0; i < n; i++) { /* several lines of Cache-Control are one list */
    if (is_gcaches(headers[i].name)) hear_gcache(&said, &headers[i]);
    if (!gci_bytes_equal_nocase(headers[i].name, GCI_LIT("Cache-Control"))) continue;
    if (gci_bytes_equal(headers[i].value, GCI_LIT("only-if-cached, max-stale")))
      said.only = said.takes_stale = 1; /* the very text that gcache sends */
    else
      hear(&said, headers[i].value);
  }
  return said;
}

static int look(struct gci_door *door, gcache_bytes_t group, gcache_bytes_t key,
                const struct gci_cached *said, struct gci_answer_cached *found) {
  if (!said->hands_over)
    return gci_answer_cached(door->cache, group, key, said->takes_stale, found);
  *found = (struct gci_answer_cached){0};
  return gci_answer_handoff(door->cache, group, key, &found->value);
}

int gci_cached_answer(struct gci_reply *reply, struct gci_door *door, gcache_bytes_t group,
                      gcache_bytes_t key, const struct gci_cached *said) {
  struct gci_answer_cached found;
  int rc = look(door, group, key, said, &found);

  if (rc < 0 && rc != UV_ENOENT) return rc;
  if (said->is_known) {
    gci_reply_text(reply, 504, "not-new", GCI_LIT("the asker is not new here"));
  } else if (rc == UV_ENOENT) {
    gci_reply_text(reply, 504, "not-cached", GCI_LIT("not in memory"));
  } else if (found.status == GCACHE_ENOTFOUND) {
    gci_reply_text(reply, door->dialect->not_found, "not-found",
                   found.reason[0] != '\0' ? gcache_cstr(found.reason) : GCI_LIT("not found"));
    if (said->takes_stale) gci_reply_add_not_found_ms(reply, found.not_found_ms);
  } else if (!said->takes_large && gcache_value_bytes(found.value).len > GCI_FAST_VALUE_MAX) {
    gci_reply_text(reply, 504, "large", GCI_LIT("too large to be answered between others"));
  } else if (!gci_reply_value_fits(door->env->mem, found.value)) {
    gci_reply_busy(reply, door->env->mem);
  } else {
    gci_reply_value(reply, door->dialect, found.value, said->takes_stale, found.stale_ms);
  }
  return 0;
}

int gci_cached_try(struct gci_reply *reply, struct gci_door *door,
                   const struct gci_http_head *head) {
  char buf[FAST_PATH_MAX];
  struct gci_cached said;
  struct gci_route route;
  gcache_bytes_t path, query;

  if (!gci_bytes_equal(head->method, GCI_LIT("GET"))) return 0;
  said = gci_cached_read(head->headers, head->n_headers);
  gci_route_split_target(head->target, &path, &query);
  if (!said.only || path.len > sizeof buf) return 0;
  if (gci_route_read(door->base_path, path, buf, &route) != GCI_ROUTE_OK) return 0;
  gci_cached_judge(&said, door);
  if (gci_cached_answer(reply, door, route.group, route.key, &said) < 0) return 0;
  if (reply->http.status == 504 && door->http == GCACHE_HTTP_AUTO && gci_h2_built_in())
    gci_reply_add_http_2(reply); /* the get comes again, perhaps to wait with many others */
  if (gcache_is_leaving(door->cache)) gci_reply_add_leaving(reply);
  return 1;
}
