/* http/h1_heads - collects and parses the heads of a connection, one after the other, and remembers
 * the last, because the next is mostly the same except for one part: the target of a request, the
 * Content-Length of an answer. The meaning of a head is a function of its bytes, so a head that
 * differs in nothing else needs no parser.
 *
 * Owns two blocks that all heads share, so that a head costs no allocation; blocks of a large head
 * are freed when it is over. A head's slices point into them and, for a head that was like the
 * last, into the received bytes. Fails: a fault. */
#ifndef GCI_HTTP_H1_HEADS_H
#define GCI_HTTP_H1_HEADS_H

#include "base/mem.h"
#include "http/h1_parse.h"

struct gci_h1_heads {
  struct gci_mem *mem; /* borrowed */
  enum gci_h1_role role;
  uint64_t body_max;
  size_t line_max, max; /* of the first line, including its end, and of the whole head */
  char *text;           /* the bytes so far of this head, or the last head */
  size_t len, room;
  gcache_header_t *headers;
  size_t headers_room;
  int known; /* text and headers are a complete valid head, to which all below belongs */
  size_t part, part_len; /* place in text of the part that may differ */
  size_t first_line;     /* without that part, if it is in that line */
  gcache_header_t *length;
  char digits[20]; /* of the length in the head that was like it */
  struct gci_http_head head;
  struct gci_h1_frame frame;
};

void gci_h1_heads_init(struct gci_h1_heads *h, struct gci_mem *mem, const gcache_limits_t *limits,
                       enum gci_h1_role role);
void gci_h1_heads_fini(struct gci_h1_heads *h);

/* Begins a head that is not like the last one. */
void gci_h1_heads_begin(struct gci_h1_heads *h);
/* Its next bytes, which the guard has accepted. BAD_MEMORY. */
enum gci_h1_fault gci_h1_heads_add(struct gci_h1_heads *h, gcache_bytes_t bytes);
/* The head is complete and has that many header lines. */
enum gci_h1_fault gci_h1_heads_parse(struct gci_h1_heads *h, unsigned lines,
                                     struct gci_http_head *head, struct gci_h1_frame *frame);

/* The number of bytes if they begin with a complete head like the last one: head and frame are set
 * from it. 0: they do not, or it is incomplete; the head must be read. */
size_t gci_h1_heads_match(struct gci_h1_heads *h, gcache_bytes_t bytes, struct gci_http_head *head,
                          struct gci_h1_frame *frame);

/* Nobody will look at the head again. */
void gci_h1_heads_rest(struct gci_h1_heads *h);

#endif
