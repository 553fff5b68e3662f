/* fetcher - HTTP requests by libcurl on a libuv loop: uv_poll watches curl_multi's sockets, one
 * uv_timer runs its timeouts. */
#ifndef FETCHER_H
#define FETCHER_H

#include <curl/curl.h>
#include <uv.h>

#define FETCH_MAX (16u << 20) /* bytes of a body; a longer one fails */

struct fetcher;

/* NULL: no memory. */
struct fetcher *fetcher_open(uv_loop_t *loop);

struct fetched {
  const char *why; /* NULL: there was a response */
  long status;
  char *body; /* malloc'ed; taken by the callback if it sets it to NULL */
  size_t len;
  long max_age_s; /* of Cache-Control; 0: not to be kept; -1: not given */
};
/* Once for each fetch that was begun, from the loop. */
typedef void (*fetch_cb)(void *arg, struct fetched *f);
/* url is copied. timeout_ms: of the whole transfer. UV_ENOMEM. */
int fetch(struct fetcher *fetcher, const char *url, long timeout_ms, fetch_cb cb, void *arg);

/* Call when no fetch is under way. fetcher is gone once the loop has turned. */
void fetcher_close(struct fetcher *fetcher);

#endif
