/* One libmicrohttpd request: its body is collected, and its connection is suspended while gcache
 * works on it and resumed for the response. The server does not watch a suspended connection, so
 * this file does.
 *
 * Failure modes: a body over BODY_MAX is refused with 413 if its length was declared, otherwise the
 * connection is closed; it is also closed when memory is short. A client that closes only its
 * sending side counts as gone. The server cuts a target at a raw NUL, which HTTP does not allow. */
#include <stdlib.h>
#include <string.h>

#include "mount.h"

#define BODY_MAX (((size_t)16 << 20) + 8192) /* gcache's limits.value_max and what is around it */

/* ------------------------------------------------------------------------------- suspension -- */

static void on_hung_up(uv_poll_t *poll, int status, int events) {
  struct exchange *x = poll->data;

  (void)status;
  (void)events;
  uv_poll_stop(poll);
  x->cancel(x); /* its callback still runs, and sends nothing */
}

int exchange_suspend(struct exchange *x, void (*cancel)(struct exchange *x)) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(x->connection,
                                                                 MHD_CONNECTION_INFO_CONNECTION_FD);
  int rc = uv_poll_init(&x->mount->loop, &x->hang_up, info->connect_fd);

  if (rc < 0) return rc;
  x->hang_up.data = x;
  x->cancel = cancel;
  uv_poll_start(&x->hang_up, UV_DISCONNECT, on_hung_up);
  MHD_suspend_connection(x->connection);
  x->suspended = 1;
  x->mount->suspended++;
  return 0;
}

static void on_unwatched(uv_handle_t *poll) {
  struct exchange *x = poll->data;
  struct mount *mount = x->mount;

  MHD_resume_connection(x->connection); /* the server calls exchange_continue() again */
  x->suspended = 0;
  mount->suspended--;
  mount_run_soon(mount);
  mount_end_further(mount);
}

/* ------------------------------------------------------------------------------- the answer -- */

void exchange_reply(struct exchange *x, unsigned status, struct MHD_Response *response) {
  x->answered = 1;
  x->status = status;
  x->response = response;
  /* Resumed when the watch has ended: x may be freed from then on. */
  if (x->suspended) uv_close((uv_handle_t *)&x->hang_up, on_unwatched);
}

void exchange_reply_text(struct exchange *x, unsigned status, const char *text) {
  gcache_bytes_t part[3] = {gcache_cstr(text), gcache_cstr(""), gcache_cstr("\n")};

  exchange_reply(x, status, exchange_body(part, NULL));
}

struct sent {
  gcache_value_t *owner;
  char bytes[]; /* the first and the last part */
};

static void on_sent(void *cls) {
  struct sent *sent = cls;

  gcache_value_unref(sent->owner);
  free(sent);
}

struct MHD_Response *exchange_body(const gcache_bytes_t part[3], gcache_value_t *owner) {
  struct sent *sent = malloc(sizeof *sent + part[0].len + part[2].len);
  struct MHD_Response *response;

  if (sent == NULL) return NULL;
  if (part[0].len > 0) memcpy(sent->bytes, part[0].base, part[0].len);
  if (part[2].len > 0) memcpy(sent->bytes + part[0].len, part[2].base, part[2].len);
  sent->owner = gcache_value_ref(owner); /* as long as the server may read part[1] */
  response = MHD_create_response_from_iovec(
      (struct MHD_IoVec[]){{sent->bytes, part[0].len},
                           {part[1].base, part[1].len},
                           {sent->bytes + part[0].len, part[2].len}},
      3, on_sent, sent);
  if (response == NULL) on_sent(sent);
  return response;
}

static enum MHD_Result send_answer(struct exchange *x) {
  return x->response == NULL ? MHD_NO : MHD_queue_response(x->connection, x->status, x->response);
}

/* ------------------------------------------------------------------------------ the request -- */

/* The only callback in which the server passes the target as received: later it is unescaped, and
 * ends at a %00. The returned pointer is *context from here on. */
void *exchange_begin(void *cls, const char *target, struct MHD_Connection *connection) {
  struct exchange *x = calloc(1, sizeof *x + strlen(target) + 1);

  (void)connection;
  if (x == NULL) return NULL;
  x->mount = cls;
  x->mount->exchanges++;
  strcpy(x->target, target);
  return x;
}

static enum MHD_Result take_head(struct exchange *x, struct MHD_Connection *connection,
                                 const char *method) {
  const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
                                                   MHD_HTTP_HEADER_CONTENT_LENGTH);

  x->connection = connection;
  x->method = method;
  if (length == NULL || strtoull(length, NULL, 10) <= BODY_MAX) return MHD_YES;
  exchange_reply_text(x, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too large");
  return send_answer(x);
}

static enum MHD_Result take_body(struct exchange *x, const char *data, size_t len) {
  size_t room = x->body_room;
  char *body;

  if (len > BODY_MAX - x->body_len) return MHD_NO;
  while (room < x->body_len + len)
    room = room == 0 ? 4096 : room * 2;
  body = realloc(x->body, room);
  if (body == NULL) return MHD_NO;
  memcpy(body + x->body_len, data, len);
  x->body = body;
  x->body_room = room;
  x->body_len += len;
  return MHD_YES;
}

/* Called for the head, for each piece of a body, at the end, and once more after a suspension. */
enum MHD_Result exchange_continue(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *len, void **context) {
  struct exchange *x = *context;
  size_t n = *len;

  (void)cls;
  (void)url;
  (void)version;
  if (x == NULL) return MHD_NO;
  if (x->connection == NULL) return take_head(x, connection, method);
  *len = 0;
  if (n > 0) return take_body(x, data, n);
  if (!x->answered) {
    if (gcache_serves(x->mount->cache, gcache_cstr(x->target)))
      serve_answer(x);
    else
      pages_answer(x);
  }
  return x->suspended ? MHD_YES : send_answer(x);
}

void exchange_end(void *cls, struct MHD_Connection *connection, void **context,
                  enum MHD_RequestTerminationCode why) {
  struct exchange *x = *context;
  struct mount *mount = cls;

  (void)connection;
  (void)why;
  if (x == NULL) return;
  if (x->response != NULL) MHD_destroy_response(x->response);
  free(x->body);
  free(x);
  *context = NULL;
  mount->exchanges--;
  mount_end_further(mount);
}
