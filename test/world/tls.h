/* world/tls - one certificate for every host of the world, made once, and the terms on which its
 * members speak TLS. What OpenSSL allocates for a member that crashes is leaked: members that speak
 * it do not. */
#ifndef WORLD_TLS_H
#define WORLD_TLS_H

#include "gcache/openssl.h"

/* Keys and certificates are the program's; a world has sessions of its own. Freed with
 * gcache_tls_free(). */
gcache_tls_t *world_tls_open(void);

#endif
