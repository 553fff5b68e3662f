/* smuggling - requests that two parsers may read differently, put together from parts, with what
 * RFC 9112 says of each: the request is read exactly so, or it is refused and the connection is
 * closed. Written from the RFC, not from our parser. */
#ifndef TEST_NET_SMUGGLING_H
#define TEST_NET_SMUGGLING_H

#include <stdio.h>
#include <string.h>

/* {0} stands for a zero byte, PATH for the path under test. Where the RFC leaves it open, BAD is
 * what we do: unknown methods, bare line feeds, spaces around chunk extensions. */
enum part_is { GOOD, BAD };

struct line_part {
  const char *text; /* of the first line: a method, a target, a version */
  enum part_is is;
};

static const struct line_part methods[] = {
    {"GET", GOOD},  {"POST", GOOD}, {"PUT", GOOD}, {"CONNECT", BAD}, {"get", BAD},
    {"G ET", BAD},  {"GET\t", BAD}, {" GET", BAD}, {"G{0}ET", BAD},  {"GE\x80T", BAD},
    {"GET\r", BAD}, {"(GET)", BAD}, {"", BAD},     {"GET ", BAD},
};

static const struct line_part targets[] = {
    {"PATH", GOOD},
    {"PATH?q=/../", GOOD},
    {"http://otherPATH", GOOD}, /* absolute form; its host counts, not Host's */
    {"HTTP://other:80PATH", GOOD},
    {"*", BAD},       /* but for OPTIONS */
    {"host:80", BAD}, /* but for CONNECT */
    {"http://", BAD},
    {"http:///a", BAD},
    {"http://u ser@otherPATH", BAD},
    {"http://u@otherPATH", BAD},
    {"ftp://otherPATH", BAD},
    {"PATH#f", BAD},
    {"PATH a", BAD},
    {"PATH\x80", BAD},
    {"PATH\x7f", BAD},
    {"PATH\t", BAD},
    {"PATH\r", BAD},
    {"PATH\n", BAD},
    {"../PATH", BAD},
    {"", BAD},
};

static const struct line_part versions[] = {
    {"HTTP/1.1", GOOD},     {"HTTP/1.0", GOOD}, {"HTTP/1.2", BAD},   {"HTTP/2.0", BAD},
    {"HTTP/0.9", BAD},      {"http/1.1", BAD},  {"HTTP/1.10", BAD},  {"HTTP/01.1", BAD},
    {"HTTP/1.1 ", BAD},     {" HTTP/1.1", BAD}, {"HTTP/1,1", BAD},   {"HTTP /1.1", BAD},
    {"HTTP/1.", BAD},       {"", BAD},          {"HTTP/1.1\t", BAD}, {"ICY", BAD},
    {"HTTP/1.1 X: y", BAD},
};

static const char *const line_ends_bad[] = {
    "\n", "\r", "\r\r\n", "\n\r", "\r\n\r", " \r\n \r\n", "\x0b\r\n", "\x0c\r\n", "\r{0}\n"};

/* Headers that end with their CR LF. What they say of Host is in host, of the body in how. */
enum how { NO_BODY, BY_LENGTH, BY_CHUNKS, REFUSED };

struct framing {
  const char *lines;
  enum how how;
};

#define CL5 "Content-Length: 5\r\n"
#define TE "Transfer-Encoding: chunked\r\n"

static const struct framing framings[] = {
    {"", NO_BODY},
    {"Content-Length: 0\r\n", NO_BODY},
    {CL5, BY_LENGTH},
    {"content-length:5\r\n", BY_LENGTH},
    {"Content-Length:  5  \r\n", BY_LENGTH},
    {"Content-Length: 00005\r\n", BY_LENGTH},
    {"X-Content-Length: 7\r\n" CL5, BY_LENGTH},
    {TE, BY_CHUNKS},
    {"transfer-encoding:CHUNKED\r\n", BY_CHUNKS},
    {"Transfer-Encoding:\t chunked \t\r\n", BY_CHUNKS},
    {"Content-Encoding: chunked\r\n", NO_BODY},
    {"Connection: keep-alive\r\n" CL5, BY_LENGTH},
    {"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nConnection: Upgrade, HTTP2-Settings\r\n",
     NO_BODY},
    {"TE: trailers, chunked\r\n", NO_BODY},
    /* both, in every order and disguise */
    {CL5 TE, REFUSED},
    {TE CL5, REFUSED},
    {"Content-Length: 0\r\n" TE, REFUSED},
    {TE "Content-Length: 0\r\n", REFUSED},
    {CL5 "Transfer-Encoding: identity\r\n", REFUSED},
    {CL5 "Transfer-Encoding:\r\n", REFUSED},
    {CL5 "Transfer-Encoding : chunked\r\n", REFUSED},
    {CL5 "Transfer-Encoding\t: chunked\r\n", REFUSED},
    {CL5 " Transfer-Encoding: chunked\r\n", REFUSED},
    {CL5 "X: y\r\n Transfer-Encoding: chunked\r\n", REFUSED},
    {CL5 "X: y\r\n\tTransfer-Encoding: chunked\r\n", REFUSED},
    {CL5 "X: y\nTransfer-Encoding: chunked\r\n", REFUSED},
    {CL5 "X: y\rTransfer-Encoding: chunked\r\n", REFUSED},
    {CL5 "X: y\r\n\rTransfer-Encoding: chunked\r\n", REFUSED},
    {CL5 "Transfer-Encoding: chunked\n", REFUSED},
    {CL5 "Transfer Encoding: chunked\r\n", REFUSED},
    {CL5 "Transfer-Encoding\x0b: chunked\r\n", REFUSED},
    {CL5 "Transfer-Encoding\xa0: chunked\r\n", REFUSED},
    {CL5 "\x0bTransfer-Encoding: chunked\r\n", REFUSED},
    {CL5 "Transfer-Encoding: \x0b"
         "chunked\r\n",
     REFUSED},
    /* lengths */
    {CL5 CL5, REFUSED},
    {CL5 "Content-Length: 6\r\n", REFUSED},
    {"Content-Length: 5, 5\r\n", REFUSED},
    {"Content-Length: 5,6\r\n", REFUSED},
    {"Content-Length: 5 5\r\n", REFUSED},
    {"Content-Length: 5 \r\n 5\r\n", REFUSED},
    {"Content-Length: +5\r\n", REFUSED},
    {"Content-Length: -5\r\n", REFUSED},
    {"Content-Length: 0x5\r\n", REFUSED},
    {"Content-Length: 5.0\r\n", REFUSED},
    {"Content-Length: 5e0\r\n", REFUSED},
    {"Content-Length: \"5\"\r\n", REFUSED},
    {"Content-Length: 5;a\r\n", REFUSED},
    {"Content-Length: \r\n", REFUSED},
    {"Content-Length:\r\n", REFUSED},
    {"Content-Length: ,\r\n", REFUSED},
    {"Content-Length: 5\x0b\r\n", REFUSED},
    {"Content-Length: 18446744073709551621\r\n", REFUSED}, /* 2^64 + 5 */
    {"Content-Length: 4294967301\r\n", REFUSED},           /* 2^32 + 5, over the limit */
    {"Content-Length : 5\r\n", REFUSED},
    {"Content-Length\r\n", REFUSED},
    {": 5\r\n", REFUSED},
    /* codings */
    {TE TE, REFUSED},
    {TE "Transfer-Encoding: identity\r\n", REFUSED},
    {"Transfer-Encoding: identity\r\n", REFUSED},
    {"Transfer-Encoding: gzip\r\n", REFUSED},
    {"Transfer-Encoding: gzip, chunked\r\n", REFUSED},
    {"Transfer-Encoding: chunked, gzip\r\n", REFUSED},
    {"Transfer-Encoding: chunked, chunked\r\n", REFUSED},
    {"Transfer-Encoding: chunked,\r\n", REFUSED},
    {"Transfer-Encoding: ,chunked\r\n", REFUSED},
    {"Transfer-Encoding: xchunked\r\n", REFUSED},
    {"Transfer-Encoding: chunkedx\r\n", REFUSED},
    {"Transfer-Encoding: chunked;q=1\r\n", REFUSED},
    {"Transfer-Encoding: \"chunked\"\r\n", REFUSED},
    {"Transfer-Encoding: 'chunked'\r\n", REFUSED},
    {"Transfer-Encoding: chunk\r\n ed\r\n", REFUSED},
    {"Transfer-Encoding:\r\n chunked\r\n", REFUSED},
    {"Transfer-Encoding: chunked\x0b\r\n", REFUSED},
    {"Transfer-Encoding: \r\n", REFUSED},
    {"Transfer-Encoding\r\n", REFUSED},
    /* lines */
    {"X\r\n" CL5, REFUSED},
    {"X Y: z\r\n", REFUSED},
    {" X: y\r\n", REFUSED},
    {"X: a{0}b\r\n", REFUSED},
    {"X: y\x7f\r\n", REFUSED},
    {"X(: y\r\n", REFUSED},
    {"Expect: 200-ok\r\n", REFUSED},
};

struct host {
  const char *lines;
  enum part_is is;
  const char *value;
};

static const struct host hosts[] = {
    {"Host: x\r\n", GOOD, "x"},
    {"hOsT:x:80\r\n", GOOD, "x:80"},
    {"Host: [::1]:80\r\n", GOOD, "[::1]:80"},
    {"", BAD, ""},
    {"Host: x\r\nHost: x\r\n", BAD, ""},
    {"Host: x\r\nHost: y\r\n", BAD, ""},
    {"Host: x\r\nhost: y\r\n", BAD, ""},
    {"Host: x, y\r\n", BAD, ""},
    {"Host: x y\r\n", BAD, ""},
    {"Host: x/y\r\n", BAD, ""},
    {"Host: u@x\r\n", BAD, ""},
    {"Host : x\r\n", BAD, ""},
    {" Host: x\r\n", BAD, ""},
    {"Host: x\r\n y\r\n", BAD, ""},
    {"Host: x#y\r\n", BAD, ""},
    {"Host: x\\y\r\n", BAD, ""},
};

/* Chunked bodies; the good ones say hello. */
struct chunked {
  const char *bytes;
  enum part_is is;
};

static const struct chunked bodies[] = {
    {"5\r\nhello\r\n0\r\n\r\n", GOOD},
    {"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", GOOD},
    {"0005\r\nhello\r\n000\r\n\r\n", GOOD},
    {"5;a=b\r\nhello\r\n0\r\n\r\n", GOOD},
    {"5;a=\"\\\"; \"\r\nhello\r\n0;z\r\n\r\n", GOOD},
    {"5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n", GOOD},
    {"5\r\nhello\r\n0\r\nX: y\r\nTransfer-Encoding: gzip\r\n\r\n", GOOD},
    {"5\nhello\r\n0\r\n\r\n", BAD},
    {"5\rhello\r\n0\r\n\r\n", BAD},
    {"5\r\nhello\n0\r\n\r\n", BAD},
    {"5\r\nhello\r0\r\n\r\n", BAD},
    {"5\r\nhello0\r\n\r\n", BAD},
    {"5\r\nhelloXX0\r\n\r\n", BAD},
    {"4\r\nhello\r\n0\r\n\r\n", BAD},
    {"0x5\r\nhello\r\n0\r\n\r\n", BAD},
    {"+5\r\nhello\r\n0\r\n\r\n", BAD},
    {"-5\r\nhello\r\n0\r\n\r\n", BAD},
    {" 5\r\nhello\r\n0\r\n\r\n", BAD},
    {"5 \r\nhello\r\n0\r\n\r\n", BAD},
    {"5\t\r\nhello\r\n0\r\n\r\n", BAD},
    {"5 ;a\r\nhello\r\n0\r\n\r\n", BAD},
    {"5;\r\nhello\r\n0\r\n\r\n", BAD},
    {"5;a\nb\r\nhello\r\n0\r\n\r\n", BAD},
    {"5;a\rb\r\nhello\r\n0\r\n\r\n", BAD},
    {"5;a=\"\n\"\r\nhello\r\n0\r\n\r\n", BAD},
    {"5,a\r\nhello\r\n0\r\n\r\n", BAD},
    {"\r\nhello\r\n0\r\n\r\n", BAD},
    {"g\r\nhello\r\n0\r\n\r\n", BAD},
    {"10000000000000005\r\nhello\r\n0\r\n\r\n", BAD},
    {"100000005\r\nhello\r\n0\r\n\r\n", BAD},
    {"5\r\nhello\r\n0\r\n\r", BAD},
    {"5\r\nhello\r\n0\r\n\n", BAD},
    {"5\r\nhello\r\n0\r\nX : y\r\n\r\n", BAD},
    {"5\r\nhello\r\n0\r\n X: y\r\n\r\n", BAD},
    {"5\r\nhello\r\n0\r\nX: y\r\n\r\r\n", BAD},
    {"5\r\nhello\r\n0\n\n", BAD},
    {"5\r\n\r\nhello\r\n0\r\n\r\n", BAD},
};

#endif
