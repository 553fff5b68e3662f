/* net/lookup - see lookup.h. */
#include "net/lookup.h"

#include <netdb.h>
#include <string.h>
#include <uv.h>

#include "net/loop.h"

struct gci_lookup {
  struct gci_env *env;
  uv_getaddrinfo_t request;
  gci_lookup_cb done; /* NULL: cancelled */
  void *user;
};

#define FEW 16 /* addresses that need no allocation */

static int is_ip(const struct addrinfo *one) {
  return one->ai_family == AF_INET || one->ai_family == AF_INET6;
}

static size_t count(const struct addrinfo *list) {
  size_t n = 0;

  for (; list != NULL && n < GCI_LOOKUP_ADDRESSES; list = list->ai_next)
    n += is_ip(list) != 0;
  return n;
}

static void collect(struct sockaddr_storage out[], size_t n, const struct addrinfo *list) {
  for (size_t i = 0; i < n; list = list->ai_next)
    if (is_ip(list)) memcpy(&out[i++], list->ai_addr, list->ai_addrlen);
}

static void tell(struct gci_mem *mem, gci_lookup_cb done, void *user, int status,
                 const struct addrinfo *list) {
  struct sockaddr_storage few[FEW] = {{0}}, *all = few;
  size_t n = status == 0 ? count(list) : 0;

  if (n > FEW) all = gci_mem_zalloc(mem, n * sizeof *all);
  if (all == NULL) {
    done(user, UV_ENOMEM, NULL, 0);
    return;
  }
  collect(all, n, list);
  done(user, status, all, n);
  if (all != few) gci_mem_free(mem, all, n * sizeof *all);
}

static void on_looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *list) {
  struct gci_lookup *l = request->data;
  struct gci_env *env = l->env;
  struct gci_loop *loop = gci_loop_of(env);
  gci_lookup_cb done = l->done;
  void *user = l->user;

  gci_mem_free(env->mem, l, sizeof *l);
  if (done != NULL) tell(env->mem, done, user, status, list);
  uv_freeaddrinfo(list);
  gci_loop_give(loop);
}

int gci_lookup_start(struct gci_lookup **out, struct gci_env *env, struct uv_loop_s *uv,
                     const char *name, gci_lookup_cb done, void *user) {
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  struct gci_lookup *l = gci_mem_zalloc(env->mem, sizeof *l);
  int rc;

  if (l == NULL) return UV_ENOMEM;
  l->env = env;
  l->done = done;
  l->user = user;
  l->request.data = l;
  rc = uv_getaddrinfo(uv, &l->request, on_looked_up, name, NULL, &hints);
  if (rc < 0) {
    gci_mem_free(env->mem, l, sizeof *l);
    return rc;
  }
  gci_loop_take(gci_loop_of(env));
  *out = l;
  return 0;
}

void gci_lookup_cancel(struct gci_lookup *lookup) {
  lookup->done = NULL;
  uv_cancel((uv_req_t *)&lookup->request);
}
