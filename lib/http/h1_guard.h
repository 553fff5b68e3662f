/* http/h1_guard - the byte check of heads, before the parser sees them: tokens, single spaces,
 * versions, CR LF and nothing else at line ends, no folded lines, sizes.
 *
 * A state machine over bytes: however the input is cut, the first invalid byte decides. Owns
 * nothing. Fails: a fault, after which it must not be fed again. */
#ifndef GCI_HTTP_H1_GUARD_H
#define GCI_HTTP_H1_GUARD_H

#include "gcache/gcache.h"
#include "http/h1_fault.h"

struct gci_h1_guard {
  size_t line_max;          /* of the first line, including its end */
  size_t max;               /* of all */
  enum gci_h1_fault at_max; /* the fault for passing max */
  unsigned lines_max;
  size_t size;     /* bytes taken */
  unsigned lines;  /* header lines begun */
  int state;       /* private */
  unsigned at;     /* private: position in a literal */
  unsigned digits; /* private: major and minor version as a two-digit number */
};

void gci_h1_guard_request(struct gci_h1_guard *g, const gcache_limits_t *limits);
void gci_h1_guard_answer(struct gci_h1_guard *g, const gcache_limits_t *limits);
/* Trailer lines and the empty line: at most max bytes before the empty line's end. */
void gci_h1_guard_trailer(struct gci_h1_guard *g, unsigned lines_max, size_t max);

/* Takes bytes up to the end of the head; *used says how many, *done whether that end was
 * reached. */
enum gci_h1_fault gci_h1_guard_take(struct gci_h1_guard *g, gcache_bytes_t bytes, size_t *used,
                                    int *done);

#endif
