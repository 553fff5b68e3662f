/* test/unit/proto_oracle - wire/proto must read a body as protobuf-c reads it. Shared by the unit
 * test and the fuzz target. Needs no cmocka. */
#ifndef TEST_UNIT_PROTO_ORACLE_H
#define TEST_UNIT_PROTO_ORACLE_H

#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "base/value.h"
#include "wire/groupcache.pb-c.h"
#include "wire/proto.h"
#include "wire/usual.h"

/* Longer bodies may be refused for what protobuf-c would hold of them. */
#define PROTO_ORACLE_MAX 512

struct proto_seen {
  size_t usual, unusual, refused; /* readings that ended so */
};

static inline gcache_bytes_t proto_bytes(ProtobufCBinaryData data) {
  return (gcache_bytes_t){data.data, data.len};
}

static inline int proto_expected(const void *message, int64_t expire, int negative) {
  if (message == NULL) return UV_EPROTO;
  return expire < 0 ? negative : 0;
}

/* What protobuf-c read of gcache's own fields. */
struct proto_own {
  uint64_t stale_ms;
  int has_windows;
  gcache_windows_t windows;
};

static inline struct proto_own proto_own_of_answer(const Gci__Pb__GetResponse *m) {
  struct proto_own own = {0};
  if (m == NULL) return own;
  own.stale_ms = m->stale_for;
  own.has_windows = m->has_stale_ms || m->has_error_ms || m->has_refresh_ahead_ms ||
                    m->has_hot_max_ms;
  own.windows = (gcache_windows_t){m->stale_ms, m->error_ms, m->refresh_ahead_ms, m->hot_max_ms};
  return own;
}

static inline struct proto_own proto_own_of_set(const Gci__Pb__SetRequest *m) {
  struct proto_own own = {0};
  if (m == NULL) return own;
  own.has_windows = m->has_stale_ms || m->has_error_ms || m->has_refresh_ahead_ms ||
                    m->has_hot_max_ms;
  own.windows = (gcache_windows_t){m->stale_ms, m->error_ms, m->refresh_ahead_ms, m->hot_max_ms};
  return own;
}

static inline const char *proto_compare_windows(const gcache_value_t *value,
                                                const struct proto_own *want) {
  const struct gci_windows *got = gci_value_windows(value);
  if ((got != NULL) != want->has_windows) return "the windows are there or not";
  if (got == NULL) return NULL;
  struct gci_windows windows = gci_windows_of(&want->windows);
  return memcmp(got, &windows, sizeof windows) == 0 ? NULL : "the windows differ";
}

/* NULL: as expected. Consumes nothing of rc 0's value but the value itself. */
static inline const char *proto_compare(int rc, int want_rc, gcache_value_t *body,
                                        gcache_value_t *value, ProtobufCBinaryData want,
                                        int64_t want_expire, const struct proto_own *own) {
  const char *wrong = NULL;
  if (rc != want_rc) wrong = "the result differs";
  if (rc != 0) {
    gcache_value_unref(body);
    return wrong;
  }
  if (wrong == NULL && !gci_bytes_equal(gcache_value_bytes(value), proto_bytes(want)))
    wrong = "the value differs";
  if (wrong == NULL && gcache_value_expire(value) != want_expire) wrong = "the expiry differs";
  if (wrong == NULL) wrong = proto_compare_windows(value, own);
  gcache_value_unref(value);
  return wrong;
}

static inline void proto_count(struct proto_seen *seen, int usual, int rc) {
  if (seen == NULL) return;
  if (rc != 0)
    seen->refused++;
  else if (usual)
    seen->usual++;
  else
    seen->unusual++;
}

static inline const char *proto_answer_disagrees(struct gci_mem *mem, gcache_bytes_t bytes,
                                                 struct proto_seen *seen) {
  static const ProtobufCBinaryData none = {0, NULL};
  struct gci_usual usual;
  gcache_value_t *value = NULL, *body = gci_value_copy(mem, bytes, GCACHE_NEVER);
  if (body == NULL) return "out of memory";
  Gci__Pb__GetResponse *want = gci__pb__get_response__unpack(NULL, bytes.len, bytes.base);
  int64_t expire = want == NULL ? 0 : want->expire;
  uint64_t stale_ms = 0;
  struct proto_own own = proto_own_of_answer(want);
  int rc = gci_proto_answer_read(mem, body, &value, &stale_ms);
  proto_count(seen, gci_usual_answer(bytes, &usual), rc);
  const char *wrong = proto_compare(rc, proto_expected(want, expire, UV_EPROTO), body, value,
                                    want == NULL ? none : want->value, expire, &own);
  if (wrong == NULL && rc == 0 && stale_ms != own.stale_ms) wrong = "how stale it is differs";
  if (want != NULL) gci__pb__get_response__free_unpacked(want, NULL);
  return wrong;
}

/* Once with the group and key the body holds, once with a key it does not hold. */
static inline const char *proto_set_disagrees(struct gci_mem *mem, gcache_bytes_t bytes,
                                              struct proto_seen *seen) {
  static const ProtobufCBinaryData none = {0, NULL};
  struct gci_usual usual;
  char other[PROTO_ORACLE_MAX + 1] = {0};
  Gci__Pb__SetRequest *want = gci__pb__set_request__unpack(NULL, bytes.len, bytes.base);
  int64_t expire = want == NULL ? 0 : want->expire;
  gcache_bytes_t group = proto_bytes(want == NULL ? none : want->group);
  gcache_bytes_t key = proto_bytes(want == NULL ? none : want->key);
  int want_rc = proto_expected(want, expire, UV_EINVAL);
  struct proto_own own = proto_own_of_set(want);
  const char *wrong = NULL;
  for (int round = 0; round < 2 && wrong == NULL; round++) {
    gcache_value_t *value = NULL, *body = gci_value_copy(mem, bytes, GCACHE_NEVER);
    if (body == NULL) return "out of memory";
    gcache_bytes_t asked = round == 0 ? key : (gcache_bytes_t){other, key.len + 1};
    int rc = gci_proto_set_read(mem, body, group, asked, &value);
    if (round == 0) proto_count(seen, gci_usual_set(bytes, &usual), rc);
    wrong = proto_compare(rc, round == 0 || want_rc != 0 ? want_rc : UV_EINVAL, body, value,
                          want == NULL ? none : want->value, expire, &own);
  }
  if (want != NULL) gci__pb__set_request__free_unpacked(want, NULL);
  return wrong;
}

#endif
