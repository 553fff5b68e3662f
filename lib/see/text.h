/* see/text - a text that grows, and how others' names are written into it.
 *
 * Numbers are written digit by digit, because the application may have chosen a locale whose
 * decimal point is a comma. Owns its bytes. Fails: out of memory is remembered, everything after it
 * is left out, and gci_text_take() reports it. */
#ifndef GCI_SEE_TEXT_H
#define GCI_SEE_TEXT_H

#include "base/mem.h"

struct gci_text {
  struct gci_mem *mem; /* borrowed */
  char *base;
  size_t len, room;
  int failed;
};

void gci_text_init(struct gci_text *t, struct gci_mem *mem);
void gci_text_fini(struct gci_text *t);
/* All of it as a value that never expires; one reference, the caller's. NULL: out of memory. */
gcache_value_t *gci_text_take(struct gci_text *t);

void gci_text_add(struct gci_text *t, const char *text);
void gci_text_add_count(struct gci_text *t, uint64_t n);
void gci_text_add_int(struct gci_text *t, int n);
void gci_text_add_seconds(struct gci_text *t, uint64_t ns); /* "1.5"; "0" */

/* In quotes, as a label of Prometheus and a string of JSON (RFC 8259) must be. Bytes that are not
 * UTF-8 become U+FFFD, one each: one such name would make the whole text invalid. */
void gci_text_add_label(struct gci_text *t, const char *text);
void gci_text_add_string(struct gci_text *t, const char *text);

#endif
