/* http/h1_parse - the guard and the frame have decided already what is lawful and where a message ends; llhttp
 * takes it apart, and has to agree. Each message starts with a fresh parser, so that nothing of one
 * message can leak into the next. */
#include "http/h1_parse.h"

#include <string.h>

#include "base/bytes.h"

static struct gci_h1_parse *of(llhttp_t *llhttp) {
  return llhttp->data;
}

static int refuse(struct gci_h1_parse *p, enum gci_h1_fault fault) {
  if (p->fault == GCI_H1_SOUND) p->fault = fault;
  return -1;
}

/* A slice may come in several pieces of one text. */
static void extend(gcache_bytes_t *slice, const char *at, size_t len) {
  if (slice->base == NULL) slice->base = at;
  slice->len = (size_t)(at + len - (const char *)slice->base);
}

static int on_target(llhttp_t *llhttp, const char *at, size_t len) {
  extend(&of(llhttp)->head->target, at, len);
  return 0;
}

static int on_name(llhttp_t *llhttp, const char *at, size_t len) {
  struct gci_h1_parse *p = of(llhttp);
  if (p->in_body) return 0; /* a trailer: dropped */
  if (!p->in_name) {
    if (p->n == p->room) return refuse(p, GCI_H1_BAD_PARSER);
    memset(&p->headers[p->n++], 0, sizeof p->headers[0]);
    p->in_name = 1;
  }
  extend(&p->headers[p->n - 1].name, at, len);
  return 0;
}

static int on_value(llhttp_t *llhttp, const char *at, size_t len) {
  struct gci_h1_parse *p = of(llhttp);
  if (p->in_body) return 0;
  if (p->n == 0) return refuse(p, GCI_H1_BAD_PARSER);
  p->in_name = 0;
  extend(&p->headers[p->n - 1].value, at, len);
  return 0;
}

static int on_value_completed(llhttp_t *llhttp) {
  of(llhttp)->in_name = 0;
  return 0;
}

/* White space around a value is not part of it. */
static void trim_values(struct gci_h1_parse *p) {
  for (size_t i = 0; i < p->n; i++) {
    gcache_bytes_t *value = &p->headers[i].value;
    const char *text = value->base == NULL ? "" : value->base;
    while (value->len > 0 && (text[value->len - 1] == ' ' || text[value->len - 1] == '\t'))
      value->len--;
    if (value->base == NULL) value->base = text;
  }
}

static enum gci_h1_fault head_completed(struct gci_h1_parse *p) {
  if (p->n != p->room) return GCI_H1_BAD_PARSER;
  trim_values(p);
  p->head->headers = p->headers;
  p->head->n_headers = p->n;
  p->head->version_minor = llhttp_get_http_minor(&p->llhttp);
  if (p->role == GCI_H1_ANSWERS) {
    p->head->status = llhttp_get_status_code(&p->llhttp);
    return gci_h1_frame_answer(p->frame, p->head, p->body_max);
  }
  p->head->method = gcache_cstr(llhttp_method_name((llhttp_method_t)llhttp_get_method(&p->llhttp)));
  return gci_h1_frame_request(p->frame, p->head, p->body_max);
}

/* 1: there is no body. llhttp 8.1 does not know that of 204 and 304. */
static int on_head_completed(llhttp_t *llhttp) {
  struct gci_h1_parse *p = of(llhttp);
  enum gci_h1_fault fault = head_completed(p);
  if (fault != GCI_H1_SOUND) return refuse(p, fault);
  p->in_body = 1;
  return p->role == GCI_H1_ANSWERS && p->frame->kind == GCI_H1_NO_BODY;
}

static int on_data(llhttp_t *llhttp, const char *at, size_t len) {
  struct gci_h1_parse *p = of(llhttp);
  int err = gci_h1_body_append(p->body, gcache_bytes(at, len));
  if (err == 0) return 0;
  return refuse(p, err == UV_ENOMEM ? GCI_H1_BAD_MEMORY : GCI_H1_BAD_BODY_SIZE);
}

static int on_message_completed(llhttp_t *llhttp) {
  of(llhttp)->complete = 1;
  return 0;
}

static const llhttp_settings_t settings = {
    .on_url = on_target,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_completed,
    .on_headers_complete = on_head_completed,
    .on_body = on_data,
    .on_message_complete = on_message_completed,
};

static enum gci_h1_fault fault_of(const struct gci_h1_parse *p, llhttp_errno_t err) {
  if (p->fault != GCI_H1_SOUND) return p->fault;
  switch (err) {
  case HPE_OK:
    return GCI_H1_SOUND;
  case HPE_PAUSED_UPGRADE: /* behind a message with an Upgrade line, which is ignored */
    return p->complete ? GCI_H1_SOUND : GCI_H1_BAD_PARSER;
  case HPE_INVALID_METHOD:
    return GCI_H1_BAD_METHOD;
  case HPE_INVALID_CONTENT_LENGTH:
    return GCI_H1_BAD_LENGTH;
  case HPE_INVALID_TRANSFER_ENCODING:
    return GCI_H1_BAD_CODING;
  default:
    return GCI_H1_BAD_PARSER;
  }
}

static enum gci_h1_fault execute(struct gci_h1_parse *p, gcache_bytes_t bytes) {
  return fault_of(p, llhttp_execute(&p->llhttp, bytes.base, bytes.len));
}

enum gci_h1_fault gci_h1_parse_head(struct gci_h1_parse *p, gcache_bytes_t text) {
  llhttp_init(&p->llhttp, p->role == GCI_H1_REQUESTS ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
  p->llhttp.data = p;
  p->n = 0;
  p->in_name = p->in_body = p->complete = 0;
  p->fault = GCI_H1_SOUND;
  memset(p->head, 0, sizeof *p->head);
  enum gci_h1_fault fault = execute(p, text);
  if (fault != GCI_H1_SOUND) return fault;
  if (!p->in_body || p->complete != (p->frame->kind == GCI_H1_NO_BODY)) return GCI_H1_BAD_PARSER;
  return GCI_H1_SOUND;
}

enum gci_h1_fault gci_h1_parse_body(struct gci_h1_parse *p, gcache_bytes_t bytes) {
  return p->complete ? GCI_H1_BAD_PARSER : execute(p, bytes);
}
