/* door/question - a call as an HTTP request, and the peer's answer as the call's result. Knows the
 * protocol's statuses and headers; knows no connection.
 *
 * Owns the few buffers that a request borrows while it is sent. Fails: UV_ENOMEM. */
#ifndef GCI_DOOR_QUESTION_H
#define GCI_DOOR_QUESTION_H

#include "base/mem.h"
#include "door/auth.h"
#include "door/dialect.h"
#include "gcache/transport.h"
#include "http/message.h"
#include "wire/proto.h"

#define GCI_REASON_MAX 256

struct gci_question {
  struct gci_mem *mem;
  struct gci_http_message message; /* points into the members below */
  gcache_header_t headers[7];
  char timeout[24], newer_than[24], auth[GCI_AUTH_LINE];
  char *target, *before; /* target: in near if it fits */
  size_t target_size, before_size;
  gcache_value_t *body; /* of a removal of many keys */
  char after[GCI_PROTO_EDGE];
  char near[256];
};

/* The peer, and the sender. All borrowed until fini. */
struct gci_question_way {
  gcache_bytes_t base_path;
  gcache_bytes_t host; /* of the Host line */
  const char *self;    /* may be NULL */
  const char *stay;    /* of the dialect */
  int plain; /* without the headers that only gcache reads; a clear needs one all the same */
  int fast;  /* over a fast lane: a get from memory only */
  struct gci_auth *auth; /* signs; NULL: requests are not signed */
};

int gci_question_init(struct gci_question *q, struct gci_mem *mem, gcache_call_t *call,
                      const struct gci_question_way *way);
/* groupcache-go's removal of many keys, all of them gci_remove_keys_carries(). */
int gci_question_init_many(struct gci_question *q, struct gci_mem *mem, gcache_bytes_t group,
                           const gcache_bytes_t keys[], size_t n,
                           const struct gci_question_way *way);
void gci_question_fini(struct gci_question *q);

struct gci_result {
  int is_gcache; /* the peer has shown itself to be one */
  int leaving;   /* it has said so */
  int large;     /* it has said that the value is too large for a fast lane */
  int speaks_2;  /* it has said that it speaks HTTP/2 in the clear */
  int http_status;
  int status; /* as gcache_call_done() takes it */
  gcache_value_t *value;
  gcache_value_t *body;            /* of a value, until it is read */
  uint64_t stale_ms, not_found_ms; /* as gcache_call_set_stale(), _set_not_found() take them */
  char reason[GCI_REASON_MAX + 1];
};

/* While head and body (may be NULL) are borrowed from the connection. peer: for messages. */
void gci_question_read_answer(struct gci_result *result, gcache_op_t op, const char *peer,
                              const struct gci_dialect *dialect, const struct gci_http_head *head,
                              gcache_value_t *body);
/* After the connection has let go of the body: only then can it become the value without a copy. */
void gci_question_read_value(struct gci_result *result, struct gci_mem *mem, const char *peer,
                             size_t value_max);

#endif
