/* find/url - URLs of members, made from a resolver's answers. Pure. */
#ifndef GCI_FIND_URL_H
#define GCI_FIND_URL_H

#include <stdint.h>

#include "base/list.h"
#include "gcache/gcache.h"

#define GCI_FIND_URL_MAX 288 /* a name has 255 bytes at most */

struct sockaddr_storage;

/* "http://10.0.0.1:80", "http://[::1]:80". The port of the address is ignored. 0: it is too
 * long. */
size_t gci_find_url_address(char out[GCI_FIND_URL_MAX], int secure,
                            const struct sockaddr_storage *address, uint16_t port);
/* In lower case, without the dot at its end. */
size_t gci_find_url_name(char out[GCI_FIND_URL_MAX], int secure, const char *name, uint16_t port);
/* AF_INET or AF_INET6 if host, without brackets, is an address; 0: it is none. */
int gci_find_url_family(gcache_bytes_t host);

#endif
