/* node_options - the command line of the node. */
#ifndef NODE_OPTIONS_H
#define NODE_OPTIONS_H

#include <gcache/gcache.h>
#include <sys/socket.h>

#define MAX_GROUPS 64
#define MAX_PEERS 256
#define MAX_ALLOWED 256
#define MAX_ENDPOINTS 16

struct group_option {
  char *name;
  size_t max_bytes;
};

struct options {
  char host[256]; /* without brackets */
  struct sockaddr_storage address;
  const char *path; /* of the Unix socket to listen on; NULL: listen on address */
  const char *self; /* NULL: made from host and the port found */
  char *peers[MAX_PEERS];
  size_t n_peers;
  const char *peers_file, *peers_dns, *peers_srv; /* ways to find them; at most one is not NULL */
  char *peers_etcd[MAX_ENDPOINTS];
  size_t n_peers_etcd;
  struct group_option groups[MAX_GROUPS];
  size_t n_groups;
  const char *sqlite_file; /* NULL: the demo source */
  uint64_t ttl_ms;         /* 0: for ever */
  uint64_t timeout_ms;     /* 0: gcache's default */
  gcache_dialect_t dialect;
  gcache_hot_t hot;
  uint64_t stale_ms, error_ms, refresh_ahead_ms, not_found_ms, hot_max_ms; /* of all groups */
  gcache_http_t http;
  const char *tls_cert, *tls_key, *tls_ca; /* files; tls_cert NULL: no TLS */
  gcache_access_t access;                  /* points into what follows */
  const char *allowed[MAX_ALLOWED];
  char allowed_text[4096], secret[258];
};

/* 0: go on. 1: --help has been printed, exit with success. -1: stderr says what is wrong. */
int options_parse(struct options *o, int argc, char **argv);
void options_free(struct options *o);

/* Decimal digits and nothing else. -1: anything else, or too large. */
int read_number(const char *text, uint64_t *out);

#endif
