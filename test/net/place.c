#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "place.h"

#include <dirent.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---------------------------------------------------------------------- Unix sockets' files -- */

static char directory[32];
static int latest, owner;

static void remove_directory(void) {
  char path[64];
  struct dirent *entry;
  DIR *dir = getpid() == owner ? opendir(directory) : NULL;

  while (dir != NULL && (entry = readdir(dir)) != NULL) {
    snprintf(path, sizeof path, "%s/%.20s", directory, entry->d_name);
    unlink(path);
  }
  if (dir == NULL) return;
  closedir(dir);
  rmdir(directory);
}

static void path_of(char *out, size_t cap, int number) {
  if (directory[0] == '\0') {
    snprintf(directory, sizeof directory, "/tmp/gcache-net-XXXXXX");
    assert_non_null(mkdtemp(directory));
    owner = getpid();
    atexit(remove_directory);
  }
  snprintf(out, cap, "%s/%d", directory, number);
}

void place_new_path(char *out, size_t cap) {
  path_of(out, cap, ++latest);
}

/* ------------------------------------------------------------------------------- one of two -- */

#ifdef TEST_UNIX

/* libuv's writes raise SIGPIPE, over Unix sockets the first one already. */
void place_init(uv_loop_t *loop, union place_handle *h) {
  signal(SIGPIPE, SIG_IGN);
  uv_pipe_init(loop, &h->pipe, 0);
}

int place_listen(union place_handle *h, uv_connection_cb cb) {
  char path[64];

  place_new_path(path, sizeof path);
  assert_int_equal(uv_pipe_bind(&h->pipe, path), 0);
  assert_int_equal(uv_listen(&h->stream, 64, cb), 0);
  return latest;
}

void place_connect(uv_connect_t *req, union place_handle *h, int number, uv_connect_cb cb) {
  char path[64];

  path_of(path, sizeof path, number);
  uv_pipe_connect(req, &h->pipe, path, cb);
}

void place_listen_again(gcache_listener_t **out, gcache_t *cache, int number) {
  char path[64];

  path_of(path, sizeof path, number);
  assert_int_equal(gcache_listen_unix(out, cache, path, 0, 64), 0);
}

int place_listen_cache(gcache_listener_t **out, gcache_t *cache) {
  char path[64];
  int rc;

  place_new_path(path, sizeof path);
  rc = gcache_listen_unix(out, cache, path, 0, 64);
  return rc < 0 ? rc : latest;
}

void place_url(char *out, size_t cap, int number) {
  char path[64];

  path_of(path, sizeof path, number);
  snprintf(out, cap, "unix:%s", path);
}

void place_host(char *out, size_t cap, int number) {
  (void)number;
  snprintf(out, cap, "localhost");
}

int place_is_unix(void) {
  return 1;
}

#else

void place_init(uv_loop_t *loop, union place_handle *h) {
  uv_tcp_init(loop, &h->tcp);
  uv_tcp_nodelay(&h->tcp, 1);
}

int place_listen(union place_handle *h, uv_connection_cb cb) {
  struct sockaddr_in addr;
  int len = sizeof addr;

  uv_ip4_addr("127.0.0.1", 0, &addr);
  assert_int_equal(uv_tcp_bind(&h->tcp, (const struct sockaddr *)&addr, 0), 0);
  assert_int_equal(uv_listen(&h->stream, 64, cb), 0);
  assert_int_equal(uv_tcp_getsockname(&h->tcp, (struct sockaddr *)&addr, &len), 0);
  return ntohs(addr.sin_port);
}

void place_connect(uv_connect_t *req, union place_handle *h, int number, uv_connect_cb cb) {
  struct sockaddr_in addr;

  uv_ip4_addr("127.0.0.1", number, &addr);
  assert_int_equal(uv_tcp_connect(req, &h->tcp, (const struct sockaddr *)&addr, cb), 0);
}

void place_listen_again(gcache_listener_t **out, gcache_t *cache, int number) {
  struct sockaddr_in addr;

  uv_ip4_addr("127.0.0.1", number, &addr);
  assert_int_equal(gcache_listen(out, cache, (const struct sockaddr *)&addr, 64), 0);
}

int place_listen_cache(gcache_listener_t **out, gcache_t *cache) {
  struct sockaddr_in addr;
  int rc;

  uv_ip4_addr("127.0.0.1", 0, &addr);
  rc = gcache_listen(out, cache, (const struct sockaddr *)&addr, 64);
  return rc < 0 ? rc : gcache_listener_port(*out);
}

void place_url(char *out, size_t cap, int number) {
  snprintf(out, cap, "http://127.0.0.1:%d", number);
}

void place_host(char *out, size_t cap, int number) {
  snprintf(out, cap, "127.0.0.1:%d", number);
}

int place_is_unix(void) {
  return 0;
}

#endif
