/* Bytes as two requests, of which one is signed, and as a stranger's signature: the signed request
 * passes, once if it is not a get; with any part of it replaced by the other's it does not pass,
 * nor does the stranger's signature, nor any after its time. Lines of the input, in order: target,
 * host, body and a Gcache- line of the one, the same of the other, the stranger's signature. */
#include "target.h"

#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "base/value.h"
#include "door/auth.h"
#include "manual_env.h"
#include "net/hmac.h"

enum { FIELD_MAX = 300, FIELDS = 9, SKEW_MS = 30000 };

struct request {
  gcache_bytes_t method, target, host, body, word;
};

struct signer {
  struct manual_env m;
  struct gci_auth auth;
};

/* What the session would not have let in is another byte here. */
static gcache_bytes_t next_field(const uint8_t **at, const uint8_t *end, char *room, char least) {
  size_t n = 0;
  for (; *at < end && **at != '\n'; ++*at) {
    if (n == FIELD_MAX) continue;
    room[n++] = (char)(**at >= least && **at < 0x7f ? **at : 'x');
  }
  if (*at < end) ++*at;
  return gcache_bytes(room, n);
}

static size_t headers_of(const struct request *r, gcache_header_t headers[2], gcache_bytes_t line) {
  size_t n = 0;
  if (r->word.len > 0) headers[n++] = (gcache_header_t){GCI_LIT("Gcache-Scope"), r->word};
  if (line.base != NULL) headers[n++] = (gcache_header_t){GCI_LIT("gcache-AUTH"), line};
  return n;
}

static size_t sign(struct signer *s, const struct request *r, char line[GCI_AUTH_LINE]) {
  gcache_header_t headers[2];
  struct gci_http_message message = {.method = r->method,
                                     .target = r->target,
                                     .host = r->host,
                                     .headers = headers,
                                     .before = r->body};
  size_t len = 0;
  message.n_headers = headers_of(r, headers, gcache_bytes(NULL, 0));
  fuzz_check(gci_auth_sign(&s->auth, &message, line, &len) == 0, "it is signed");
  fuzz_check(len <= GCI_AUTH_LINE, "the line fits");
  return len;
}

static enum gci_verdict check(struct signer *s, const struct request *r, gcache_bytes_t line) {
  gcache_header_t headers[2];
  struct gci_http_head head = {.method = r->method, .target = r->target, .headers = headers};
  gcache_value_t *body = NULL;
  enum gci_verdict verdict;
  head.n_headers = headers_of(r, headers, line);
  verdict = gci_auth_check(&s->auth, &head, r->host, r->body.len > 0);
  if (verdict != GCI_LET_IN) return verdict;
  if (r->body.len > 0) {
    body = gci_value_block(s->m.mem, r->body.len);
    memcpy(gci_value_fill(body), r->body.base, r->body.len);
  }
  verdict = gci_auth_check_body(&s->auth, &head, body);
  gcache_value_unref(body);
  return verdict;
}

static int equal(const struct request *a, const struct request *b) {
  return gci_bytes_equal(a->method, b->method) && gci_bytes_equal(a->target, b->target) &&
         gci_bytes_equal(a->host, b->host) && gci_bytes_equal(a->body, b->body) &&
         gci_bytes_equal(a->word, b->word);
}

/* Every mixture of the two but the signed one itself, with a signature that is not used up. */
static void check_mixtures(struct signer *s, const struct request *one,
                           const struct request *other) {
  char line[GCI_AUTH_LINE];
  for (unsigned mix = 1; mix < 32; mix++) {
    struct request r = {.method = mix & 1 ? other->method : one->method,
                        .target = mix & 2 ? other->target : one->target,
                        .host = mix & 4 ? other->host : one->host,
                        .body = mix & 8 ? other->body : one->body,
                        .word = mix & 16 ? other->word : one->word};
    gcache_bytes_t fresh = gcache_bytes(line, sign(s, one, line));
    if (!equal(&r, one)) fuzz_check(check(s, &r, fresh) != GCI_LET_IN, "it was not signed so");
  }
}

static void check_signed(struct signer *s, const struct request *one, const struct request *other,
                         gcache_bytes_t strangers) {
  char line[GCI_AUTH_LINE], late[GCI_AUTH_LINE];
  int is_get = gci_bytes_equal(one->method, GCI_LIT("GET"));
  gcache_bytes_t ours = gcache_bytes(line, sign(s, one, line));
  check_mixtures(s, one, other);
  fuzz_check(check(s, one, strangers) != GCI_LET_IN, "a stranger's signature is none");
  fuzz_check(check(s, one, gcache_bytes(NULL, 0)) == GCI_BARRED_UNSIGNED, "unsigned");
  fuzz_check(check(s, one, ours) == GCI_LET_IN, "what was signed passes");
  fuzz_check((check(s, one, ours) == GCI_LET_IN) == is_get, "a change passes once");
  gcache_bytes_t again = gcache_bytes(late, sign(s, one, late));
  s->m.own_clock.unix_ns += (SKEW_MS + 1000) * INT64_C(1000000);
  s->m.tick++;
  fuzz_check(check(s, one, again) == GCI_BARRED_BAD_TIME, "its time is over");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const methods[] = {"GET", "PUT", "DELETE", "POST"};
  static const struct gci_hash_key hash_key;
  static char rooms[FIELDS][FIELD_MAX];
  struct signer s;
  struct request requests[2];
  const gcache_access_t access = {
      .secret = "0123456789abcdef", .secret_len = 16, .skew_ms = SKEW_MS, .replays_max = 100};
  if (size < 2 || !gci_hmac_built_in()) return 0;
  const uint8_t *at = data + 1, *end = data + size;
  for (int i = 0; i < 2; i++) {
    char(*room)[FIELD_MAX] = &rooms[4 * i];
    requests[i] = (struct request){
        gcache_cstr(methods[data[0] >> 2 * i & 3]), next_field(&at, end, room[0], '!'),
        next_field(&at, end, room[1], '!'), next_field(&at, end, room[2], '!'),
        next_field(&at, end, room[3], '!')};
  }
  fuzz_check(manual_env_init(&s.m, NULL) == 0, "memory");
  fuzz_check(
      gci_auth_open(&s.auth, &s.m.env, &hash_key, &access, (const unsigned char *)"sender!") == 0,
      "open");
  check_signed(&s, &requests[0], &requests[1], next_field(&at, end, rooms[FIELDS - 1], ' '));
  gci_auth_fini(&s.auth);
  manual_env_fini(&s.m);
  return 0;
}
