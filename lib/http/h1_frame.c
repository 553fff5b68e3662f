/* http/h1_frame - one pass over the headers gathers the relevant ones (struct said), then the
 * rules. */
#include "http/h1_frame.h"

#include <string.h>

#include "base/bytes.h"
#include "http/token.h"

struct said {
  unsigned hosts, lengths, codings, expects; /* lines of each */
  gcache_bytes_t host, length, coding;       /* the latest line */
  int close, keep_alive;
  int strange_expectation;
};

/* The elements of a Connection line. */
static void hear_connection(struct said *said, gcache_bytes_t value) {
  gcache_bytes_t option;
  while (gci_http_next_element(&value, &option)) {
    if (gci_bytes_equal_nocase(option, GCI_LIT("close"))) said->close = 1;
    if (gci_bytes_equal_nocase(option, GCI_LIT("keep-alive"))) said->keep_alive = 1;
  }
}

static int is_named(const gcache_header_t *h, gcache_bytes_t name) {
  return h->name.len == name.len && gci_bytes_equal_nocase(h->name, name);
}

static void hear_known(struct said *said, const gcache_header_t *h) {
  if (is_named(h, GCI_LIT("Host"))) {
    said->hosts++;
    said->host = gci_http_trimmed(h->value);
  } else if (is_named(h, GCI_LIT("Content-Length"))) {
    said->lengths++;
    said->length = gci_http_trimmed(h->value);
  } else if (is_named(h, GCI_LIT("Transfer-Encoding"))) {
    said->codings++;
    said->coding = gci_http_trimmed(h->value);
  } else if (is_named(h, GCI_LIT("Connection"))) {
    hear_connection(said, h->value);
  } else if (is_named(h, GCI_LIT("Expect"))) {
    said->expects++;
    if (!gci_bytes_equal_nocase(gci_http_trimmed(h->value), GCI_LIT("100-continue")))
      said->strange_expectation = 1;
  }
}

/* Most headers are of no interest, as their length shows. */
static void hear_header(struct said *said, const gcache_header_t *h) {
  switch (h->name.len) {
  case sizeof "Host" - 1:
  case sizeof "Expect" - 1:
  case sizeof "Connection" - 1:
  case sizeof "Content-Length" - 1:
  case sizeof "Transfer-Encoding" - 1:
    hear_known(said, h);
    return;
  default:
    return;
  }
}

static void hear(struct said *said, const struct gci_http_head *head) {
  memset(said, 0, sizeof *said);
  for (size_t i = 0; i < head->n_headers; i++)
    hear_header(said, &head->headers[i]);
}

/* Sets kind and length from Content-Length and Transfer-Encoding; `otherwise` if there is
 * neither. */
static enum gci_h1_fault frame_body(struct gci_h1_frame *frame, const struct said *said,
                                    const struct gci_http_head *head,
                                    enum gci_h1_body_kind otherwise) {
  frame->kind = otherwise;
  if (said->lengths > 0 && said->codings > 0) return GCI_H1_BAD_LENGTH_AND_CODING;
  if (said->codings > 0) {
    if (head->version_minor == 0) return GCI_H1_BAD_CODING_IN_1_0;
    if (said->codings > 1 || !gci_bytes_equal_nocase(said->coding, GCI_LIT("chunked")))
      return GCI_H1_BAD_CODING;
    frame->kind = GCI_H1_CHUNKED;
  }
  if (said->lengths > 0) {
    if (said->lengths > 1 || gci_bytes_to_u64(said->length, &frame->length) != 0)
      return GCI_H1_BAD_LENGTH;
    frame->kind = frame->length > 0 ? GCI_H1_LENGTH : GCI_H1_NO_BODY;
  }
  return GCI_H1_SOUND;
}

static int is_host(gcache_bytes_t host) {
  const unsigned char *p = host.base;
  for (size_t i = 0; i < host.len; i++) {
    if (!gci_http_is_host(p[i])) return 0;
  }
  return 1;
}

/* The part of an absolute target after "http://"; base NULL: not such a target. */
static gcache_bytes_t behind_scheme(gcache_bytes_t target) {
  static const char *const schemes[] = {"http://", "https://"};
  for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
    gcache_bytes_t scheme = gcache_cstr(schemes[i]);
    if (target.len >= scheme.len &&
        gci_bytes_equal_nocase(gcache_bytes(target.base, scheme.len), scheme))
      return gci_bytes_skip(target, scheme.len);
  }
  return gcache_bytes(NULL, 0);
}

gcache_bytes_t gci_h1_frame_authority(gcache_bytes_t target) {
  gcache_bytes_t rest = behind_scheme(target);
  size_t len = 0;
  while (len < rest.len && strchr("/?", ((const char *)rest.base)[len]) == NULL)
    len++;
  return gcache_bytes(rest.base, len);
}

/* /path, http://host[:port][/path], or, for OPTIONS, a star (RFC 9112, 3.2). */
static int is_target(const struct gci_http_head *head) {
  const char *p = head->target.base;
  if (head->target.len == 0) return 0;
  if (p[0] == '/') return 1;
  if (p[0] == '*')
    return head->target.len == 1 && gci_bytes_equal(head->method, GCI_LIT("OPTIONS"));
  gcache_bytes_t host = gci_h1_frame_authority(head->target);
  return host.len > 0 && is_host(host);
}

static void frame_connection(struct gci_h1_frame *frame, const struct said *said,
                             const struct gci_http_head *head) {
  frame->keep_said = head->version_minor == 0 && said->keep_alive;
  frame->keep = !said->close && (head->version_minor > 0 || said->keep_alive);
}

enum gci_h1_fault gci_h1_frame_request(struct gci_h1_frame *frame, const struct gci_http_head *head,
                                       uint64_t body_max) {
  struct said said;
  memset(frame, 0, sizeof *frame);
  hear(&said, head);
  enum gci_h1_fault fault = frame_body(frame, &said, head, GCI_H1_NO_BODY);
  if (fault != GCI_H1_SOUND) return fault;
  if (gci_bytes_equal(head->method, GCI_LIT("CONNECT"))) return GCI_H1_BAD_METHOD;
  if (!is_target(head)) return GCI_H1_BAD_TARGET;
  if (said.hosts > 1 || (said.hosts == 0 && head->version_minor > 0) || !is_host(said.host))
    return GCI_H1_BAD_HOST;
  if (frame->kind == GCI_H1_LENGTH && frame->length > body_max) return GCI_H1_BAD_BODY_SIZE;
  if (head->version_minor > 0 && said.strange_expectation) return GCI_H1_BAD_EXPECT;
  frame->expects_continue = head->version_minor > 0 && said.expects > 0 &&
                            frame->kind != GCI_H1_NO_BODY;
  frame_connection(frame, &said, head);
  return GCI_H1_SOUND;
}

enum gci_h1_fault gci_h1_frame_answer(struct gci_h1_frame *frame, const struct gci_http_head *head,
                                      uint64_t body_max) {
  struct said said;
  memset(frame, 0, sizeof *frame);
  hear(&said, head);
  if (head->status == 101) return GCI_H1_BAD_SWITCHED;
  enum gci_h1_fault fault = frame_body(frame, &said, head, GCI_H1_UNTIL_EOF);
  if (fault != GCI_H1_SOUND) return fault;
  if (head->status < 200 || head->status == 204 || head->status == 304)
    frame->kind = GCI_H1_NO_BODY;
  if (frame->kind == GCI_H1_LENGTH && frame->length > body_max) return GCI_H1_BAD_BODY_SIZE;
  frame_connection(frame, &said, head);
  frame->keep_said = 0;
  if (head->version_minor == 0 || frame->kind == GCI_H1_UNTIL_EOF) frame->keep = 0;
  return GCI_H1_SOUND;
}
