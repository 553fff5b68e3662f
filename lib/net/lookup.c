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

static size_t collect(struct sockaddr_storage out[GCI_LOOKUP_ADDRESSES],
                      const struct addrinfo *list) {
  size_t n = 0;

  for (; list != NULL && n < GCI_LOOKUP_ADDRESSES; list = list->ai_next) {
    if (list->ai_family != AF_INET && list->ai_family != AF_INET6) continue;
    memset(&out[n], 0, sizeof out[n]);
    memcpy(&out[n++], list->ai_addr, list->ai_addrlen);
  }
  return n;
}

static void on_looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *list) {
  struct gci_lookup *l = request->data;
  struct gci_env *env = l->env;
  struct gci_loop *loop = gci_loop_of(env);
  struct sockaddr_storage addresses[GCI_LOOKUP_ADDRESSES];
  size_t n = status == 0 ? collect(addresses, list) : 0;
  gci_lookup_cb done = l->done;
  void *user = l->user;

  uv_freeaddrinfo(list);
  gci_mem_free(env->mem, l, sizeof *l);
  if (done != NULL) done(user, status, addresses, n);
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
