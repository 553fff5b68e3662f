/* test/unit/recorded - files under test/interop (INTEROP_DIR) with which tests compare. A missing
 * or malformed file fails the test. */
#ifndef TEST_UNIT_RECORDED_H
#define TEST_UNIT_RECORDED_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static inline FILE *recorded_open(const char *name) {
  char path[1024];
  assert_true((size_t)snprintf(path, sizeof path, "%s/%s", INTEROP_DIR, name) < sizeof path);
  FILE *file = fopen(path, "rb");
  if (file == NULL) fail_msg("cannot open %s", path);
  return file;
}

/* The whole file; it must be shorter than cap. */
static inline size_t recorded_read(const char *name, char *out, size_t cap) {
  FILE *file = recorded_open(name);
  size_t len = fread(out, 1, cap, file);
  fclose(file);
  assert_true(len < cap);
  return len;
}

/* Bytes of a text of hex digits, written to out; returns how many. */
static inline size_t recorded_hex(const char *hex, unsigned char *out, size_t cap) {
  size_t len = strlen(hex) / 2;
  assert_true(strlen(hex) % 2 == 0 && len <= cap);
  for (size_t i = 0; i < len; i++) {
    unsigned byte;
    assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
    out[i] = (unsigned char)byte;
  }
  return len;
}

#endif
