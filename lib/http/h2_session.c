/* http/h2_session - see the header. nghttp2's checks are all left on. Its allocations carry their
 * size in front, because it does not pass the size when it frees. After a failed allocation it may
 * free another block twice (1.52, when a stream's first DATA is queued): from then on nothing is
 * allocated or freed, and at the end all its blocks are freed one by one. (Its option and callback
 * objects are made by malloc(), and freed by the time the session is open.) */
#include "http/h2_session.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "http/h2.h"
#include "http/h2_content.h"

#define BODY_EXTRA 8192
#define HEAD_TIMES_MAX 4     /* a head so many times the limit is not read to its end */
#define EARNED_BY_BYTES 4096 /* of body sent: one frame for its stream, one for the connection */

int gci_h2_built_in(void) {
  return 1;
}

/* ------------------------------------------------------------------------------- its memory -- */

/* In front of each of nghttp2's allocations. */
struct block {
  struct gcache_link_s link;
  size_t size; /* including this */
  size_t pad;  /* keeps what follows aligned */
};

static void free_sized(void *ptr, void *user) {
  struct gci_h2 *h = user;
  if (ptr == NULL || h->starved) return;
  struct block *b = (struct block *)ptr - 1;
  gci_link_unlink(&b->link);
  gci_mem_free(h->env->mem, b, b->size);
}

static void *realloc_sized(void *ptr, size_t want, void *user) {
  struct gci_h2 *h = user;
  struct block *b = ptr == NULL ? NULL : (struct block *)ptr - 1;
  size_t size = want + sizeof *b;
  if (h->starved || want > SIZE_MAX - sizeof *b) return NULL;
  if (b != NULL) gci_link_unlink(&b->link);
  struct block *resized = gci_mem_resize(h->env->mem, b, b == NULL ? 0 : b->size, size);
  if (resized == NULL) {
    if (b != NULL) gci_list_push_back(&h->blocks, &b->link);
    h->starved = 1;
    h->broken = 1;
    return NULL;
  }
  gci_link_init(&resized->link);
  gci_list_push_back(&h->blocks, &resized->link);
  resized->size = size;
  return resized + 1;
}

static void *malloc_sized(size_t want, void *user) {
  return realloc_sized(NULL, want, user);
}

static void *calloc_sized(size_t n, size_t each, void *user) {
  if (each > 0 && n > SIZE_MAX / each) return NULL;
  void *ptr = realloc_sized(NULL, n * each, user);
  if (ptr != NULL) memset(ptr, 0, n * each);
  return ptr;
}

/* -------------------------------------------------------------------------------- its faults -- */

int gci_h2_break(struct gci_h2 *h) {
  h->broken = 1;
  return NGHTTP2_ERR_CALLBACK_FAILURE;
}

void gci_h2_say(struct gci_h2 *h, const char *why, const char *word) {
  if (h->reason[0] == '\0') snprintf(h->reason, sizeof h->reason, "%s%s", why, word);
}

void gci_h2_end(struct gci_h2 *h, uint32_t code, const char *why) {
  if (h->over || h->broken) return;
  h->over = 1;
  gci_h2_say(h, why, "");
  if (nghttp2_session_terminate_session(h->ng, code) != 0) h->broken = 1;
}

static uint32_t code_of(int err) {
  return err == NGHTTP2_ERR_FLOODED ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR;
}

int gci_h2_checked(struct gci_h2 *h, int err) {
  if (err >= 0 || h->broken) return err;
  if (err == NGHTTP2_ERR_NOMEM || err == NGHTTP2_ERR_CALLBACK_FAILURE)
    h->broken = 1;
  else if (nghttp2_is_fatal(err) || err == NGHTTP2_ERR_TOO_MANY_SETTINGS)
    gci_h2_end(h, code_of(err), nghttp2_strerror(err));
  return err;
}

int gci_h2_done(const struct gci_h2 *h) {
  if (h->broken || h->over) return 1;
  return !nghttp2_session_want_read(h->ng) && !nghttp2_session_want_write(h->ng);
}

/* nghttp2 ends the connection itself when the other side breaks the protocol. */
void gci_h2_frame_sent(struct gci_h2 *h, const nghttp2_frame *frame) {
  uint32_t code = frame->goaway.error_code;
  if (frame->hd.type != NGHTTP2_GOAWAY || code == NGHTTP2_NO_ERROR) return;
  h->over = 1;
  gci_h2_say(h, "it broke the rules of HTTP/2: ", nghttp2_http2_strerror(code));
}

/* ---------------------------------------------------------------------------- its callbacks -- */

static int on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *user) {
  struct gci_h2 *h = user;
  (void)ng;
  (void)frame;
  (void)flags;
  if (h->head.size / HEAD_TIMES_MAX > h->limits->head_max) {
    gci_h2_end(h, NGHTTP2_ENHANCE_YOUR_CALM, "a head of many times the limit");
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  int err = gci_h2_head_add(&h->head, gcache_bytes(name, name_len), gcache_bytes(value, value_len));
  return err == 0 ? 0 : gci_h2_break(h);
}

/* nghttp2 would omit the header from the head; but the stream is malformed (RFC 9113, 8.2.1). */
static int on_header_refused(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
                             size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                             void *user) {
  (void)ng;
  (void)frame;
  (void)name;
  (void)name_len;
  (void)value;
  (void)value_len;
  (void)flags;
  (void)user;
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int on_error(nghttp2_session *ng, int code, const char *text, size_t len, void *user) {
  (void)ng;
  (void)code;
  (void)len;
  if (code != NGHTTP2_ERR_HTTP_HEADER) gci_h2_say(user, text, ""); /* that is a stream's */
  return 0;
}

static int on_data_sending(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *head,
                           size_t len, nghttp2_data_source *source, void *user) {
  struct gci_h2 *h = user;
  (void)ng;
  (void)frame;
  if (h->out.bytes >= GCI_H2_AHEAD) return NGHTTP2_ERR_WOULDBLOCK;
  struct gci_h2_content *content = source->ptr;
  int err = gci_out_text(&h->out, gcache_bytes(head, GCI_H2_FRAME_HEAD));
  if (err == 0) err = gci_h2_content_write(content, &h->out, len);
  if (err != 0) return gci_h2_break(h);
  h->said += GCI_H2_FRAME_HEAD + len;
  content->end_at = h->said;
  gci_h2_guard_earn(&h->guard, (unsigned)(2 * len / EARNED_BY_BYTES));
  return 0;
}

/* ---------------------------------------------------------------------------------- its life -- */

static nghttp2_option *make_options(const gcache_limits_t *limits, enum gci_h2_role role) {
  nghttp2_option *option;
  if (nghttp2_option_new(&option) != 0) return NULL;
  nghttp2_option_set_max_outbound_ack(option, limits->acks_max);
  nghttp2_option_set_max_settings(option, limits->settings_max);
  nghttp2_option_set_no_closed_streams(option, 1);
#ifdef GCI_HAVE_NGHTTP2_STREAM_RESET_RATE_LIMIT
  /* The guard decides; nghttp2 uses a clock of its own, so its limit is only a second one. */
  nghttp2_option_set_stream_reset_rate_limit(option, (uint64_t)limits->resets_burst * 10,
                                             (uint64_t)limits->resets_per_s * 2);
#endif
#ifdef GCI_HAVE_NGHTTP2_MAX_CONTINUATIONS
  nghttp2_option_set_max_continuations(option, limits->continuations_max);
#endif
  if (role == GCI_H2_SERVER) nghttp2_option_set_no_auto_window_update(option, 1); /* h2_windows */
  return option;
}

static nghttp2_session_callbacks *
make_callbacks(void (*add)(nghttp2_session_callbacks *callbacks)) {
  nghttp2_session_callbacks *callbacks;
  if (nghttp2_session_callbacks_new(&callbacks) != 0) return NULL;
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_header_refused);
  nghttp2_session_callbacks_set_error_callback2(callbacks, on_error);
  nghttp2_session_callbacks_set_send_data_callback(callbacks, on_data_sending);
  add(callbacks);
  return callbacks;
}

static uint32_t capped(size_t n) {
  return n > INT32_MAX ? INT32_MAX : (uint32_t)n;
}

/* Sends our SETTINGS, and the connection's window. */
static int introduce(struct gci_h2 *h, enum gci_h2_role role) {
  const nghttp2_settings_entry server[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, h->limits->streams_max},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, capped(h->limits->head_max)},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  };
  const nghttp2_settings_entry client[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, GCI_H2_ANSWER_WINDOW},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, capped(h->limits->head_max)},
  };
  int err = nghttp2_submit_settings(h->ng, NGHTTP2_FLAG_NONE,
                                    role == GCI_H2_SERVER ? server : client, 3);
  if (err != 0) return err;
  return nghttp2_session_set_local_window_size(h->ng, NGHTTP2_FLAG_NONE, 0,
                                               GCI_H2_CONNECTION_WINDOW);
}

static void end_session(struct gci_h2 *h) {
  struct gcache_link_s *link;
  if (!h->starved) nghttp2_session_del(h->ng); /* NULL is fine */
  while ((link = gci_list_pop_front(&h->blocks)) != NULL) {
    struct block *b = gci_container_of(link, struct block, link);
    gci_mem_free(h->env->mem, b, b->size);
  }
}

static int open_session(struct gci_h2 *h, enum gci_h2_role role,
                        void (*add)(nghttp2_session_callbacks *callbacks)) {
  nghttp2_session_callbacks *callbacks = make_callbacks(add);
  nghttp2_option *option = make_options(h->limits, role);
  int err = NGHTTP2_ERR_NOMEM;
  if (callbacks != NULL && option != NULL)
    err = role == GCI_H2_SERVER
              ? nghttp2_session_server_new3(&h->ng, callbacks, h, option, &h->allocator)
              : nghttp2_session_client_new3(&h->ng, callbacks, h, option, &h->allocator);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  if (err != 0)
    h->ng = NULL;
  else
    err = introduce(h, role);
  if (err != 0) end_session(h);
  return err;
}

int gci_h2_open(struct gci_h2 *h, enum gci_h2_role role, struct gci_env *env,
                const gcache_limits_t *limits, void (*add)(nghttp2_session_callbacks *callbacks)) {
  h->env = env;
  h->limits = limits;
  gci_list_init(&h->blocks);
  h->allocator = (nghttp2_mem){h, malloc_sized, free_sized, calloc_sized, realloc_sized};
  if (open_session(h, role, add) != 0) return UV_ENOMEM;
  h->mem = gci_mem_ref(env->mem);
  gci_out_init(&h->out, h->mem);
  gci_h2_head_init(&h->head, h->mem, limits);
  gci_h2_guard_init(&h->guard, role, limits, gci_env_mono_ms(env));
  return 0;
}

void gci_h2_fini(struct gci_h2 *h) {
  assert(!h->inside);
  end_session(h);
  gci_out_fini(&h->out);
  gci_h2_head_fini(&h->head);
  gci_mem_unref(h->mem);
}

/* -------------------------------------------------------------------------------- its bytes -- */

static void take(struct gci_h2 *h, gcache_bytes_t bytes) {
  h->inside = 1;
  ssize_t n = nghttp2_session_mem_recv(h->ng, bytes.base, bytes.len);
  h->inside = 0;
  if (n < 0) gci_h2_checked(h, (int)n);
  if (n < 0 && !h->broken) gci_h2_end(h, code_of((int)n), nghttp2_strerror((int)n));
}

/* More DATA has come than windows were given for. nghttp2 does not check DATA of closed streams.
 * Padding counts too, and nghttp2 gives its window back itself: hence twice. */
static int is_overfed(const struct gci_h2 *h) {
  uint64_t at_begin = h->guard.role == GCI_H2_SERVER ? h->guard.heads * GCI_H2_REQUEST_WINDOW : 0;
  return h->guard.data / 2 > h->windows + at_begin;
}

void gci_h2_feed(struct gci_h2 *h, gcache_bytes_t bytes) {
  if (h->broken || h->over) return;
  bytes.len = gci_h2_guard_take(&h->guard, bytes, gci_env_mono_ms(h->env));
  if (bytes.len > 0) take(h, bytes);
  if (h->guard.verdict != GCI_H2_FINE)
    gci_h2_end(h, NGHTTP2_ENHANCE_YOUR_CALM, gci_h2_verdict_text(h->guard.verdict));
  if (is_overfed(h)) gci_h2_end(h, NGHTTP2_FLOW_CONTROL_ERROR, "more data than was asked for");
  if (!h->guard.in_head) gci_h2_head_fini(&h->head); /* a connection at rest holds none */
}

void gci_h2_pull(struct gci_h2 *h) {
  if (h->inside) return;
  while (!h->broken && h->out.bytes < GCI_H2_AHEAD && nghttp2_session_want_write(h->ng)) {
    const uint8_t *bytes;
    h->inside = 1;
    ssize_t n = nghttp2_session_mem_send(h->ng, &bytes);
    h->inside = 0;
    if (n <= 0) {
      gci_h2_checked(h, (int)n);
      return;
    }
    if (gci_out_text(&h->out, gcache_bytes(bytes, (size_t)n)) != 0) h->broken = 1;
    h->said += (size_t)n;
  }
}

uint64_t gci_h2_body_max(const gcache_limits_t *limits) {
  uint64_t max = (uint64_t)limits->value_max + BODY_EXTRA;
  return max < BODY_EXTRA || max > SIZE_MAX ? SIZE_MAX : max;
}
