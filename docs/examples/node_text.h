/* node_text - a text that grows, and JSON written into it. Out of memory is remembered in failed:
 * the text is then incomplete. */
#ifndef NODE_TEXT_H
#define NODE_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
  char *base; /* malloc(); zero-terminated after the first text_put() */
  size_t len, cap;
  int failed;
};

void text_put(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_free(struct text *t);

/* A JSON string: quotes, backslashes and control bytes escaped. A byte that is neither ASCII nor
 * part of valid UTF-8 is written as U+FFFD. NULL: null. */
void text_put_json(struct text *t, const char *string);
/* "name":value, with a comma before it except after an opening bracket and at the beginning. */
void text_put_number(struct text *t, const char *name, int64_t value);
void text_put_count(struct text *t, const char *name, uint64_t value);
void text_put_string(struct text *t, const char *name, const char *value);
/* The same for the beginning of an array or object: bracket is '[' or '{'; name NULL inside
 * arrays. */
void text_open(struct text *t, const char *name, char bracket);
void text_close(struct text *t, char bracket); /* ']' or '}' */

#endif
