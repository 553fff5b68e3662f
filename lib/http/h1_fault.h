/* http/h1_fault - everything that can be wrong with a received message: the server's answer, the
 * client's status, and a text. Cannot fail. */
#ifndef GCI_HTTP_H1_FAULT_H
#define GCI_HTTP_H1_FAULT_H

#include <uv.h>

#include "gcache/gcache.h"

#define GCI_H1_FAULT_MAP(XX)                                                                  \
  XX(FIRST_LINE, 400, UV_EPROTO, "malformed first line")                                      \
  XX(VERSION, 505, UV_EPROTO, "neither HTTP/1.0 nor HTTP/1.1")                                \
  XX(LINE_SIZE, 414, UV_EMSGSIZE, "first line is longer than the limit")                      \
  XX(HEADER_LINE, 400, UV_EPROTO, "malformed header line")                                    \
  XX(HEAD_SIZE, 431, UV_EMSGSIZE, "head is longer than the limit")                            \
  XX(HEAD_LINES, 431, UV_EMSGSIZE, "more header lines than the limit")                        \
  XX(CHUNK, 400, UV_EPROTO, "malformed chunk")                                                \
  XX(CHUNK_META, 431, UV_EMSGSIZE, "chunk extensions and trailers are longer than the limit") \
  XX(BODY_SIZE, 413, UV_EMSGSIZE, "body is longer than the limit")                            \
  XX(LENGTH, 400, UV_EPROTO, "Content-Length is not one number")                              \
  XX(CODING, 501, UV_EPROTO, "Transfer-Encoding is not chunked")                              \
  XX(LENGTH_AND_CODING, 400, UV_EPROTO, "both Content-Length and Transfer-Encoding")          \
  XX(CODING_IN_1_0, 400, UV_EPROTO, "Transfer-Encoding in HTTP/1.0")                          \
  XX(HOST, 400, UV_EPROTO, "not exactly one lawful Host")                                     \
  XX(TARGET, 400, UV_EPROTO, "request target of an unknown form")                             \
  XX(METHOD, 501, UV_EPROTO, "unknown method")                                                \
  XX(EXPECT, 417, UV_EPROTO, "unknown expectation")                                           \
  XX(SWITCHED, 400, UV_EPROTO, "the other side changed the protocol")                         \
  XX(INTERIM, 400, UV_EPROTO, "more than eight interim answers")                              \
  XX(UNASKED, 400, UV_EPROTO, "bytes that nobody asked for")                                  \
  XX(CUT_HEAD, 400, UV_EOF, "closed before the end of the answer's head")                     \
  XX(CUT_BODY, 400, UV_EOF, "closed before the end of the answer's body")                     \
  XX(CUT, 400, UV_EOF, "closed before the answer")                                            \
  XX(PARSER, 400, UV_EPROTO, "malformed message")                                             \
  XX(LATE, 408, UV_ETIMEDOUT, "the request took too long to arrive")                          \
  XX(ROOM, 429, GCACHE_EBUSY, "too much is in flight")                                        \
  XX(MEMORY, 503, UV_ENOMEM, "out of memory")

enum gci_h1_fault {
  GCI_H1_SOUND = 0,
#define XX(name, status, code, text) GCI_H1_BAD_##name,
  GCI_H1_FAULT_MAP(XX)
#undef XX
};

int gci_h1_fault_status(enum gci_h1_fault fault);       /* of the answer that refuses */
int gci_h1_fault_code(enum gci_h1_fault fault);         /* 0 for SOUND */
const char *gci_h1_fault_text(enum gci_h1_fault fault); /* static; "" for SOUND */

#endif
