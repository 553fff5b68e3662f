/* http/h1_parse - the guard has already decided what is valid and where the head ends; llhttp takes
 * the head apart, and has to agree. Each head gets a fresh parser, so that nothing of one message
 * can leak into the next; bodies never come here. */
#include "http/h1_parse.h"

#include <llhttp.h>
#include <string.h>

#include "base/bytes.h"

struct run {
  const struct gci_h1_parse *in;
  struct gci_http_head *head;
  struct gci_h1_frame *frame;
  size_t n;                /* headers begun */
  int in_name;             /* the latest piece was of the latest header's name */
  enum gci_h1_fault fault; /* found inside a callback */
};

static int refuse(struct run *run, enum gci_h1_fault fault) {
  run->fault = fault;
  return -1;
}

/* A slice may come in several pieces of one text. */
static void extend(gcache_bytes_t *slice, const char *at, size_t len) {
  if (slice->base == NULL) slice->base = at;
  slice->len = (size_t)(at + len - (const char *)slice->base);
}

static int on_target(llhttp_t *llhttp, const char *at, size_t len) {
  struct run *run = llhttp->data;
  extend(&run->head->target, at, len);
  return 0;
}

static int on_name(llhttp_t *llhttp, const char *at, size_t len) {
  struct run *run = llhttp->data;
  if (!run->in_name) {
    if (run->n == run->in->n_headers) return refuse(run, GCI_H1_BAD_PARSER);
    memset(&run->in->headers[run->n++], 0, sizeof(gcache_header_t));
    run->in_name = 1;
  }
  extend(&run->in->headers[run->n - 1].name, at, len);
  return 0;
}

static int on_value(llhttp_t *llhttp, const char *at, size_t len) {
  struct run *run = llhttp->data;
  if (run->n == 0) return refuse(run, GCI_H1_BAD_PARSER);
  run->in_name = 0;
  extend(&run->in->headers[run->n - 1].value, at, len);
  return 0;
}

static int on_value_completed(llhttp_t *llhttp) {
  ((struct run *)llhttp->data)->in_name = 0;
  return 0;
}

/* White space behind a value is not part of it; an empty value has no base. */
static void trim_values(const struct gci_h1_parse *in) {
  for (size_t i = 0; i < in->n_headers; i++) {
    gcache_bytes_t *value = &in->headers[i].value;
    const char *text = value->base == NULL ? "" : value->base;
    while (value->len > 0 && (text[value->len - 1] == ' ' || text[value->len - 1] == '\t'))
      value->len--;
    value->base = text;
  }
}

/* An absolute target states the host, whatever Host says (RFC 9112, 3.2.2). */
static void set_host(const struct gci_h1_parse *in, gcache_bytes_t target) {
  gcache_bytes_t authority = gci_h1_frame_authority(target);
  if (authority.base == NULL) return;
  for (size_t i = 0; i < in->n_headers; i++) {
    if (gci_bytes_equal_nocase(in->headers[i].name, GCI_LIT("Host")))
      in->headers[i].value = authority;
  }
}

static enum gci_h1_fault frame_head(struct run *run, llhttp_t *llhttp) {
  const struct gci_h1_parse *in = run->in;
  if (run->n != in->n_headers) return GCI_H1_BAD_PARSER;
  trim_values(in);
  run->head->headers = in->headers;
  run->head->n_headers = run->n;
  run->head->version_minor = llhttp_get_http_minor(llhttp);
  if (in->role == GCI_H1_ANSWERS) {
    run->head->status = llhttp_get_status_code(llhttp);
    return gci_h1_frame_answer(run->frame, run->head, in->body_max);
  }
  llhttp_method_t method = (llhttp_method_t)llhttp_get_method(llhttp);
  run->head->method = gcache_cstr(llhttp_method_name(method));
  enum gci_h1_fault fault = gci_h1_frame_request(run->frame, run->head, in->body_max);
  if (fault == GCI_H1_SOUND && ((const char *)run->head->target.base)[0] != '/')
    set_host(in, run->head->target);
  return fault;
}

/* Stops llhttp here: its handling of bodies and upgrades is not used. */
static int on_head_completed(llhttp_t *llhttp) {
  struct run *run = llhttp->data;
  enum gci_h1_fault fault = frame_head(run, llhttp);
  return fault == GCI_H1_SOUND ? HPE_PAUSED : refuse(run, fault);
}

static const llhttp_settings_t settings = {
    .on_url = on_target,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_completed,
    .on_headers_complete = on_head_completed,
};

/* llhttp stops at the later of the two lines, and 9.x blames the coding for both. */
static enum gci_h1_fault coding_fault(const struct run *run) {
  for (size_t i = 0; i < run->n; i++) {
    if (gci_bytes_equal_nocase(run->in->headers[i].name, GCI_LIT("Content-Length")))
      return GCI_H1_BAD_LENGTH_AND_CODING;
  }
  return GCI_H1_BAD_CODING;
}

static enum gci_h1_fault fault_of(const struct run *run, llhttp_errno_t err) {
  if (run->fault != GCI_H1_SOUND) return run->fault;
  switch (err) {
  case HPE_PAUSED: /* by on_head_completed() */
    return GCI_H1_SOUND;
  case HPE_INVALID_METHOD:
    return GCI_H1_BAD_METHOD;
  case HPE_INVALID_CONTENT_LENGTH:
    return GCI_H1_BAD_LENGTH;
  case HPE_INVALID_TRANSFER_ENCODING:
    return coding_fault(run);
  default:
    return GCI_H1_BAD_PARSER;
  }
}

enum gci_h1_fault gci_h1_parse_head(const struct gci_h1_parse *p, gcache_bytes_t text,
                                    struct gci_http_head *head, struct gci_h1_frame *frame) {
  struct run run = {.in = p, .head = head, .frame = frame};
  llhttp_t llhttp;
  memset(head, 0, sizeof *head);
  llhttp_init(&llhttp, p->role == GCI_H1_REQUESTS ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
  llhttp.data = &run;
  return fault_of(&run, llhttp_execute(&llhttp, text.base, text.len));
}
