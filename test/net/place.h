/* place - the addresses of the tests' members and raw servers: on loopback, at a free port; or, in
 * programs built with TEST_UNIX, Unix sockets in a directory of the process, which is removed at
 * its end. Tests refer to a socket by a number, as to a port. */
#ifndef TEST_NET_PLACE_H
#define TEST_NET_PLACE_H

#include <stddef.h>
#include <uv.h>

#include "gcache/http.h"

union place_handle {
  uv_handle_t handle;
  uv_stream_t stream;
  uv_tcp_t tcp;
  uv_pipe_t pipe;
};

void place_init(uv_loop_t *loop, union place_handle *h);
int place_listen(union place_handle *h, uv_connection_cb cb); /* its number */
void place_connect(uv_connect_t *req, union place_handle *h, int number, uv_connect_cb cb);
int place_listen_cache(gcache_listener_t **out, gcache_t *cache); /* its number, or < 0 */
void place_listen_again(gcache_listener_t **out, gcache_t *cache, int number);
void place_url(char *out, size_t cap, int number);
void place_host(char *out, size_t cap, int number); /* what Host says */
int place_is_unix(void);

/* A path that nobody has been given before, in the directory. */
void place_new_path(char *out, size_t cap);

#endif
