/* see/text - see text.h. */
#include "see/text.h"

#include <string.h>

#include "base/value.h"

#define ROOM_FIRST 4096
#define NS_PER_S UINT64_C(1000000000)
#define REPLACEMENT "\xef\xbf\xbd"

void gci_text_init(struct gci_text *t, struct gci_mem *mem) {
  *t = (struct gci_text){.mem = mem};
}

void gci_text_fini(struct gci_text *t) {
  gci_mem_free(t->mem, t->base, t->room);
  t->base = NULL;
  t->len = t->room = 0;
}

gcache_value_t *gci_text_take(struct gci_text *t) {
  if (t->failed) return NULL;
  return gci_value_copy(t->mem, gcache_bytes(t->base, t->len), GCACHE_NEVER);
}

static int make_room(struct gci_text *t, size_t len) {
  size_t room = t->room == 0 ? ROOM_FIRST : t->room;
  if (t->failed) return 0;
  while (room - t->len < len)
    room *= 2;
  if (room == t->room) return 1;
  char *base = gci_mem_resize(t->mem, t->base, t->room, room);
  if (base == NULL) {
    t->failed = 1;
    return 0;
  }
  t->base = base;
  t->room = room;
  return 1;
}

static void add(struct gci_text *t, const void *bytes, size_t len) {
  if (!make_room(t, len)) return;
  memcpy(t->base + t->len, bytes, len);
  t->len += len;
}

void gci_text_add(struct gci_text *t, const char *text) {
  add(t, text, strlen(text));
}

/* At least `least` of them. */
static void add_digits(struct gci_text *t, uint64_t n, size_t least) {
  char digits[20];
  size_t at = sizeof digits;
  do {
    digits[--at] = (char)('0' + n % 10);
    n /= 10;
  } while (n > 0 || sizeof digits - at < least);
  add(t, digits + at, sizeof digits - at);
}

void gci_text_add_count(struct gci_text *t, uint64_t n) {
  add_digits(t, n, 1);
}

void gci_text_add_int(struct gci_text *t, int n) {
  if (n < 0) gci_text_add(t, "-");
  add_digits(t, n < 0 ? (uint64_t) - (int64_t)n : (uint64_t)n, 1);
}

void gci_text_add_seconds(struct gci_text *t, uint64_t ns) {
  uint64_t rest = ns % NS_PER_S;
  size_t digits = 9;
  add_digits(t, ns / NS_PER_S, 1);
  if (rest == 0) return;
  for (; rest % 10 == 0; rest /= 10)
    digits--;
  gci_text_add(t, ".");
  add_digits(t, rest, digits);
}

/* Length of the UTF-8 character at the beginning of s (RFC 3629); 0: there is none. */
static size_t character(const unsigned char *s) {
  size_t n = s[0] < 0x80   ? 1
             : s[0] < 0xc2 ? 0
             : s[0] < 0xe0 ? 2
             : s[0] < 0xf0 ? 3
             : s[0] < 0xf5 ? 4
                           : 0;
  for (size_t i = 1; i < n; i++)
    if ((s[i] & 0xc0) != 0x80) return 0; /* also at the end of the text */
  if (n > 2 && ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
                (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)))
    return 0;
  return n;
}

static void add_escaped(struct gci_text *t, const char *text,
                        int (*escape)(struct gci_text *t, unsigned char c)) {
  const unsigned char *s = (const unsigned char *)text;
  gci_text_add(t, "\"");
  while (*s != 0) {
    size_t n = character(s);
    if (n == 0)
      gci_text_add(t, REPLACEMENT);
    else if (!escape(t, *s))
      add(t, s, n);
    s += n == 0 ? 1 : n;
  }
  gci_text_add(t, "\"");
}

/* The only three that must be escaped. */
static int escape_label(struct gci_text *t, unsigned char c) {
  const char *as = c == '"' ? "\\\"" : c == '\\' ? "\\\\" : c == '\n' ? "\\n" : NULL;
  if (as != NULL) gci_text_add(t, as);
  return as != NULL;
}

static int escape_string(struct gci_text *t, unsigned char c) {
  static const char hex[] = "0123456789abcdef";
  if (c == '"' || c == '\\') {
    add(t, "\\", 1);
    add(t, &c, 1);
    return 1;
  }
  if (c >= 0x20 && c != 0x7f) return 0;
  gci_text_add(t, "\\u00");
  add(t, &hex[c >> 4], 1);
  add(t, &hex[c & 15], 1);
  return 1;
}

void gci_text_add_label(struct gci_text *t, const char *text) {
  add_escaped(t, text, escape_label);
}

void gci_text_add_string(struct gci_text *t, const char *text) {
  add_escaped(t, text, escape_string);
}
