/* net/watch - see watch.h. */
#include "net/watch.h"

#include <string.h>
#include <uv.h>

#include "net/loop.h"

struct gci_watch {
  struct gci_env *env;
  uv_fs_event_t handle;
  void (*changed)(void *user);
  void (*closed)(void *user);
  void *user;
  const char *name; /* in text, behind the directory */
  size_t size;
  char text[]; /* the path, with its last slash replaced by a zero */
};

static void on_changed(uv_fs_event_t *handle, const char *name, int events, int status) {
  struct gci_watch *w = handle->data;

  (void)events;
  if (status < 0 || name == NULL || strcmp(name, w->name) == 0 || strncmp(name, "..", 2) == 0)
    w->changed(w->user);
}

/* "/a/b" is b in /a, "/b" is b in /, "b" is b in the working directory. */
static const char *directory_of(const struct gci_watch *w) {
  if (w->name == w->text) return ".";
  return w->name == w->text + 1 ? "/" : w->text;
}

void gci_watch_again(struct gci_watch *w) {
  uv_fs_event_stop(&w->handle);
  uv_fs_event_start(&w->handle, on_changed, directory_of(w), 0);
}

int gci_watch_open(struct gci_watch **out, struct gci_env *env, struct uv_loop_s *uv,
                   const char *path, void (*changed)(void *user), void *user) {
  size_t size = sizeof(struct gci_watch) + strlen(path) + 1;
  struct gci_watch *w = gci_mem_zalloc(env->mem, size);
  char *slash;

  if (w == NULL) return UV_ENOMEM;
  w->env = env;
  w->size = size;
  w->changed = changed;
  w->user = user;
  w->handle.data = w;
  strcpy(w->text, path);
  slash = strrchr(w->text, '/');
  w->name = slash == NULL ? w->text : slash + 1;
  if (slash != NULL) *slash = '\0';
  uv_fs_event_init(uv, &w->handle);
  uv_unref((uv_handle_t *)&w->handle);
  gci_loop_take(gci_loop_of(env));
  gci_watch_again(w);
  *out = w;
  return 0;
}

static void on_closed(uv_handle_t *handle) {
  struct gci_watch *w = handle->data;
  struct gci_loop *loop = gci_loop_of(w->env);
  void (*closed)(void *user) = w->closed;
  void *user = w->user;

  gci_mem_free(w->env->mem, w, w->size);
  closed(user);
  gci_loop_give(loop);
}

void gci_watch_close(struct gci_watch *w, void (*closed)(void *user)) {
  w->closed = closed;
  uv_close((uv_handle_t *)&w->handle, on_closed);
}
