/* Unit test of http/h1_guard and h1_chunks, through the server that they guard. The grammar of RFC
 * 9110 and RFC 9112 is written here a second time, as sets of bytes, and the outcome is compared
 * with it. */
#include "h1_refusals.h"

static const char TCHAR[] = "!#$%&'*+-.^_`|~0123456789"
                            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
static const char HEX[] = "0123456789abcdefABCDEF";

static int among(const char *set, int c) {
  return c != 0 && strchr(set, c) != NULL;
}

/* ------------------------------------------------------------------- every byte, everywhere -- */

static void every_byte_in_a_method(void **state) {
  for (int c = 0; c < 256; c++) {
    struct message m = {.len = 0};
    put(&m, "G");
    put_byte(&m, c);
    put(&m, "T /x HTTP/1.1\r\nHost: h\r\n\r\n");
    if (c == 'E') continue;
    refused(state, &m, among(TCHAR, c) ? 501 : 400);
  }
}

static void every_byte_in_a_target(void **state) {
  for (int c = 0; c < 256; c++) {
    struct message m = {.len = 0};
    char record[64];
    put(&m, "GET /a");
    put_byte(&m, c);
    put(&m, "b HTTP/1.1\r\nHost: h\r\n\r\n");
    snprintf(record, sizeof record, "GET /a%cb 1.1\n  Host=h\n", c);
    if (c > ' ' && c < 0x7f && c != '#')
      accepted(&m, record);
    else
      refused(state, &m, 400);
  }
}

static void every_byte_in_a_header_name(void **state) {
  for (int c = 0; c < 256; c++) {
    struct message m = {.len = 0};
    char record[64];
    put(&m, "GET / HTTP/1.1\r\nHost: h\r\nX");
    put_byte(&m, c);
    put(&m, "Y: 1\r\n\r\n");
    snprintf(record, sizeof record, "GET / 1.1\n  Host=h\n  X%cY=1\n", c);
    if (c == ':')
      accepted(&m, "GET / 1.1\n  Host=h\n  X=Y: 1\n");
    else if (among(TCHAR, c))
      accepted(&m, record);
    else
      refused(state, &m, 400);
  }
}

static void every_byte_at_the_start_of_a_header_line(void **state) {
  static const char *const before[] = {"GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: h\r\n"};
  for (size_t i = 0; i < 2; i++) {
    for (int c = 0; c < 256; c++) {
      struct message m = {.len = 0};
      if (among(TCHAR, c)) continue;
      put(&m, before[i]);
      put_byte(&m, c);
      put(&m, "Y: 1\r\nHost: h\r\n\r\n");
      refused(state, &m, 400);
    }
  }
}

static void every_byte_in_a_header_value(void **state) {
  for (int c = 0; c < 256; c++) {
    struct message m = {.len = 0};
    char record[64];
    put(&m, "GET / HTTP/1.1\r\nHost: h\r\nX: a");
    put_byte(&m, c);
    put(&m, "b\r\n\r\n");
    snprintf(record, sizeof record, "GET / 1.1\n  Host=h\n  X=a%cb\n", c);
    if ((c >= ' ' && c != 0x7f) || c == '\t')
      accepted(&m, record);
    else
      refused(state, &m, 400);
  }
}

/* Each CR and each LF of a lawful request, replaced. */
static void every_line_end_is_cr_lf(void **state) {
  static const char *const others[] = {"",     "\r",   "\n",   " ",  "\t", "x",
                                       "\r\n", "\n\r", "\r\r", "\v", "\f"};
  const char *lawful = "PUT / HTTP/1.1\r\nHost: h\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "1;e\r\na\r\n0\r\nT: t\r\n\r\n";
  for (size_t i = 0; lawful[i] != '\0'; i++) {
    if (lawful[i] != '\r' && lawful[i] != '\n') continue;
    for (size_t k = 0; k <= sizeof others / sizeof others[0]; k++) {
      struct message m = {.len = i};
      char same[2] = {lawful[i], '\0'};
      memcpy(m.bytes, lawful, i);
      if (k == sizeof others / sizeof others[0])
        put_byte(&m, 0);
      else if (strcmp(others[k], same) == 0)
        continue;
      else
        put(&m, others[k]);
      put(&m, lawful + i + 1);
      refused_in_the_end(state, &m);
    }
  }
}

static void every_byte_in_a_chunk_line(void **state) {
  const char *head = "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  static const char *const before[] = {"",     "1",     "1;",        "1;a",
                                       "1;a=", "1;a=b", "1;a=\"b\"", "1\r\nz"};
  static const char *const lawful[] = {"", "", TCHAR, TCHAR, TCHAR, TCHAR, "", ""};
  static const char *const marks[] = {HEX, HEX, "", "=", "\"", "", "", ""};
  for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
    for (int c = 0; c < 256; c++) {
      struct message m = {.len = 0};
      if (among(lawful[i], c) || among(marks[i], c)) continue;
      put(&m, head);
      put(&m, before[i]);
      put_byte(&m, c);
      put(&m, "\n\r\nz\r\n0\r\n\r\n");
      refused(state, &m, 400);
    }
  }
}

/* ---------------------------------------------------------------------------------- chunks -- */

static void bad_chunks_are_refused(void **state) {
  static const char *const chunks[] = {"\r\n",
                                       "x\r\n",
                                       "-1\r\n",
                                       "+1\r\na\r\n",
                                       " 1\r\na\r\n",
                                       "1 \r\na\r\n",
                                       "1\t\r\na\r\n",
                                       "0x1\r\na\r\n",
                                       "1h\r\na\r\n",
                                       "1,1\r\n",
                                       "1.\r\na\r\n",
                                       "g\r\n",
                                       ";\r\n",
                                       ";a\r\n",
                                       "1;\r\na\r\n",
                                       "1;;a\r\na\r\n",
                                       "1;a;\r\na\r\n",
                                       "1;=b\r\na\r\n",
                                       "1;a=\r\na\r\n",
                                       "1;a=b=c\r\na\r\n",
                                       "1 ;a\r\na\r\n",
                                       "1; a\r\na\r\n",
                                       "1;a =b\r\na\r\n",
                                       "1;a= b\r\na\r\n",
                                       "1;a=\"b\r\na\r\n",
                                       "1;a=\"b\"c\r\na\r\n",
                                       "1;a=b\"c\"\r\na\r\n",
                                       "1\r\nab\r\n",
                                       "1\r\na\n",
                                       "1\r\na\r0\r\n\r\n",
                                       "1\r\na0\r\n\r\n",
                                       "1\na\r\n0\r\n\r\n",
                                       "1\ra\r\n0\r\n\r\n",
                                       "1\r\na\r\n\r\n0\r\n\r\n",
                                       "1\r\r\na\r\n",
                                       "00000000000000001\r\na\r\n0\r\n\r\n",
                                       "1\r\na\r\n0\n\r\n",
                                       "1\r\na\r\n0\r\n\n",
                                       "0\r\nX\r\n\r\n",
                                       "0\r\n: y\r\n\r\n",
                                       "0\r\n X: y\r\n\r\n",
                                       "0\r\nX : y\r\n\r\n",
                                       "0\r\nX: y\r\n z\r\n\r\n",
                                       "0\r\nX: y\n\r\n",
                                       "0\r\n\rX",
                                       "0 \r\n\r\n",
                                       "0;\r\n\r\n",
                                       "1\r\na\r\n0\r\nX: \x01\r\n\r\n",
                                       NULL};
  for (size_t i = 0; chunks[i] != NULL; i++)
    refused_chunks(state, chunks[i], 400);
}

static void chunks_beyond_the_limit_are_refused_at_their_size(void **state) {
  static const char *const sizes[] = {"23f1",
                                      "ffff",
                                      "ffffffff",
                                      "100000000",
                                      "ffffffffffffffff",
                                      "8000000000000000",
                                      "0000000000010000",
                                      NULL};
  for (size_t i = 0; sizes[i] != NULL; i++) {
    char chunks[128];
    snprintf(chunks, sizeof chunks, "%s\r\n", sizes[i]);
    refused_chunks(state, chunks, 413);
    snprintf(chunks, sizeof chunks, "1\r\na\r\n%s;e=f\r\n", sizes[i]);
    refused_chunks(state, chunks, 413);
  }
}

static const struct oddity CHUNKS[] = {
    {"0\r\n\r\n", ""},
    {"000\r\n\r\n", ""},
    {"1\r\na\r\n0\r\n\r\n", "  body 1:a\n"},
    {"0000000000000001\r\na\r\n0\r\n\r\n", "  body 1:a\n"},
    {"A\r\n0123456789\r\nb\r\n\r\n0\r\n\r\nabcd\r\n0\r\n\r\n",
     "  body 21:0123456789\r\n0\r\n\r\nabcd\n"},
    {"1;a\r\nx\r\n0\r\n\r\n", "  body 1:x\n"},
    {"1;a=b;c=d;e\r\nx\r\n0;f\r\n\r\n", "  body 1:x\n"},
    {"1;a=\"b c;\\\"\\\\\t\"\r\nx\r\n0\r\n\r\n", "  body 1:x\n"},
    {"1;a=\"\"\r\nx\r\n0\r\n\r\n", "  body 1:x\n"},
    {"1\r\nx\r\n0\r\nT:\r\nU: v w\r\n\r\n", "  body 1:x\n"},
    {"0\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\nHost: y\r\nConnection: close\r\n\r\n", ""},
    {NULL, NULL}};

static void lawful_chunks_are_put_together(void **state) {
  (void)state;
  for (size_t i = 0; CHUNKS[i].request != NULL; i++) {
    struct message m = {.len = 0};
    char record[256];
    put(&m, "PUT / HTTP/1.1\r\nHost: h\r\ntransfer-encoding:chUnked\t\r\n\r\n");
    put(&m, CHUNKS[i].request);
    snprintf(record, sizeof record, "PUT / 1.1\n  Host=h\n  transfer-encoding=chUnked\n%s",
             CHUNKS[i].record);
    accepted(&m, record);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_byte_in_a_method),
      cmocka_unit_test(every_byte_in_a_target),
      cmocka_unit_test(every_byte_in_a_header_name),
      cmocka_unit_test(every_byte_at_the_start_of_a_header_line),
      cmocka_unit_test(every_byte_in_a_header_value),
      cmocka_unit_test(every_line_end_is_cr_lf),
      cmocka_unit_test(every_byte_in_a_chunk_line),
      cmocka_unit_test(bad_chunks_are_refused),
      cmocka_unit_test(chunks_beyond_the_limit_are_refused_at_their_size),
      cmocka_unit_test(lawful_chunks_are_put_together),
  };
  return !!cmocka_run_group_tests(tests, begin_counting, tell_count);
}
