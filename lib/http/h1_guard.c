/* http/h1_guard - take_byte() goes from state to state; skip_run() skips bytes that do not change
 * the state: the inside of a token, a target, a text, and whole lines. */
#include "http/h1_guard.h"

#include <stdint.h>
#include <string.h>

#include "http/token.h"

enum state {
  METHOD_FIRST,
  METHOD,
  TARGET_FIRST,
  TARGET,
  REQUEST_VERSION,
  REQUEST_CR,
  ANSWER_VERSION,
  ANSWER_SPACE,
  STATUS,
  STATUS_END,
  REASON,
  FIRST_LF,
  LINE, /* the first byte of a header line, or of the empty line */
  NAME,
  VALUE,
  VALUE_LF,
  END_LF,
  DONE
};

static void guard_init(struct gci_h1_guard *g, const gcache_limits_t *limits, enum state state) {
  memset(g, 0, sizeof *g);
  g->line_max = limits->line_max < SIZE_MAX - 2 ? limits->line_max + 2 : SIZE_MAX;
  g->max = limits->head_max;
  g->at_max = GCI_H1_BAD_HEAD_SIZE;
  g->lines_max = limits->head_lines_max;
  g->state = state;
}

void gci_h1_guard_request(struct gci_h1_guard *g, const gcache_limits_t *limits) {
  guard_init(g, limits, METHOD_FIRST);
}

void gci_h1_guard_answer(struct gci_h1_guard *g, const gcache_limits_t *limits) {
  guard_init(g, limits, ANSWER_VERSION);
}

void gci_h1_guard_trailer(struct gci_h1_guard *g, unsigned lines_max, size_t max) {
  memset(g, 0, sizeof *g);
  g->max = max;
  g->at_max = GCI_H1_BAD_CHUNK_META;
  g->lines_max = lines_max;
  g->state = LINE;
}

static enum gci_h1_fault to(struct gci_h1_guard *g, enum state state) {
  g->state = state;
  return GCI_H1_SOUND;
}

/* Exactly this byte, then the given state. */
static enum gci_h1_fault expect(struct gci_h1_guard *g, unsigned char c, unsigned char wanted,
                                enum state then) {
  if (c == wanted) return to(g, then);
  return g->state < LINE ? GCI_H1_BAD_FIRST_LINE : GCI_H1_BAD_HEADER_LINE;
}

/* HTTP/d.d, then `then`. The whole text is read before an unknown version is refused as such. */
static enum gci_h1_fault take_version(struct gci_h1_guard *g, unsigned char c, enum state then) {
  static const char literal[] = "HTTP/d.d";
  char wanted = literal[g->at++];
  if (wanted != 'd') return c == (unsigned char)wanted ? GCI_H1_SOUND : GCI_H1_BAD_FIRST_LINE;
  if (!gci_http_is_digit(c)) return GCI_H1_BAD_FIRST_LINE;
  g->digits = g->digits * 10 + (unsigned)(c - '0');
  if (literal[g->at] != '\0') return GCI_H1_SOUND;
  return g->digits == 10 || g->digits == 11 ? to(g, then) : GCI_H1_BAD_VERSION;
}

/* Three digits, 100 to 599. */
static enum gci_h1_fault take_status(struct gci_h1_guard *g, unsigned char c) {
  if (!gci_http_is_digit(c)) return GCI_H1_BAD_FIRST_LINE;
  if (g->at == 0 && (c < '1' || c > '5')) return GCI_H1_BAD_FIRST_LINE;
  return ++g->at == 3 ? to(g, STATUS_END) : GCI_H1_SOUND;
}

static enum gci_h1_fault begin_line(struct gci_h1_guard *g, unsigned char c) {
  if (c == '\r') return to(g, END_LF);
  if (!gci_http_is_token(c)) return GCI_H1_BAD_HEADER_LINE;
  if (++g->lines > g->lines_max) return GCI_H1_BAD_HEAD_LINES;
  return to(g, NAME);
}

/* States that are one byte long. */
static enum gci_h1_fault take_byte(struct gci_h1_guard *g, unsigned char c) {
  switch ((enum state)g->state) {
  case METHOD_FIRST:
    return gci_http_is_token(c) ? to(g, METHOD) : GCI_H1_BAD_FIRST_LINE;
  case METHOD:
    return expect(g, c, ' ', TARGET_FIRST);
  case TARGET_FIRST:
    return gci_http_is_target(c) ? to(g, TARGET) : GCI_H1_BAD_FIRST_LINE;
  case TARGET:
    return expect(g, c, ' ', REQUEST_VERSION);
  case REQUEST_VERSION:
    return take_version(g, c, REQUEST_CR);
  case REQUEST_CR:
  case REASON:
    return expect(g, c, '\r', FIRST_LF);
  case ANSWER_VERSION:
    return take_version(g, c, ANSWER_SPACE);
  case ANSWER_SPACE:
    g->at = 0;
    return expect(g, c, ' ', STATUS);
  case STATUS:
    return take_status(g, c);
  case STATUS_END: /* many servers omit the space when there is no reason */
    return c == '\r' ? to(g, FIRST_LF) : expect(g, c, ' ', REASON);
  case FIRST_LF:
  case VALUE_LF:
    return expect(g, c, '\n', LINE);
  case LINE:
    return begin_line(g, c);
  case NAME:
    return expect(g, c, ':', VALUE);
  case VALUE:
    return expect(g, c, '\r', VALUE_LF);
  case END_LF:
    return expect(g, c, '\n', DONE);
  case DONE:
    break;
  }
  return GCI_H1_BAD_PARSER;
}

/* Skips whole header lines, with the same result as take_byte() and the runs inside them. */
static const unsigned char *skip_lines(struct gci_h1_guard *g, const unsigned char *p,
                                       const unsigned char *stop) {
  while (g->lines < g->lines_max) {
    const unsigned char *colon = gci_http_skip_token(p, stop);
    if (colon == p || colon == stop || *colon != ':') break;
    const unsigned char *cr = gci_http_skip_field(colon + 1, stop);
    if (stop - cr < 2 || cr[0] != '\r' || cr[1] != '\n') break;
    g->lines++;
    p = cr + 2;
  }
  return p;
}

/* Skips a version except its last digit, if it is one of those accepted. */
static const unsigned char *skip_version(struct gci_h1_guard *g, const unsigned char *p,
                                         const unsigned char *stop) {
  static const char known[] = {'H', 'T', 'T', 'P', '/', '1', '.'};
  if (g->at > 0 || (size_t)(stop - p) < sizeof known || memcmp(p, known, sizeof known) != 0)
    return p;
  g->at = sizeof known;
  g->digits = 1;
  return p + sizeof known;
}

static const unsigned char *skip_run(struct gci_h1_guard *g, const unsigned char *p,
                                     const unsigned char *stop) {
  switch ((enum state)g->state) {
  case REQUEST_VERSION:
  case ANSWER_VERSION:
    return skip_version(g, p, stop);
  case LINE:
    return skip_lines(g, p, stop);
  case METHOD:
  case NAME:
    return gci_http_skip_token(p, stop);
  case TARGET:
    return gci_http_skip_target(p, stop);
  case REASON:
  case VALUE:
    return gci_http_skip_field(p, stop);
  default:
    return p;
  }
}

enum gci_h1_fault gci_h1_guard_take(struct gci_h1_guard *g, gcache_bytes_t bytes, size_t *used,
                                    int *done) {
  const unsigned char *begin = bytes.base, *p = begin, *end = begin + bytes.len;
  while (p < end && g->state != DONE) {
    size_t cap = g->max;
    if (g->state < LINE && g->line_max < cap) cap = g->line_max;
    if (g->size >= cap) return cap == g->max ? g->at_max : GCI_H1_BAD_LINE_SIZE;
    const unsigned char *from = p;
    const unsigned char *stop = (size_t)(end - p) > cap - g->size ? p + (cap - g->size) : end;
    p = skip_run(g, p, stop);
    if (p < stop) {
      enum gci_h1_fault fault = take_byte(g, *p);
      if (fault != GCI_H1_SOUND) return fault;
      p++;
    }
    g->size += (size_t)(p - from);
  }
  *used = (size_t)(p - begin);
  *done = g->state == DONE;
  return GCI_H1_SOUND;
}
