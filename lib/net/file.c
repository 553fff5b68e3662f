/* net/file - see file.h. One libuv request after the other: open, stat, read to the end, close. */
#include "net/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <uv.h>

#include "net/loop.h"

#define READ_MIN ((size_t)4096) /* room beyond the size that stat reported */

struct gci_file {
  struct gci_env *env;
  uv_loop_t *uv;
  uv_fs_t request;
  uv_file fd;
  size_t max;
  char *bytes;
  size_t n, cap;
  int status;
  int shutting;     /* must not be cancelled: the descriptor would stay */
  gci_file_cb done; /* NULL: cancelled */
  void *user;
};

static void end(struct gci_file *f) {
  struct gci_env *env = f->env;

  if (f->done != NULL) f->done(f->user, f->status, gcache_bytes(f->bytes, f->n));
  gci_mem_free(env->mem, f->bytes, f->cap);
  gci_mem_free(env->mem, f, sizeof *f);
  gci_loop_give(gci_loop_of(env));
}

static void on_shut(uv_fs_t *request) {
  struct gci_file *f = request->data;

  uv_fs_req_cleanup(request);
  end(f);
}

static void finish(struct gci_file *f, int status) {
  f->status = status;
  f->shutting = 1;
  uv_fs_close(f->uv, &f->request, f->fd, on_shut); /* with a callback it always accepts the
                                                    * request */
}

static void on_bytes(uv_fs_t *request);

static int make_room(struct gci_file *f) {
  size_t cap = f->n + READ_MIN > 2 * f->cap ? f->n + READ_MIN : 2 * f->cap;
  char *wider;

  if (f->cap - f->n >= READ_MIN / 2) return 0;
  wider = gci_mem_resize(f->env->mem, f->bytes, f->cap, cap);
  if (wider == NULL) return UV_ENOMEM;
  f->bytes = wider;
  f->cap = cap;
  return 0;
}

static void read_on(struct gci_file *f) {
  int rc = f->done == NULL ? UV_ECANCELED : make_room(f);

  if (rc == 0) {
    uv_buf_t buf = uv_buf_init(f->bytes + f->n, (unsigned)(f->cap - f->n));
    rc = uv_fs_read(f->uv, &f->request, f->fd, &buf, 1, -1, on_bytes);
  }
  if (rc < 0) finish(f, rc);
}

static void on_bytes(uv_fs_t *request) {
  struct gci_file *f = request->data;
  ssize_t n = request->result;

  uv_fs_req_cleanup(request);
  if (n <= 0) {
    finish(f, (int)n);
    return;
  }
  f->n += (size_t)n;
  if (f->n > f->max)
    finish(f, UV_EFBIG);
  else
    read_on(f);
}

static void on_stat(uv_fs_t *request) {
  struct gci_file *f = request->data;
  int rc = (int)request->result;
  int regular = S_ISREG(request->statbuf.st_mode);
  uint64_t size = request->statbuf.st_size;

  uv_fs_req_cleanup(request);
  if (rc == 0 && !regular) rc = UV_EINVAL;
  if (rc == 0 && size > f->max) rc = UV_EFBIG;
  if (rc < 0)
    finish(f, rc);
  else
    read_on(f);
}

static void on_opened(uv_fs_t *request) {
  struct gci_file *f = request->data;
  int rc = (int)request->result;

  uv_fs_req_cleanup(request);
  if (rc < 0) {
    f->status = rc;
    end(f);
    return;
  }
  f->fd = rc;
  rc = uv_fs_fstat(f->uv, &f->request, f->fd, on_stat);
  if (rc < 0) finish(f, rc);
}

int gci_file_read(struct gci_file **out, struct gci_env *env, struct uv_loop_s *uv,
                  const char *path, size_t max, gci_file_cb done, void *user) {
  struct gci_file *f = gci_mem_zalloc(env->mem, sizeof *f);
  int rc;

  if (f == NULL) return UV_ENOMEM;
  *f = (struct gci_file){.env = env, .uv = uv, .max = max, .done = done, .user = user};
  f->request.data = f;
  /* Without O_NONBLOCK a thread would wait for the other end of a pipe; without O_NOCTTY a terminal
   * would become the controlling terminal of the process. */
  rc = uv_fs_open(uv, &f->request, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0,
                  on_opened);
  if (rc < 0) {
    gci_mem_free(env->mem, f, sizeof *f);
    return rc;
  }
  gci_loop_take(gci_loop_of(env));
  *out = f;
  return 0;
}

void gci_file_cancel(struct gci_file *file) {
  file->done = NULL;
  if (!file->shutting) uv_cancel((uv_req_t *)&file->request);
}
