/* net/tls_openssl_files - contexts from PEM files: TLS 1.2 at least, no prompt for a passphrase,
 * and no session cache at the server (tickets resume sessions and cost it no memory). Owns nothing.
 * Fails: a file cannot be read, or is not what it should be; says which. */
#include "net/tls_openssl.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

struct loading {
  char *why;
  size_t why_cap;
};

/* What is wrong with file, and OpenSSL's words for it. */
static int refuse(const struct loading *l, const char *file, const char *what) {
  char words[GCI_TLS_REASON_MAX];
  int err = gci_tls_say_error(words, sizeof words, NULL);

  gci_tls_say(l->why, l->why_cap, "%s: %s (%s)", file, what, words);
  return err == UV_ENOMEM ? UV_ENOMEM : UV_EINVAL;
}

/* The system's error first, which OpenSSL does not always keep. */
static int readable(const struct loading *l, const char *file) {
  int err, fd = open(file, O_RDONLY | O_CLOEXEC);
  char first;

  err = fd < 0 || read(fd, &first, 1) < 0 ? -errno : 0; /* a directory can be opened, not read */
  if (fd >= 0) close(fd);
  if (err == 0) return 0;
  gci_tls_say(l->why, l->why_cap, "%s: %s", file, uv_strerror(err));
  return err;
}

/* In place of OpenSSL's own, which asks at the terminal. user: where to note it. */
static int on_passphrase_wanted(char *buf, int size, int writing, void *user) {
  int *wanted = user;
  (void)buf, (void)size, (void)writing;

  if (wanted != NULL) *wanted = 1;
  return -1;
}

static int use_key(const struct loading *l, SSL_CTX *ctx, const char *file) {
  int ok, wanted = 0;

  SSL_CTX_set_default_passwd_cb_userdata(ctx, &wanted);
  ok = SSL_CTX_use_PrivateKey_file(ctx, file, SSL_FILETYPE_PEM) == 1 &&
       SSL_CTX_check_private_key(ctx) == 1; /* also when one is RSA, the other EC */
  SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
  if (ok) return 0;
  return refuse(l, file,
                wanted ? "the private key has a passphrase"
                       : "no PEM private key that matches the certificate");
}

static int use_certificate(const struct loading *l, SSL_CTX *ctx,
                           const struct gci_tls_files *files) {
  int err = readable(l, files->cert);

  if (err == 0) err = readable(l, files->key);
  if (err < 0) return err;
  if (SSL_CTX_use_certificate_chain_file(ctx, files->cert) != 1)
    return refuse(l, files->cert, "no PEM certificate");
  return use_key(l, ctx, files->key);
}

static int use_trust(const struct loading *l, SSL_CTX *ctx, const struct gci_tls_files *files) {
  int err = files->ca == NULL ? 0 : readable(l, files->ca);

  if (err < 0) return err;
  if (files->ca == NULL)
    return SSL_CTX_set_default_verify_paths(ctx) == 1
               ? 0
               : refuse(l, "OpenSSL", "cannot load the CAs of the system");
  if (SSL_CTX_load_verify_file(ctx, files->ca) == 1) return 0;
  return refuse(l, files->ca, "no PEM certificates of CAs");
}

/* Tells clients which issuers are trusted: a client with several certificates chooses by it. */
static int name_trusted(const struct loading *l, SSL_CTX *ctx, const char *file) {
  STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(file);

  if (names == NULL) return refuse(l, file, "no PEM certificates of CAs");
  SSL_CTX_set_client_CA_list(ctx, names); /* takes them */
  return 0;
}

static int new_context(const struct loading *l, SSL_CTX **out, const SSL_METHOD *method) {
  SSL_CTX *ctx = SSL_CTX_new(method);

  if (ctx == NULL) return refuse(l, "OpenSSL", "cannot create a context");
  *out = ctx;
  SSL_CTX_set_default_passwd_cb(ctx, on_passphrase_wanted);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1) return 0;
  return refuse(l, "OpenSSL", "no TLS 1.2");
}

static int make_client(const struct loading *l, SSL_CTX **out, const struct gci_tls_files *files) {
  int err = new_context(l, out, TLS_client_method());

  if (err == 0) err = use_trust(l, *out, files);
  if (err == 0 && files->cert != NULL && files->ca != NULL) err = use_certificate(l, *out, files);
  return err;
}

static int make_server(const struct loading *l, SSL_CTX **out, const struct gci_tls_files *files) {
  int err;

  if (files->cert == NULL) return 0;
  err = new_context(l, out, TLS_server_method());
  if (err == 0) err = use_certificate(l, *out, files);
  if (err == 0 && files->ca != NULL) err = use_trust(l, *out, files);
  if (err == 0 && files->ca != NULL) err = name_trusted(l, *out, files->ca);
  return err;
}

int gci_tls_files_load(const struct gci_tls_files *files, SSL_CTX **client, SSL_CTX **server,
                       char *why, size_t why_cap) {
  struct loading l = {why, why_cap};
  int err;

  *client = *server = NULL;
  ERR_clear_error();
  err = make_client(&l, client, files);
  if (err == 0) err = make_server(&l, server, files);
  if (err == 0) return 0;
  SSL_CTX_free(*client);
  SSL_CTX_free(*server);
  return err;
}

static void drop_name(char *name, struct gci_mem *mem) {
  if (name != NULL) gci_mem_free(mem, name, strlen(name) + 1);
}

void gci_tls_files_fini(struct gci_tls_files *files, struct gci_mem *mem) {
  drop_name(files->cert, mem);
  drop_name(files->key, mem);
  drop_name(files->ca, mem);
}
