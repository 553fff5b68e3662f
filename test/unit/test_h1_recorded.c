/* Unit test of http/h1, both roles, with messages that running Go programs sent
 * (test/interop/wire). The expected result of a message is found without a parser: its first line,
 * and the bytes after its empty line. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>

#include "h1_client_run.h"
#include "h1_server_run.h"
#include "recorded.h"

struct message {
  char bytes[128 * 1024]; /* zero-terminated */
  size_t len;
  const char *body;
  size_t body_len;
};

/* Every chunk but the last is moved to the front of the body. */
static void join_chunks(struct message *m) {
  char *to = m->bytes + (m->body - m->bytes), *from = to;
  m->body_len = 0;
  for (;;) {
    size_t size = strtoul(from, &from, 16);
    if (size == 0) return;
    memmove(to + m->body_len, from + 2, size);
    m->body_len += size;
    from += 2 + size + 2;
  }
}

static gcache_bytes_t read_message(const char *name, struct message *m) {
  static char copy[sizeof m->bytes];
  char path[300];
  snprintf(path, sizeof path, "wire/%s", name);
  m->len = recorded_read(path, m->bytes, sizeof m->bytes - 1);
  m->bytes[m->len] = '\0';
  memcpy(copy, m->bytes, m->len);
  m->body = strstr(m->bytes, "\r\n\r\n") + 4;
  m->body_len = m->len - (size_t)(m->body - m->bytes);
  if (strstr(m->bytes, "Transfer-Encoding: chunked\r\n") != NULL) join_chunks(m);
  return gcache_bytes(copy, m->len);
}

static void assert_body(const struct message *m, gcache_value_t *body) {
  gcache_bytes_t got = body == NULL ? gcache_bytes("", 0) : gcache_value_bytes(body);
  assert_int_equal(got.len, m->body_len);
  assert_memory_equal(got.base, m->body, got.len);
}

static void assert_request(const char *name) {
  static struct message m;
  static struct server_run run;
  char line[512];
  gcache_bytes_t bytes = read_message(name, &m);
  run_open(&run, REPLY_AT_END);
  run.limits.line_max = run.limits.head_max = 16384;
  run.limits.value_max = sizeof m.bytes;
  gci_http_server_close(run.server);
  assert_int_equal(gci_h1_server_open(&run.server, run.mem, &run.limits, &run_events, &run), 0);
  run_feed(&run, bytes);
  if (run.requests != 1) fail_msg("%s is not one request", name);
  const struct gci_http_exchange *x = run.owed[0];
  snprintf(line, sizeof line, "%.*s %.*s HTTP/1.%d\r\n", (int)x->head.method.len,
           (const char *)x->head.method.base, (int)x->head.target.len,
           (const char *)x->head.target.base, x->head.version_minor);
  assert_memory_equal(m.bytes, line, strlen(line));
  assert_body(&m, x->body);
  run_reply_next(&run);
  run_close(&run);
}

static void assert_answer(const char *name) {
  static struct message m;
  static struct client_run run;
  char status[8];
  gcache_bytes_t bytes = read_message(name, &m);
  client_open(&run);
  run.limits.head_max = 16384;
  run.limits.value_max = sizeof m.bytes;
  gci_http_client_close(run.client);
  assert_int_equal(gci_h1_client_open(&run.client, run.mem, &run.limits, &client_run_events, &run),
                   0);
  assert_int_equal(client_ask(&run), 0);
  client_feed(&run, bytes);
  assert_int_equal(gci_http_client_eof(run.client), 0);
  if (run.answers != 1) fail_msg("%s is not one answer", name);
  snprintf(status, sizeof status, "%.3s 1.%c", m.bytes + 9, m.bytes[7]);
  assert_memory_equal(run.text, status, strlen(status));
  assert_body(&m, run.last_body);
  client_close(&run);
}

/* How many files with that ending there are. */
static size_t each(const char *ending, void (*check)(const char *name)) {
  size_t n = 0;
  DIR *dir = opendir(INTEROP_DIR "/wire");
  assert_non_null(dir);
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    const char *dot = strrchr(entry->d_name, '.');
    if (dot == NULL || strcmp(dot, ending) != 0) continue;
    if (strstr(entry->d_name, "-head.resp") != NULL) continue; /* HEAD is never asked */
    check(entry->d_name);
    n++;
  }
  closedir(dir);
  return n;
}

static void every_recorded_request_is_taken(void **state) {
  (void)state;
  assert_true(each(".req", assert_request) >= 90);
}

static void every_recorded_answer_is_taken(void **state) {
  (void)state;
  assert_true(each(".resp", assert_answer) >= 40);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_recorded_request_is_taken),
      cmocka_unit_test(every_recorded_answer_is_taken),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
