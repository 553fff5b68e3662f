/* gcache-bench connections: the memory of an idle incoming connection in the process that holds it,
 * and the TLS handshakes per second.
 *
 * Two processes: the server, and this one, which opens plain sockets and TLS connections. Memory is
 * the server's resident set before and after CONNECTIONS have each been answered once and are
 * idle. */
#include "bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>
#include <uv.h>

#include <gcache/http.h>
#include <gcache/openssl.h>

#include "../test/net/certs.h"
#include "figures.h"

#define CONNECTIONS 1000
#define HANDSHAKES 500

struct server {
  pid_t pid;
  int port, tls_port;
};

struct connection {
  int fd;
  SSL *ssl; /* NULL: in the clear */
};

struct kind {
  const char *name;
  int secure, is_2;
};

static const struct kind kinds[] = {
    {"HTTP/1.1", 0, 0}, {"HTTP/2", 0, 1}, {"HTTP/1.1 over TLS", 1, 0}, {"HTTP/2 over TLS", 1, 1}};

static void need(int ok, const char *what) {
  if (!ok) bench_need(UV_EIO, what);
}

/* ----------------------------------------------------------------------------- the server -- */

static void get_nothing(gcache_load_t *load) {
  gcache_load_done_copy(load, gcache_bytes("value", 5), 0);
}

static void run_server(int out, const struct certs *certs) {
  struct sockaddr_in address;
  gcache_tls_options_t tls_options;
  gcache_listener_t *listener, *tls_listener;
  gcache_group_options_t group_options;
  gcache_options_t o;
  gcache_group_t *group;
  gcache_tls_t *tls;
  gcache_t *cache;
  int ports[2];

  prctl(PR_SET_PDEATHSIG, SIGKILL);
  gcache_options_init(&o);
  o.loop = uv_default_loop();
  o.limits.connections_max = o.limits.connections_per_address = 2 * CONNECTIONS;
  bench_need(gcache_open(&cache, &o), "open");
  gcache_group_options_init(&group_options);
  group_options.max_bytes = 1 << 20;
  group_options.getter = get_nothing;
  bench_need(gcache_group_open(&group, cache, "bench", &group_options), "group");
  gcache_tls_options_init(&tls_options);
  tls_options.server = certs_context(certs, TLS_server_method(), CERT_SERVER);
  bench_need(gcache_tls_open(&tls, &tls_options), "TLS");
  uv_ip4_addr("127.0.0.1", 0, &address);
  bench_need(gcache_listen(&listener, cache, (struct sockaddr *)&address, 1024), "listen");
  bench_need(gcache_listen_tls(&tls_listener, cache, (struct sockaddr *)&address, 1024, tls),
             "listen");
  ports[0] = gcache_listener_port(listener);
  ports[1] = gcache_listener_port(tls_listener);
  if (write(out, ports, sizeof ports) != sizeof ports) _exit(1);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  _exit(0);
}

static void start_server(struct server *s, const struct certs *certs) {
  int from[2], ports[2];

  need(pipe(from) == 0, "pipe");
  s->pid = fork();
  if (s->pid == 0) run_server(from[1], certs);
  need(s->pid > 0 && read(from[0], ports, sizeof ports) == sizeof ports, "server");
  close(from[0]);
  close(from[1]);
  s->port = ports[0];
  s->tls_port = ports[1];
}

static long resident_bytes(const struct server *s) {
  char path[64];
  long total, resident = -1;
  FILE *f;

  snprintf(path, sizeof path, "/proc/%d/statm", (int)s->pid);
  f = fopen(path, "r");
  need(f != NULL && fscanf(f, "%ld %ld", &total, &resident) == 2, path);
  fclose(f);
  return resident * sysconf(_SC_PAGESIZE);
}

/* ------------------------------------------------------------------------- the connections -- */

static int connect_to(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  int fd = socket(AF_INET, SOCK_STREAM, 0);

  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  need(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect");
  return fd;
}

/* session: to be taken up again, or NULL. */
static SSL *handshake(SSL_CTX *context, int fd, int is_2, SSL_SESSION *session) {
  static const unsigned char h1[] = "\x08http/1.1", h2[] = "\x02h2";
  SSL *ssl = SSL_new(context);

  SSL_set_alpn_protos(ssl, is_2 ? h2 : h1, is_2 ? sizeof h2 - 1 : sizeof h1 - 1);
  if (session != NULL) SSL_set_session(ssl, session);
  need(SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1, "handshake");
  return ssl;
}

static void say(const struct connection *c, const char *bytes, size_t len) {
  ssize_t n = c->ssl != NULL ? SSL_write(c->ssl, bytes, (int)len) : write(c->fd, bytes, len);
  need(n == (ssize_t)len, "write");
}

static void hear(const struct connection *c) {
  char bytes[4096];
  ssize_t n = c->ssl != NULL ? SSL_read(c->ssl, bytes, sizeof bytes)
                             : read(c->fd, bytes, sizeof bytes);
  need(n > 0, "read");
}

/* Until something has been answered: a request, or the SETTINGS of HTTP/2. */
static void open_connection(struct connection *c, const struct server *s, SSL_CTX *context,
                            const struct kind *kind) {
  static const char h1[] = "GET /_groupcache/bench/k HTTP/1.1\r\nHost: a\r\n\r\n";
  static const char h2[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";

  c->fd = connect_to(kind->secure ? s->tls_port : s->port);
  c->ssl = kind->secure ? handshake(context, c->fd, kind->is_2, NULL) : NULL;
  if (kind->is_2)
    say(c, h2, 33); /* the preface, and a SETTINGS frame that sets nothing */
  else
    say(c, h1, sizeof h1 - 1);
  hear(c);
}

static void close_connection(struct connection *c) {
  SSL_free(c->ssl);
  close(c->fd);
}

static void measure_memory(const struct bench_options *o, const struct server *s, SSL_CTX *context,
                           const struct kind *kind) {
  static struct connection connections[CONNECTIONS];
  long before, after;

  open_connection(&connections[0], s, context, kind); /* what is made once */
  before = resident_bytes(s);
  for (int i = 1; i < CONNECTIONS; i++)
    open_connection(&connections[i], s, context, kind);
  after = resident_bytes(s);
  for (int i = 0; i < CONNECTIONS; i++)
    close_connection(&connections[i]);
  if (o->json)
    printf("{\"bench\":\"connections\",\"kind\":\"%s\",\"connections\":%d,\"bytes_each\":%ld}\n",
           kind->name, CONNECTIONS, (after - before) / (CONNECTIONS - 1));
  else
    printf("%-20s %6ld bytes per idle connection\n", kind->name,
           (after - before) / (CONNECTIONS - 1));
}

/* ------------------------------------------------------------------------------ handshakes -- */

/* One whole handshake, and with TLS 1.3 the tickets that follow it. */
static SSL_SESSION *shake(const struct server *s, SSL_CTX *context, SSL_SESSION *session,
                          unsigned *resumed) {
  struct connection c;
  SSL_SESSION *next;

  c.fd = connect_to(s->tls_port);
  c.ssl = handshake(context, c.fd, 0, session);
  *resumed += SSL_session_reused(c.ssl) == 1;
  say(&c, "GET /_groupcache/bench/k HTTP/1.1\r\nHost: a\r\n\r\n", 46);
  hear(&c);
  next = SSL_get1_session(c.ssl);
  SSL_shutdown(c.ssl);
  close_connection(&c);
  return next;
}

static void measure_handshakes(const struct bench_options *o, const struct server *s,
                               SSL_CTX *context, int again) {
  double per_s[100];
  unsigned resumed = 0, rounds = o->rounds < 100 ? o->rounds : 100;
  struct figure f;

  for (unsigned round = 0; round < rounds; round++) {
    uint64_t start_ns = bench_now_ns();
    SSL_SESSION *session = NULL;
    for (int i = 0; i < HANDSHAKES; i++) {
      SSL_SESSION *next = shake(s, context, again ? session : NULL, &resumed);
      SSL_SESSION_free(session);
      session = next;
    }
    SSL_SESSION_free(session);
    per_s[round] = HANDSHAKES * 1e9 / (double)(bench_now_ns() - start_ns);
  }
  f = figure_of(per_s, rounds);
  if (o->json)
    printf(
        "{\"bench\":\"handshakes\",\"kind\":\"%s\",\"per_s\":%.0f,\"per_s_min\":%.0f,\"per_s_max\":"
        "%.0f,\"resumed_pct\":%.1f}\n",
        again ? "resumed" : "full", f.median, f.min, f.max,
        100.0 * resumed / (HANDSHAKES * rounds));
  else
    printf("%-20s %6.0f connections/s, one get each (%.0f to %.0f), %.1f %% resumed\n",
           again ? "TLS, resumed" : "TLS, full handshake", f.median, f.min, f.max,
           100.0 * resumed / (HANDSHAKES * rounds));
}

int bench_connections(const struct bench_options *o) {
  struct certs certs;
  struct server s;
  SSL_CTX *context;

  signal(SIGPIPE, SIG_IGN);
  certs_make(&certs);
  start_server(&s, &certs);
  context = certs_context(&certs, TLS_client_method(), CERT_NONE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    measure_memory(o, &s, context, &kinds[i]);
  measure_handshakes(o, &s, context, 0);
  measure_handshakes(o, &s, context, 1);
  SSL_CTX_free(context);
  certs_free(&certs);
  kill(s.pid, SIGKILL);
  return 0;
}
