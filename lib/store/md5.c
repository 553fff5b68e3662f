/* store/md5 - see md5.h. Letters are those of RFC 1321. */
#include "store/md5.h"

#include <stdint.h>
#include <string.h>

#define BLOCK 64

/* floor(2^32 * |sin(i + 1)|) */
static const uint32_t sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};

static const unsigned char rotations[4][4] = {
    {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static uint32_t rotate_left(uint32_t x, unsigned n) {
  return x << n | x >> (32 - n);
}

static uint32_t read_le32(const unsigned char *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void write_le32(unsigned char *p, uint32_t x) {
  for (int i = 0; i < 4; i++)
    p[i] = (unsigned char)(x >> 8 * i);
}

/* The four auxiliary functions, by round. */
static uint32_t mixed(unsigned round, uint32_t b, uint32_t c, uint32_t d) {
  switch (round) {
  case 0:
    return (b & c) | (~b & d);
  case 1:
    return (b & d) | (c & ~d);
  case 2:
    return b ^ c ^ d;
  default:
    return c ^ (b | ~d);
  }
}

/* The index of the word of the block that step i takes. */
static unsigned word_at(unsigned i) {
  static const unsigned char factor[4] = {1, 5, 3, 7}, start[4] = {0, 1, 5, 0};
  return (factor[i / 16] * i + start[i / 16]) % 16;
}

static void digest_block(uint32_t state[4], const unsigned char block[BLOCK]) {
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
  for (unsigned i = 0; i < 64; i++) {
    uint32_t sum = a + mixed(i / 16, b, c, d) + read_le32(block + 4 * word_at(i)) + sines[i];
    a = d;
    d = c;
    c = b;
    b += rotate_left(sum, rotations[i / 16][i % 4]);
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
}

/* The bytes after the whole blocks, a one bit, zeros, and the length in bits. */
static void digest_tail(uint32_t state[4], const unsigned char *rest, size_t rest_len,
                        uint64_t message_len) {
  unsigned char tail[2 * BLOCK] = {0};
  size_t tail_len = rest_len + 1 + 8 <= BLOCK ? BLOCK : 2 * BLOCK;
  if (rest_len > 0) memcpy(tail, rest, rest_len);
  tail[rest_len] = 0x80;
  write_le32(tail + tail_len - 8, (uint32_t)(message_len << 3));
  write_le32(tail + tail_len - 4, (uint32_t)(message_len >> 29));
  for (size_t done = 0; done < tail_len; done += BLOCK)
    digest_block(state, tail + done);
}

void gci_md5(gcache_bytes_t message, unsigned char digest[GCI_MD5_SIZE]) {
  uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  const unsigned char *p = message.base;
  size_t whole = message.len / BLOCK * BLOCK;
  for (size_t done = 0; done < whole; done += BLOCK)
    digest_block(state, p + done);
  digest_tail(state, whole == 0 ? p : p + whole, message.len - whole, message.len);
  for (int i = 0; i < 4; i++)
    write_le32(digest + 4 * i, state[i]);
}
