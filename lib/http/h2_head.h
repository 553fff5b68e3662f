/* http/h2_head - collects the fields of one head, within the limits, and makes a checked head of
 * them.
 *
 * Heads of different streams never mix, so a connection needs one of these. nghttp2 has checked the
 * bytes of names and values, and the order and number of pseudo fields; this room checks the
 * limits, and what the code above requires of a request: a path, a host, a method that is no
 * tunnel.
 * Owns its buffer. Fails: UV_ENOMEM; a status to refuse the request with. */
#ifndef GCI_HTTP_H2_HEAD_H
#define GCI_HTTP_H2_HEAD_H

#include "base/mem.h"
#include "http/message.h"

struct gci_h2_head {
  struct gci_mem *mem;
  const gcache_limits_t *limits;
  char *text; /* records: two lengths, name, value */
  size_t len, room;
  size_t size; /* as counted by RFC 9113, 6.5.2 */
  unsigned fields;
  int refusal; /* status, once a limit is passed; nothing is collected after that */
};

/* A complete head: one allocation, the owner's struct first, then the headers, then their text. */
struct gci_h2_block {
  void *base; /* the caller's, gci_mem_free() */
  size_t size;
  struct gci_http_head head; /* points into it */
  gcache_bytes_t length;     /* Content-Length; base NULL: not stated */
  int expects_continue;
};

void gci_h2_head_init(struct gci_h2_head *h, struct gci_mem *mem, const gcache_limits_t *limits);
void gci_h2_head_fini(struct gci_h2_head *h);
void gci_h2_head_begin(struct gci_h2_head *h);
int gci_h2_head_add(struct gci_h2_head *h, gcache_bytes_t name,
                    gcache_bytes_t value); /* UV_ENOMEM */

/* 0: the block has `prefix` bytes for the owner; UV_ENOMEM; or the status of the refusal. The first
 * of the headers is Host. */
int gci_h2_head_request(struct gci_h2_head *h, size_t prefix, struct gci_h2_block *block);
/* 0; UV_ENOMEM; UV_EMSGSIZE: over a limit. */
int gci_h2_head_answer(struct gci_h2_head *h, size_t prefix, struct gci_h2_block *block);
/* Status of the answer that is being collected; 0: not there yet. */
int gci_h2_head_status(const struct gci_h2_head *h);

#endif
