/* Unit test of http/h1_frame, through the server: the end of a message is stated once and clearly,
 * or the message is refused; and messages that are odd but valid. */
#include "h1_refusals.h"

/* ------------------------------------------------------------------------------- smuggling -- */

static const char *const BAD_LENGTHS[] = {"",
                                          " ",
                                          "+1",
                                          "-1",
                                          "0x1",
                                          "1 1",
                                          "1,1",
                                          "1, 1",
                                          "1;",
                                          "1.0",
                                          "1e1",
                                          "a",
                                          "1a",
                                          "a1",
                                          "\t",
                                          "1\t1",
                                          "\"1\"",
                                          ",",
                                          "1,",
                                          ",1",
                                          "0,0",
                                          "0 0",
                                          "_1",
                                          "1_0",
                                          "18446744073709551616",
                                          "99999999999999999999",
                                          "184467440737095516150000",
                                          "\xef\xbc\x91",
                                          NULL};
static const char *const BAD_CODINGS[] = {"",
                                          "gzip",
                                          "identity",
                                          "chunked, chunked",
                                          "gzip, chunked",
                                          "chunked, gzip",
                                          "chunked;q",
                                          "chunked;q=1",
                                          "xchunked",
                                          "chunkedx",
                                          "\"chunked\"",
                                          "chunked,",
                                          ",chunked",
                                          "chunk",
                                          "c hunked",
                                          "chunked chunked",
                                          "chunked identity",
                                          "chunked, identity",
                                          "identity, chunked",
                                          "x",
                                          "chunked\t,",
                                          "[chunked]",
                                          NULL};
static const char *const LENGTH_NAMES[] = {"Content-Length", "content-length", "CONTENT-LENGTH",
                                           NULL};
static const char *const CODING_NAMES[] = {"Transfer-Encoding", "transfer-encoding",
                                           "TRANSFER-ENCODING", NULL};

static void a_content_length_is_one_number(void **state) {
  char headers[512];
  for (size_t i = 0; BAD_LENGTHS[i] != NULL; i++) {
    for (size_t k = 0; LENGTH_NAMES[k] != NULL; k++) {
      snprintf(headers, sizeof headers, "%s: %s\r\n", LENGTH_NAMES[k], BAD_LENGTHS[i]);
      refused_headers(state, headers, 400);
    }
    snprintf(headers, sizeof headers, "Content-Length: 1\r\nContent-Length: %s\r\n",
             BAD_LENGTHS[i]);
    refused_headers(state, headers, 400);
    snprintf(headers, sizeof headers, "Content-Length: %s\r\nContent-Length: 1\r\n",
             BAD_LENGTHS[i]);
    refused_headers(state, headers, 400);
  }
}

static void a_second_content_length_is_refused_even_if_equal(void **state) {
  static const char *const values[] = {"0", "1", "36", "007", NULL};
  char headers[512];
  for (size_t i = 0; values[i] != NULL; i++) {
    for (size_t k = 0; values[k] != NULL; k++) {
      for (size_t n = 0; LENGTH_NAMES[n] != NULL; n++) {
        snprintf(headers, sizeof headers, "Content-Length: %s\r\nX: y\r\n%s: %s\r\n", values[i],
                 LENGTH_NAMES[n], values[k]);
        refused_headers(state, headers, 400);
      }
    }
  }
}

static void content_length_with_transfer_encoding_is_refused(void **state) {
  static const char *const lengths[] = {"0", "1", "5", "x", "", NULL};
  static const char *const codings[] = {"chunked",    "CHUNKED", "gzip", "identity",
                                        "x, chunked", "",        NULL};
  char headers[512];
  for (size_t i = 0; lengths[i] != NULL; i++) {
    for (size_t k = 0; codings[k] != NULL; k++) {
      for (size_t n = 0; CODING_NAMES[n] != NULL; n++) {
        snprintf(headers, sizeof headers, "Content-Length: %s\r\n%s: %s\r\n", lengths[i],
                 CODING_NAMES[n], codings[k]);
        refused_headers(state, headers, 400);
        snprintf(headers, sizeof headers, "%s: %s\r\nContent-Length: %s\r\n", CODING_NAMES[n],
                 codings[k], lengths[i]);
        refused_headers(state, headers, 400);
      }
    }
  }
}

static void a_transfer_encoding_is_chunked_once(void **state) {
  char headers[512];
  for (size_t i = 0; BAD_CODINGS[i] != NULL; i++) {
    for (size_t k = 0; CODING_NAMES[k] != NULL; k++) {
      snprintf(headers, sizeof headers, "%s: %s\r\n", CODING_NAMES[k], BAD_CODINGS[i]);
      refused_headers(state, headers, 501);
    }
    snprintf(headers, sizeof headers, "Transfer-Encoding: chunked\r\nTransfer-Encoding: %s\r\n",
             BAD_CODINGS[i]);
    refused_headers(state, headers, 501);
    snprintf(headers, sizeof headers, "Transfer-Encoding: %s\r\nTransfer-Encoding: chunked\r\n",
             BAD_CODINGS[i]);
    refused_headers(state, headers, 501);
  }
  refused_headers(state, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 501);
}

static void disguised_framing_headers_are_refused(void **state) {
  static const char *const headers[] = {"Transfer-Encoding : chunked\r\n",
                                        "Transfer-Encoding\t: chunked\r\n",
                                        " Transfer-Encoding: chunked\r\n",
                                        "\tTransfer-Encoding: chunked\r\n",
                                        "Transfer Encoding: chunked\r\n",
                                        "Transfer-Encoding\r\n: chunked\r\n",
                                        "Transfer-Encoding:\r\n chunked\r\n",
                                        "Transfer-Encoding: \r\n\tchunked\r\n",
                                        "Transfer-Encoding: chunked\r\n \r\n",
                                        "X: y\r\n Transfer-Encoding: chunked\r\n",
                                        "Transfer-Encoding: \x0b"
                                        "chunked\r\n",
                                        "Transfer-Encoding: chunked\x0c\r\n",
                                        "Transfer-Encoding\x0b: chunked\r\n",
                                        "X: y\nTransfer-Encoding: chunked\r\n",
                                        "X: y\rTransfer-Encoding: chunked\r\n",
                                        "Content-Length : 1\r\n",
                                        "Content-Length\t: 1\r\n",
                                        " Content-Length: 1\r\n",
                                        "Content Length: 1\r\n",
                                        "Content-Length:\r\n 1\r\n",
                                        "Content-Length: 1\r\n 2\r\n",
                                        "X: y\nContent-Length: 1\r\n",
                                        "X: y\rContent-Length: 1\r\n",
                                        "Content-Length 1\r\n",
                                        "Content-Length\r\n",
                                        ":\r\n",
                                        ": 1\r\n",
                                        " : 1\r\n",
                                        "X\r\n",
                                        "(X): y\r\n",
                                        "X@: y\r\n",
                                        "\"X\": y\r\n",
                                        "X: y\r\n\rX: z\r\n",
                                        "X: y\r\n\r \n",
                                        NULL};
  for (size_t i = 0; headers[i] != NULL; i++) {
    char text[512];
    refused_headers(state, headers[i], 400);
    snprintf(text, sizeof text, "GET / HTTP/1.1\r\n%sHost: h\r\n\r\n", headers[i]);
    refused_text(state, text, 400);
  }
}

static void transfer_encoding_in_1_0_is_refused(void **state) {
  static const char *const values[] = {"chunked", "gzip", "identity", "", NULL};
  for (size_t i = 0; values[i] != NULL; i++) {
    char text[256];
    snprintf(text, sizeof text, "PUT / HTTP/1.0\r\nTransfer-Encoding: %s\r\n\r\n0\r\n\r\n",
             values[i]);
    refused_text(state, text, 400);
  }
}

/* ------------------------------------------------------------- versions, targets, hosts -- */

static void only_two_versions_are_known(void **state) {
  static const char *const unknown[] = {"HTTP/0.9", "HTTP/2.0", "HTTP/1.2", "HTTP/3.0", "HTTP/9.9",
                                        "HTTP/0.0", "HTTP/1.9", "HTTP/2.1", NULL};
  static const char *const malformed[] = {
      "HTTP/1",    "HTTP/1.",    "HTTP/11",   "HTTP/1.10",  "HTTP/01.1", "HTTP/1,1",  "http/1.1",
      "Http/1.1",  "HTP/1.1",    "HTTP /1.1", "HTTP/ 1.1",  "HTTP/1 .1", "HTTP/1. 1", "HTTP/1.1 ",
      " HTTP/1.1", "\tHTTP/1.1", "",          "HTTP/1.1\t", "HTTP/1.1x", "HTTPS/1.1", "ICE/1.0",
      "RTSP/1.0",  "HTTP/A.1",   "HTTP/-1.1", "HTTP/1.1.1", "HTTP/2",    "HTTP",      "/1.1",
      "HTTP/1.1;", "HTTP/1.x",   "HTTP/+1.1", "HTTP\\1.1",  NULL};
  char line[128];
  for (size_t i = 0; unknown[i] != NULL; i++) {
    snprintf(line, sizeof line, "GET / %s", unknown[i]);
    refused_line(state, line, 505);
  }
  for (size_t i = 0; malformed[i] != NULL; i++) {
    snprintf(line, sizeof line, "GET / %s", malformed[i]);
    refused_line(state, line, 400);
  }
  refused_text(state, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
  refused_text(state, "GET /\r\n", 400);
}

static void targets_of_unknown_forms_are_refused(void **state) {
  static const char *const targets[] = {
      "*",          "**",        "a",         "index.html",   "http:",       "http:/",
      "http://",    "http:///x", "ftp://h/x", "http://u@h/",  "http://h,i/", "https://",
      "https:///",  "h:80",      "?q",        "./x",          "%2f",         "http://?q",
      "mailto:a@b", "http//h/x", "HTTP://",   "http://h\\/x", NULL};
  char line[128];
  for (size_t i = 0; targets[i] != NULL; i++) {
    snprintf(line, sizeof line, "GET %s HTTP/1.1", targets[i]);
    refused_line(state, line, 400);
  }
  refused_line(state, "OPTIONS ** HTTP/1.1", 400);
  refused_line(state, "GET  / HTTP/1.1", 400);
  refused_line(state, "GET /  HTTP/1.1", 400);
  refused_line(state, "GET\t/ HTTP/1.1", 400);
  refused_line(state, "GET /\tHTTP/1.1", 400);
  refused_line(state, "GET", 400);
  refused_line(state, "GET ", 400);
  refused_line(state, "/ HTTP/1.1", 400);
  refused_line(state, " GET / HTTP/1.1", 400);
  refused_line(state, "\r\n\r\nGET / HTTP/1.1", 400);
  refused_line(state, "\nGET / HTTP/1.1", 400);
  refused_line(state, "\rGET / HTTP/1.1", 400);
}

static void unknown_methods_are_not_implemented(void **state) {
  static const char *const methods[] = {"get", "Get", "GE",     "GETT", "FOO",
                                        "G",   "X-Y", "PUTPUT", "1",    NULL};
  char line[128];
  for (size_t i = 0; methods[i] != NULL; i++) {
    snprintf(line, sizeof line, "%s / HTTP/1.1", methods[i]);
    refused_line(state, line, 501);
  }
  refused_line(state, "CONNECT h:80 HTTP/1.1", 501);
  refused_text(state, "CONNECT h:80 HTTP/1.0\r\n\r\n", 501);
}

static void there_is_exactly_one_host(void **state) {
  static const char *const hosts[] = {"a,b", "a, b", "a b", "a/b", "u@a", "a?b",      "a#b", "a\\b",
                                      "<a>", "a\"",  "{a}", "a|b", "a^b", "\xc3\xbc", "`a",  NULL};
  static const char *const versions[] = {"1.0", "1.1", NULL};
  char text[256];
  for (size_t v = 0; versions[v] != NULL; v++) {
    for (size_t i = 0; hosts[i] != NULL; i++) {
      snprintf(text, sizeof text, "GET / HTTP/%s\r\nHost: %s\r\n\r\n", versions[v], hosts[i]);
      refused_text(state, text, 400);
    }
    snprintf(text, sizeof text, "GET / HTTP/%s\r\nHost: a\r\nHost: a\r\n\r\n", versions[v]);
    refused_text(state, text, 400);
    snprintf(text, sizeof text, "GET / HTTP/%s\r\nHost: a\r\nX: y\r\nhOST:\r\n\r\n", versions[v]);
    refused_text(state, text, 400);
  }
  refused_text(state, "GET / HTTP/1.1\r\n\r\n", 400);
  refused_text(state, "GET http://h/ HTTP/1.1\r\n\r\n", 400);
  refused_text(state, "GET / HTTP/1.1\r\nXHost: a\r\nHosts: b\r\n\r\n", 400);
}

static void unknown_expectations_fail(void **state) {
  static const char *const values[] = {"",       "x", "100", "100-continue, x", "100-continue;q",
                                       "200-ok", NULL};
  char headers[128];
  for (size_t i = 0; values[i] != NULL; i++) {
    snprintf(headers, sizeof headers, "Expect: %s\r\nContent-Length: 3\r\n", values[i]);
    refused_headers(state, headers, 417);
  }
}

/* ------------------------------------------------------------------------- odd and lawful -- */

static const struct oddity ODDITIES[] = {
    {"\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET / 1.1\n  Host=h\n"},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / 1.1\n  Host=\n"},
    {"GET / HTTP/1.1\r\nHost: \t h \t \r\n\r\n", "GET / 1.1\n  Host=h\n"},
    {"GET / HTTP/1.1\r\nhOsT:h:1\r\n\r\n", "GET / 1.1\n  hOsT=h:1\n"},
    {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET / 1.1\n  Host=[::1]:80\n"},
    {"GET / HTTP/1.1\r\nHost: h\r\nX:\r\nX: \r\nX: \t\r\n\r\n",
     "GET / 1.1\n  Host=h\n  X=\n  X=\n  X=\n"},
    {"GET / HTTP/1.1\r\nHost: h\r\nX: a  b\tc :d:\r\n\r\n",
     "GET / 1.1\n  Host=h\n  X=a  b\tc :d:\n"},
    {"GET / HTTP/1.1\r\nHost: h\r\n!#$%&'*+-.^_`|~: t\r\n\r\n",
     "GET / 1.1\n  Host=h\n  !#$%&'*+-.^_`|~=t\n"},
    {"GET http://h/x?y HTTP/1.1\r\nHost: other\r\n\r\n", "GET http://h/x?y 1.1\n  Host=h\n"},
    {"GET HTTPS://h HTTP/1.1\r\nHost: h\r\n\r\n", "GET HTTPS://h 1.1\n  Host=h\n"},
    {"GET http://[::1]:8080?q HTTP/1.1\r\nHost: h\r\n\r\n",
     "GET http://[::1]:8080?q 1.1\n  Host=[::1]:8080\n"},
    {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS * 1.1\n  Host=h\n"},
    {"GET // HTTP/1.1\r\nHost: h\r\n\r\n", "GET // 1.1\n  Host=h\n"},
    {"GET /%00%zz/../. HTTP/1.1\r\nHost: h\r\n\r\n", "GET /%00%zz/../. 1.1\n  Host=h\n"},
    {"PURGE / HTTP/1.1\r\nHost: h\r\n\r\n", "PURGE / 1.1\n  Host=h\n"},
    {"M-SEARCH / HTTP/1.1\r\nHost: h\r\n\r\n", "M-SEARCH / 1.1\n  Host=h\n"},
    {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET / 1.0\n  Connection=Keep-Alive\n"},
    {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
     "GET / 1.1\n  Host=h\n  Content-Length=3\n  body 3:abc\n"},
    {"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
     "PUT / 1.1\n  Host=h\n  Content-Length=0\n"},
    {"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length:\t0003 \r\n\r\n\r\n\r",
     "PUT / 1.1\n  Host=h\n  Content-Length=0003\n  body 3:\r\n\r\n"},
    {"PUT / HTTP/1.1\r\nHost: h\r\n\r\n", "PUT / 1.1\n  Host=h\n"},
    {"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
     "GET / 1.1\n  Host=h\n  Upgrade=h2c\n  Connection=upgrade\n"},
    {"POST / HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\nConnection: upgrade\r\nContent-Length: "
     "2\r\n\r\nab",
     "POST / 1.1\n  Host=h\n  Upgrade=x\n  Connection=upgrade\n  Content-Length=2\n  body 2:ab\n"},
    {"GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n",
     "GET / 1.1\n  Host=h\n  Expect=100-continue\n"},
    {"PUT / HTTP/1.0\r\nConnection: keep-alive\r\nExpect: x\r\nContent-Length: 1\r\n\r\na",
     "PUT / 1.0\n  Connection=keep-alive\n  Expect=x\n  Content-Length=1\n  body 1:a\n"},
    {"GET / HTTP/1.1\r\nHost: h\r\nConnection: , closed,,keep-alive ,x\r\n\r\n",
     "GET / 1.1\n  Host=h\n  Connection=, closed,,keep-alive ,x\n"},
    {NULL, NULL}};

static void what_is_odd_and_lawful_is_accepted(void **state) {
  (void)state;
  for (size_t i = 0; ODDITIES[i].request != NULL; i++) {
    struct message m = {.len = 0};
    put(&m, ODDITIES[i].request);
    accepted(&m, ODDITIES[i].record);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_content_length_is_one_number),
      cmocka_unit_test(a_second_content_length_is_refused_even_if_equal),
      cmocka_unit_test(content_length_with_transfer_encoding_is_refused),
      cmocka_unit_test(a_transfer_encoding_is_chunked_once),
      cmocka_unit_test(disguised_framing_headers_are_refused),
      cmocka_unit_test(transfer_encoding_in_1_0_is_refused),
      cmocka_unit_test(only_two_versions_are_known),
      cmocka_unit_test(targets_of_unknown_forms_are_refused),
      cmocka_unit_test(unknown_methods_are_not_implemented),
      cmocka_unit_test(there_is_exactly_one_host),
      cmocka_unit_test(unknown_expectations_fail),
      cmocka_unit_test(what_is_odd_and_lawful_is_accepted),
  };
  return !!cmocka_run_group_tests(tests, begin_counting, tell_count);
}
