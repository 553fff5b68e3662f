#include "node_options.h"

#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    " --listen HOST:PORT [options]\n"
    "\n"
    "  --listen HOST:PORT       address for peers and clients; port 0: any free port\n"
    "  --listen unix:/PATH      the same, for processes on this machine that may write to that "
    "file\n"
    "  --self URL               the URL at which peers reach this node; default: the address it\n"
    "                           listens on, with http://, or https:// with TLS\n"
    "  --peers URL,URL,...      all members, this one included; can be set later by PUT /peers\n"
    "  --peers-file FILE        the same from a file, one URL per line; read again whenever it\n"
    "                           changes\n"
    "  --peers-dns NAME:PORT    the same from the addresses of a name, looked up repeatedly\n"
    "  --peers-srv NAME         the same from SRV records: _gcache._tcp.example.org\n"
    "  --peers-etcd URL,URL,... the same from etcd at these endpoints, where this node registers\n"
    "                           itself\n"
    "  --group NAME:MAX_BYTES   a group and its memory limit; may be repeated; default:\n"
    "                           demo:67108864\n"
    "  --source demo            made-up values: <self>|<key>|<n>; the default\n"
    "  --source sqlite:FILE     values from table kv(key BLOB PRIMARY KEY, value BLOB,\n"
    "                           ttl_ms INTEGER) of an SQLite database\n"
    "  --ttl-ms N               lifetime of values whose source gives none; default 0: for ever\n"
    "  --timeout-ms N           timeout of gets that give none; default 10000\n"
    "  --dialect NAME           the kind of cluster: gcache (default), mailgun, groupcache-go or\n"
    "                           golang; the same on all members\n"
    "  --hot on|off             also keep values that other nodes own; default on\n"
    "  --stale-ms N             how long after its expiry a value is still delivered while a\n"
    "                           background load runs; the header X-Gcache-Stale of the response\n"
    "                           says for how many milliseconds the value has been stale\n"
    "  --error-ms N             how long after its expiry a value is delivered if the load fails\n"
    "  --refresh-ahead-ms N     how long before its expiry a get of a value starts a background\n"
    "                           load\n"
    "  --not-found-ms N         how long \"not found\" is remembered before the source is asked\n"
    "                           again\n"
    "  --hot-max-ms N           the longest time for which a node keeps a value that another node\n"
    "                           owns\n"
    "  --http auto|1|2          both HTTP/1.1 and HTTP/2 (auto, the default), or only one of them\n"
    "  --tls-cert FILE          listen with TLS only, with this certificate and its chain up to "
    "the\n"
    "                           CA; on SIGHUP the TLS files are read again\n"
    "  --tls-key FILE           its private key; default: in the file of --tls-cert\n"
    "  --tls-ca FILE            trust peers with certificates from this CA, as client and as\n"
    "                           server; without such a certificate a peer gets 403. Default: as\n"
    "                           client the system's CAs; as server no certificate is required\n"
    "  --allow WHO              who may read and change keys as a peer does: peers, by their\n"
    "                           addresses (default), anyone, or a list of addresses and ranges:\n"
    "                           10.0.0.0/8,::1\n"
    "  --secret-file FILE       peers must sign their requests with the secret in FILE: 16 to 256\n"
    "                           bytes, not counting a newline at the end; the same on all members\n"
    "  --help                   print this text\n"
    "\n"
    "Routes for clients, with ?group=NAME&key=KEY:\n"
    "  GET /get [&timeout_ms=N], PUT /set [&ttl_ms=N] with the value as the body, DELETE /remove,\n"
    "  GET /owner\n"
    "Without a key: DELETE /clear?group=NAME, PUT /peers with one URL per line as the body,\n"
    "  GET /status (a page), GET /metrics (Prometheus), GET /stats (JSON)\n";

static int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int complain(const char *format, ...) {
  va_list args;

  va_start(args, format);
  fputs("node: ", stderr);
  vfprintf(stderr, format, args);
  fprintf(stderr, "\n(%s --help lists the options)\n", program_invocation_short_name);
  va_end(args);
  return -1;
}

int read_number(const char *text, uint64_t *out) {
  char *end;

  if (*text == 0 || strspn(text, "0123456789") != strlen(text)) return -1;
  errno = 0;
  *out = strtoull(text, &end, 10);
  return errno == 0 ? 0 : -1;
}

/* "127.0.0.1:80", "[::1]:80", "localhost:80". A name is looked up here, once, before the loop
 * runs. */
static int parse_listen(struct options *o, const char *value) {
  static const char unix_scheme[] = "unix:";
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
  struct addrinfo *found;
  const char *colon = strrchr(value, ':');
  size_t len = colon == NULL ? 0 : (size_t)(colon - value);
  uint64_t port;
  int rc;

  if (strncmp(value, unix_scheme, sizeof unix_scheme - 1) == 0) {
    o->path = value + sizeof unix_scheme - 1;
    return 0;
  }
  if (len > 1 && value[0] == '[' && value[len - 1] == ']') {
    value++;
    len -= 2;
  } else if (colon != NULL && memchr(value, ':', len) != NULL) {
    return complain("--listen: an IPv6 address needs brackets: [%.*s]%s", (int)len, value, colon);
  }
  if (len == 0 || len >= sizeof o->host || read_number(colon + 1, &port) < 0 || port > 65535)
    return complain("--listen: not HOST:PORT: %s", value);
  snprintf(o->host, sizeof o->host, "%.*s", (int)len, value);
  rc = getaddrinfo(o->host, colon + 1, &hints, &found);
  if (rc != 0) return complain("--listen: %s: %s", o->host, gai_strerror(rc));
  memcpy(&o->address, found->ai_addr, found->ai_addrlen);
  o->path = NULL;
  freeaddrinfo(found);
  return 0;
}

static int parse_allow(struct options *o, const char *value) {
  gcache_access_t *access = &o->access;
  gcache_access_who_t who = GCACHE_ACCESS_LISTED;

  if (strcmp(value, "peers") == 0) who = GCACHE_ACCESS_PEERS;
  if (strcmp(value, "anyone") == 0) who = GCACHE_ACCESS_ANYONE;
  access->read = access->write = who;
  access->n_addresses = 0;
  if (who != GCACHE_ACCESS_LISTED) return 0;
  snprintf(o->allowed_text, sizeof o->allowed_text, "%s", value);
  if (strlen(value) >= sizeof o->allowed_text)
    return complain("--allow: longer than %zu bytes", sizeof o->allowed_text - 1);
  for (char *rest = o->allowed_text, *one; (one = strsep(&rest, ",")) != NULL;) {
    if (access->n_addresses == MAX_ALLOWED)
      return complain("--allow: more than %d addresses", MAX_ALLOWED);
    o->allowed[access->n_addresses++] = one;
  }
  access->addresses = o->allowed;
  return 0;
}

static int read_secret(struct options *o, const char *file) {
  FILE *in = fopen(file, "r");
  size_t len;

  if (in == NULL) return complain("--secret-file: %s: %s", file, strerror(errno));
  len = fread(o->secret, 1, sizeof o->secret, in);
  fclose(in);
  if (len > 0 && o->secret[len - 1] == '\n') len--;
  if (len < 16 || len > 256)
    return complain("--secret-file: %s: the secret is not 16 to 256 bytes", file);
  o->access.secret = o->secret;
  o->access.secret_len = len;
  return 0;
}

/* "A,B,C" into copies of A, B and C. */
static int parse_urls(const char *name, char *urls[], size_t *n, size_t max, const char *value) {
  for (size_t len; *value != 0; value += len + (value[len] == ',')) {
    len = strcspn(value, ",");
    if (*n == max) return complain("%s: more than %zu URLs", name, max);
    urls[*n] = strndup(value, len);
    if (urls[*n] == NULL) return complain("out of memory");
    ++*n;
  }
  return *n > 0 ? 0 : complain("%s: no URL given", name);
}

static int parse_group(struct options *o, const char *value) {
  const char *colon = strrchr(value, ':'); /* a name may hold colons */
  struct group_option *g = &o->groups[o->n_groups];
  uint64_t max_bytes;

  if (o->n_groups == MAX_GROUPS) return complain("--group: more than %d groups", MAX_GROUPS);
  if (colon == NULL || colon == value || read_number(colon + 1, &max_bytes) < 0)
    return complain("--group: not NAME:MAX_BYTES: %s", value);
  g->max_bytes = (size_t)max_bytes;
  g->name = strndup(value, (size_t)(colon - value));
  if (g->name == NULL) return complain("out of memory");
  o->n_groups++;
  return 0;
}

static int parse_source(struct options *o, const char *value) {
  static const char sqlite[] = "sqlite:";

  o->sqlite_file = NULL;
  if (strcmp(value, "demo") == 0) return 0;
  if (strncmp(value, sqlite, sizeof sqlite - 1) != 0 || value[sizeof sqlite - 1] == 0)
    return complain("--source: neither demo nor sqlite:FILE: %s", value);
  o->sqlite_file = value + sizeof sqlite - 1;
  return 0;
}

static int parse_dialect(struct options *o, const char *value) {
  static const char *const names[] = {"gcache", "mailgun", "groupcache-go", "golang"};
  static const gcache_dialect_t dialects[] = {GCACHE_DIALECT_GCACHE, GCACHE_DIALECT_MAILGUN,
                                              GCACHE_DIALECT_GROUPCACHE_GO, GCACHE_DIALECT_GOLANG};

  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strcmp(value, names[i]) != 0) continue;
    o->dialect = dialects[i];
    return 0;
  }
  return complain("--dialect: not one of gcache, mailgun, groupcache-go, golang: %s", value);
}

static int parse_hot(struct options *o, const char *value) {
  if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
    return complain("--hot: neither on nor off: %s", value);
  o->hot = strcmp(value, "on") == 0 ? GCACHE_HOT_ON : GCACHE_HOT_OFF;
  return 0;
}

static int parse_http(struct options *o, const char *value) {
  static const char *const names[] = {"auto", "1", "2"};
  static const gcache_http_t kinds[] = {GCACHE_HTTP_AUTO, GCACHE_HTTP_1, GCACHE_HTTP_2};

  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strcmp(value, names[i]) != 0) continue;
    o->http = kinds[i];
    return 0;
  }
  return complain("--http: not one of auto, 1, 2: %s", value);
}

static int parse_ms(const char *name, const char *value, uint64_t *out) {
  if (read_number(value, out) == 0) return 0;
  return complain("%s: not a number of milliseconds: %s", name, value);
}

/* Ways to find peers. 0, -1; 1: not one of these options. */
static int parse_find(struct options *o, int letter, const char *value) {
  switch (letter) {
  case 'f':
    o->peers_file = value;
    return 0;
  case 'd':
    o->peers_dns = value;
    return 0;
  case 'r':
    o->peers_srv = value;
    return 0;
  case 'e':
    return parse_urls("--peers-etcd", o->peers_etcd, &o->n_peers_etcd, MAX_ENDPOINTS, value);
  default:
    return 1;
  }
}

/* 0, -1; 1: not one of these options. */
static int parse_freshness(struct options *o, int letter, const char *value) {
  switch (letter) {
  case '1':
    return parse_ms("--stale-ms", value, &o->stale_ms);
  case '2':
    return parse_ms("--error-ms", value, &o->error_ms);
  case '3':
    return parse_ms("--refresh-ahead-ms", value, &o->refresh_ahead_ms);
  case '4':
    return parse_ms("--not-found-ms", value, &o->not_found_ms);
  case '5':
    return parse_ms("--hot-max-ms", value, &o->hot_max_ms);
  default:
    return 1;
  }
}

static int parse_one(struct options *o, int letter, const char *value) {
  int rc = parse_freshness(o, letter, value);

  if (rc > 0) rc = parse_find(o, letter, value);
  if (rc <= 0) return rc;
  switch (letter) {
  case 'l':
    return parse_listen(o, value);
  case 's':
    o->self = value;
    return 0;
  case 'p':
    return parse_urls("--peers", o->peers, &o->n_peers, MAX_PEERS, value);
  case 'g':
    return parse_group(o, value);
  case 'S':
    return parse_source(o, value);
  case 't':
    return parse_ms("--ttl-ms", value, &o->ttl_ms);
  case 'T':
    return parse_ms("--timeout-ms", value, &o->timeout_ms);
  case 'D':
    return parse_dialect(o, value);
  case 'v':
    return parse_http(o, value);
  case 'A':
    return parse_allow(o, value);
  case 'x':
    return read_secret(o, value);
  case 'c':
    o->tls_cert = value;
    return 0;
  case 'k':
    o->tls_key = value;
    return 0;
  case 'a':
    o->tls_ca = value;
    return 0;
  default:
    return parse_hot(o, value);
  }
}

static int ways_to_find(const struct options *o) {
  return (o->n_peers > 0) + (o->peers_file != NULL) + (o->peers_dns != NULL) +
         (o->peers_srv != NULL) + (o->n_peers_etcd > 0);
}

int options_parse(struct options *o, int argc, char **argv) {
  static const struct option known[] = {{"listen", required_argument, NULL, 'l'},
                                        {"self", required_argument, NULL, 's'},
                                        {"peers", required_argument, NULL, 'p'},
                                        {"peers-file", required_argument, NULL, 'f'},
                                        {"peers-dns", required_argument, NULL, 'd'},
                                        {"peers-srv", required_argument, NULL, 'r'},
                                        {"peers-etcd", required_argument, NULL, 'e'},
                                        {"group", required_argument, NULL, 'g'},
                                        {"source", required_argument, NULL, 'S'},
                                        {"ttl-ms", required_argument, NULL, 't'},
                                        {"timeout-ms", required_argument, NULL, 'T'},
                                        {"dialect", required_argument, NULL, 'D'},
                                        {"hot", required_argument, NULL, 'h'},
                                        {"stale-ms", required_argument, NULL, '1'},
                                        {"error-ms", required_argument, NULL, '2'},
                                        {"refresh-ahead-ms", required_argument, NULL, '3'},
                                        {"not-found-ms", required_argument, NULL, '4'},
                                        {"hot-max-ms", required_argument, NULL, '5'},
                                        {"http", required_argument, NULL, 'v'},
                                        {"tls-cert", required_argument, NULL, 'c'},
                                        {"tls-key", required_argument, NULL, 'k'},
                                        {"tls-ca", required_argument, NULL, 'a'},
                                        {"allow", required_argument, NULL, 'A'},
                                        {"secret-file", required_argument, NULL, 'x'},
                                        {"help", no_argument, NULL, 'H'},
                                        {NULL, 0, NULL, 0}};
  int letter;

  memset(o, 0, sizeof *o);
  opterr = 0;
  while ((letter = getopt_long(argc, argv, ":", known, NULL)) != -1) {
    if (letter == 'H') return printf("usage: %s%s", program_invocation_short_name, usage), 1;
    if (letter == ':') return complain("%s needs a value", argv[optind - 1]);
    if (letter == '?') return complain("unknown option: %s", argv[optind - 1]);
    if (parse_one(o, letter, optarg) < 0) return -1;
  }
  if (optind < argc) return complain("not an option: %s", argv[optind]);
  if (o->host[0] == 0 && o->path == NULL) return complain("--listen HOST:PORT is missing");
  if (o->path != NULL && o->tls_cert != NULL)
    return complain("--tls-cert: there is no TLS over a Unix socket");
  if (o->tls_cert == NULL && (o->tls_key != NULL || o->tls_ca != NULL))
    return complain("--tls-key and --tls-ca need --tls-cert");
  if (ways_to_find(o) > 1)
    return complain(
        "more than one of --peers, --peers-file, --peers-dns, --peers-srv, --peers-etcd");
  return o->n_groups > 0 ? 0 : parse_group(o, "demo:67108864");
}

void options_free(struct options *o) {
  for (size_t i = 0; i < o->n_peers; i++)
    free(o->peers[i]);
  for (size_t i = 0; i < o->n_peers_etcd; i++)
    free(o->peers_etcd[i]);
  for (size_t i = 0; i < o->n_groups; i++)
    free(o->groups[i].name);
}
