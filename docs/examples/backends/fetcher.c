#include "fetcher.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct fetcher {
  CURLM *multi;
  uv_loop_t *loop;
  uv_timer_t timer;
};

struct transfer {
  CURL *curl;
  fetch_cb cb;
  void *arg;
  struct fetched result;
};

struct watch { /* one of curl's sockets */
  uv_poll_t poll;
  struct fetcher *fetcher;
  curl_socket_t socket;
};

/* -------------------------------------------------------------------------------- answers ---- */

static size_t on_body(char *bytes, size_t size, size_t n, void *arg) {
  struct fetched *f = arg;
  size_t more = size * n;
  char *body = more > FETCH_MAX - f->len ? NULL : realloc(f->body, f->len + more + 1);

  if (body == NULL) return 0; /* curl fails the transfer */
  memcpy(body + f->len, bytes, more);
  f->body = body;
  f->len += more;
  return more;
}

/* text: in lower case. */
static long read_age(const char *text) {
  static const char *const never[] = {"no-store", "no-cache", "private"};
  static const char word[] = "max-age=";
  const char *found = strstr(text, word);
  long age_s = found == NULL ? -1 : strtol(found + sizeof word - 1, NULL, 10);

  for (size_t i = 0; i < sizeof never / sizeof *never; i++)
    if (strstr(text, never[i]) != NULL) return 0;
  return found != NULL && age_s < 0 ? 0 : age_s;
}

/* A line too long to read counts as no-store. */
static size_t on_header(char *line, size_t size, size_t n, void *arg) {
  static const char name[] = "cache-control:";
  struct fetched *f = arg;
  char text[256] = "no-store";
  size_t len = size * n;

  if (!curl_strnequal(line, name, sizeof name - 1)) return len;
  if (len < sizeof text) {
    for (size_t i = 0; i < len; i++)
      text[i] = (char)tolower((unsigned char)line[i]);
    text[len] = 0;
  }
  if (f->max_age_s != 0) f->max_age_s = read_age(text);
  return len;
}

static void finish(CURL *curl, CURLcode code) {
  struct transfer *t;

  curl_easy_getinfo(curl, CURLINFO_PRIVATE, (char **)&t);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &t->result.status);
  if (code != CURLE_OK) t->result.why = curl_easy_strerror(code);
  t->cb(t->arg, &t->result);
  free(t->result.body);
  curl_easy_cleanup(curl);
  free(t);
}

static void look(struct fetcher *fetcher) {
  CURLMsg *message;
  int left;

  while ((message = curl_multi_info_read(fetcher->multi, &left)) != NULL) {
    CURL *curl = message->easy_handle;
    CURLcode code = message->data.result;

    if (message->msg != CURLMSG_DONE) continue;
    curl_multi_remove_handle(fetcher->multi, curl);
    finish(curl, code);
  }
}

/* ---------------------------------------------------------------------- sockets and time ---- */

static void on_ready(uv_poll_t *poll, int status, int events) {
  struct watch *w = poll->data;
  struct fetcher *fetcher = w->fetcher;
  int running, flags = 0;

  if (status < 0) flags = CURL_CSELECT_ERR;
  if (events & UV_READABLE) flags |= CURL_CSELECT_IN;
  if (events & UV_WRITABLE) flags |= CURL_CSELECT_OUT;
  curl_multi_socket_action(fetcher->multi, w->socket, flags, &running);
  look(fetcher);
}

static void on_watch_closed(uv_handle_t *handle) {
  free(handle->data);
}

static int on_socket(CURL *curl, curl_socket_t socket, int what, void *arg, void *socket_arg) {
  struct fetcher *fetcher = arg;
  struct watch *w = socket_arg;
  int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);

  (void)curl;
  if (what == CURL_POLL_REMOVE) {
    if (w != NULL) uv_close((uv_handle_t *)&w->poll, on_watch_closed);
    return 0;
  }
  if (w == NULL) {
    w = calloc(1, sizeof *w);
    if (w == NULL) return -1;
    w->fetcher = fetcher;
    w->socket = socket;
    if (uv_poll_init_socket(fetcher->loop, &w->poll, socket) < 0) {
      free(w);
      return -1;
    }
    w->poll.data = w;
    curl_multi_assign(fetcher->multi, socket, w);
  }
  return uv_poll_start(&w->poll, events, on_ready);
}

static void on_time(uv_timer_t *timer) {
  struct fetcher *fetcher = timer->data;
  int running;

  curl_multi_socket_action(fetcher->multi, CURL_SOCKET_TIMEOUT, 0, &running);
  look(fetcher);
}

static int on_timeout(CURLM *multi, long ms, void *arg) {
  struct fetcher *fetcher = arg;

  (void)multi;
  return ms < 0 ? uv_timer_stop(&fetcher->timer)
                : uv_timer_start(&fetcher->timer, on_time, (uint64_t)ms, 0);
}

/* --------------------------------------------------------------------------- begin and end ---- */

struct fetcher *fetcher_open(uv_loop_t *loop) {
  struct fetcher *fetcher = calloc(1, sizeof *fetcher);

  if (fetcher == NULL) return NULL;
  fetcher->loop = loop;
  fetcher->multi = curl_multi_init();
  if (fetcher->multi == NULL) {
    free(fetcher);
    return NULL;
  }
  uv_timer_init(loop, &fetcher->timer);
  fetcher->timer.data = fetcher;
  curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher);
  curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
  curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher);
  return fetcher;
}

int fetch(struct fetcher *fetcher, const char *url, long timeout_ms, fetch_cb cb, void *arg) {
  struct transfer *t = calloc(1, sizeof *t);

  if (t == NULL || (t->curl = curl_easy_init()) == NULL) {
    free(t);
    return UV_ENOMEM;
  }
  t->cb = cb;
  t->arg = arg;
  t->result.max_age_s = -1;
  curl_easy_setopt(t->curl, CURLOPT_URL, url);
  curl_easy_setopt(t->curl, CURLOPT_PRIVATE, t);
  curl_easy_setopt(t->curl, CURLOPT_TIMEOUT_MS, timeout_ms);
  curl_easy_setopt(t->curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(t->curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(t->curl, CURLOPT_WRITEDATA, &t->result);
  curl_easy_setopt(t->curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(t->curl, CURLOPT_HEADERDATA, &t->result);
  if (curl_multi_add_handle(fetcher->multi, t->curl) == CURLM_OK) return 0;
  curl_easy_cleanup(t->curl);
  free(t);
  return UV_ENOMEM;
}

static void on_timer_closed(uv_handle_t *handle) {
  free(handle->data);
}

void fetcher_close(struct fetcher *fetcher) {
  curl_multi_cleanup(fetcher->multi);
  uv_close((uv_handle_t *)&fetcher->timer, on_timer_closed);
}
