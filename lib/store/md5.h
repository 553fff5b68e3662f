/* store/md5 - MD5 (RFC 1321) of a whole message, for the points of the mailgun and groupcache-go
 * rings. Not for anything that needs a secure hash. Cannot fail. */
#ifndef GCI_STORE_MD5_H
#define GCI_STORE_MD5_H

#include "gcache/gcache.h"

#define GCI_MD5_SIZE 16

void gci_md5(gcache_bytes_t message, unsigned char digest[GCI_MD5_SIZE]);

#endif
