/* net/tls_openssl - see tls.h: one connection. The error queue is emptied before every call whose
 * result it explains: other code in the process uses OpenSSL too. */
#include "net/tls_openssl.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"

#define SLICES 64
#define CHATTER_MAX 500 /* steps; new keys take five */
#define CHATTER_PAID 8  /* steps that one read of plaintext makes up for */
#define PEER_MAX 300    /* a host name has 255 bytes at most */

/* ------------------------------------------------------------------------------------ fails -- */

static int fail(struct gci_tls *t, int status, const char *words) {
  t->status = status;
  gci_tls_say(t->reason, sizeof t->reason, "%s", words);
  return status;
}

static int fail_by_openssl(struct gci_tls *t) {
  t->status = gci_tls_say_error(t->reason, sizeof t->reason, t->ssl);
  if (t->no_memory) return fail(t, UV_ENOMEM, "out of memory");
  return t->status;
}

/* After a call that has not completed: 0 if it only wants more ciphertext. */
static int judge(struct gci_tls *t, int rc) {
  switch (SSL_get_error(t->ssl, rc)) {
  case SSL_ERROR_WANT_READ:
    if (!t->in_ended) return 0;
    return fail(t, UV_ECONNABORTED,
                t->established ? "TLS connection cut without close_notify"
                               : "the connection ended during the TLS handshake");
  case SSL_ERROR_ZERO_RETURN:
    return UV_EOF;
  case SSL_ERROR_SSL:
  case SSL_ERROR_SYSCALL:
  case SSL_ERROR_WANT_WRITE: /* the queue always has room, or is out of memory */
    return fail_by_openssl(t);
  default:
    return fail(t, UV_EPROTO,
                "a callback of the SSL_CTX wants to be called again later, which is not supported");
  }
}

/* ------------------------------------------------------------------------------------- opens -- */

/* OpenSSL answers an attempt to renegotiate with a warning, and a request for new keys (TLS 1.3)
 * with new keys, and goes on: repeated attempts cost us. */
static void on_informed(const SSL *ssl, int where, int value) {
  void (*theirs)(const SSL *, int, int) = SSL_CTX_get_info_callback(SSL_get_SSL_CTX(ssl));
  struct gci_tls *t = gci_tls_of(ssl);

  if (theirs != NULL) theirs(ssl, where, value);
  if (t == NULL) return;
  if (t->established && (where & SSL_CB_LOOP)) t->chatter++;
  if ((where & SSL_CB_WRITE_ALERT) == SSL_CB_WRITE_ALERT &&
      (value & 0xff) == SSL_AD_NO_RENEGOTIATION)
    t->renegotiating = 1;
}

static void set_up_ssl(struct gci_tls *t) {
  SSL_set_options(t->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_clear_options(t->ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_set_mode(t->ssl, SSL_MODE_AUTO_RETRY | SSL_MODE_RELEASE_BUFFERS);
  SSL_clear_mode(t->ssl, SSL_MODE_ASYNC);
  SSL_set_read_ahead(t->ssl, 0); /* unread input stays with us */
  SSL_set_quiet_shutdown(t->ssl, 0);
  SSL_set_info_callback(t->ssl, on_informed);
}

static int open_ssl(struct gci_tls **out, struct gci_mem *mem, gcache_tls_t *tls, SSL_CTX *ctx,
                    enum gci_tls_offer offer) {
  struct gci_tls *t = gci_mem_zalloc(mem, sizeof *t);

  if (t == NULL) return UV_ENOMEM;
  t->mem = mem;
  t->tls = tls;
  t->offer = offer;
  t->generation = tls->generation;
  gci_out_init(&t->out, mem);
  ERR_clear_error();
  t->ssl = SSL_new(ctx);
  if (t->ssl == NULL || gci_tls_bio_attach(t) < 0) {
    gci_tls_close(t);
    return UV_ENOMEM;
  }
  set_up_ssl(t);
  *out = t;
  return 0;
}

/* The length of a name of so many bytes without the dot of the root, which is lawful at its end and
 * stands in no certificate. */
static size_t without_root(const char *name, size_t len) {
  return len > 1 && name[len - 1] == '.' ? len - 1 : len;
}

/* The host without brackets and zone, for `peer` and for the check of the certificate. UV_EINVAL:
 * none, or too long. */
static int bare_host(char *out, size_t cap, const char *host) {
  size_t len;

  if (host[0] == '[') host++;
  len = without_root(host, strcspn(host, "]%"));
  if (len == 0 || len >= cap) return UV_EINVAL;
  memcpy(out, host, len);
  out[len] = 0;
  return 0;
}

/* The expected host: a name is also sent to the server, an address must not be (RFC 6066, 3). */
static int expect_host(struct gci_tls *t, char *host) {
  unsigned char address[16];
  int literal = uv_inet_pton(AF_INET, host, address) == 0 ||
                uv_inet_pton(AF_INET6, host, address) == 0;
  int ok;

  SSL_set_hostflags(t->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (literal)
    ok = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(t->ssl), host);
  else
    ok = SSL_set1_host(t->ssl, host) && SSL_set_tlsext_host_name(t->ssl, host);
  return ok ? 0 : UV_EPROTO;
}

static int set_up_client(struct gci_tls *t, const char *host, uint16_t port) {
  char bare[256], peer[PEER_MAX];
  int err = bare_host(bare, sizeof bare, host);

  if (err == 0) err = expect_host(t, bare);
  if (err == 0) err = gci_tls_alpn_offer(t->ssl, t->offer);
  if (err < 0) return err;
  snprintf(peer, sizeof peer, "%s:%u", bare, port);
  t->peer = gci_mem_strdup(t->mem, gcache_cstr(peer));
  if (t->peer == NULL) return UV_ENOMEM;
  SSL_set_verify(t->ssl, SSL_get_verify_mode(t->ssl) | SSL_VERIFY_PEER, NULL);
  SSL_set_connect_state(t->ssl);
  gci_tls_session_offer(t);
  return gci_tls_handshake(t);
}

int gci_tls_open_client(struct gci_tls **out, struct gci_mem *mem, gcache_tls_t *tls,
                        const char *host, uint16_t port, enum gci_tls_offer offer) {
  int err;

  if (!gci_tls_asks(tls)) return UV_ENOTSUP;
  err = open_ssl(out, mem, tls, tls->client, offer);
  if (err < 0) return err;
  err = set_up_client(*out, host, port);
  if (err < 0) gci_tls_close(*out);
  return err;
}

/* A session is valid only for the requirements it was made under. */
static int set_up_server(struct gci_tls *t) {
  int verified = gci_tls_wants_verified(t->tls);
  gcache_bytes_t id = verified ? GCI_LIT("gcache verified") : GCI_LIT("gcache any");

  if (verified) SSL_set_verify(t->ssl, SSL_get_verify_mode(t->ssl) | SSL_VERIFY_PEER, NULL);
  if (!SSL_set_session_id_context(t->ssl, id.base, (unsigned)id.len)) return UV_EPROTO;
  SSL_set_max_early_data(t->ssl, 0);
  SSL_set_accept_state(t->ssl);
  return 0;
}

int gci_tls_open_server(struct gci_tls **out, struct gci_mem *mem, gcache_tls_t *tls,
                        enum gci_tls_offer offer) {
  int err;

  if (!gci_tls_answers(tls)) return UV_ENOTSUP;
  err = open_ssl(out, mem, tls, tls->server, offer);
  if (err < 0) return err;
  err = set_up_server(*out);
  if (err < 0) gci_tls_close(*out);
  return err;
}

static void drop_kept(struct gci_tls *t) {
  gci_mem_free(t->mem, t->kept, t->kept_size);
  t->kept = NULL;
  t->kept_size = 0;
}

/* OpenSSL drops a session whose connection ends without close_notify; our connections often end
 * with their socket. */
void gci_tls_close(struct gci_tls *t) {
  if (t->ssl != NULL && t->established && t->status != UV_EPROTO) {
    if (t->peer != NULL) gci_tls_session_keep(t);
    SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }
  SSL_free(t->ssl);
  ERR_clear_error();
  drop_kept(t);
  gci_out_fini(&t->out);
  if (t->peer != NULL) gci_mem_free(t->mem, t->peer, strlen(t->peer) + 1);
  gci_mem_free(t->mem, t, sizeof *t);
}

/* ---------------------------------------------------------------------------------------- in -- */

int gci_tls_feed(struct gci_tls *t, gcache_bytes_t cipher) {
  size_t size = t->in.len + cipher.len;
  char *all;

  if (t->in.len == 0) {
    drop_kept(t);
    t->in = cipher;
    return 0;
  }
  all = gci_mem_alloc(t->mem, size);
  if (all == NULL) return fail(t, UV_ENOMEM, "out of memory");
  memcpy(all, t->in.base, t->in.len);
  memcpy(all + t->in.len, cipher.base, cipher.len);
  drop_kept(t);
  t->kept = all;
  t->kept_size = size;
  t->in = gcache_bytes(all, size);
  return 0;
}

int gci_tls_keep(struct gci_tls *t) {
  if (t->kept != NULL && t->in.len > 0) return 0;
  if (t->in.len == 0) {
    drop_kept(t);
    return 0;
  }
  t->kept = gci_mem_alloc(t->mem, t->in.len);
  if (t->kept == NULL) {
    t->in.len = 0;
    return fail(t, UV_ENOMEM, "out of memory");
  }
  t->kept_size = t->in.len;
  memcpy(t->kept, t->in.base, t->in.len);
  t->in.base = t->kept;
  return 0;
}

int gci_tls_kept(const struct gci_tls *t) {
  return t->kept != NULL;
}

void gci_tls_feed_end(struct gci_tls *t) {
  t->in_ended = 1;
}

int gci_tls_handshake(struct gci_tls *t) {
  int rc;

  if (t->status < 0) return t->status;
  if (t->established) return 1;
  ERR_clear_error();
  rc = SSL_do_handshake(t->ssl);
  if (rc != 1 && judge(t, rc) == UV_EOF)
    return fail(t, UV_EPROTO, "the other side has aborted the TLS handshake");
  if (rc != 1) return t->status;
  if (!gci_tls_alpn_fits(gci_tls_alpn_of(t->ssl), t->offer))
    return fail(t, UV_EPROTO, "the server has chosen a protocol that was not offered");
  t->established = 1;
  return 1;
}

ssize_t gci_tls_read(struct gci_tls *t, void *buf, size_t cap) {
  size_t n = 0;
  int rc;

  if (t->status < 0) return t->status;
  ERR_clear_error();
  rc = SSL_read_ex(t->ssl, buf, cap, &n);
  if (t->renegotiating)
    return fail(t, UV_EPROTO, "renegotiation is not supported (the other side asked for it)");
  if (t->chatter > CHATTER_MAX) return fail(t, UV_EPROTO, "too many TLS messages without data");
  if (t->peer != NULL) gci_tls_session_keep(t);
  if (rc != 1) return judge(t, rc);
  t->chatter -= t->chatter < CHATTER_PAID ? t->chatter : CHATTER_PAID;
  return (ssize_t)n;
}

/* --------------------------------------------------------------------------------------- out -- */

/* One record from the front of plain: many pieces are gathered, so that the record is full. */
static gcache_bytes_t front(const struct gci_out *plain, char record[GCI_TLS_RECORD]) {
  gcache_bytes_t slices[SLICES];
  size_t n = gci_out_slices(plain, slices, SLICES), len = 0;

  if (n == 1 || slices[0].len >= GCI_TLS_RECORD)
    return gcache_bytes(slices[0].base,
                        slices[0].len < GCI_TLS_RECORD ? slices[0].len : GCI_TLS_RECORD);
  for (size_t i = 0; i < n && len < GCI_TLS_RECORD; i++) {
    size_t now = slices[i].len < GCI_TLS_RECORD - len ? slices[i].len : GCI_TLS_RECORD - len;
    memcpy(record + len, slices[i].base, now);
    len += now;
  }
  return gcache_bytes(record, len);
}

int gci_tls_write(struct gci_tls *t, struct gci_out *plain) {
  char record[GCI_TLS_RECORD];

  if (t->status < 0) return t->status;
  while (plain->bytes > 0 && t->out.bytes < GCI_TLS_AHEAD) {
    gcache_bytes_t bytes = front(plain, record);
    size_t n;
    ERR_clear_error();
    if (SSL_write_ex(t->ssl, bytes.base, bytes.len, &n) != 1) return fail_by_openssl(t);
    gci_out_consume(plain, n);
  }
  return 0;
}

void gci_tls_write_end(struct gci_tls *t) {
  if (!t->established || t->status < 0 || (SSL_get_shutdown(t->ssl) & SSL_SENT_SHUTDOWN)) return;
  ERR_clear_error();
  SSL_shutdown(t->ssl);
  ERR_clear_error();
}

struct gci_out *gci_tls_output(struct gci_tls *t) {
  return &t->out;
}

void gci_tls_rest(struct gci_tls *t) {
  gci_out_fini(&t->out);
}

/* ------------------------------------------------------------------------------------- asked -- */

enum gci_tls_alpn gci_tls_alpn(const struct gci_tls *t) {
  return gci_tls_alpn_of(t->ssl);
}

int gci_tls_verified(const struct gci_tls *t) {
  return t->established && SSL_get0_peer_certificate(t->ssl) != NULL &&
         SSL_get_verify_result(t->ssl) == X509_V_OK;
}

int gci_tls_named(const struct gci_tls *t, const char *host) {
  X509 *cert = t->established ? SSL_get0_peer_certificate(t->ssl) : NULL;
  unsigned flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
  unsigned char address[16];

  if (cert == NULL) return 0;
  if (uv_inet_pton(AF_INET, host, address) == 0 || uv_inet_pton(AF_INET6, host, address) == 0)
    return X509_check_ip_asc(cert, host, flags) == 1;
  return X509_check_host(cert, host, without_root(host, strlen(host)), flags, NULL) == 1;
}

int gci_tls_resumed(const struct gci_tls *t) {
  return SSL_session_reused(t->ssl);
}

const char *gci_tls_reason(const struct gci_tls *t) {
  return t->reason;
}
