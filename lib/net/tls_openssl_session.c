/* net/tls_openssl_session - the latest session of each peer, for the next connection to it.
 *
 * A session is used for several connections here: they offer the latest until a newer one comes.
 * (RFC 8446, C.4 advises against this if an observer must not see that two connections come from
 * one client; members of a cluster do not hide that.) A server that accepts a ticket only once does
 * a full handshake for the other connections.
 * Owns one reference to each session kept; at most SESSIONS_MAX, the longest unused one goes. */
#include "net/tls_openssl.h"

#include <string.h>

#define SESSIONS_MAX 256

struct session {
  struct gcache_link_s link;
  SSL_SESSION *ssl;
  size_t peer_size;
  char peer[];
};

static struct session *find(const gcache_tls_t *tls, const char *peer) {
  gci_list_each(link, &tls->sessions) {
    struct session *s = gci_container_of(link, struct session, link);
    if (strcmp(s->peer, peer) == 0) return s;
  }
  return NULL;
}

static void drop(gcache_tls_t *tls, struct session *s) {
  gci_link_unlink(&s->link);
  tls->n_sessions--;
  SSL_SESSION_free(s->ssl);
  gci_mem_free(tls->mem, s, sizeof *s + s->peer_size);
}

static struct session *add(gcache_tls_t *tls, const char *peer) {
  size_t size = strlen(peer) + 1;
  struct session *s = gci_mem_zalloc(tls->mem, sizeof *s + size);

  if (s == NULL) return NULL;
  s->peer_size = size;
  memcpy(s->peer, peer, size);
  tls->n_sessions++;
  if (tls->n_sessions > SESSIONS_MAX)
    drop(tls, gci_container_of(gci_list_back(&tls->sessions), struct session, link));
  return s;
}

void gci_tls_session_offer(struct gci_tls *t) {
  struct session *s = find(t->tls, t->peer);

  if (s == NULL) return;
  if (!SSL_SESSION_is_resumable(s->ssl) || !SSL_set_session(t->ssl, s->ssl)) {
    drop(t->tls, s);
    return;
  }
  t->kept_session = s->ssl;
  gci_link_unlink(&s->link);
  gci_list_push_front(&t->tls->sessions, &s->link);
}

/* With TLS 1.3 it comes some time after the handshake, and is a new one each time. */
void gci_tls_session_keep(struct gci_tls *t) {
  SSL_SESSION *now = SSL_get_session(t->ssl);
  struct session *s;

  if (now == NULL || now == t->kept_session || !SSL_SESSION_is_resumable(now)) return;
  if (t->generation != t->tls->generation) return; /* its issuer may be trusted no more */
  s = find(t->tls, t->peer);
  if (s == NULL) s = add(t->tls, t->peer);
  if (s == NULL) return;
  SSL_SESSION_free(s->ssl);
  s->ssl = SSL_get1_session(t->ssl);
  t->kept_session = now;
  gci_link_unlink(&s->link);
  gci_list_push_front(&t->tls->sessions, &s->link);
}

void gci_tls_sessions_drop(gcache_tls_t *tls) {
  while (!gci_list_empty(&tls->sessions))
    drop(tls, gci_container_of(gci_list_front(&tls->sessions), struct session, link));
}
