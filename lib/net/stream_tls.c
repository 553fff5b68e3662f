/* net/stream_tls - see stream.h and stream_tls.h. Ciphertext is read from where the loop has put
 * it; bytes that an owner leaves when it stops reading are kept, and read from the loop when it
 * starts again. The TLS lives until on_closed: it is on the stack when an owner closes inside an
 * event. */
#include "net/stream_tls.h"

#include <assert.h>

#include "net/stream_write.h"

/* -------------------------------------------------------------------------------------- ends -- */

/* TLS ends with status. The alert, which tells the other side why, is sent before the owner is
 * told. */
static void end_with(struct gci_stream *s, int status) {
  if (status != UV_EOF) {
    gci_stream_write_try(s);
    s->securing = 0;
    s->refused = 1;
  }
  gci_stream_end(s, status);
}

/* Nothing will come after the bytes at hand. */
static void end_with_socket(struct gci_stream *s) {
  char none[GCI_TLS_RECORD];
  int err;

  if (s->raw_status != UV_EOF) {
    gci_stream_end(s, s->raw_status);
    return;
  }
  gci_tls_feed_end(s->tls);
  err = s->securing ? gci_tls_handshake(s->tls) : (int)gci_tls_read(s->tls, none, sizeof none);
  gci_stream_end(s, err);
}

/* ------------------------------------------------------------------------------------- reads -- */

/* Sends output that waited for the handshake, and TLS's own. Nonzero: the stream has ended. */
static int send_more(struct gci_stream *s) {
  int err = gci_stream_write_more(s);

  if (err == 0) return 0;
  gci_stream_end(s, err);
  return 1;
}

/* Nonzero: goes on. */
static int go_on_securing(struct gci_stream *s) {
  int rc = gci_tls_handshake(s->tls);

  if (rc < 0) {
    end_with(s, rc);
    return 0;
  }
  if (rc == 1) {
    s->securing = 0;
    if (!s->finishing && s->events->on_secured != NULL) s->events->on_secured(s->user);
    if (s->closing) return 0;
  }
  return !send_more(s) && rc == 1;
}

/* Nonzero: goes on. */
static int go_on_reading(struct gci_stream *s) {
  char plain[GCI_TLS_RECORD];
  ssize_t n = gci_tls_read(s->tls, plain, sizeof plain);

  if (n > 0) {
    s->events->on_read(s->user, gcache_bytes(plain, (size_t)n));
    return 1;
  }
  if (n < 0) {
    end_with(s, (int)n);
    return 0;
  }
  send_more(s);
  return 0;
}

static int wants_more(const struct gci_stream *s) {
  return s->reading && !s->ended && !s->closing && (s->securing || !s->finishing);
}

static void go_on(struct gci_stream *s) {
  while (wants_more(s))
    if (!(s->securing ? go_on_securing(s) : go_on_reading(s))) break;
  if (s->ended || s->closing) return;
  if (wants_more(s) && s->raw_status != 0)
    end_with_socket(s);
  else if (gci_tls_keep(s->tls) < 0)
    gci_stream_end(s, UV_ENOMEM);
}

void gci_stream_tls_input(struct gci_stream *s, gcache_bytes_t cipher) {
  if (gci_tls_feed(s->tls, cipher) < 0)
    gci_stream_end(s, UV_ENOMEM);
  else
    go_on(s);
}

void gci_stream_tls_input_end(struct gci_stream *s, int status) {
  s->raw_status = status;
  go_on(s);
}

static void on_more(struct gcache_job_s *job) {
  struct gci_stream *s = gci_container_of(job, struct gci_stream, more);

  if (!s->ended) go_on(s);
}

void gci_stream_tls_resume(struct gci_stream *s) {
  if ((gci_tls_kept(s->tls) || s->raw_status != 0) && !gci_job_queued(&s->more))
    gci_env_defer(s->env, GCI_COMPLETIONS, &s->more);
}

/* ------------------------------------------------------------------------------------ writes -- */

int gci_stream_tls_fill(struct gci_stream *s) {
  int err;

  if (s->securing || s->refused) return 0;
  if (s->out != NULL) {
    err = gci_tls_write(s->tls, s->out);
    if (err < 0) return err;
  }
  if (s->finishing && (s->out == NULL || s->out->bytes == 0)) gci_tls_write_end(s->tls);
  return 0;
}

void gci_stream_tls_goodbye(struct gci_stream *s) {
  if (s->securing || s->broken || gci_stream_blocked(s) || (s->out != NULL && s->out->bytes > 0))
    return;
  gci_tls_write_end(s->tls);
  gci_stream_write_try(s);
}

/* ----------------------------------------------------------------------------- begins, stops -- */

static int begin(struct gci_stream *s, struct gci_tls *tls, gcache_bytes_t first) {
  int err;

  assert(s->tls == NULL);
  s->tls = tls;
  s->securing = 1;
  gci_job_init(&s->more, on_more);
  err = first.len == 0 ? 0 : gci_tls_feed(tls, first);
  if (err == 0) err = gci_tls_keep(tls);
  if (err == 0) err = gci_stream_read_start(s);
  if (err == 0) {
    gci_stream_write_start(s);
    gci_stream_tls_resume(s);
    return 0;
  }
  s->securing = 0;
  gci_stream_tls_free(s);
  return err;
}

int gci_stream_secure_client(struct gci_stream *s, gcache_tls_t *tls, const char *host,
                             uint16_t port, enum gci_tls_offer offer) {
  struct gci_tls *t;
  int err = gci_tls_open_client(&t, s->env->mem, tls, host, port, offer);

  return err < 0 ? err : begin(s, t, gcache_bytes(NULL, 0));
}

int gci_stream_secure_server(struct gci_stream *s, gcache_tls_t *tls, enum gci_tls_offer offer,
                             gcache_bytes_t first) {
  struct gci_tls *t;
  int err = gci_tls_open_server(&t, s->env->mem, tls, offer);

  return err < 0 ? err : begin(s, t, first);
}

void gci_stream_tls_stop(struct gci_stream *s) {
  gci_defer_cancel(&s->more);
}

void gci_stream_tls_free(struct gci_stream *s) {
  gci_tls_close(s->tls);
  s->tls = NULL;
}

/* ------------------------------------------------------------------------------------- asked -- */

enum gci_tls_alpn gci_stream_alpn(const struct gci_stream *s) {
  return s->tls == NULL ? GCI_TLS_ALPN_NONE : gci_tls_alpn(s->tls);
}

int gci_stream_verified(const struct gci_stream *s) {
  return s->tls != NULL && gci_tls_verified(s->tls);
}

int gci_stream_named(const struct gci_stream *s, const char *host) {
  return s->tls != NULL && gci_tls_named(s->tls, host);
}

int gci_stream_resumed(const struct gci_stream *s) {
  return s->tls != NULL && gci_tls_resumed(s->tls);
}

const char *gci_stream_reason(const struct gci_stream *s) {
  return s->tls == NULL ? "" : gci_tls_reason(s->tls);
}
