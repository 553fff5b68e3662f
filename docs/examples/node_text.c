#include "node_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int make_room(struct text *t, size_t more) {
  char *base;

  if (t->failed) return -1;
  if (t->len + more < t->cap) return 0;
  t->cap = 2 * t->cap + more + 256;
  base = realloc(t->base, t->cap);
  t->failed = base == NULL;
  if (base != NULL) t->base = base;
  return t->failed ? -1 : 0;
}

void text_put(struct text *t, const char *format, ...) {
  va_list args;
  int n;

  va_start(args, format);
  n = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (n < 0 || make_room(t, (size_t)n + 1) < 0) return;
  va_start(args, format);
  vsnprintf(t->base + t->len, t->cap - t->len, format, args);
  va_end(args);
  t->len += (size_t)n;
}

void text_free(struct text *t) {
  free(t->base);
  *t = (struct text){0};
}

/* Length of the UTF-8 character that s begins with; 0: not valid, as are surrogates, overlong forms
 * and code points beyond U+10FFFF. */
static size_t utf8_length(const unsigned char *s) {
  size_t n = s[0] < 0x80   ? 1
             : s[0] < 0xc2 ? 0
             : s[0] < 0xe0 ? 2
             : s[0] < 0xf0 ? 3
             : s[0] < 0xf5 ? 4
                           : 0;

  for (size_t i = 1; i < n; i++)
    if ((s[i] & 0xc0) != 0x80) return 0; /* also where the string ends */
  if (n > 2 && ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
                (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)))
    return 0;
  return n;
}

void text_put_json(struct text *t, const char *string) {
  const unsigned char *s = (const unsigned char *)string;
  size_t n;

  if (s == NULL) {
    text_put(t, "null");
    return;
  }
  text_put(t, "\"");
  for (; *s != 0; s += n) {
    n = utf8_length(s);
    if (*s == '"' || *s == '\\')
      text_put(t, "\\%c", *s);
    else if (*s < 0x20 || *s == 0x7f)
      text_put(t, "\\u%04x", *s);
    else if (n > 0)
      text_put(t, "%.*s", (int)n, (const char *)s);
    else
      text_put(t, "\\ufffd");
    n += n == 0;
  }
  text_put(t, "\"");
}

static void put_name(struct text *t, const char *name) {
  if (t->len > 0 && strchr("[{", t->base[t->len - 1]) == NULL) text_put(t, ",");
  if (name == NULL) return;
  text_put_json(t, name);
  text_put(t, ":");
}

void text_put_number(struct text *t, const char *name, int64_t value) {
  put_name(t, name);
  text_put(t, "%" PRId64, value);
}

void text_put_count(struct text *t, const char *name, uint64_t value) {
  put_name(t, name);
  text_put(t, "%" PRIu64, value);
}

void text_put_string(struct text *t, const char *name, const char *value) {
  put_name(t, name);
  text_put_json(t, value);
}

void text_open(struct text *t, const char *name, char bracket) {
  put_name(t, name);
  text_put(t, "%c", bracket);
}

void text_close(struct text *t, char bracket) {
  text_put(t, "%c", bracket);
}
