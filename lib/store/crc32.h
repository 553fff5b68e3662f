/* store/crc32 - CRC-32 of IEEE 802.3 (reflected 0xEDB88320), for the golang ring. Cannot fail. */
#ifndef GCI_STORE_CRC32_H
#define GCI_STORE_CRC32_H

#include <stdint.h>

#include "gcache/gcache.h"

uint32_t gci_crc32(gcache_bytes_t bytes);

#endif
