/* http/h1_heads - where the heads of a connection are collected and parsed, one after the other,
 * and the last of them is remembered, because the next is mostly the same but for one part: the
 * target of a request, the Content-Length of an answer. What a head means is a function of its
 * bytes, so one that differs in nothing else needs no parser.
 *
 * Owns two blocks that all heads share, so that a head costs no allocation; a large one gives them back
 * when it is over. A head's slices point into them and, of one that was like the last, into the
 * bytes it was found in. Fails: a fault. */
#ifndef GCI_HTTP_H1_HEADS_H
#define GCI_HTTP_H1_HEADS_H

#include "base/mem.h"
#include "http/h1_parse.h"

struct gci_h1_heads {
  struct gci_mem *mem; /* borrowed */
  enum gci_h1_role role;
  uint64_t body_max;
  size_t line_max, max; /* of the first line, its end included, and of all */
  char *text;           /* what has come of this head, or the last one */
  size_t len, room;
  gcache_header_t *headers;
  size_t headers_room;
  int known; /* text and headers are a whole lawful head that another may be like; all below is of it */
  size_t part, part_len; /* where in text the part is that may differ */
  size_t first_line;     /* without that part, if it is in there */
  gcache_header_t *length;
  char digits[20]; /* of the length of the head that was like it */
  struct gci_http_head head;
  struct gci_h1_frame frame;
};

void gci_h1_heads_init(struct gci_h1_heads *h, struct gci_mem *mem, const gcache_limits_t *limits,
                       enum gci_h1_role role);
void gci_h1_heads_fini(struct gci_h1_heads *h);

/* A head that is not like the last one. */
void gci_h1_heads_begin(struct gci_h1_heads *h);
/* Its next bytes, which the guard has let pass. BAD_MEMORY. */
enum gci_h1_fault gci_h1_heads_add(struct gci_h1_heads *h, gcache_bytes_t bytes);
/* The head is whole and has that many header lines. */
enum gci_h1_fault gci_h1_heads_parse(struct gci_h1_heads *h, unsigned lines,
                                     struct gci_http_head *head, struct gci_h1_frame *frame);

/* How many of the bytes are a whole head like the last one, which head and frame are then of; 0:
 * they are not, or not all there, and have to be read. */
size_t gci_h1_heads_match(struct gci_h1_heads *h, gcache_bytes_t bytes, struct gci_http_head *head,
                          struct gci_h1_frame *frame);

/* Nobody will look at the head again. */
void gci_h1_heads_rest(struct gci_h1_heads *h);

#endif
