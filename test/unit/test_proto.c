/* The two messages: bytes measured on Go systems, the value taken out of a body without a copy,
 * other valid messages, and invalid ones; random and damaged messages against protobuf-c. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "base/value.h"
#include "oom.h"
#include "proto_oracle.h"
#include "random.h"
#include "recorded.h"
#include "wire/proto.h"

#define LATE INT64_C(1893456000123456789)
#define LATE_BYTES "\x95\x9a\xc3\xe9\xb3\x86\xba\xa3\x1a"

static int setup(void **state) {
  *state = gci_mem_new(NULL);
  return *state == NULL;
}

static int teardown(void **state) {
  struct gci_mem *mem = *state;
  int left = mem->bytes != 0 || mem->blocks != 0;
  gci_mem_unref(mem);
  return left;
}

static gcache_bytes_t text(const char *s) {
  return (gcache_bytes_t){s, strlen(s)};
}

static void assert_bytes(gcache_bytes_t got, gcache_bytes_t want) {
  assert_int_equal(got.len, want.len);
  if (want.len > 0) assert_memory_equal(got.base, want.base, want.len);
}

static gcache_value_t *body_of(struct gci_mem *mem, gcache_bytes_t bytes) {
  gcache_value_t *body = gci_value_copy(mem, bytes, GCACHE_NEVER);
  assert_non_null(body);
  return body;
}

/* --------------------------------------------------------------------------------- writing ---- */

static void assert_answer(gcache_bytes_t value, int64_t expire, gcache_bytes_t want) {
  struct gci_proto_frame frame;
  char out[256];
  gci_proto_answer_frame(&frame, value.len, expire);
  memcpy(out, frame.before, frame.before_len);
  memcpy(out + frame.before_len, value.base, value.len);
  memcpy(out + frame.before_len + value.len, frame.after, frame.after_len);
  assert_bytes((gcache_bytes_t){out, frame.before_len + value.len + frame.after_len}, want);
}

static void answers_are_the_bytes_that_mailgun_sends(void **state) {
  (void)state;
  assert_answer(text("V"), 0, GCI_LIT("\x0a\x01V\x18\x00"));
  assert_answer(text(""), 0, GCI_LIT("\x0a\x00\x18\x00"));
  assert_answer(text("v"), LATE, GCI_LIT("\x0a\x01v\x18" LATE_BYTES));
}

static void a_frame_fits_the_longest_numbers(void **state) {
  (void)state;
  struct gci_proto_frame frame;
  gci_proto_answer_frame(&frame, SIZE_MAX, INT64_MAX);
  assert_bytes((gcache_bytes_t){frame.before, frame.before_len},
               GCI_LIT("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
  assert_bytes((gcache_bytes_t){frame.after, frame.after_len},
               GCI_LIT("\x18\xff\xff\xff\xff\xff\xff\xff\xff\x7f"));
}

static size_t write_set(char *out, gcache_bytes_t group, gcache_bytes_t key, gcache_bytes_t value,
                        int64_t expire) {
  char after[GCI_PROTO_EDGE];
  size_t len = gci_proto_set_before(out, group, key, value.len);
  assert_int_equal(len, gci_proto_set_before_size(group, key, value.len));
  if (value.len > 0) memcpy(out + len, value.base, value.len);
  len += value.len;
  size_t after_len = gci_proto_set_after(after, expire);
  memcpy(out + len, after, after_len);
  return len + after_len;
}

static void set_requests_are_the_bytes_that_mailgun_sends(void **state) {
  (void)state;
  char out[256];
  size_t len = write_set(out, text("g"), text("setk"), text("SV"), LATE);
  assert_bytes((gcache_bytes_t){out, len},
               GCI_LIT("\x0a\x01g\x12\x04setk\x1a\x02SV\x20" LATE_BYTES));
  len = write_set(out, text("g"), text("z"), text(""), 0);
  assert_bytes((gcache_bytes_t){out, len}, GCI_LIT("\x0a\x01g\x12\x01z\x1a\x00\x20\x00"));
}

/* Sizes on both sides of every step of a varint, against protobuf-c. */
static void what_is_written_is_what_protobuf_c_packs(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 1, 126, 127, 128, 129, 16382, 16383, 16384, 16385};
  static uint8_t bytes[20000], want[70000];
  static char got[70000];
  memset(bytes, 'x', sizeof bytes);
  for (size_t i = 0; i < 1000; i++) {
    Gci__Pb__SetRequest set = GCI__PB__SET_REQUEST__INIT;
    set.group = (ProtobufCBinaryData){sizes[i % 10], bytes};
    set.key = (ProtobufCBinaryData){sizes[i / 10 % 10], bytes};
    set.value = (ProtobufCBinaryData){sizes[i / 100], bytes};
    set.has_value = set.has_expire = 1;
    set.expire = i % 7 == 0 ? 0 : INT64_MAX >> (i % 63);
    size_t want_len = gci__pb__set_request__pack(&set, want);
    size_t len = write_set(got, proto_bytes(set.group), proto_bytes(set.key),
                           proto_bytes(set.value), set.expire);
    assert_bytes((gcache_bytes_t){got, len}, (gcache_bytes_t){want, want_len});
  }
}

/* ------------------------------------------------------------------------- reading answers ---- */

static void assert_answer_read(struct gci_mem *mem, gcache_bytes_t bytes, gcache_bytes_t want,
                               int64_t want_expire) {
  gcache_value_t *value = NULL;
  uint64_t stale_ms = 1;
  assert_int_equal(gci_proto_answer_read(mem, body_of(mem, bytes), &value, &stale_ms), 0);
  assert_int_equal(stale_ms, 0);
  assert_null(gci_value_windows(value));
  assert_bytes(gcache_value_bytes(value), want);
  assert_true(gcache_value_expire(value) == want_expire);
  gcache_value_unref(value);
}

static void assert_answer_refused(struct gci_mem *mem, gcache_bytes_t bytes) {
  gcache_value_t *value = NULL, *body = body_of(mem, bytes);
  uint64_t stale_ms;
  assert_int_equal(gci_proto_answer_read(mem, body, &value, &stale_ms), UV_EPROTO);
  assert_null(value);
  assert_bytes(gcache_value_bytes(body), bytes);
  gcache_value_unref(body);
}

static void answers_of_go_systems_are_read(void **state) {
  assert_answer_read(*state, GCI_LIT("\x0a\x01V\x18\x00"), text("V"), 0);
  assert_answer_read(*state, GCI_LIT("\x0a\x00\x18\x00"), text(""), 0);
  assert_answer_read(*state, GCI_LIT("\x18\x00"), text(""), 0);
  assert_answer_read(*state, GCI_LIT("\x0a\x01v\x18" LATE_BYTES), text("v"), LATE);
  assert_answer_read(*state, GCI_LIT("\x0a\x03V:k"), text("V:k"), 0);
  assert_answer_read(*state, GCI_LIT("\x0a\x00"), text(""), 0);
  assert_answer_read(*state, GCI_LIT(""), text(""), 0);
}

static void other_lawful_shapes_are_read_too(void **state) {
  assert_answer_read(*state, GCI_LIT("\x18\x05\x0a\x01v"), text("v"), 5);
  assert_answer_read(*state, GCI_LIT("\x0a\x01x\x0a\x02yz"), text("yz"), 0);
  assert_answer_read(*state, GCI_LIT("\x0a\x01x\x18\x01\x18\x02"), text("x"), 2);
  assert_answer_read(*state, GCI_LIT("\x0a\x01x\x11\0\0\0\0\0\0\xf0\x3f\x18\x07"), text("x"), 7);
  assert_answer_read(*state, GCI_LIT("\x7a\x02hi\x0a\x01x"), text("x"), 0);
  assert_answer_read(*state, GCI_LIT("\x0a\x81\x00x"), text("x"), 0);
  assert_answer_read(*state, GCI_LIT("\x0a\x81\x80\x80\x80\x00x"), text("x"), 0);
  assert_answer_read(*state, GCI_LIT("\x0a\x01x\x18\x80\x80\x00"), text("x"), 0);
}

static void what_is_no_answer_is_refused(void **state) {
  assert_answer_refused(*state, GCI_LIT("\x0a"));
  assert_answer_refused(*state, GCI_LIT("\x0a\x02x"));
  assert_answer_refused(*state, GCI_LIT("\x0a\x01x\x18"));
  assert_answer_refused(*state, GCI_LIT("\x0a\x01x\x18\x80"));
  assert_answer_refused(*state, GCI_LIT("\x0a\xff\xff\xff\xff\x0fx"));
  assert_answer_refused(*state, GCI_LIT("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x"));
  assert_answer_refused(*state, GCI_LIT("\x0a\x81\x80\x80\x80\x80\x00x"));
  assert_answer_refused(*state, GCI_LIT("\x0b\x0c"));
  assert_answer_refused(*state, GCI_LIT("\x00\x00"));
  assert_answer_refused(*state, GCI_LIT("not found\n"));
}

static void a_negative_expiry_is_refused(void **state) {
  assert_answer_refused(*state, GCI_LIT("\x0a\x01x\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
  assert_answer_refused(*state, GCI_LIT("\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x0a\x01x"));
}

/* The body itself becomes the value: same block, and the bytes stay where they were. */
static void assert_narrowed(gcache_value_t *body, const char *start, gcache_value_t *value,
                            size_t offset, size_t len) {
  assert_ptr_equal(value, body);
  assert_ptr_equal(gcache_value_bytes(value).base, start + offset);
  assert_int_equal(gcache_value_bytes(value).len, len);
  assert_true(gcache_value_expire(value) == 9);
  gcache_value_unref(value);
}

static void a_value_of_any_size_is_not_copied(void **state) {
  static const size_t sizes[] = {0, 1, 127, 128, 16384, 3000000};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    struct gci_proto_frame frame;
    gcache_value_t *value, *body = gci_value_block(*state, sizes[i] + 64);
    char *start = gci_value_fill(body), after[GCI_PROTO_EDGE];
    uint64_t stale_ms;
    gci_proto_answer_frame(&frame, sizes[i], 9);
    size_t before_len = frame.before_len;
    memcpy(start, frame.before, before_len);
    memset(start + before_len, 'v', sizes[i]);
    memcpy(start + before_len + sizes[i], frame.after, frame.after_len);
    gci_value_narrow(body, 0, before_len + sizes[i] + frame.after_len);
    assert_int_equal(gci_proto_answer_read(*state, body, &value, &stale_ms), 0);
    assert_narrowed(body, start, value, sizes[i] == 0 ? 0 : before_len, sizes[i]);

    body = gci_value_block(*state, sizes[i] + 64);
    start = gci_value_fill(body);
    before_len = gci_proto_set_before(start, text("g"), text("k"), sizes[i]);
    memset(start + before_len, 'v', sizes[i]);
    size_t after_len = gci_proto_set_after(after, 9);
    memcpy(start + before_len + sizes[i], after, after_len);
    gci_value_narrow(body, 0, before_len + sizes[i] + after_len);
    assert_int_equal(gci_proto_set_read(*state, body, text("g"), text("k"), &value), 0);
    assert_narrowed(body, start, value, sizes[i] == 0 ? 0 : before_len, sizes[i]);
  }
}

/* -------------------------------------------------------------------- reading set requests ---- */

static int read_set(struct gci_mem *mem, gcache_bytes_t bytes, gcache_bytes_t want,
                    int64_t want_expire) {
  gcache_value_t *value = NULL, *body = body_of(mem, bytes);
  int rc = gci_proto_set_read(mem, body, text("g"), text("k"), &value);
  if (rc != 0) {
    assert_null(value);
    gcache_value_unref(body);
    return rc;
  }
  assert_bytes(gcache_value_bytes(value), want);
  assert_true(gcache_value_expire(value) == want_expire);
  gcache_value_unref(value);
  return 0;
}

static void set_requests_are_read_in_every_lawful_shape(void **state) {
  static const struct {
    gcache_bytes_t bytes, value;
    int64_t expire;
  } rows[] = {
      {{"\x0a\x01g\x12\x01k\x1a\x02SV\x20" LATE_BYTES, 20}, {"SV", 2}, LATE},
      {{"\x0a\x01g\x12\x01k\x1a\x00\x20\x00", 10}, {"", 0}, 0},
      {{"\x0a\x01g\x12\x01k\x20\x00", 8}, {"", 0}, 0},
      {{"\x0a\x01g\x12\x01k", 6}, {"", 0}, 0},
      {{"\x12\x01k\x0a\x01g\x1a\x01v", 9}, {"v", 1}, 0},
      {{"\x20\x03\x1a\x01v\x0a\x01g\x12\x01k", 11}, {"v", 1}, 3},
      {{"\x0a\x01h\x0a\x01g\x12\x01k\x1a\x01v", 12}, {"v", 1}, 0},
      {{"\x0a\x01g\x12\x01k\x1a\x01v\x7a\x02zz", 13}, {"v", 1}, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    assert_int_equal(read_set(*state, rows[i].bytes, rows[i].value, rows[i].expire), 0);
}

static void a_set_request_must_name_the_group_and_key_of_its_url(void **state) {
  assert_int_equal(read_set(*state, GCI_LIT("\x0a\x01h\x12\x01k\x1a\x01v"), text(""), 0),
                   UV_EINVAL);
  assert_int_equal(read_set(*state, GCI_LIT("\x0a\x01g\x12\x01l\x1a\x01v"), text(""), 0),
                   UV_EINVAL);
  assert_int_equal(read_set(*state, GCI_LIT("\x0a\x01g\x12\x02kk\x1a\x01v"), text(""), 0),
                   UV_EINVAL);
  assert_int_equal(read_set(*state, GCI_LIT("\x12\x01l\x0a\x01g\x1a\x01v"), text(""), 0),
                   UV_EINVAL);
  assert_int_equal(read_set(*state, GCI_LIT("\x12\x01k\x0a\x01h\x1a\x01v"), text(""), 0),
                   UV_EINVAL);
  assert_int_equal(read_set(*state, GCI_LIT("\x12\x00\x0a\x00"), text(""), 0), UV_EINVAL);
}

static void what_is_no_set_request_is_refused(void **state) {
  assert_int_equal(read_set(*state, GCI_LIT(""), text(""), 0), UV_EPROTO);
  assert_int_equal(read_set(*state, GCI_LIT("\x0a\x01g"), text(""), 0), UV_EPROTO);
  assert_int_equal(read_set(*state, GCI_LIT("\x12\x01k\x1a\x01v"), text(""), 0), UV_EPROTO);
  assert_int_equal(read_set(*state, GCI_LIT("\x0a\x01g\x12\x01k\x1a\x05v"), text(""), 0),
                   UV_EPROTO);
  assert_int_equal(read_set(*state, GCI_LIT("garbage"), text(""), 0), UV_EPROTO);
}

static void a_set_request_with_a_negative_expiry_is_invalid(void **state) {
  static const char *const ends[] = {"\x1a\x01v\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                                     "\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x1a\x01v"};
  for (size_t i = 0; i < 2; i++) {
    char bytes[64] = "\x0a\x01g\x12\x01k";
    strcat(bytes, ends[i]);
    assert_int_equal(read_set(*state, text(bytes), text(""), 0), UV_EINVAL);
  }
}

/* Every recorded PUT of a mailgun client: read, and written again to the same bytes. */
static void recorded_set_requests_are_read_and_written_alike(void **state) {
  char line[512], name[64], operation[16], hex[200], path[100], request[2048], again[2048];
  size_t rows = 0;
  FILE *file = recorded_open("wire/clients.tsv");
  while (fgets(line, sizeof line, file) != NULL) {
    unsigned char key[100];
    gcache_value_t *value;
    if (line[0] == '#') continue;
    assert_int_equal(sscanf(line, "%63s\t%15s\t%199s", name, operation, hex), 3);
    if (strcmp(operation, "get") == 0) continue;
    gcache_bytes_t k = {key, recorded_hex(hex, key, sizeof key)};
    snprintf(path, sizeof path, "wire/%s", name);
    size_t len = recorded_read(path, request, sizeof request);
    const char *body = memmem(request, len, "\r\n\r\n", 4);
    assert_non_null(body);
    gcache_bytes_t bytes = gci_bytes_skip((gcache_bytes_t){request, len},
                                          (size_t)(body + 4 - request));
    assert_int_equal(gci_proto_set_read(*state, body_of(*state, bytes), text("interop"), k, &value),
                     0);
    if (strcmp(operation, "setttl") == 0) {
      assert_bytes(gcache_value_bytes(value), text("v"));
      assert_true(gcache_value_expire(value) > INT64_C(1600000000000000000));
    } else {
      assert_true(gci_bytes_begins(gcache_value_bytes(value), text("value of ")));
      assert_bytes(gci_bytes_skip(gcache_value_bytes(value), 9), k);
      assert_true(gcache_value_expire(value) == GCACHE_NEVER);
    }
    size_t again_len = write_set(again, text("interop"), k, gcache_value_bytes(value),
                                 gcache_value_expire(value));
    assert_bytes((gcache_bytes_t){again, again_len}, bytes);
    gcache_value_unref(value);
    rows++;
  }
  fclose(file);
  assert_int_equal(rows, 32);
}

/* ------------------------------------------------------------------------- gcache's own ---- */

static void freshness_goes_behind_the_expiry_where_there_is_any(void **state) {
  static const struct gci_windows windows = {300, 0, 0, 1}, none = {0},
                                  most = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
  char out[GCI_PROTO_EDGE];
  (void)state;
  assert_int_equal(gci_proto_answer_freshness(out, 0, NULL), 0);
  assert_int_equal(gci_proto_set_windows(out, NULL), 0);
  size_t len = gci_proto_answer_freshness(out, 128, NULL);
  assert_bytes((gcache_bytes_t){out, len}, GCI_LIT("\x80\x01\x80\x01"));
  len = gci_proto_answer_freshness(out, 5, &windows);
  assert_bytes((gcache_bytes_t){out, len}, GCI_LIT("\x80\x01\x05\x88\x01\xac\x02\xa0\x01\x01"));
  len = gci_proto_set_windows(out, &none); /* all off is not the same as none */
  assert_bytes((gcache_bytes_t){out, len}, GCI_LIT("\x88\x01\x00"));
  struct gci_proto_frame frame;
  gci_proto_answer_frame(&frame, 1, INT64_MAX);
  len = gci_proto_answer_freshness(out, UINT64_MAX, &most);
  assert_true(frame.after_len + len <= GCI_PROTO_EDGE);
}

static void freshness_is_read_and_the_value_not_copied(void **state) {
  gcache_bytes_t bytes = GCI_LIT(
      "\x0a\x01v\x18\x09\x80\x01\x07\x88\x01\xac\x02\x98\x01\xff\xff\xff\xff\x7f");
  gcache_value_t *value = NULL, *body = body_of(*state, bytes);
  const char *start = gcache_value_bytes(body).base;
  uint64_t stale_ms = 0;
  assert_int_equal(gci_proto_answer_read(*state, body, &value, &stale_ms), 0);
  assert_int_equal(stale_ms, 7);
  const struct gci_windows *windows = gci_value_windows(value);
  assert_non_null(windows);
  assert_int_equal(windows->stale_ms, 300);
  assert_int_equal(windows->error_ms, 0);
  assert_int_equal(windows->refresh_ahead_ms, UINT32_MAX);
  assert_int_equal(windows->hot_max_ms, 0);
  assert_narrowed(body, start, value, 2, 1);
}

/* -------------------------------------------------------------- random, against protobuf-c ---- */

static size_t random_varint(struct random *r, char *out) {
  size_t len = gci_varint_write(out, random_u64(r) >> random_below(r, 64));
  if (random_below(r, 8) != 0) return len;
  out[len - 1] = (char)(out[len - 1] | 0x80); /* the same number, a byte longer than need be */
  out[len++] = 0;
  return len;
}

/* Known fields of the message more often than not, unknown ones, and rarely one that is unlawful. */
static size_t random_field(struct random *r, char *out, int set) {
  static const char answer_tags[] = {0x0a, 0x0a, 0x18, 0x11}, set_tags[] = {0x0a, 0x12, 0x1a, 0x20};
  static const char unknown_tags[] = {0x28, 0x7a, 0x4d, 0x41};
  if (random_below(r, 6) == 0) { /* gcache's own, 16 to 20 */
    out[0] = (char)(0x80 | 8 * random_below(r, 5));
    out[1] = 0x01;
    return 2 + random_varint(r, out + 2);
  }
  const char *tags = random_below(r, 3) == 0 ? unknown_tags : set ? set_tags : answer_tags;
  char tag = random_below(r, 64) == 0 ? (char)random_u64(r) : tags[random_below(r, 4)];
  size_t len = 1;
  out[0] = tag;
  switch (tag & 7) {
  case 0:
    return len + random_varint(r, out + len);
  case 1:
  case 5:
    random_bytes(r, out + len, 8);
    return len + ((tag & 7) == 1 ? 8 : 4);
  case 2: {
    size_t size = random_below(r, 8) == 0 ? random_below(r, 150) : random_below(r, 5);
    len += gci_varint_write(out + len, size);
    random_bytes(r, out + len, size);
    return len + size;
  }
  default:
    return len;
  }
}

static size_t random_usual(struct random *r, char *out, int set) {
  char value[150];
  struct gci_proto_frame frame;
  gcache_bytes_t bytes = {value, random_below(r, sizeof value)};
  int64_t expire = (int64_t)(random_u64(r) >> random_below(r, 64));
  struct gci_windows some = {(uint32_t)random_u64(r), (uint32_t)random_below(r, 2), 0,
                             (uint32_t)random_u64(r) >> random_below(r, 32)};
  const struct gci_windows *windows = random_below(r, 3) == 0 ? &some : NULL;
  random_bytes(r, value, sizeof value);
  if (set) {
    size_t len = write_set(out, text("g"), text("key"), bytes, expire);
    return len + gci_proto_set_windows(out + len, windows);
  }
  gci_proto_answer_frame(&frame, bytes.len, expire);
  memcpy(out, frame.before, frame.before_len);
  memcpy(out + frame.before_len, value, bytes.len);
  uint64_t stale_ms = random_below(r, 2) * random_u64(r);
  frame.after_len += gci_proto_answer_freshness(frame.after + frame.after_len, stale_ms, windows);
  memcpy(out + frame.before_len + bytes.len, frame.after, frame.after_len);
  return frame.before_len + bytes.len + frame.after_len;
}

/* Any fields in any order, among them those that must be there. */
static size_t random_unusual(struct random *r, char *out, int set) {
  size_t len = 0;
  while (len < PROTO_ORACLE_MAX / 2 && random_below(r, 4) != 0)
    len += random_field(r, out + len, set);
  if (!set) return len;
  gcache_bytes_t required = random_below(r, 2) == 0 ? GCI_LIT("\x12\x01k\x0a\x01g")
                                                    : GCI_LIT("\x0a\x01g\x12\x01k");
  memcpy(out + len, required.base, required.len);
  return len + required.len;
}

static size_t damage(struct random *r, char *message, size_t len) {
  size_t at = random_below(r, len);
  switch (random_below(r, 4)) {
  case 0:
    message[at] = (char)(message[at] ^ (1 << random_below(r, 8)));
    return len;
  case 1:
    memmove(message + at, message + at + 1, len - at - 1);
    return len - 1;
  case 2:
    memmove(message + at + 1, message + at, len - at);
    message[at] = (char)random_u64(r);
    return len + 1;
  default:
    return at;
  }
}

static void random_and_damaged_messages_are_read_as_protobuf_c_reads_them(void **state) {
  struct random r = {77};
  struct proto_seen answers = {0, 0, 0}, sets = {0, 0, 0};
  for (int i = 0; i < 200000; i++) {
    char message[PROTO_ORACLE_MAX];
    int set = i % 4 < 2;
    size_t len = i % 2 == 0 ? random_usual(&r, message, set) : random_unusual(&r, message, set);
    for (size_t n = random_below(&r, 4) / 2; n > 0 && len > 0; n--)
      len = damage(&r, message, len);
    gcache_bytes_t bytes = {message, len};
    const char *wrong = proto_answer_disagrees(*state, bytes, &answers);
    if (wrong == NULL) wrong = proto_set_disagrees(*state, bytes, &sets);
    if (wrong != NULL) fail_msg("message %d: %s", i, wrong);
  }
  print_message("answers: %zu usual, %zu unusual, %zu refused; sets: %zu, %zu, %zu\n",
                answers.usual, answers.unusual, answers.refused, sets.usual, sets.unusual,
                sets.refused);
  assert_true(answers.usual > 10000 && answers.unusual > 10000 && answers.refused > 10000);
  assert_true(sets.usual > 10000 && sets.unusual > 10000 && sets.refused > 10000);
}

/* ---------------------------------------------------------------------------------- memory ---- */

struct peak {
  size_t now, highest;
};

static void *resize_with_peak(void *data, void *ptr, size_t old_size, size_t new_size) {
  struct peak *peak = data;
  peak->now = peak->now - old_size + new_size;
  if (peak->now > peak->highest) peak->highest = peak->now;
  if (new_size != 0) return realloc(ptr, new_size);
  free(ptr);
  return NULL;
}

/* 100,000 unknown fields: protobuf-c would hold 33 times the body. */
static void a_body_of_unknown_fields_costs_no_more_than_the_cap(void **state) {
  (void)state;
  enum { LEN = 200000 };
  struct peak peak = {0, 0};
  gcache_mem_t user = {resize_with_peak, &peak};
  struct gci_mem *mem = gci_mem_new(&user);
  gcache_value_t *value = NULL, *body = gci_value_block(mem, LEN);
  char *out = gci_value_fill(body);
  for (size_t i = 0; i < LEN; i += 2) {
    out[i] = 0x28;
    out[i + 1] = 1;
  }
  size_t before = peak.now;
  uint64_t stale_ms;
  peak.highest = 0;
  assert_int_equal(gci_proto_answer_read(mem, body, &value, &stale_ms), UV_EPROTO);
  assert_int_equal(gci_proto_set_read(mem, body, text("g"), text("k"), &value), UV_EPROTO);
  assert_true(peak.highest - before <= 2 * LEN + 64 * 1024);
  assert_true(peak.highest - before > LEN); /* the cap was what stopped it */
  gcache_value_unref(body);
  assert_int_equal(mem->blocks, 0);
  gci_mem_unref(mem);
  assert_int_equal(peak.now, 0);
}

static void read_unusual(struct oom *oom, void *arg) {
  static const gcache_bytes_t answer = {"\x18\x05\x0a\x01v\x88\x01\x05\x7a\x02hi", 12};
  static const gcache_bytes_t set = {"\x12\x01k\x0a\x01g\x1a\x01v\xa0\x01\x05\x7a\x02hi", 16};
  uint64_t stale_ms;
  gcache_mem_t user = oom_mem(oom);
  struct gci_mem *mem = gci_mem_new(&user);
  if (mem == NULL) return;
  int is_set = *(int *)arg;
  gcache_value_t *value = NULL, *body = gci_value_copy(mem, is_set ? set : answer, GCACHE_NEVER);
  if (body != NULL) {
    int rc = is_set ? gci_proto_set_read(mem, body, text("g"), text("k"), &value)
                    : gci_proto_answer_read(mem, body, &value, &stale_ms);
    assert_int_equal(rc, oom->refused == 0 ? 0 : UV_ENOMEM);
    if (rc == 0) assert_bytes(gcache_value_bytes(value), text("v"));
    gcache_value_unref(rc == 0 ? value : body);
  }
  gci_mem_unref(mem);
}

static void every_failing_allocation_is_out_of_memory(void **state) {
  (void)state;
  for (int is_set = 0; is_set < 2; is_set++)
    assert_true(oom_sweep(read_unusual, &is_set) >= 6);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(answers_are_the_bytes_that_mailgun_sends),
      cmocka_unit_test(a_frame_fits_the_longest_numbers),
      cmocka_unit_test(set_requests_are_the_bytes_that_mailgun_sends),
      cmocka_unit_test(what_is_written_is_what_protobuf_c_packs),
      cmocka_unit_test_setup_teardown(answers_of_go_systems_are_read, setup, teardown),
      cmocka_unit_test_setup_teardown(other_lawful_shapes_are_read_too, setup, teardown),
      cmocka_unit_test_setup_teardown(what_is_no_answer_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(a_negative_expiry_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(a_value_of_any_size_is_not_copied, setup, teardown),
      cmocka_unit_test_setup_teardown(set_requests_are_read_in_every_lawful_shape, setup, teardown),
      cmocka_unit_test_setup_teardown(a_set_request_must_name_the_group_and_key_of_its_url, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(what_is_no_set_request_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(a_set_request_with_a_negative_expiry_is_invalid, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(recorded_set_requests_are_read_and_written_alike, setup,
                                      teardown),
      cmocka_unit_test(freshness_goes_behind_the_expiry_where_there_is_any),
      cmocka_unit_test_setup_teardown(freshness_is_read_and_the_value_not_copied, setup, teardown),
      cmocka_unit_test_setup_teardown(random_and_damaged_messages_are_read_as_protobuf_c_reads_them,
                                      setup, teardown),
      cmocka_unit_test(a_body_of_unknown_fields_costs_no_more_than_the_cap),
      cmocka_unit_test(every_failing_allocation_is_out_of_memory),
  };
  return !!cmocka_run_group_tests(tests, NULL, NULL);
}
