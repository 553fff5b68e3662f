/* peer_words - prepared messages that a real peer could send, so that a hostile one gets as far as
 * an honest one. */
#ifndef TEST_FUZZ_PEER_WORDS_H
#define TEST_FUZZ_PEER_WORDS_H

#include <stdint.h>
#include <string.h>

#include "gcache/gcache.h"

enum { PEER_WORD_MAX = 1024 };

enum peer_word {
  PEER_VALUE,   /* as gcache */
  PEER_VALUE_2, /* that speaks HTTP/2 too */
  PEER_NOT_CACHED,
  PEER_LARGE,
  PEER_NOT_FOUND,
  PEER_FAILED,
  PEER_NO_GROUP,
  PEER_TIMEOUT,
  PEER_DONE, /* of a change */
  PEER_STALE,
  PEER_BUSY,
  PEER_LAST,       /* and the connection ends */
  PEER_GO,         /* a value as Go's groupcache says it */
  PEER_BODY_BEGUN, /* of a larger value */
  /* HTTP/2 */
  PEER_H2_SETTINGS,
  PEER_H2_ACK,
  PEER_H2_VALUE,
  PEER_H2_LARGE,
  PEER_H2_HEAD,
  PEER_H2_DATA_LAST,
  PEER_H2_RESET,
  PEER_H2_REFUSED,
  PEER_H2_GOAWAY,
  PEER_H2_PING_ACK,
  PEER_H2_WINDOW,
  PEER_WORDS
};

#define PEER_PROTO "Content-Type: application/x-protobuf\r\n"
#define PEER_TEXT "Content-Type: text/plain; charset=utf-8\r\n"
#define PEER_BODY "\x0a\x01v\x18\0" /* GetResponse{value "v", expire 0} */
#define PEER_WORD(text) gcache_bytes(text, sizeof text - 1)

static inline gcache_bytes_t peer_word_1(unsigned word) {
  switch (word) {
  case PEER_VALUE:
    return PEER_WORD("HTTP/1.1 200 OK\r\nGcache: 1\r\n" PEER_PROTO
                     "Content-Length: 5\r\n\r\n" PEER_BODY);
  case PEER_VALUE_2:
    return PEER_WORD("HTTP/1.1 200 OK\r\nGcache: 1\r\nGcache-Http: 2\r\n" PEER_PROTO
                     "Content-Length: 5\r\n\r\n" PEER_BODY);
  case PEER_NOT_CACHED:
    return PEER_WORD(
        "HTTP/1.1 504 Gateway Timeout\r\nGcache: 1\r\nGcache-Reason: not-cached\r\n" PEER_TEXT
        "Content-Length: 1\r\n\r\nx");
  case PEER_LARGE:
    return PEER_WORD("HTTP/1.1 504 Gateway Timeout\r\nGcache: 1\r\nGcache-Http: 2\r\n"
                     "Gcache-Reason: large\r\n" PEER_TEXT "Content-Length: 1\r\n\r\nx");
  case PEER_NOT_FOUND:
    return PEER_WORD("HTTP/1.1 404 Not Found\r\nGcache: 1\r\nGcache-Reason: not-found\r\n"
                     "Gcache-Not-Found-Ms: 500\r\n" PEER_TEXT "Content-Length: 1\r\n\r\nx");
  case PEER_FAILED:
    return PEER_WORD(
        "HTTP/1.1 503 Service Unavailable\r\nGcache: 1\r\nGcache-Reason: getter\r\n" PEER_TEXT
        "Content-Length: 4\r\n\r\n\x80\r\nx");
  case PEER_NO_GROUP:
    return PEER_WORD("HTTP/1.1 404 Not Found\r\n" PEER_TEXT
                     "Content-Length: 16\r\n\r\nno such group: g");
  case PEER_TIMEOUT:
    return PEER_WORD(
        "HTTP/1.1 504 Gateway Timeout\r\nGcache: 1\r\nGcache-Reason: timeout\r\n" PEER_TEXT
        "Content-Length: 0\r\n\r\n");
  case PEER_DONE:
    return PEER_WORD("HTTP/1.1 200 OK\r\nGcache: 1\r\nContent-Length: 0\r\n\r\n");
  case PEER_STALE:
    return PEER_WORD("HTTP/1.1 200 OK\r\nGcache: 1\r\n" PEER_PROTO
                     "Content-Length: 10\r\n\r\n\x0a\x01v\x18\x01\x80\x01\x90\x03\n");
  case PEER_BUSY:
    return PEER_WORD("HTTP/1.1 429 Too Many Requests\r\nGcache: 1\r\nGcache-Reason: busy\r\n"
                     "Retry-After: 1\r\nContent-Length: 0\r\n\r\n");
  case PEER_LAST:
    return PEER_WORD("HTTP/1.1 200 OK\r\nGcache: 1\r\nConnection: close\r\n" PEER_PROTO
                     "Content-Length: 5\r\n\r\n" PEER_BODY);
  case PEER_GO:
    return PEER_WORD("HTTP/1.1 200 OK\r\n" PEER_PROTO
                     "Transfer-Encoding: chunked\r\n\r\n5\r\n" PEER_BODY "\r\n0\r\n\r\n");
  default:
    return PEER_WORD("HTTP/1.1 200 OK\r\nGcache: 1\r\n" PEER_PROTO
                     "Content-Length: 2004\r\n\r\n\x0a\xd0\x0f");
  }
}

static inline size_t peer_frame(unsigned char *out, int type, int flags, uint32_t stream,
                                gcache_bytes_t payload) {
  const unsigned char head[9] = {0,
                                 (unsigned char)(payload.len >> 8),
                                 (unsigned char)payload.len,
                                 (unsigned char)type,
                                 (unsigned char)flags,
                                 (unsigned char)(stream >> 24),
                                 (unsigned char)(stream >> 16),
                                 (unsigned char)(stream >> 8),
                                 (unsigned char)stream};
  memcpy(out, head, sizeof head);
  if (payload.len > 0) memcpy(out + sizeof head, payload.base, payload.len);
  return sizeof head + payload.len;
}

/* :status 200 of the static table, then names and values as they are. */
#define PEER_H2_GCACHE "\0\6gcache\0011"
#define PEER_H2_PROTO "\0\14content-type\26application/x-protobuf"
#define PEER_H2_OK "\x88" PEER_H2_GCACHE PEER_H2_PROTO
/* :status 504 */
#define PEER_H2_504 "\x08\003504" PEER_H2_GCACHE "\0\15gcache-reason\5large"

/* *stream: the next to be answered. */
static inline size_t peer_word_2(unsigned char *out, unsigned word, uint32_t *stream) {
  uint32_t s = *stream;
  size_t n;
  switch (word) {
  case PEER_H2_SETTINGS:
    return peer_frame(out, 4, 0, 0, gcache_bytes(NULL, 0));
  case PEER_H2_ACK:
    return peer_frame(out, 4, 1, 0, gcache_bytes(NULL, 0));
  case PEER_H2_VALUE:
    n = peer_frame(out, 1, 4, s, PEER_WORD(PEER_H2_OK));
    *stream += 2;
    return n + peer_frame(out + n, 0, 1, s, PEER_WORD(PEER_BODY));
  case PEER_H2_LARGE:
    *stream += 2;
    return peer_frame(out, 1, 5, s, PEER_WORD(PEER_H2_504));
  case PEER_H2_HEAD:
    return peer_frame(out, 1, 4, s, PEER_WORD(PEER_H2_OK));
  case PEER_H2_DATA_LAST:
    *stream += 2;
    return peer_frame(out, 0, 1, s, PEER_WORD(PEER_BODY));
  case PEER_H2_RESET:
    *stream += 2;
    return peer_frame(out, 3, 0, s, PEER_WORD("\0\0\0\2"));
  case PEER_H2_REFUSED:
    *stream += 2;
    return peer_frame(out, 3, 0, s, PEER_WORD("\0\0\0\7"));
  case PEER_H2_GOAWAY:
    return peer_frame(out, 7, 0, 0, PEER_WORD("\0\0\0\1\0\0\0\0"));
  case PEER_H2_PING_ACK:
    return peer_frame(out, 6, 1, 0, PEER_WORD("\0\0\0\0\0\0\0\0"));
  default:
    return peer_frame(out, 8, 0, 0, PEER_WORD("\0\0\1\0"));
  }
}

/* Its length. */
static inline size_t peer_word(unsigned char *out, unsigned word, uint32_t *stream) {
  word %= PEER_WORDS;
  if (word >= PEER_H2_SETTINGS) return peer_word_2(out, word, stream);
  gcache_bytes_t text = peer_word_1(word);
  memcpy(out, text.base, text.len);
  return text.len;
}

#endif
