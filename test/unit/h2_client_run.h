/* h2_client_run - one of our HTTP/2 clients on a manual clock and an allocator that can fail, and
 * what it reports. */
#ifndef TEST_H2_CLIENT_RUN_H
#define TEST_H2_CLIENT_RUN_H

#include "h2_server_run.h"

#ifndef H2_TAGS
#define H2_TAGS 12000
#endif

struct h2_told {
  int answers, failures;
  int http_status, status, unprocessed;
  char reason[80], head[200];
  gcache_value_t *body;
};

struct h2_asker {
  struct oom oom;
  struct manual_env env;
  gcache_limits_t limits;
  struct gci_http_client *client;
  struct h2_told *told; /* by tag, which points into it */
  size_t answers, failures;
  int error; /* of input() */
};

static inline void on_h2_response(void *user, void *tag, const struct gci_http_head *head,
                                  gcache_value_t *body) {
  struct h2_asker *a = user;
  struct h2_told *told = tag;
  a->answers++;
  told->answers++;
  told->http_status = head->status;
  size_t at = 0;
  for (size_t i = 0; i < head->n_headers; i++)
    at += (size_t)snprintf(told->head + at, sizeof told->head - at, "%.*s=%.*s\n",
                           (int)head->headers[i].name.len, (const char *)head->headers[i].name.base,
                           (int)head->headers[i].value.len,
                           (const char *)head->headers[i].value.base);
  told->body = gcache_value_ref(body);
}

static inline void on_h2_failed(void *user, void *tag, int status, const char *reason,
                                int unprocessed) {
  struct h2_asker *a = user;
  struct h2_told *told = tag;
  a->failures++;
  told->failures++;
  told->status = status;
  told->unprocessed = unprocessed;
  snprintf(told->reason, sizeof told->reason, "%s", reason);
}

static const struct gci_http_client_events h2_asker_events = {on_h2_response, on_h2_failed};

static inline int h2_asker_begin(struct h2_asker *a) {
  memset(a, 0, sizeof *a);
  oom_init(&a->oom);
  a->limits = h2_limits();
  a->told = calloc(H2_TAGS, sizeof *a->told);
  if (a->told == NULL) abort();
  gcache_mem_t user = oom_mem(&a->oom);
  return manual_env_init(&a->env, &user);
}

static inline int h2_asker_connect(struct h2_asker *a) {
  return gci_h2_client_open(&a->client, &a->env.env, "http", &a->limits, &h2_asker_events, a);
}

static inline void h2_asker_open(struct h2_asker *a) {
  if (h2_asker_begin(a) != 0 || h2_asker_connect(a) != 0) abort();
}

static inline void h2_asker_end(struct h2_asker *a) {
  if (a->client != NULL) gci_http_client_close(a->client);
  for (size_t i = 0; i < H2_TAGS; i++)
    gcache_value_unref(a->told[i].body);
  free(a->told);
  manual_env_fini(&a->env);
  oom_assert_empty(&a->oom);
}

static inline int h2_asker_send(struct h2_asker *a, size_t tag, const char *method,
                                const char *target, gcache_value_t *body) {
  struct gci_http_message m = {.method = gcache_cstr(method),
                               .target = gcache_cstr(target),
                               .host = gcache_cstr("h"),
                               .value = body,
                               .has_body = body != NULL};
  return gci_http_client_send(a->client, &m, &a->told[tag]);
}

static inline int h2_asker_get(struct h2_asker *a, size_t tag, const char *target) {
  return h2_asker_send(a, tag, "GET", target, NULL);
}

static inline void h2_asker_feed_by(struct h2_asker *a, gcache_bytes_t bytes, size_t step) {
  while (bytes.len > 0 && a->client != NULL && a->error == 0) {
    size_t n = bytes.len < step ? bytes.len : step;
    char *copy = malloc(n);
    if (copy == NULL) abort();
    memcpy(copy, bytes.base, n);
    a->error = gci_http_client_input(a->client, gcache_bytes(copy, n));
    free(copy);
    bytes = gci_bytes_skip(bytes, n);
  }
}

static inline void h2_asker_feed(struct h2_asker *a, gcache_bytes_t bytes) {
  h2_asker_feed_by(a, bytes, bytes.len);
}

/* With a plain peer, until neither has more to say. */
static inline void h2_asker_talk_by(struct h2_asker *a, struct h2_peer *peer, size_t step) {
  size_t moved;
  do {
    moved = h2_out_to_peer(gci_http_client_output(a->client), peer);
    gcache_bytes_t bytes = h2_peer_bytes(peer);
    moved += bytes.len;
    h2_asker_feed_by(a, bytes, step);
    if (a->client == NULL || a->error != 0) return;
  } while (moved > 0);
}

static inline void h2_asker_talk(struct h2_asker *a, struct h2_peer *peer) {
  h2_asker_talk_by(a, peer, SIZE_MAX);
}

/* All that waits in out, in one piece, the caller's to free. */
static inline gcache_bytes_t h2_out_take(struct gci_out *out) {
  char *bytes = malloc(out->bytes + 1);
  size_t len = 0;
  if (bytes == NULL) abort();
  while (out->bytes > 0) {
    gcache_bytes_t slices[16];
    size_t n = gci_out_slices(out, slices, 16), sum = 0;
    for (size_t i = 0; i < n; i++) {
      memcpy(bytes + len + sum, slices[i].base, slices[i].len);
      sum += slices[i].len;
    }
    gci_out_consume(out, sum);
    len += sum;
  }
  return gcache_bytes(bytes, len);
}

/* With a server of ours, one piece each way. Bytes moved. */
static inline size_t h2_asker_exchange(struct h2_asker *a, struct h2_run *run) {
  gcache_bytes_t there = h2_out_take(gci_http_client_output(a->client));
  h2_run_feed(run, there);
  free((void *)(uintptr_t)there.base);
  gcache_bytes_t back = h2_out_take(gci_http_server_output(run->server));
  h2_asker_feed(a, back);
  free((void *)(uintptr_t)back.base);
  return there.len + back.len;
}

#endif
