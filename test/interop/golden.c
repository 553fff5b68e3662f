/* golden - see golden.h. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/recorded.h"

#define FILE_MAX (256 * 1024)
#define GROUP "/_groupcache/interop/"

/* ---------------------------------------------------------------------------------- a file -- */

char *golden_bytes(const struct golden_vector *v, const char *ending, size_t *len) {
  char path[128];
  char *bytes = malloc(FILE_MAX);

  snprintf(path, sizeof path, "wire/%s%s", v->name, ending);
  *len = recorded_read(path, bytes, FILE_MAX);
  bytes[*len] = '\0';
  return bytes;
}

/* Every chunk is moved to the end of those before it. */
static void join_chunks(struct golden_message *m) {
  char *from = m->body;

  m->body_len = 0;
  for (;;) {
    size_t size = strtoul(from, &from, 16);
    if (size == 0) break;
    memmove(m->body + m->body_len, from + 2, size);
    m->body_len += size;
    from += 2 + size + 2;
  }
  assert_string_equal(from, "\r\n\r\n");
}

void golden_parse(struct golden_message *m, const char *bytes, size_t len) {
  char *line, *end;

  m->bytes = malloc(len + 1);
  memcpy(m->bytes, bytes, len);
  m->bytes[len] = '\0';
  m->n = 0;
  for (line = m->bytes; (end = strstr(line, "\r\n")) != line; line = end + 2) {
    assert_non_null(end);
    assert_true(m->n < 32);
    *end = '\0';
    m->lines[m->n++] = line;
  }
  m->body = line + 2;
  m->body_len = len - (size_t)(m->body - m->bytes);
  for (size_t i = 1; i < m->n; i++)
    if (strcmp(m->lines[i], "Transfer-Encoding: chunked") == 0) join_chunks(m);
}

void golden_read(struct golden_message *m, const struct golden_vector *v, const char *ending) {
  size_t len;
  char *bytes = golden_bytes(v, ending, &len);

  golden_parse(m, bytes, len);
  free(bytes);
}

void golden_free(struct golden_message *m) {
  free(m->bytes);
}

/* --------------------------------------------------------------------------------- the index -- */

static int hex_pair(const char *text) {
  char digits[3] = {text[0], text[0] == '\0' ? '\0' : text[1], '\0'};
  char *end;
  long byte = strtol(digits, &end, 16);

  return end == digits + 2 ? (int)byte : -1;
}

/* text up to end, with escape and two hex digits for a byte; "%zz", which no server takes, stays. */
static void decode(struct golden_vector *v, const char *text, const char *end, const char *escape) {
  size_t len = strlen(escape);

  v->key_len = 0;
  while (text < end) {
    int byte = strncmp(text, escape, len) == 0 ? hex_pair(text + len) : -1;
    assert_true(v->key_len < sizeof v->key);
    v->key[v->key_len++] = byte < 0 ? *text : (char)byte;
    text += byte < 0 ? 1 : len + 2;
  }
}

static void read_target(struct golden_vector *v) {
  struct golden_message m;
  const char *key;

  golden_read(&m, v, ".req");
  snprintf(v->op, sizeof v->op, "%.*s", (int)strcspn(m.lines[0], " "), m.lines[0]);
  key = strstr(m.lines[0], GROUP);
  if (key != NULL) {
    key += strlen(GROUP);
    decode(v, key, key + strcspn(key, " ?"), "%");
  }
  golden_free(&m);
}

/* what: "OP key='KEY'", KEY with \xNN, and cut behind 40 bytes. */
static void read_client(struct golden_vector *v, const char *what) {
  const char *key = strstr(what, " key='"), *end = strrchr(what, '\'');

  read_target(v);
  snprintf(v->op, sizeof v->op, "%.*s", (int)(key - what), what);
  key += strlen(" key='");
  if (end - key < 40) decode(v, key, end, "\\x");
}

static void read_vector(struct golden_vector *v, const char *line) {
  char kind[16], role[16], what[128];

  memset(v, 0, sizeof *v);
  assert_int_equal(sscanf(line, "%63[^.].%*s\t%15s\t%15s\t%127[^\n]", v->name, kind, role, what),
                   4);
  v->dialect = strcmp(kind, "golang") == 0 ? GCACHE_DIALECT_GOLANG : GCACHE_DIALECT_MAILGUN;
  v->is_client = strcmp(role, "client") == 0;
  if (v->is_client)
    read_client(v, what);
  else
    read_target(v);
}

struct golden_vector *golden_vectors(size_t *n) {
  FILE *file = recorded_open("wire/INDEX.tsv");
  struct golden_vector *vectors = NULL;
  char line[512];

  *n = 0;
  assert_non_null(fgets(line, sizeof line, file)); /* the columns' names */
  while (fgets(line, sizeof line, file) != NULL) {
    vectors = realloc(vectors, (*n + 1) * sizeof *vectors);
    read_vector(&vectors[(*n)++], line);
  }
  fclose(file);
  return vectors;
}

gcache_bytes_t golden_key(const struct golden_vector *v) {
  return gcache_bytes(v->key, v->key_len);
}

/* ----------------------------------------------------------------------------- to be equal -- */

struct head {
  const char *lines[40];
  size_t n;
};

static int has_name(const char *line, const char *name) {
  return strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':';
}

static void head_of(struct head *h, const struct golden_message *m) {
  h->n = 0;
  for (size_t i = 0; i < m->n; i++) {
    const char *line = m->lines[i];
    if (i > 0 && (has_name(line, "Host") || has_name(line, "Date") || has_name(line, "User-Agent")))
      continue;
    h->lines[h->n++] = line;
  }
}

/* Cuts text. */
static void head_of_text(struct head *h, char *text) {
  h->n = 0;
  for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
    h->lines[h->n++] = line;
}

static int same_head(const struct head *a, const struct head *b) {
  for (size_t i = 0; i < a->n && i < b->n; i++)
    if (strcmp(a->lines[i], b->lines[i]) != 0) return 0;
  return a->n == b->n;
}

static int same_bytes(const char *a, size_t a_len, const char *b, size_t b_len) {
  return a_len == b_len && memcmp(a, b, a_len) == 0;
}

static void show(const char *whose, const struct head *h, const char *body, size_t body_len) {
  for (size_t i = 0; i < h->n; i++)
    print_error("%s: %s\n", whose, h->lines[i]);
  print_error("%s: %zu bytes of body: %.*s\n", whose, body_len,
              (int)(body_len < 200 ? body_len : 200), body);
}

struct side {
  struct head head;
  const char *body;
  size_t body_len;
};

static int same(const struct side *a, const struct side *b) {
  return same_head(&a->head, &b->head) && same_bytes(a->body, a->body_len, b->body, b->body_len);
}

static void side_of(struct side *side, const struct golden_message *m) {
  head_of(&side->head, m);
  side->body = m->body;
  side->body_len = m->body_len;
}

/* want: as recorded, with what holds of all messages already done to it. A stated difference takes its
 * place, and must be one. */
static void compare(const struct golden_vector *v, const char *ending, struct side *want,
                    const struct side *ours) {
  const struct golden_difference *d = golden_difference(v, ending);
  struct side recorded = *want;
  char *text = NULL;

  if (d != NULL) {
    text = strdup(d->head);
    head_of_text(&want->head, text);
    if (d->body != NULL) want->body = d->body;
    if (d->body != NULL) want->body_len = strlen(d->body);
    if (same(want, &recorded)) fail_msg("%s: the stated difference is none", d->file);
  }
  if (!same(want, ours)) {
    show("want", &want->head, want->body, want->body_len);
    show("ours", &ours->head, ours->body, ours->body_len);
    fail_msg("%s%s", v->name, ending);
  }
  free(text);
}

void golden_same_request(const struct golden_vector *v, const struct golden_message *ours) {
  struct golden_message m;
  struct side want, have;

  golden_read(&m, v, ".req");
  side_of(&want, &m);
  assert_string_equal(want.head.lines[want.head.n - 1], "Accept-Encoding: gzip");
  want.head.n--;
  side_of(&have, ours);
  compare(v, ".req", &want, &have);
  golden_free(&m);
}

/* "Gcache: 1" goes before the last line, which says how long the body is. */
static void add_mark(struct head *h) {
  h->lines[h->n] = h->lines[h->n - 1];
  h->lines[h->n - 1] = "Gcache: 1";
  h->n++;
}

void golden_same_answer(const struct golden_vector *v, const struct golden_message *ours) {
  struct golden_message m;
  struct side want, have;

  golden_read(&m, v, ".resp");
  side_of(&want, &m);
  add_mark(&want.head);
  side_of(&have, ours);
  compare(v, ".resp", &want, &have);
  golden_free(&m);
}
