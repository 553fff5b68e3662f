/* differences - the one list of recorded messages for which gcache says something else, each with
 * what it says instead. A message that is not listed here is as recorded (golden.h). */
#include <stdio.h>
#include <string.h>

#include "golden.h"

static const char space[] =
    "golang's client writes a space as a plus, which its server reads as one";
static const char route[] =
    "net/http refuses a bad escape itself, without a length, and closes; here it is groupcache";
static const char reason[] = "one header line more, for machines: Gcache-Reason";
static const char length[] = "Go sends more than 2 KiB in chunks; the length is known here";
static const char words[] = "words of our own; Go's are those of its protobuf library";

static const struct golden_difference differences[] = {
    {"golang-client-005-get.req", space, "GET /_groupcache/interop/a%20b HTTP/1.1", NULL},
    {"mailgun-server-get-badpct.resp", route,
     "HTTP/1.1 400 Bad Request\n"
     "Content-Type: text/plain; charset=utf-8\n"
     "X-Content-Type-Options: nosniff\n"
     "Gcache: 1\n"
     "Content-Length: 12",
     "bad request\n"},
    {"mailgun-server-get-nogroup.resp", reason,
     "HTTP/1.1 404 Not Found\n"
     "Content-Type: text/plain; charset=utf-8\n"
     "X-Content-Type-Options: nosniff\n"
     "Gcache: 1\n"
     "Gcache-Reason: no-group\n"
     "Content-Length: 21",
     NULL},
    {"mailgun-server-get-missing.resp", reason,
     "HTTP/1.1 404 Not Found\n"
     "Content-Type: text/plain; charset=utf-8\n"
     "X-Content-Type-Options: nosniff\n"
     "Gcache: 1\n"
     "Gcache-Reason: not-found\n"
     "Content-Length: 23",
     NULL},
    {"mailgun-server-get-error.resp", reason,
     "HTTP/1.1 503 Service Unavailable\n"
     "Content-Type: text/plain; charset=utf-8\n"
     "X-Content-Type-Options: nosniff\n"
     "Gcache: 1\n"
     "Gcache-Reason: getter\n"
     "Content-Length: 26",
     NULL},
    {"mailgun-server-get-big.resp", length,
     "HTTP/1.1 200 OK\n"
     "Content-Type: application/x-protobuf\n"
     "Gcache: 1\n"
     "Content-Length: 100006",
     NULL},
    {"mailgun-server-put-empty.resp", words,
     "HTTP/1.1 400 Bad Request\n"
     "Content-Type: text/plain; charset=utf-8\n"
     "X-Content-Type-Options: nosniff\n"
     "Gcache: 1\n"
     "Content-Length: 29",
     "the body is not a SetRequest\n"},
    {"mailgun-server-put-garbage.resp", words,
     "HTTP/1.1 400 Bad Request\n"
     "Content-Type: text/plain; charset=utf-8\n"
     "X-Content-Type-Options: nosniff\n"
     "Gcache: 1\n"
     "Content-Length: 29",
     "the body is not a SetRequest\n"},
    {"mailgun-server-put-nokey.resp", words,
     "HTTP/1.1 400 Bad Request\n"
     "Content-Type: text/plain; charset=utf-8\n"
     "X-Content-Type-Options: nosniff\n"
     "Gcache: 1\n"
     "Content-Length: 29",
     "the body is not a SetRequest\n"},
    {"golang-server-get-badpct.resp", route,
     "HTTP/1.1 400 Bad Request\n"
     "Content-Type: text/plain; charset=utf-8\n"
     "X-Content-Type-Options: nosniff\n"
     "Gcache: 1\n"
     "Content-Length: 12",
     "bad request\n"},
    {"golang-server-get-nogroup.resp", reason,
     "HTTP/1.1 404 Not Found\n"
     "Content-Type: text/plain; charset=utf-8\n"
     "X-Content-Type-Options: nosniff\n"
     "Gcache: 1\n"
     "Gcache-Reason: no-group\n"
     "Content-Length: 21",
     NULL},
    {"golang-server-get-missing.resp", reason,
     "HTTP/1.1 500 Internal Server Error\n"
     "Content-Type: text/plain; charset=utf-8\n"
     "X-Content-Type-Options: nosniff\n"
     "Gcache: 1\n"
     "Gcache-Reason: not-found\n"
     "Content-Length: 28",
     NULL},
    {"golang-server-get-error.resp", reason,
     "HTTP/1.1 500 Internal Server Error\n"
     "Content-Type: text/plain; charset=utf-8\n"
     "X-Content-Type-Options: nosniff\n"
     "Gcache: 1\n"
     "Gcache-Reason: getter\n"
     "Content-Length: 26",
     NULL},
    {"golang-server-get-big.resp", length,
     "HTTP/1.1 200 OK\n"
     "Content-Type: application/x-protobuf\n"
     "Gcache: 1\n"
     "Content-Length: 100004",
     NULL},
};

const struct golden_difference *golden_difference(const struct golden_vector *v,
                                                  const char *ending) {
  char file[80];

  snprintf(file, sizeof file, "%s%s", v->name, ending);
  for (size_t i = 0; i < golden_differences(); i++)
    if (strcmp(differences[i].file, file) == 0) return &differences[i];
  return NULL;
}

size_t golden_differences(void) {
  return sizeof differences / sizeof differences[0];
}
