/* net/tls_openssl_context - gcache_tls_t: the two contexts, and what connections share. See
 * gcache/openssl.h. */
#include "net/tls_openssl.h"

#include <openssl/err.h>
#include <string.h>
#include <uv.h>

void gcache_tls_options_init_size(gcache_tls_options_t *o, size_t size) {
  memset(o, 0, size);
  o->size = size;
}

static SSL_CTX *own(SSL_CTX *ctx) {
  if (ctx != NULL) SSL_CTX_up_ref(ctx);
  return ctx;
}

/* Takes the references. Sessions of the previous contexts are dropped. */
static void set_contexts(gcache_tls_t *tls, SSL_CTX *client, SSL_CTX *server) {
  SSL_CTX_free(tls->client);
  SSL_CTX_free(tls->server);
  tls->client = client;
  tls->server = server;
  tls->generation++;
  gci_tls_sessions_drop(tls);
  if (server != NULL) gci_tls_alpn_choose(server);
}

static gcache_tls_t *new_tls(const gcache_mem_t *user) {
  struct gci_mem *mem = gci_mem_new(user);
  gcache_tls_t *tls = mem == NULL ? NULL : gci_mem_zalloc(mem, sizeof *tls);

  if (tls == NULL) {
    if (mem != NULL) gci_mem_unref(mem);
    return NULL;
  }
  tls->mem = mem;
  gci_list_init(&tls->sessions);
  tls->method = gci_tls_bio_method();
  if (tls->method != NULL) return tls;
  gcache_tls_free(tls);
  return NULL;
}

static int is_known(gcache_tls_peers_t peers) {
  return peers == GCACHE_TLS_PEERS_ANY || peers == GCACHE_TLS_PEERS_VERIFIED ||
         peers == GCACHE_TLS_PEERS_NAMED;
}

int gcache_tls_open(gcache_tls_t **out, const gcache_tls_options_t *options) {
  gcache_tls_options_t o = {0};
  gcache_tls_t *tls;

  if (options->size < offsetof(gcache_tls_options_t, peers)) return UV_EINVAL;
  memcpy(&o, options, options->size < sizeof o ? options->size : sizeof o);
  if (o.client == NULL && o.server == NULL) return UV_EINVAL;
  if (!is_known(o.peers)) return UV_EINVAL;
  ERR_clear_error();
  tls = new_tls(&o.mem);
  if (tls == NULL) return UV_ENOMEM;
  tls->peers = o.peers;
  set_contexts(tls, own(o.client), own(o.server));
  *out = tls;
  return 0;
}

int gcache_tls_replace(gcache_tls_t *tls, SSL_CTX *client, SSL_CTX *server) {
  if ((client == NULL) != (tls->client == NULL) || (server == NULL) != (tls->server == NULL))
    return UV_EINVAL;
  set_contexts(tls, own(client), own(server));
  return 0;
}

void gcache_tls_free(gcache_tls_t *tls) {
  struct gci_mem *mem;

  if (tls == NULL) return;
  mem = tls->mem;
  set_contexts(tls, NULL, NULL);
  BIO_meth_free(tls->method);
  gci_tls_files_fini(&tls->files, mem);
  gci_mem_free(mem, tls, sizeof *tls);
  gci_mem_unref(mem);
}

/* -------------------------------------------------------------------------------- from files -- */

void gcache_tls_files_init_size(gcache_tls_files_t *o, size_t size) {
  memset(o, 0, size);
  o->size = size;
}

/* "" until something fails. */
static void begin_why(char **why, size_t *cap) {
  if (*why == NULL) *cap = 0;
  if (*cap > 0) **why = 0;
}

static int copy_name(char **out, struct gci_mem *mem, const char *name) {
  if (name == NULL) return 0;
  *out = gci_mem_strdup(mem, gcache_cstr(name));
  return *out == NULL ? UV_ENOMEM : 0;
}

static int copy_names(gcache_tls_t *tls, const gcache_tls_files_t *o) {
  int err = copy_name(&tls->files.cert, tls->mem, o->cert_file);

  if (err == 0)
    err = copy_name(&tls->files.key, tls->mem, o->key_file != NULL ? o->key_file : o->cert_file);
  return err == 0 ? copy_name(&tls->files.ca, tls->mem, o->ca_file) : err;
}

int gcache_tls_open_files(gcache_tls_t **out, const gcache_tls_files_t *files, char *why,
                          size_t why_cap) {
  gcache_tls_files_t o = {0};
  SSL_CTX *client, *server;
  gcache_tls_t *tls;
  int err;

  begin_why(&why, &why_cap);
  if (files->size < offsetof(gcache_tls_files_t, mem)) return UV_EINVAL;
  memcpy(&o, files, files->size < sizeof o ? files->size : sizeof o);
  if (!is_known(o.peers)) return UV_EINVAL;
  if (o.peers == GCACHE_TLS_PEERS_ANY && o.ca_file != NULL) o.peers = GCACHE_TLS_PEERS_VERIFIED;
  if (o.peers != GCACHE_TLS_PEERS_ANY && o.ca_file == NULL) {
    gci_tls_say(why, why_cap, "peers must show certificates, but ca_file is not set");
    return UV_EINVAL;
  }
  tls = new_tls(&o.mem);
  if (tls == NULL) return UV_ENOMEM;
  err = copy_names(tls, &o);
  if (err == 0) err = gci_tls_files_load(&tls->files, &client, &server, why, why_cap);
  if (err < 0) {
    gcache_tls_free(tls);
    return err;
  }
  set_contexts(tls, client, server);
  tls->from_files = 1;
  tls->peers = o.peers;
  *out = tls;
  return 0;
}

int gcache_tls_reload_files(gcache_tls_t *tls, char *why, size_t why_cap) {
  SSL_CTX *client, *server;
  int err;

  begin_why(&why, &why_cap);
  if (!tls->from_files) {
    gci_tls_say(why, why_cap, "the TLS files cannot be read again: not opened from files");
    return UV_EINVAL;
  }
  err = gci_tls_files_load(&tls->files, &client, &server, why, why_cap);
  if (err < 0) return err;
  set_contexts(tls, client, server);
  return 0;
}

/* ------------------------------------------------------------------------------------- asked -- */

int gci_tls_asks(const gcache_tls_t *tls) {
  return tls != NULL && tls->client != NULL;
}

int gci_tls_answers(const gcache_tls_t *tls) {
  return tls != NULL && tls->server != NULL;
}

int gci_tls_wants_verified(const gcache_tls_t *tls) {
  return tls != NULL && tls->peers != GCACHE_TLS_PEERS_ANY;
}

int gci_tls_wants_named(const gcache_tls_t *tls) {
  return tls != NULL && tls->peers == GCACHE_TLS_PEERS_NAMED;
}
