#include "keys.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Knuth's MMIX generator; its upper bits. */
static unsigned next(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(*state >> 40);
}

static void escape(struct key *key) {
  static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  char *out = key->escaped;

  for (size_t i = 0; i < key->len; i++) {
    unsigned char c = (unsigned char)key->bytes[i];
    if (c != 0 && strchr(plain, c) != NULL)
      *out++ = (char)c;
    else
      out += sprintf(out, "%%%02X", c);
  }
  *out = 0;
}

static void fill_random(struct key *key, unsigned i) {
  uint64_t state = i * 2654435761u + 12345;

  key->len = 8 + next(&state) % 40;
  for (size_t at = 0; at < key->len; at++)
    key->bytes[at] = (char)next(&state);
  key->bytes[3] = 0; /* at least one NUL and one byte above ASCII */
  key->bytes[5] = (char)0xff;
}

static void fill_long(struct key *key, const char *salt, unsigned i) {
  int head = snprintf(key->bytes, sizeof key->bytes, "%s%u-", salt, i);

  memset(key->bytes + head, 'l', KEY_MAX_LEN - (size_t)head);
  key->len = KEY_MAX_LEN;
}

void key_make(struct key *key, const char *salt, unsigned i) {
  static const struct {
    const char *before, *after; /* the number */
  } forms[KEY_KINDS - 2] = {{":", ""},      {"/with/", "/slashes"}, {"//", ""},  {"/../", ""},
                            {".", "."},     {"%", "%2F"},           {" ", " x"}, {"+", ""},
                            {"/é/日/", ""}, {"?", "#&=;:@$,"}};
  unsigned kind = i % KEY_KINDS;

  if (kind == KEY_KINDS - 1)
    fill_long(key, salt, i);
  else if (kind == KEY_KINDS - 2)
    fill_random(key, i);
  else
    key->len = (size_t)snprintf(key->bytes, sizeof key->bytes, "%s%s%u%s", salt, forms[kind].before,
                                i, forms[kind].after);
  escape(key);
}

void key_of(struct key *key, const char *text) {
  key->len = (size_t)snprintf(key->bytes, sizeof key->bytes, "%s", text);
  escape(key);
}

int key_has_space(const struct key *key) {
  return memchr(key->bytes, ' ', key->len) != NULL;
}
