/* Unit test of http/h2_server with input that a correct client would not send: malformed requests,
 * too much of everything, floods, readers and writers that stall. Frames are made by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <uv.h>

#include "h2_reader.h"
#include "h2_server_run.h"

struct fixture {
  struct h2_run run;
  struct h2_reader reader;
  struct h2_frames f;
};

static int begin(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  h2_run_open(&f->run, H2_REPLY_LATER);
  h2_reader_open(&f->reader);
  frames_greet(&f->f);
  *state = f;
  return 0;
}

static int finish(void **state) {
  struct fixture *f = *state;
  h2_run_end(&f->run);
  h2_reader_close(&f->reader);
  frames_free(&f->f);
  free(f);
  return 0;
}

static struct h2_read *stream(struct fixture *f, uint32_t id) {
  return h2_reader_stream(&f->reader, id);
}

/* Sends the frames that were made, and reads what it says to them. */
static void send_frames(struct fixture *f) {
  h2_run_feed(&f->run, frames_bytes(&f->f));
  f->f.len = 0;
  while (h2_reader_take_out(&f->reader, gci_http_server_output(f->run.server)) > 0)
    ;
}

static void restart(struct fixture *f) {
  gci_http_server_close(f->run.server);
  h2_reader_close(&f->reader);
  for (size_t i = 0; i < f->run.n_owed; i++) {
    if (f->run.owed[i] != NULL) h2_run_reply_text(&f->run, i, "");
  }
  f->run.n_owed = f->run.requests = f->run.taken = 0;
  f->f.len = f->f.frames = 0;
  assert_int_equal(h2_run_serve(&f->run), 0);
  h2_reader_open(&f->reader);
  frames_greet(&f->f);
}

/* ------------------------------------------------------------------------ malformed requests -- */

struct field {
  const char *name, *value;
};

/* REFUSED_OR_RESET: by us, or by a newer nghttp2 before us. */
enum fate { TAKEN, REFUSED, REFUSED_OR_RESET, RESET };

static const struct {
  struct field fields[8];
  enum fate fate;
  uint32_t code; /* status, or of the reset */
} requests[] = {
#define HEAD(path)                           \
  {":method", "GET"}, {":scheme", "http"}, { \
    ":path", path                            \
  }
#define LAWFUL        \
  HEAD("/"), {        \
    ":authority", "h" \
  }
    {{LAWFUL}, TAKEN, 0},
    {{HEAD("/"), {"host", "h"}}, TAKEN, 0},
    {{LAWFUL, {"host", "h"}}, TAKEN, 0},
    {{LAWFUL, {"te", "trailers"}}, TAKEN, 0},
    {{LAWFUL, {"x", ""}}, TAKEN, 0},
    {{LAWFUL, {"x", "\xc3\xa4"}}, TAKEN, 0},
    {{{":method", "OPTIONS"}, {":scheme", "http"}, {":path", "*"}, {":authority", "h"}},
     REFUSED,
     400},
    {{HEAD("/"), {":authority", "h,i"}}, REFUSED, 400},
    {{HEAD("/"), {":authority", "u@h"}}, REFUSED_OR_RESET, 400},
    {{LAWFUL, {"host", "other"}}, REFUSED, 400},
    {{{":method", "GET"}, {":scheme", "x"}, {":path", "a"}, {":authority", "h"}}, REFUSED, 400},
    {{{":method", "GET"}, {":scheme", "x"}, {":path", "/#"}, {":authority", "h"}}, REFUSED, 400},
    {{{":method", "CONNECT"}, {":authority", "h:1"}}, REFUSED, 501},
    {{LAWFUL, {"expect", "more"}}, REFUSED, 417},
    {{HEAD("/")}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{HEAD("/"), {":authority", ""}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{HEAD(""), {":authority", "h"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{HEAD("a"), {":authority", "h"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{HEAD("*"), {":authority", "h"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{HEAD("http://h/"), {":authority", "h"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{{":method", "GET"}, {":path", "/"}, {":authority", "h"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{{":scheme", "http"}, {":path", "/"}, {":authority", "h"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{{":method", "GET"}, {":scheme", "http"}, {":authority", "h"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{{":method", "CONNECT"}, HEAD("/")}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{LAWFUL, {":path", "/"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{LAWFUL, {":status", "200"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{LAWFUL, {":other", "x"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{HEAD("/"), {"x", "y"}, {":authority", "h"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{LAWFUL, {"Upper", "x"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{LAWFUL, {"a b", "x"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{LAWFUL, {"a\xc3", "x"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{LAWFUL, {"", "x"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{LAWFUL, {"a:", "x"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{LAWFUL, {"x", "a\nb"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{LAWFUL, {"x", "a\rb"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{LAWFUL, {"x", "a\x7f"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{LAWFUL, {"x", " a"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{LAWFUL, {"x", "a\t"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{LAWFUL, {"connection", "close"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{LAWFUL, {"keep-alive", "x"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{LAWFUL, {"proxy-connection", "x"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{LAWFUL, {"transfer-encoding", "chunked"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{LAWFUL, {"upgrade", "x"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{LAWFUL, {"te", "gzip"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{LAWFUL, {"content-length", "1"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{LAWFUL, {"content-length", "-1"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{LAWFUL, {"content-length", "0"}, {"content-length", "0"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
    {{LAWFUL, {"host", "h"}, {"host", "h"}}, RESET, NGHTTP2_PROTOCOL_ERROR},
};

static void add_request(struct h2_frames *f, uint32_t id, int flags, const struct field *fields) {
  unsigned char block[1024];
  size_t len = 0;
  for (int i = 0; i < 8 && fields[i].name != NULL; i++)
    len += frames_field(block + len, fields[i].name, fields[i].value);
  frames_add(f, F_HEADERS, flags | F_END_HEADERS, id, block, len);
}

static void requests_meet_their_fate_alone(void **state) {
  struct fixture *f = *state;
  size_t n = sizeof requests / sizeof requests[0], taken = 0;
  for (size_t i = 0; i < n; i++) {
    uint32_t id = 2 * (uint32_t)i + 1;
    add_request(&f->f, id, F_END_STREAM, requests[i].fields);
    send_frames(f);
    struct h2_read *got = stream(f, id);
    size_t before = taken;
    if (requests[i].fate == TAKEN) taken++;
    if (f->run.requests != taken || f->reader.goaway) fail_msg("request %zu", i);
    if (taken > before) h2_run_reply_text(&f->run, taken - 1, "");
    if (requests[i].fate == REFUSED && (got->status != (int)requests[i].code || !got->whole))
      fail_msg("request %zu: status %d", i, got->status);
    if (requests[i].fate == REFUSED_OR_RESET && got->status != (int)requests[i].code &&
        (!got->reset || got->code != NGHTTP2_PROTOCOL_ERROR))
      fail_msg("request %zu: status %d, reset %d", i, got->status, got->reset);
    if (requests[i].fate == RESET && (!got->reset || got->code != requests[i].code))
      fail_msg("request %zu: reset %d, code %u", i, got->reset, got->code);
  }
  send_frames(f);
  assert_int_equal(stream(f, 1)->status, 200);
  assert_int_equal(gci_http_server_bad_requests(f->run.server), n - taken);
  assert_false(gci_http_server_wants_close(f->run.server));
}

static void what_breaks_the_connection_ends_it(void **state) {
  struct fixture *f = *state;
  for (int kind = 0; kind < 9; kind++) {
    restart(f);
    uint32_t code = NGHTTP2_PROTOCOL_ERROR;
    static unsigned char large[20000];
    switch (kind) {
    case 0: /* a stream of even number */
      frames_get(&f->f, 2, F_END_HEADERS | F_END_STREAM);
      break;
    case 1: /* DATA on a stream that is idle */
      frames_add(&f->f, F_DATA, 0, 1, "x", 1);
      break;
    case 2: /* a frame inside a head */
      frames_get(&f->f, 1, 0);
      frames_add(&f->f, F_PING, 0, 0, "12345678", 8);
      break;
    case 3: /* larger than allowed */
      frames_add(&f->f, F_DATA, 0, 1, large, sizeof large);
      code = NGHTTP2_FRAME_SIZE_ERROR;
      break;
    case 4: /* not to be decompressed */
      frames_add(&f->f, F_HEADERS, F_END_HEADERS, 1, "\xff\xff\xff\xff\xff\xff\xff", 7);
      code = NGHTTP2_COMPRESSION_ERROR;
      break;
    case 5:
      frames_u32(&f->f, F_WINDOW_UPDATE, 0, 0x7fffffff);
      code = NGHTTP2_FLOW_CONTROL_ERROR;
      break;
    case 6:
      frames_add(&f->f, F_PUSH_PROMISE, F_END_HEADERS, 1, "\0\0\0\2", 4);
      break;
    case 7: /* not the preface */
      f->f.len = 0;
      frames_raw(&f->f, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 27);
      break;
    default: /* not SETTINGS first */
      f->f.len = 0;
      frames_raw(&f->f, H2_PREFACE, sizeof H2_PREFACE - 1);
      frames_add(&f->f, F_PING, 0, 0, "12345678", 8);
    }
    send_frames(f);
    if (!f->reader.goaway || f->reader.goaway_code != code)
      fail_msg("kind %d: goaway %d, code %u", kind, f->reader.goaway, f->reader.goaway_code);
    assert_true(gci_http_server_wants_close(f->run.server));
    assert_false(gci_http_server_wants_input(f->run.server));
    assert_int_equal(f->run.requests, 0);
    assert_int_equal(gci_http_server_input(f->run.server, gcache_cstr("more")), 4);
  }
}

/* ------------------------------------------------------------------------------- sizes -- */

static void long_heads_are_refused(void **state) {
  struct fixture *f = *state;
  char text[127];
  memset(text, 'a', 126);
  text[0] = '/';
  text[126] = 0;
  unsigned char block[4096];
  size_t len = frames_field(block, ":method", "GET");
  len += frames_field(block + len, ":scheme", "http");
  len += frames_field(block + len, ":authority", "h");
  size_t base = len;
  /* A path of 300, as a literal of its own: two bytes of length. */
  block[len++] = 0;
  block[len++] = 5;
  memcpy(block + len, ":path", 5);
  len += 5;
  block[len++] = 0x7f;
  block[len++] = 0xad; /* 127 + 45 + 128 = 300 */
  block[len++] = 0x01;
  memset(block + len, '/', 300);
  len += 300;
  frames_add(&f->f, F_HEADERS, F_END_HEADERS | F_END_STREAM, 1, block, len);
  len = base + frames_field(block + base, ":path", "/");
  base = len;
  for (int i = 0; i < 8; i++) /* with the authority one more than 8 */
    len += frames_field(block + len, "x", "y");
  frames_add(&f->f, F_HEADERS, F_END_HEADERS | F_END_STREAM, 3, block, len);
  frames_add(&f->f, F_HEADERS, F_END_HEADERS | F_END_STREAM, 5, block, len - 5);
  for (len = base; len < base + 6 * 130;) /* 6 of 159 as they are counted, above 1000 */
    len += frames_field(block + len, "x", text);
  frames_add(&f->f, F_HEADERS, F_END_HEADERS, 7, block, len);
  frames_add(&f->f, F_DATA, 0, 7, "abc", 3);
  send_frames(f);
  assert_int_equal(stream(f, 1)->status, 414);
  assert_int_equal(stream(f, 3)->status, 431);
  assert_int_equal(stream(f, 5)->status, 0);
  assert_int_equal(stream(f, 7)->status, 431);
  assert_true(stream(f, 7)->reset); /* its body is not wanted */
  assert_int_equal(stream(f, 7)->code, NGHTTP2_NO_ERROR);
  assert_int_equal(f->run.requests, 1);
  assert_false(f->reader.goaway);
}

static void add_put(struct h2_frames *f, uint32_t id, const char *length) {
  struct field fields[8] = {
      {":method", "PUT"}, {":scheme", "http"}, {":path", "/"}, {":authority", "h"}};
  if (length != NULL) fields[4] = (struct field){"content-length", length};
  add_request(f, id, 0, fields);
}

static void long_bodies_are_refused(void **state) {
  struct fixture *f = *state;
  static const unsigned char bytes[16384];
  f->run.limits.value_max = 20000;
  restart(f);
  add_put(&f->f, 1, "28193"); /* 20000 and 8192 and 1 */
  add_put(&f->f, 3, NULL);
  add_put(&f->f, 5, "28192");
  frames_add(&f->f, F_DATA, 0, 3, bytes, 16384);
  frames_add(&f->f, F_DATA, 0, 3, bytes, 16384);
  frames_add(&f->f, F_DATA, F_END_STREAM, 3, bytes, 1);
  frames_add(&f->f, F_DATA, 0, 5, bytes, 16384);
  frames_add(&f->f, F_DATA, F_END_STREAM, 5, bytes, 28192 - 16384);
  send_frames(f);
  assert_int_equal(stream(f, 1)->status, 413);
  assert_int_equal(stream(f, 1)->code, NGHTTP2_NO_ERROR);
  assert_true(stream(f, 1)->reset);
  assert_int_equal(stream(f, 3)->status, 413);
  assert_int_equal(stream(f, 5)->status, 0);
  assert_int_equal(f->run.requests, 1);
  assert_int_equal(gcache_value_bytes(f->run.owed[0]->body).len, 28192);
}

/* One by its length, one that outgrows the room. */
static void bodies_without_room_are_refused_and_counted_once(void **state) {
  struct fixture *f = *state;
  static const unsigned char bytes[16384];
  struct gci_in_flight *in_flight = &f->run.env.env.mem->in_flight;
  gci_in_flight_limit(in_flight, 100000, NULL, NULL);
  gci_in_flight_add(in_flight, 50000);
  add_put(&f->f, 1, "60000");
  add_put(&f->f, 3, NULL);
  frames_add(&f->f, F_DATA, 0, 3, bytes, 16384);
  frames_add(&f->f, F_DATA, 0, 3, bytes, 16384);
  send_frames(f);
  assert_int_equal(stream(f, 1)->status, 429);
  assert_int_equal(stream(f, 3)->status, 429);
  assert_int_equal(in_flight->shed, 2);
  assert_int_equal(f->run.requests, 0);
  gci_in_flight_drop(in_flight, 50000);
}

static void a_length_that_lies_is_a_fault(void **state) {
  struct fixture *f = *state;
  add_put(&f->f, 1, "3");
  frames_add(&f->f, F_DATA, F_END_STREAM, 1, "ab", 2);
  add_put(&f->f, 3, "3");
  frames_add(&f->f, F_DATA, 0, 3, "abcd", 4);
  add_put(&f->f, 5, "3");
  frames_add(&f->f, F_DATA, 0, 5, "abc", 3);
  frames_add(&f->f, F_DATA, F_END_STREAM, 5, "", 0);
  send_frames(f);
  for (uint32_t id = 1; id < 5; id += 2) {
    assert_true(stream(f, id)->reset);
    assert_int_equal(stream(f, id)->code, NGHTTP2_PROTOCOL_ERROR);
  }
  assert_int_equal(f->run.requests, 1);
  assert_int_equal(gci_http_server_bad_requests(f->run.server), 2);
}

static void expectations_are_met(void **state) {
  struct fixture *f = *state;
  struct field fields[8] = {{":method", "PUT"},
                            {":scheme", "http"},
                            {":path", "/"},
                            {":authority", "h"},
                            {"expect", "100-continue"}};
  add_request(&f->f, 1, 0, fields);
  send_frames(f);
  assert_int_equal(stream(f, 1)->status, 100);
  frames_add(&f->f, F_DATA, F_END_STREAM, 1, "abc", 3);
  send_frames(f);
  assert_int_equal(f->run.requests, 1);
  h2_run_reply_text(&f->run, 0, "x");
  send_frames(f);
  assert_int_equal(stream(f, 1)->status, 200);
}

/* ------------------------------------------------------------------------------ floods -- */

static void ask_and_answer(struct fixture *f, uint32_t id) {
  size_t owed = f->run.n_owed;
  frames_get(&f->f, id, F_END_HEADERS | F_END_STREAM);
  send_frames(f);
  assert_int_equal(f->run.n_owed, owed + 1);
  h2_run_reply_text(&f->run, owed, "x");
  send_frames(f);
  assert_int_equal(stream(f, id)->status, 200);
}

/* 20,000 frames that add_one makes, each in a read of its own or all in large ones. */
static void flood(struct fixture *f, const char *name,
                  void (*add_one)(struct h2_frames *f, uint32_t n), size_t most) {
  static const size_t a_read[] = {1, 1000};
  for (size_t i = 0; i < 2; i++) {
    restart(f);
    send_frames(f);
    f->run.taken = f->f.frames = 0;
    size_t held = f->run.oom.bytes, peak = held;
    uint32_t n = 0;
    while (n < 20000 && gci_http_server_wants_input(f->run.server)) {
      for (size_t k = 0; k < a_read[i]; k++)
        add_one(&f->f, n++);
      h2_run_feed(&f->run, frames_bytes(&f->f));
      f->f.len = 0;
      if (f->run.oom.bytes > peak) peak = f->run.oom.bytes;
      send_frames(f);
    }
    print_message("%s: %zu frames, %zu bytes given in reads of %zu; memory %zu bytes\n", name,
                  f->f.frames, f->run.taken, a_read[i], peak - held);
    assert_true(f->reader.goaway);
    assert_int_equal(f->reader.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_true(gci_http_server_wants_close(f->run.server));
    if (i == 0) assert_true(f->f.frames <= most);
    assert_true(f->run.taken <= 1000 * 1000);
    assert_true(peak - held < 1000 * 1000);
  }
}

static void add_ping(struct h2_frames *f, uint32_t n) {
  (void)n;
  frames_add(f, F_PING, 0, 0, "12345678", 8);
}

static void add_settings(struct h2_frames *f, uint32_t n) {
  (void)n;
  frames_add(f, F_SETTINGS, 0, 0, "\0\1\0\0\0\0", 6);
}

static void add_priority(struct h2_frames *f, uint32_t n) {
  frames_add(f, F_PRIORITY, 0, 2 * n + 1, "\0\0\0\0\1", 5);
}

static void add_window(struct h2_frames *f, uint32_t n) {
  (void)n;
  frames_u32(f, F_WINDOW_UPDATE, 0, 1);
}

static void add_empty_data(struct h2_frames *f, uint32_t n) {
  if (n == 0) add_put(f, 1, NULL);
  frames_add(f, F_DATA, 0, 1, "", 0);
}

static void add_opened_and_reset(struct h2_frames *f, uint32_t n) {
  frames_get(f, 2 * n + 1, F_END_HEADERS | F_END_STREAM);
  frames_u32(f, F_RST_STREAM, 2 * n + 1, NGHTTP2_CANCEL);
}

/* The server is made to reset them. */
static void add_provoking(struct h2_frames *f, uint32_t n) {
  frames_get(f, 2 * n + 1, F_END_HEADERS | F_END_STREAM);
  frames_u32(f, F_WINDOW_UPDATE, 2 * n + 1, 0x7fffffff);
}

static void add_malformed(struct h2_frames *f, uint32_t n) {
  frames_add(f, F_HEADERS, F_END_HEADERS | F_END_STREAM, 2 * n + 1, "\x82", 1);
}

static void add_continuation(struct h2_frames *f, uint32_t n) {
  unsigned char field[40];
  size_t len = frames_field(field, "x", "0123456789");
  if (n == 0) frames_get(f, 1, 0);
  frames_add(f, F_CONTINUATION, 0, 1, field, len);
}

static void add_empty_continuation(struct h2_frames *f, uint32_t n) {
  if (n == 0) frames_get(f, 1, 0);
  frames_add(f, F_CONTINUATION, 0, 1, "", 0);
}

static void add_many_settings(struct h2_frames *f, uint32_t n) {
  static const unsigned char entries[33 * 6];
  (void)n;
  frames_add(f, F_SETTINGS, 0, 0, entries, sizeof entries);
}

static void add_unknown(struct h2_frames *f, uint32_t n) {
  (void)n;
  frames_add(f, F_UNKNOWN, 0, 0, "", 0);
}

static void floods_are_cut(void **state) {
  struct fixture *f = *state;
  f->run.limits.head_lines_max = 10000;
  flood(f, "PING", add_ping, 1001);
  flood(f, "SETTINGS", add_settings, 1001);
  flood(f, "SETTINGS of 33 entries", add_many_settings, 1);
  flood(f, "PRIORITY", add_priority, 1001);
  flood(f, "WINDOW_UPDATE", add_window, 1001);
  flood(f, "empty DATA", add_empty_data, 1001);
  flood(f, "unknown frames", add_unknown, 1001);
  flood(f, "CONTINUATION", add_continuation, 10);
  flood(f, "empty CONTINUATION", add_empty_continuation, 10);
  flood(f, "malformed requests", add_malformed, 202);
}

/* Its requests are handed up when they come alone, and never when their reset comes with them. */
static void rapid_reset_is_cut(void **state) {
  struct fixture *f = *state;
  f->run.replies = H2_REPLY_AT_ONCE;
  flood(f, "opened and reset", add_opened_and_reset, 402);
  assert_int_equal(f->run.requests, 0);
  flood(f, "made to be reset", add_provoking, 404);
}

/* Each PING is owed one; in one read, nothing can be sent between them. */
static void acknowledgements_that_wait_are_bounded(void **state) {
  struct fixture *f = *state;
  f->run.limits.control_max = 100000;
  f->run.limits.acks_max = 20;
  restart(f);
  send_frames(f);
  for (uint32_t reads = 0; reads < 100; reads++) {
    for (uint32_t n = 0; n < 15; n++)
      add_ping(&f->f, n);
    send_frames(f);
  }
  assert_false(f->reader.goaway);
  for (uint32_t n = 0; n < 25; n++)
    add_ping(&f->f, n);
  send_frames(f);
  assert_true(f->reader.goaway);
  assert_int_equal(f->reader.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* One that answers has no use for more of the body; what is on its way may still come. */
static void data_beyond_all_windows_ends_it(void **state) {
  struct fixture *f = *state;
  static const unsigned char bytes[16384];
  size_t sent = 0;
  add_put(&f->f, 1, "9999999999"); /* 413 */
  send_frames(f);
  assert_int_equal(stream(f, 1)->status, 413);
  for (; !f->reader.goaway && sent < 10 << 20; sent += sizeof bytes) {
    frames_add(&f->f, F_DATA, 0, 1, bytes, sizeof bytes);
    send_frames(f);
  }
  assert_in_range(sent, 65536, 160000);
  assert_int_equal(f->reader.goaway_code, NGHTTP2_FLOW_CONTROL_ERROR);
}

/* A few are refused one by one. */
static void heads_over_the_limit_are_borne_a_few_times(void **state) {
  struct fixture *f = *state;
  static unsigned char block[16384];
  size_t len = frames_get_block(block, "/a");
  uint32_t n = 0;
  while (len < sizeof block - 130)
    len += frames_field(block + len, "x", "0123456789012345678901234567890123456789");
  f->run.limits.head_max = 16384;
  restart(f);
  for (; !f->reader.goaway && n < 1000; n++) {
    frames_add(&f->f, F_HEADERS, F_END_HEADERS | F_END_STREAM, 2 * n + 1, block, len);
    send_frames(f);
    if (n < 20) assert_int_equal(stream(f, 2 * n + 1)->status, 431);
  }
  assert_in_range(n, 25, 40);
}

static void resets_at_the_permitted_rate_go_on_for_ever(void **state) {
  struct fixture *f = *state;
  f->run.replies = H2_REPLY_LATER;
  for (uint32_t n = 0; n < 1500; n++) {
    frames_get(&f->f, 2 * n + 1, F_END_HEADERS | F_END_STREAM);
    send_frames(f);
    frames_u32(&f->f, F_RST_STREAM, 2 * n + 1, NGHTTP2_CANCEL);
    send_frames(f);
    h2_run_reply_text(&f->run, 0, "nobody waits");
    f->run.n_owed = 0;
    f->run.env.own_clock.mono_ms += 20;
  }
  assert_false(f->reader.goaway);
  ask_and_answer(f, 2 * 1500 + 1);
}

/* Whoever downloads may open windows. */
static void windows_may_be_opened_as_fast_as_they_are_used(void **state) {
  struct fixture *f = *state;
  gcache_value_t *value = gci_value_block(f->run.env.mem, 32 << 20);
  memset(gci_value_fill(value), 1, 32 << 20);
  frames_get(&f->f, 1, F_END_HEADERS | F_END_STREAM);
  send_frames(f);
  struct gci_http_message answer = {.status = 200, .value = value};
  h2_run_reply(&f->run, 0, &answer);
  gcache_value_unref(value);
  send_frames(f);
  size_t updates = 0;
  while (!stream(f, 1)->whole && !f->reader.goaway) {
    frames_u32(&f->f, F_WINDOW_UPDATE, 0, 4096);
    frames_u32(&f->f, F_WINDOW_UPDATE, 1, 4096);
    send_frames(f);
    updates += 2;
  }
  assert_true(stream(f, 1)->whole);
  assert_true(updates > 16000);
}

static void streams_over_the_limit_are_refused_one_by_one(void **state) {
  struct fixture *f = *state;
  f->run.limits.streams_max = 3;
  restart(f);
  for (uint32_t id = 1; id <= 9; id += 2)
    frames_get(&f->f, id, F_END_HEADERS | F_END_STREAM);
  send_frames(f);
  assert_int_equal(f->run.requests, 3);
  for (uint32_t id = 1; id <= 9; id += 2) {
    assert_int_equal(stream(f, id)->reset, id > 5);
    if (id > 5) assert_int_equal(stream(f, id)->code, NGHTTP2_REFUSED_STREAM);
  }
  h2_run_reply_text(&f->run, 1, "x");
  send_frames(f);
  ask_and_answer(f, 11);
  assert_false(f->reader.goaway);
  /* Once it has acknowledged our SETTINGS, it knows better. */
  frames_add(&f->f, F_SETTINGS, F_ACK, 0, NULL, 0);
  for (uint32_t id = 13; id <= 17; id += 2)
    frames_get(&f->f, id, F_END_HEADERS | F_END_STREAM);
  send_frames(f);
  assert_int_equal(f->reader.goaway_code, NGHTTP2_PROTOCOL_ERROR);
}

/* ------------------------------------------------------------------------- slow and stalled -- */

static uint64_t watch_at(struct fixture *f, uint64_t ms) {
  if (ms > f->run.env.own_clock.mono_ms) f->run.env.own_clock.mono_ms = ms;
  uint64_t next = gci_http_server_watch(f->run.server, f->run.env.own_clock.mono_ms);
  send_frames(f);
  return next;
}

static void slow_bodies_are_answered_408(void **state) {
  struct fixture *f = *state;
  uint64_t began = f->run.env.own_clock.mono_ms;
  static const unsigned char bytes[16384];
  assert_int_equal(watch_at(f, 0), UINT64_MAX);
  add_put(&f->f, 1, NULL); /* sends nothing */
  add_put(&f->f, 3, NULL); /* sends enough a second */
  send_frames(f);
  assert_int_equal(watch_at(f, began), began + 5000);
  for (uint64_t t = 1000; t < 5000; t += 1000) {
    assert_int_equal(watch_at(f, began + t), began + 5000);
    frames_add(&f->f, F_DATA, 0, 3, bytes, 2000);
    frames_add(&f->f, F_DATA, 0, 1, bytes, 1);
    send_frames(f);
    assert_int_equal(stream(f, 1)->status, 0);
  }
  watch_at(f, began + 5000);
  assert_int_equal(stream(f, 1)->status, 408);
  assert_true(stream(f, 1)->reset);
  assert_int_equal(stream(f, 3)->status, 0);
  for (uint64_t t = 5001; t <= 29500; t += 1000) {
    frames_add(&f->f, F_DATA, 0, 3, bytes, 2000);
    send_frames(f);
    watch_at(f, began + t);
    assert_int_equal(stream(f, 3)->status, 0);
  }
  watch_at(f, began + 30000);
  assert_int_equal(stream(f, 3)->status, 408); /* the rate was kept, but not the time */
  assert_int_equal(gci_http_server_body_received(f->run.server), 0);
  assert_int_equal(watch_at(f, began + 30001), UINT64_MAX);
  ask_and_answer(f, 5);
}

static void readers_without_a_window_cost_references_and_are_reset(void **state) {
  struct fixture *f = *state;
  enum { STREAMS = 100 };
  unsigned char none[6] = {0, 4, 0, 0, 0, 0}; /* INITIAL_WINDOW_SIZE 0 */
  frames_add(&f->f, F_SETTINGS, 0, 0, none, 6);
  for (uint32_t i = 0; i < STREAMS; i++)
    frames_get(&f->f, 2 * i + 1, F_END_HEADERS | F_END_STREAM);
  send_frames(f);
  assert_int_equal(f->run.n_owed, STREAMS);
  gcache_value_t *value = gci_value_block(f->run.env.mem, 1 << 20);
  memset(gci_value_fill(value), 1, 1 << 20);
  size_t held = f->run.oom.bytes;
  for (uint32_t i = 0; i < STREAMS; i++) {
    struct gci_http_message answer = {.status = 200, .before = gcache_cstr("<"), .value = value};
    h2_run_reply(&f->run, i, &answer);
  }
  send_frames(f);
  print_message("%d answers of 1 MiB without a window: %zu bytes\n", STREAMS,
                f->run.oom.bytes - held);
  assert_true(f->run.oom.bytes - held < (size_t)STREAMS * 512);
  assert_int_equal(gci_http_server_pending(f->run.server), STREAMS);
  uint64_t began = f->run.env.own_clock.mono_ms;
  assert_int_equal(watch_at(f, began), began + 10000);
  frames_u32(&f->f, F_WINDOW_UPDATE, 3, 10240); /* one that goes on at the least rate */
  send_frames(f);
  assert_int_equal(stream(f, 3)->data, 10240);
  for (uint64_t t = 0; t < 10; t++) { /* one that makes believe */
    frames_u32(&f->f, F_WINDOW_UPDATE, 5, 1);
    send_frames(f);
    watch_at(f, began + t * 1000);
    assert_false(stream(f, 5)->reset);
  }
  assert_int_equal(stream(f, 5)->data, 10);
  watch_at(f, began + 9999);
  assert_int_equal(gci_http_server_pending(f->run.server), STREAMS);
  watch_at(f, began + 10000);
  assert_int_equal(gci_http_server_pending(f->run.server), 1);
  assert_true(stream(f, 1)->reset);
  assert_int_equal(stream(f, 1)->code, NGHTTP2_CANCEL);
  assert_false(stream(f, 3)->reset);
  assert_int_equal(watch_at(f, began + 11000), began + 21000);
  watch_at(f, began + 21000);
  assert_int_equal(gci_http_server_pending(f->run.server), 0);
  assert_false(f->reader.goaway);
  gcache_value_unref(value);
  assert_true(f->run.oom.bytes < held);
}

/* How much it lets come when nothing is answered: bodies that are long, and whole ones. */
static void bodies_are_bounded_by_windows(void **state) {
  struct fixture *f = *state;
  static const unsigned char bytes[16384];
  f->run.limits.value_max = 16 << 20;
  restart(f);
  send_frames(f);
  size_t held = f->run.oom.bytes, sent[128] = {0}, all = 0;
  for (uint32_t i = 0; i < 128; i++)
    add_put(&f->f, 2 * i + 1, i == 0 ? "10000000" : NULL);
  send_frames(f);
  for (int moved = 1; moved;) {
    moved = 0;
    for (uint32_t i = 0; i < 128; i++) {
      size_t window = 65535 + stream(f, 2 * i + 1)->windows - sent[i];
      size_t n = window < sizeof bytes ? window : sizeof bytes;
      if (i == 0 && n > 9999999 - sent[0]) n = 9999999 - sent[0];
      if (n == 0) continue;
      frames_add(&f->f, F_DATA, 0, 2 * i + 1, bytes, n);
      sent[i] += n;
      all += n;
      moved = 1;
    }
    send_frames(f);
    assert_false(f->reader.goaway);
  }
  print_message("128 endless bodies: %zu bytes taken, %zu of the oldest; memory %zu bytes\n", all,
                sent[0], f->run.oom.bytes - held);
  assert_int_equal(sent[0], 9999999); /* the oldest may always go on */
  assert_true(all - sent[0] <= 127 * 65535 + (5 << 20));
  assert_true(f->run.oom.bytes - held < 40 << 20);
  /* It is whole, and unanswered: nobody goes on. */
  frames_add(&f->f, F_DATA, F_END_STREAM, 1, bytes, 1);
  send_frames(f);
  assert_int_equal(f->run.requests, 1);
  assert_int_equal(stream(f, 3)->windows, sent[1] - 65535);
  /* While it is we who make them wait, no time passes for them. */
  for (uint64_t t = 0; t < 100; t++)
    watch_at(f, f->run.env.own_clock.mono_ms + 1000);
  assert_int_equal(stream(f, 3)->status, 0);
  h2_run_reply_text(&f->run, 0, "");
  send_frames(f);
  assert_true(stream(f, 3)->windows > sent[1] - 65535);
}

/* The same connection's window is given back for all of them. */
static void bodies_that_are_ignored_do_not_eat_the_connections_window(void **state) {
  struct fixture *f = *state;
  static const unsigned char bytes[16384];
  uint64_t sent = 0;
  for (uint32_t id = 1; sent < 60 << 20; id += 2) {
    add_put(&f->f, id, "9999999999");
    for (int i = 0; i < 4 && 65535 - i * 16384 > 0; i++) {
      size_t n = i < 3 ? 16384 : 16383;
      frames_add(&f->f, F_DATA, 0, id, bytes, n);
      sent += n;
    }
    assert_true(65535 + stream(f, 0)->windows >= sent);
    send_frames(f);
    assert_int_equal(stream(f, id)->status, 413);
    f->run.env.own_clock.mono_ms += 100;
  }
  assert_false(f->reader.goaway);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, finish)
      T(requests_meet_their_fate_alone),
      T(what_breaks_the_connection_ends_it),
      T(long_heads_are_refused),
      T(long_bodies_are_refused),
      T(bodies_without_room_are_refused_and_counted_once),
      T(a_length_that_lies_is_a_fault),
      T(expectations_are_met),
      T(floods_are_cut),
      T(rapid_reset_is_cut),
      T(acknowledgements_that_wait_are_bounded),
      T(data_beyond_all_windows_ends_it),
      T(heads_over_the_limit_are_borne_a_few_times),
      T(resets_at_the_permitted_rate_go_on_for_ever),
      T(windows_may_be_opened_as_fast_as_they_are_used),
      T(streams_over_the_limit_are_refused_one_by_one),
      T(slow_bodies_are_answered_408),
      T(readers_without_a_window_cost_references_and_are_reset),
      T(bodies_are_bounded_by_windows),
      T(bodies_that_are_ignored_do_not_eat_the_connections_window),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
