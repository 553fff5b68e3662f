#include "door/auth.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "base/env.h"
#include "net/hmac.h"

#define HEX_SIZE (2 * GCI_HMAC_SIZE)
#define NONCE_MIN 8
#define NONCE_MAX 64
#define TIME_DIGITS_MAX 12
#define LINES_MAX 1024 /* bytes of Gcache- lines that are signed; we write far fewer */

/* ------------------------------------------------------------------------------------- hex -- */

static void to_hex(char *out, const unsigned char *bytes, size_t n) {
  static const char digits[] = "0123456789abcdef";

  for (size_t i = 0; i < n; i++) {
    out[2 * i] = digits[bytes[i] >> 4];
    out[2 * i + 1] = digits[bytes[i] & 15];
  }
}

static int is_lower_hex(gcache_bytes_t text) {
  const char *p = text.base;

  for (size_t i = 0; i < text.len; i++)
    if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f'))) return 0;
  return text.len == HEX_SIZE;
}

/* -------------------------------------------------------------------------- what is signed -- */

struct lines {
  char text[LINES_MAX];
  size_t len;
};

static char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* UV_E2BIG: more than any member sends. */
static int add_line(struct lines *lines, const gcache_header_t *header) {
  const char *name = header->name.base;

  if (header->name.len + header->value.len + 2 > sizeof lines->text - lines->len) return UV_E2BIG;
  for (size_t i = 0; i < header->name.len; i++)
    lines->text[lines->len++] = to_lower(name[i]);
  lines->text[lines->len++] = ':';
  if (header->value.len > 0)
    memcpy(lines->text + lines->len, header->value.base, header->value.len);
  lines->len += header->value.len;
  lines->text[lines->len++] = '\n';
  return 0;
}

/* All Gcache- lines except the signature: each may change what the request does. */
static int add_lines(struct lines *lines, const gcache_header_t headers[], size_t n) {
  gcache_bytes_t ours = GCI_LIT("Gcache-");
  int err = 0;

  lines->len = 0;
  for (size_t i = 0; i < n && err == 0; i++) {
    gcache_bytes_t name = headers[i].name;
    if (name.len < ours.len || gci_bytes_equal_nocase(name, GCI_LIT("Gcache-Auth"))) continue;
    name.len = ours.len;
    if (gci_bytes_equal_nocase(name, ours)) err = add_line(lines, &headers[i]);
  }
  return err;
}

struct said {
  gcache_bytes_t method, target, host;
  gcache_bytes_t front; /* the beginning of the line: version, time, nonce, body */
  const gcache_header_t *headers;
  size_t n_headers;
};

static int compute(struct gci_auth *a, const struct said *said, unsigned char out[GCI_HMAC_SIZE]) {
  struct lines lines;
  int err = add_lines(&lines, said->headers, said->n_headers);
  gcache_bytes_t parts[] = {said->method,  GCI_LIT(" "),  said->target,
                            GCI_LIT("\n"), said->host,    GCI_LIT("\n"),
                            said->front,   GCI_LIT("\n"), {lines.text, lines.len}};

  return err < 0 ? err : gci_hmac_sign(a->hmac, parts, sizeof parts / sizeof parts[0], out);
}

static int64_t now_s(const struct gci_auth *a) {
  return gci_env_unix_ns(a->env) / 1000000000;
}

int gci_auth_covers(const struct gci_auth *a, gcache_bytes_t method) {
  return a->covers == GCACHE_SECRET_ALL || !gci_bytes_equal(method, GCI_LIT("GET"));
}

/* ------------------------------------------------------------------------------------- signs -- */

/* "-" if there is no body. */
static int write_body(struct gci_auth *a, const struct gci_http_message *m,
                      char out[HEX_SIZE + 1]) {
  gcache_bytes_t value = m->value == NULL ? gcache_bytes(NULL, 0) : gcache_value_bytes(m->value);
  gcache_bytes_t parts[] = {m->before, value, m->after};
  unsigned char digest[GCI_HMAC_SIZE];
  int err;

  memcpy(out, "-", 2);
  if (m->before.len + value.len + m->after.len == 0) return 0;
  err = gci_hmac_digest(a->hmac, parts, sizeof parts / sizeof parts[0], digest);
  to_hex(out, digest, sizeof digest);
  out[HEX_SIZE] = '\0';
  return err;
}

int gci_auth_sign(struct gci_auth *a, const struct gci_http_message *message,
                  char out[GCI_AUTH_LINE], size_t *len) {
  struct said said = {.method = message->method,
                      .target = message->target,
                      .host = message->host,
                      .headers = message->headers,
                      .n_headers = message->n_headers};
  char body[HEX_SIZE + 1], sender[2 * sizeof a->sender + 1] = {0};
  unsigned char mac[GCI_HMAC_SIZE];
  int n, err = write_body(a, message, body);

  if (err < 0) return err;
  to_hex(sender, a->sender, sizeof a->sender);
  n = snprintf(out, GCI_AUTH_LINE, "1 %" PRId64 " %s%016" PRIx64 " %s", now_s(a), sender,
               a->signed_so_far++, body);
  said.front = gcache_bytes(out, (size_t)n);
  err = compute(a, &said, mac);
  if (err < 0) return err;
  out[n] = ' ';
  to_hex(out + n + 1, mac, sizeof mac);
  *len = (size_t)n + 1 + HEX_SIZE;
  return 0;
}

/* ------------------------------------------------------------------------------------ checks -- */

struct line {
  gcache_bytes_t time, nonce, body, mac, front;
};

/* The next of the fields, which are separated by one space. */
static gcache_bytes_t next_field(gcache_bytes_t *rest) {
  const char *space = rest->len == 0 ? NULL : memchr(rest->base, ' ', rest->len);
  gcache_bytes_t field = *rest;

  if (space == NULL) {
    rest->len = 0;
    return field;
  }
  field.len = (size_t)(space - (const char *)rest->base);
  *rest = gci_bytes_skip(*rest, field.len + 1);
  return field;
}

static int is_nonce(gcache_bytes_t text) {
  const char *p = text.base;

  for (size_t i = 0; i < text.len; i++)
    if (!((p[i] >= '0' && p[i] <= '9') || (to_lower(p[i]) >= 'a' && to_lower(p[i]) <= 'z')))
      return 0;
  return text.len >= NONCE_MIN && text.len <= NONCE_MAX;
}

static int has_body(const struct line *line) {
  return !gci_bytes_equal(line->body, GCI_LIT("-"));
}

/* The signature itself is checked when it is compared. */
static int read_line(gcache_bytes_t text, struct line *line) {
  gcache_bytes_t rest = text;

  if (!gci_bytes_equal(next_field(&rest), GCI_LIT("1"))) return UV_EINVAL;
  line->time = next_field(&rest);
  line->nonce = next_field(&rest);
  line->body = next_field(&rest);
  line->mac = rest;
  if (line->mac.len != HEX_SIZE || !is_nonce(line->nonce)) return UV_EINVAL;
  if (has_body(line) && !is_lower_hex(line->body)) return UV_EINVAL;
  line->front = gcache_bytes(text.base, text.len - HEX_SIZE - 1);
  return line->time.len > TIME_DIGITS_MAX ? UV_EINVAL : 0;
}

static int is_in_time(const struct gci_auth *a, uint64_t time_s) {
  int64_t off_s = (int64_t)time_s - now_s(a);

  return off_s <= a->skew_s && off_s >= -a->skew_s;
}

/* A change is taken once. */
static enum gci_verdict admit_change_once(struct gci_auth *a, const struct gci_http_head *head,
                                          gcache_bytes_t mac, uint64_t time_s) {
  if (gci_bytes_equal(head->method, GCI_LIT("GET"))) return GCI_LET_IN;
  switch (gci_replays_add(&a->replays, mac, (int64_t)time_s, now_s(a))) {
  case 0:
    return GCI_LET_IN;
  case UV_EEXIST:
    return GCI_BARRED_REPEATED;
  case GCACHE_EBUSY:
    return GCI_BARRED_TOO_MANY;
  default:
    return GCI_BARRED_NO_MEMORY;
  }
}

/* Several such lines are refused: they are ambiguous. */
static int find_line(const struct gci_http_head *head, gcache_bytes_t *out) {
  int n = 0;

  for (size_t i = 0; i < head->n_headers; i++) {
    if (!gci_bytes_equal_nocase(head->headers[i].name, GCI_LIT("Gcache-Auth"))) continue;
    *out = head->headers[i].value;
    n++;
  }
  return n;
}

enum gci_verdict gci_auth_check(struct gci_auth *a, const struct gci_http_head *head,
                                gcache_bytes_t host, int follows) {
  struct said said = {.method = head->method,
                      .target = head->target,
                      .host = host,
                      .headers = head->headers,
                      .n_headers = head->n_headers};
  unsigned char mac[GCI_HMAC_SIZE];
  char hex[HEX_SIZE];
  gcache_bytes_t text;
  struct line line;
  uint64_t time_s;
  int n = find_line(head, &text), err;

  if (n == 0) return GCI_BARRED_UNSIGNED;
  if (n > 1 || read_line(text, &line) < 0) return GCI_BARRED_BAD_LINE;
  if (gci_bytes_to_u64(line.time, &time_s) < 0) return GCI_BARRED_BAD_LINE;
  if (!is_in_time(a, time_s)) return GCI_BARRED_BAD_TIME;
  said.front = line.front;
  err = compute(a, &said, mac);
  if (err == UV_E2BIG) return GCI_BARRED_BAD_LINE;
  if (err < 0) return GCI_BARRED_NO_MEMORY;
  to_hex(hex, mac, sizeof mac);
  if (!gci_hmac_equal(hex, line.mac.base, sizeof hex)) return GCI_BARRED_BAD_SIGNATURE;
  if (has_body(&line) != (follows != 0)) return GCI_BARRED_BAD_BODY;
  return admit_change_once(a, head, gcache_bytes(mac, sizeof mac), time_s);
}

enum gci_verdict gci_auth_check_body(struct gci_auth *a, const struct gci_http_head *head,
                                     const gcache_value_t *body) {
  gcache_bytes_t bytes = body == NULL ? gcache_bytes(NULL, 0) : gcache_value_bytes(body);
  gcache_bytes_t text = gcache_bytes(NULL, 0);
  unsigned char digest[GCI_HMAC_SIZE];
  char hex[HEX_SIZE];
  struct line line;

  if (find_line(head, &text) != 1 || read_line(text, &line) < 0) return GCI_BARRED_BAD_LINE;
  if (bytes.len == 0) return has_body(&line) ? GCI_BARRED_BAD_BODY : GCI_LET_IN;
  if (gci_hmac_digest(a->hmac, &bytes, 1, digest) < 0) return GCI_BARRED_NO_MEMORY;
  to_hex(hex, digest, sizeof digest);
  return gci_bytes_equal(gcache_bytes(hex, sizeof hex), line.body) ? GCI_LET_IN
                                                                   : GCI_BARRED_BAD_BODY;
}

/* -------------------------------------------------------------------------------------- life -- */

int gci_auth_open(struct gci_auth *a, struct gci_env *env, const struct gci_hash_key *key,
                  const gcache_access_t *access, const unsigned char sender[8]) {
  *a = (struct gci_auth){
      .env = env, .covers = access->secret_for, .skew_s = (int64_t)(access->skew_ms / 1000)};
  memcpy(a->sender, sender, sizeof a->sender);
  gci_replays_init(&a->replays, env->mem, key, a->skew_s, access->replays_max);
  return gci_hmac_open(&a->hmac, env->mem, gcache_bytes(access->secret, access->secret_len));
}

void gci_auth_fini(struct gci_auth *a) {
  gci_replays_fini(&a->replays);
  gci_hmac_close(a->hmac);
  a->hmac = NULL;
}
