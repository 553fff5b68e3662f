/* Floods of HTTP/2: each kind of frame, as fast as possible, until the connection ends, with honest
 * gets next to it. Each flood is stopped before 10,000 frames and 1 MB. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../unit/h2_frames.h"
#include "hostile.h"

#define PATH "/_groupcache/g/"

enum { FRAMES_MAX = 10000, BYTES_MAX = 1000 * 1000, AT_ONCE = 8192, FED_UP_MB = 20 };

static void add_request(struct h2_frames *f, uint32_t id, int flags) {
  unsigned char block[600];

  frames_add(f, F_HEADERS, flags, id, block, frames_get_block(block, PATH "honest"));
}

static void add_settings(struct h2_frames *f, uint32_t n) {
  (void)n;
  frames_add(f, F_SETTINGS, 0, 0, "\0\4\0\0\0\0", 6);
}

static void add_settings_acks(struct h2_frames *f, uint32_t n) {
  (void)n;
  frames_add(f, F_SETTINGS, F_ACK, 0, NULL, 0);
}

static void add_many_settings(struct h2_frames *f, uint32_t n) {
  static const char entries[6 * 33];

  (void)n;
  frames_add(f, F_SETTINGS, 0, 0, entries, sizeof entries);
}

static void add_pings(struct h2_frames *f, uint32_t n) {
  (void)n;
  frames_add(f, F_PING, 0, 0, "12345678", 8);
}

static void add_priorities(struct h2_frames *f, uint32_t n) {
  frames_add(f, F_PRIORITY, 0, 2 * n + 1, "\0\0\0\0\1", 5);
}

static void add_windows(struct h2_frames *f, uint32_t n) {
  (void)n;
  frames_u32(f, F_WINDOW_UPDATE, 0, 1);
}

static void add_put(struct h2_frames *f, const char *length) {
  unsigned char block[600];
  size_t len = frames_field(block, ":method", "PUT");

  len += frames_field(block + len, ":scheme", "http");
  len += frames_field(block + len, ":path", PATH "k");
  len += frames_field(block + len, ":authority", "h");
  len += frames_field(block + len, "content-length", length);
  frames_add(f, F_HEADERS, F_END_HEADERS, 1, block, len);
}

static void add_empty_data(struct h2_frames *f, uint32_t n) {
  if (n == 0) add_put(f, "9");
  frames_add(f, F_DATA, 0, 1, NULL, 0);
}

/* Nothing but padding. */
static void add_padding(struct h2_frames *f, uint32_t n) {
  static const char padding[201] = {(char)200};

  if (n == 0) add_empty_data(f, 0);
  frames_add(f, F_DATA, F_PADDED, 1, padding, sizeof padding);
}

/* To a stream that has ended. */
static void add_data_to_nobody(struct h2_frames *f, uint32_t n) {
  static const char data[16384];

  if (n == 0) add_put(f, "9");
  if (n == 0) frames_u32(f, F_RST_STREAM, 1, 8);
  frames_add(f, F_DATA, 0, 1, data, sizeof data);
}

static void add_resets(struct h2_frames *f, uint32_t n) {
  add_request(f, 2 * n + 1, F_END_HEADERS | F_END_STREAM);
  frames_u32(f, F_RST_STREAM, 2 * n + 1, 8);
}

/* We are made to reset them. */
static void add_provocations(struct h2_frames *f, uint32_t n) {
  add_request(f, 2 * n + 1, F_END_HEADERS);
  frames_u32(f, F_WINDOW_UPDATE, 2 * n + 1, 0);
}

static void add_malformed(struct h2_frames *f, uint32_t n) {
  frames_add(f, F_HEADERS, F_END_HEADERS | F_END_STREAM, 2 * n + 1, "\x82", 1);
}

static void add_continuations(struct h2_frames *f, uint32_t n) {
  unsigned char field[40];
  size_t len = frames_field(field, "x", "0123456789");

  if (n == 0) add_request(f, 1, 0);
  frames_add(f, F_CONTINUATION, 0, 1, field, len);
}

static void add_empty_continuations(struct h2_frames *f, uint32_t n) {
  if (n == 0) add_request(f, 1, 0);
  frames_add(f, F_CONTINUATION, 0, 1, NULL, 0);
}

/* Heads of 16 KB, each longer than the limit once it is read. */
static void add_long_heads(struct h2_frames *f, uint32_t n) {
  unsigned char block[16384];
  size_t len = frames_get_block(block, PATH "honest");

  while (len < sizeof block - 130)
    len += frames_field(block + len, "x", "0123456789012345678901234567890123456789");
  frames_add(f, F_HEADERS, F_END_HEADERS | F_END_STREAM, 2 * n + 1, block, len);
}

static void add_many_lines(struct h2_frames *f, uint32_t n) {
  unsigned char block[2048];
  size_t len = frames_get_block(block, PATH "honest");

  for (int i = 0; i < 100; i++)
    len += frames_field(block + len, "x", "");
  frames_add(f, F_HEADERS, F_END_HEADERS | F_END_STREAM, 2 * n + 1, block, len);
}

/* A field of 4000 bytes is put into the table; each byte that follows stands for it. */
static void add_references(struct h2_frames *f, uint32_t n) {
  static unsigned char block[16384];
  size_t len = frames_get_block(block, PATH "honest");

  memcpy(block + len, "\x40\1x\x7f\xa1\x1e", 6);
  memset(block + len + 6, 'v', 4000);
  memset(block + len + 4006, 0xbe, sizeof block - len - 4006);
  frames_add(f, F_HEADERS, F_END_STREAM, 2 * n + 1, block, sizeof block);
  memset(block, 0xbe, sizeof block);
  for (int i = 0; i < 8; i++)
    frames_add(f, F_CONTINUATION, i == 7 ? F_END_HEADERS : 0, 2 * n + 1, block, sizeof block);
}

static void add_table_sizes(struct h2_frames *f, uint32_t n) {
  unsigned char block[600] = {0x20, 0x3f, 0xe1, 0x1f}; /* 0, then 4096 again */
  size_t len = 4 + frames_get_block(block + 4, PATH "honest");

  block[len] = 0; /* and a name of upper case, which nobody may send */
  memcpy(block + len, "\0\1X\1v", 5);
  frames_add(f, F_HEADERS, F_END_HEADERS | F_END_STREAM, 2 * n + 1, block, len + 5);
}

static void add_pushes(struct h2_frames *f, uint32_t n) {
  frames_add(f, F_PUSH_PROMISE, F_END_HEADERS, 1, "\0\0\0\2\x82", 5);
  (void)n;
}

static void add_goaways(struct h2_frames *f, uint32_t n) {
  (void)n;
  frames_add(f, F_GOAWAY, 0, 0, "\0\0\0\0\0\0\0\0", 8);
}

static void add_unknown(struct h2_frames *f, uint32_t n) {
  (void)n;
  frames_add(f, F_UNKNOWN, 0, 0, NULL, 0);
}

static void add_unknown_long(struct h2_frames *f, uint32_t n) {
  static const char payload[1024];

  (void)n;
  frames_add(f, F_UNKNOWN, 0, 0, payload, sizeof payload);
}

struct kind {
  const char *what;
  void (*add)(struct h2_frames *f, uint32_t n);
};

static const struct kind kinds[] = {
    {"SETTINGS", add_settings},
    {"SETTINGS that acknowledge", add_settings_acks},
    {"SETTINGS of 33 entries", add_many_settings},
    {"PING", add_pings},
    {"PRIORITY", add_priorities},
    {"WINDOW_UPDATE", add_windows},
    {"empty DATA", add_empty_data},
    {"DATA of padding", add_padding},
    {"DATA to nobody", add_data_to_nobody},
    {"RST_STREAM", add_resets},
    {"RST_STREAM, provoked", add_provocations},
    {"malformed HEADERS", add_malformed},
    {"CONTINUATION", add_continuations},
    {"empty CONTINUATION", add_empty_continuations},
    {"HEADERS of 16 KB", add_long_heads},
    {"HEADERS of 100 lines", add_many_lines},
    {"HEADERS of references", add_references},
    {"HEADERS that resize the table", add_table_sizes},
    {"PUSH_PROMISE", add_pushes},
    {"GOAWAY", add_goaways},
    {"unknown frames", add_unknown},
    {"unknown frames of 1 KB", add_unknown_long},
};

/* ------------------------------------------------------------------------------- one flood ---- */

struct flood {
  struct crowd crowd;
  struct member m;
  struct h2_frames f;
  size_t sent, frames; /* of what the other side has had a chance to read */
  size_t before, peak;
  int ended;
};

static void take_turns(struct flood *flood) {
  for (int i = 0; i < 3; i++) {
    crowd_turns(&flood->crowd, 1);
    if (flood->m.oom.bytes > flood->peak) flood->peak = flood->m.oom.bytes;
  }
}

static void note_end(struct flood *flood) {
  char bytes[65536];
  ssize_t n;

  do
    n = recv(flood->crowd.all[0].fd, bytes, sizeof bytes, MSG_DONTWAIT);
  while (n > 0);
  flood->ended = n == 0 || errno != EAGAIN;
}

/* All of f, a little at a time. */
static void pour(struct flood *flood) {
  size_t at = 0;

  while (at < flood->f.len && !flood->ended) {
    size_t len = flood->f.len - at < AT_ONCE ? flood->f.len - at : AT_ONCE;
    ssize_t n = send(flood->crowd.all[0].fd, flood->f.bytes + at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) at += (size_t)n;
    take_turns(flood);
    note_end(flood);
  }
  flood->sent += at;
  flood->f.len = 0;
}

static void pour_until_it_ends(const struct kind *kind, struct flood *flood) {
  uint32_t n = 0;

  flood->f.frames = 0;
  while (!flood->ended && flood->sent < (size_t)FED_UP_MB << 20) {
    while (flood->f.len < AT_ONCE)
      kind->add(&flood->f, n++);
    flood->frames = flood->f.frames;
    pour(flood);
  }
}

static void begin_flood(struct flood *flood, void **state) {
  gcache_options_t o;

  memset(flood, 0, sizeof *flood);
  member_options(&flood->m, &o, *state, "here");
  member_open(&flood->m, &o);
  member_group(&flood->m, "g");
  member_listen(&flood->m);
  crowd_init(&flood->crowd, &flood->m);
  frames_greet(&flood->f);
  crowd_come(&flood->crowd, 1, 0, flood->f.bytes, flood->f.len);
  flood->f.len = 0;
  take_turns(flood);
  flood->before = flood->peak = flood->m.oom.bytes;
}

static void each_flood_is_stopped_early(void **state) {
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    struct flood flood;

    begin_flood(&flood, state);
    pour_until_it_ends(&kinds[i], &flood);
    print_message(
        "%s: stopped after at most %zu frames, %zu bytes; memory %zu bytes; %d honest gets "
        "meanwhile, the slowest %.1f ms\n",
        kinds[i].what, flood.frames, flood.sent, flood.peak - flood.before, flood.crowd.honest.gets,
        flood.crowd.honest.worst_ms);
    assert_true(flood.ended);
    assert_true(flood.frames < FRAMES_MAX && flood.sent < BYTES_MAX);
    assert_true(flood.peak - flood.before < 1 << 20);
    crowd_leave(&flood.crowd);
    crowd_until_cut(&flood.crowd);
    crowd_fini(&flood.crowd);
    assert_int_equal(flood.m.loads, 1);
    frames_free(&flood.f);
    member_end(&flood.m);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, loop_setup, loop_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(each_flood_is_stopped_early),
  };

  return !!cmocka_run_group_tests(tests, loop_warm_up, NULL);
}
