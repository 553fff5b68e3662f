#include "member.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEERS_MAX = 64 };

/* --------------------------------------------------------------------------------- answers ---- */

static const gcache_header_t plain[] = {{{"Content-Type", 12}, {"text/plain", 10}}};

void answer_text(gcache_exchange_t *x, int status, const char *text) {
  if (gcache_exchange_reply(x, status, plain, 1, gcache_cstr(text)) < 0) gcache_exchange_abort(x);
}

gcache_bytes_t path_behind(const gcache_exchange_t *x, const char *prefix) {
  gcache_bytes_t path = gcache_exchange_path(x);
  size_t n = strlen(prefix);

  if (path.len < n || memcmp(path.base, prefix, n) != 0) return gcache_bytes(NULL, 0);
  return gcache_bytes((const char *)path.base + n, path.len - n);
}

struct ask { /* one request under way */
  gcache_get_t get;
  struct member *m;
  gcache_exchange_t *x;
  member_reply_cb reply;
  gcache_bytes_t key; /* for reply; of the exchange */
};

static void on_value(gcache_get_t *req, int status, gcache_value_t *value) {
  struct ask *a = req->data;

  if (a->reply != NULL && (status == 0 || status == GCACHE_ENOTFOUND))
    a->reply(a->m, a->x, a->key, value);
  else if (status == 0 && gcache_exchange_reply_value(a->x, 200, plain, 1, value) < 0)
    gcache_exchange_abort(a->x);
  else if (status == GCACHE_ENOTFOUND)
    answer_text(a->x, 404, "not found\n");
  else if (status < 0)
    answer_text(a->x, status == UV_ETIMEDOUT ? 504 : 503, gcache_get_reason(req));
  free(a);
}

void answer_key(struct member *m, gcache_exchange_t *x, gcache_bytes_t key, member_reply_cb reply) {
  struct ask *a = calloc(1, sizeof *a);
  int rc = UV_ENOMEM;

  if (a != NULL) {
    *a = (struct ask){.get.data = a, .m = m, .x = x, .reply = reply, .key = key};
    rc = gcache_get(&a->get, m->group, key, 0, on_value);
  }
  if (rc == 0) return;
  free(a);
  answer_text(x, 503, gcache_strerror(rc));
}

/* ----------------------------------------------------------------------------------- peers ---- */

/* Writes zeros into list. */
static int set_peers(struct member *m, char *list) {
  const char *urls[PEERS_MAX];
  size_t n = 0;

  for (char *rest = list, *url; (url = strsep(&rest, ",\n")) != NULL;) {
    if (*url == 0) continue;
    if (n == PEERS_MAX) return UV_E2BIG;
    urls[n++] = url;
  }
  return gcache_set_peers(m->cache, urls, NULL, n);
}

static void take_peers(struct member *m, gcache_exchange_t *x) {
  gcache_value_t *body = gcache_exchange_body(x);
  gcache_bytes_t b = body == NULL ? gcache_bytes("", 0) : gcache_value_bytes(body);
  char *list = strndup(b.base, b.len);
  int rc = list == NULL ? UV_ENOMEM : set_peers(m, list);

  free(list);
  answer_text(x, rc < 0 ? 400 : 200, rc < 0 ? gcache_strerror(rc) : "ok\n");
}

static void on_request(gcache_exchange_t *x, void *arg) {
  struct member *m = arg;
  gcache_bytes_t method = gcache_exchange_method(x);

  if (method.len == 3 && memcmp(method.base, "PUT", 3) == 0 &&
      path_behind(x, "/peers").base != NULL)
    take_peers(m, x);
  else
    m->answer(m, x);
}

/* --------------------------------------------------------------------------- begin and end ---- */

static void on_closed(void *arg) {
  struct member *m = arg;

  if (m->ended != NULL) m->ended(m);
  for (int i = 0; i < 2; i++)
    uv_close((uv_handle_t *)&m->signals[i], NULL);
}

static void on_signalled(uv_signal_t *signal, int number) {
  struct member *m = signal->data;

  (void)number;
  for (int i = 0; i < 2; i++)
    uv_signal_stop(&m->signals[i]);
  gcache_close(m->cache, on_closed, m);
}

static int listen_at(struct member *m, char *where) {
  char *colon = strrchr(where, ':'), url[128];
  gcache_listener_t *listener;
  struct sockaddr_in addr;
  int rc;

  if (colon == NULL) return UV_EINVAL;
  *colon = 0;
  if ((rc = uv_ip4_addr(where, atoi(colon + 1), &addr)) < 0) return rc;
  rc = gcache_listen(&listener, m->cache, (const struct sockaddr *)&addr, 511);
  if (rc < 0) return rc;
  snprintf(url, sizeof url, "http://%s:%d", where, gcache_listener_port(listener));
  printf("%s\n", url);
  fflush(stdout);
  return gcache_set_self(m->cache, url);
}

static int open_all(struct member *m, gcache_group_options_t *group, char *where, char *peers) {
  gcache_options_t o;
  int rc;

  gcache_options_init(&o);
  o.loop = uv_default_loop();
  if ((rc = gcache_open(&m->cache, &o)) < 0) return rc;
  group->getter = m->getter;
  group->data = m;
  if ((rc = gcache_group_open(&m->group, m->cache, m->name, group)) < 0) return rc;
  gcache_set_handler(m->cache, on_request, m);
  if ((rc = listen_at(m, where)) < 0) return rc;
  if (peers != NULL && (rc = set_peers(m, peers)) < 0) return rc;
  for (int i = 0; i < 2; i++) {
    m->signals[i].data = m;
    if ((rc = uv_signal_init(o.loop, &m->signals[i])) < 0) return rc;
    if ((rc = uv_signal_start(&m->signals[i], on_signalled, i == 0 ? SIGTERM : SIGINT)) < 0)
      return rc;
  }
  return 0;
}

int member_run(struct member *m, gcache_group_options_t *group, int argc, char **argv) {
  char *where = NULL, *peers = NULL;
  int rc, i;

  for (i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--listen") == 0)
      where = argv[i + 1];
    else if (strcmp(argv[i], "--peers") == 0)
      peers = argv[i + 1];
    else if (strcmp(argv[i], "--source") == 0)
      m->source = argv[i + 1];
    else
      break;
  }
  if (i < argc || where == NULL || m->source == NULL) {
    fprintf(stderr, "usage: %s --listen HOST:PORT --source SOURCE [--peers URL,...]\n", m->name);
    return 2;
  }
  rc = open_all(m, group, where, peers);
  if (rc < 0) return fprintf(stderr, "%s: %s\n", m->name, gcache_strerror(rc)), 1;
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  return 0;
}
