/* store/crc32 - see crc32.h. Four bits a step: a table of 16, one cache line. */
#include "store/crc32.h"

static const uint32_t remainder_of[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};

uint32_t gci_crc32(gcache_bytes_t bytes) {
  const unsigned char *p = bytes.base;
  uint32_t crc = ~(uint32_t)0;
  for (size_t i = 0; i < bytes.len; i++) {
    crc ^= p[i];
    crc = (crc >> 4) ^ remainder_of[crc & 15];
    crc = (crc >> 4) ^ remainder_of[crc & 15];
  }
  return ~crc;
}
