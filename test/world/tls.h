/* world/tls - one certificate for every host of the world, made once, and the TLS options of its
 * members. OpenSSL's allocations for a member that crashes leak: members with TLS do not crash. */
#ifndef WORLD_TLS_H
#define WORLD_TLS_H

#include "gcache/openssl.h"

/* Keys and certificates are the program's; a world has sessions of its own. Freed with
 * gcache_tls_free(). */
gcache_tls_t *world_tls_open(void);

#endif
