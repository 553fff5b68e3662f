/* find/file - members from a file. Looks when the watch of its directory reports a change, and at
 * intervals, for changes that the watch cannot see. Owns the watch, and the read under way.
 * Fails: a file that cannot be read or has a bad line is a failed look. */
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "find/find.h"
#include "find/lines.h"
#include "net/file.h"
#include "net/loop.h"
#include "net/watch.h"

#define INTERVAL_MS 10000
#define FILE_MAX ((size_t)8 * 1024 * 1024)

struct find_file {
  gcache_find_t find; /* first */
  struct gci_watch *watch;
  struct gci_file *file; /* NULL: no read is under way */
  size_t size;
  char path[];
};

static struct find_file *file_of(gcache_find_t *find) {
  return gci_container_of(find, struct find_file, find);
}

static void fail(struct find_file *f, int status, const char *what) {
  char text[GCI_FIND_TEXT];

  snprintf(text, sizeof text, "%.180s: %s", f->path, what);
  gci_find_failed(&f->find, status, text);
}

static void take(struct find_file *f, gcache_bytes_t bytes) {
  struct gci_find_list list;
  size_t line;
  char what[60];
  int rc;

  gci_find_list_init(&list, f->find.env->mem);
  rc = gci_find_lines_read(&list, bytes, &line);
  if (rc == 0) {
    gci_find_found(&f->find, &list, "");
  } else {
    snprintf(what, sizeof what, "line %zu is not a URL, or has a bad weight", line);
    fail(f, rc, rc == UV_EINVAL ? what : gci_core_error_text(f->find.cache, rc));
  }
  gci_find_list_fini(&list);
}

static void on_read(void *user, int status, gcache_bytes_t bytes) {
  struct find_file *f = user;

  f->file = NULL;
  if (status < 0)
    fail(f, status, gci_core_error_text(f->find.cache, status));
  else
    take(f, bytes);
}

static uv_loop_t *loop_of(const struct find_file *f) {
  return gci_loop_of(f->find.env)->uv;
}

static void look(gcache_find_t *find) {
  struct find_file *f = file_of(find);
  int rc;

  gci_watch_again(f->watch); /* the directory may be another one now */
  rc = gci_file_read(&f->file, find->env, loop_of(f), f->path, FILE_MAX, on_read, f);
  if (rc < 0) fail(f, rc, gci_core_error_text(find->cache, rc));
}

static void on_changed(void *user) {
  gci_find_nudge(user);
}

static void on_watch_closed(void *user) {
  gci_find_stopped(user);
}

static void stop(gcache_find_t *find) {
  struct find_file *f = file_of(find);

  if (f->file != NULL) gci_file_cancel(f->file);
  gci_watch_close(f->watch, on_watch_closed);
}

static void release(gcache_find_t *find) {
  struct find_file *f = file_of(find);

  gci_mem_free(find->env->mem, f, f->size);
}

static const struct gci_find_kind kind = {look, stop, release};

int gcache_find_file(gcache_find_t **out, const gcache_find_options_t *options, const char *path) {
  size_t size = sizeof(struct find_file) + (path == NULL ? 0 : strlen(path)) + 1;
  gcache_find_options_t o;
  struct find_file *f;
  int rc = gci_find_options_read(&o, options, INTERVAL_MS);

  if (rc < 0) return rc;
  if (path == NULL || *path == '\0') return UV_EINVAL;
  f = gci_mem_zalloc(o.cache->env->mem, size);
  if (f == NULL) return UV_ENOMEM;
  f->size = size;
  strcpy(f->path, path);
  rc = gci_find_open(&f->find, &o, &kind);
  if (rc == 0) {
    rc = gci_watch_open(&f->watch, f->find.env, loop_of(f), path, on_changed, &f->find);
    if (rc < 0) gci_find_undo(&f->find);
  }
  if (rc < 0) {
    gci_mem_free(o.cache->env->mem, f, size);
    return rc;
  }
  *out = &f->find;
  return 0;
}
