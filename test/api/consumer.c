/* An application as C99, C11, C++11 and C++20 see it: all public headers ("all.h", made from what is
 * installed), a function of each linked, and a cache that answers a get from its getter. */
#include <stdio.h>
#include <string.h>

#if defined(__STRICT_ANSI__) && !defined(__cplusplus)
/* uv.h needs more than strict C gives; gcache's headers do not. */
struct uv_loop_s *uv_default_loop(void);
enum { UV_RUN_DEFAULT };
int uv_run(struct uv_loop_s *loop, int mode);
int uv_loop_close(struct uv_loop_s *loop);
#else
#include <uv.h>
#endif

#include "all.h"

typedef void (*function_t)(void);
extern const function_t linked[];
const function_t linked[] = {(function_t)gcache_listen,    (function_t)gcache_value_pack,
                             (function_t)gcache_answer,    (function_t)gcache_tls_open,
                             (function_t)gcache_get_many,  (function_t)gcache_leave,
                             (function_t)gcache_stats_size};

static int failed = 1;

static void on_load(gcache_load_t *load) {
  gcache_load_done_copy(load, gcache_cstr("loaded"), 0);
}

static void on_get(gcache_get_t *req, int status, gcache_value_t *value) {
  if (status == 0) {
    gcache_bytes_t b = gcache_value_bytes(value);
    failed = b.len != 6 || memcmp(b.base, "loaded", 6) != 0;
  }
  gcache_close((gcache_t *)req->data, NULL, NULL);
}

int main(void) {
  static gcache_get_t get;
  gcache_options_t options;
  gcache_group_options_t group_options;
  gcache_t *cache;
  gcache_group_t *group;

  gcache_options_init(&options);
  options.loop = uv_default_loop();
  if (gcache_open(&cache, &options) < 0) return 1;
  gcache_group_options_init(&group_options);
  group_options.max_bytes = 1 << 20;
  group_options.getter = on_load;
  if (gcache_group_open(&group, cache, "things", &group_options) < 0) return 1;
  get.data = cache;
  if (gcache_get(&get, group, gcache_cstr("key"), 1000, on_get) < 0) return 1;
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  if (uv_loop_close(uv_default_loop()) != 0) return 1;
  printf("%d.%d.%d %s\n", GCACHE_VERSION_MAJOR, GCACHE_VERSION_MINOR, GCACHE_VERSION_PATCH,
         gcache_version_string());
  return failed || linked[0] == NULL;
}
