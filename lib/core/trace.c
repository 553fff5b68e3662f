/* core/trace - see trace.h. */
#include "core/trace.h"

#include <string.h>
#include <uv.h>

#include "core/call.h"

enum { VERSION = 0, TRACE_ID = 3, PARENT_ID = 36, FLAGS = 53 };

static int is_hex(const char *s, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f'))) return 0;
  return 1;
}

static int is_zero(const char *s, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (s[i] != '0') return 0;
  return 1;
}

/* https://www.w3.org/TR/trace-context/#traceparent-header */
static int is_valid(gcache_bytes_t text) {
  const char *s = text.base;
  if (text.len != GCACHE_TRACEPARENT_LEN) return 0;
  if (s[TRACE_ID - 1] != '-' || s[PARENT_ID - 1] != '-' || s[FLAGS - 1] != '-') return 0;
  if (!is_hex(s + VERSION, 2) || !is_hex(s + TRACE_ID, 32) || !is_hex(s + PARENT_ID, 16) ||
      !is_hex(s + FLAGS, 2))
    return 0;
  return memcmp(s, "ff", 2) != 0 && !is_zero(s + TRACE_ID, 32) && !is_zero(s + PARENT_ID, 16);
}

int gci_trace_read(struct gci_mem *mem, gcache_bytes_t text, gcache_value_t **out) {
  char words[GCACHE_TRACEPARENT_LEN + 1];
  if (!is_valid(text)) return UV_EINVAL;
  memcpy(words, text.base, text.len);
  words[text.len] = '\0';
  *out = gci_value_text(mem, words);
  return *out == NULL ? UV_ENOMEM : 0;
}

int gcache_trace_begin(gcache_t *cache, const char *traceparent) {
  gcache_value_t *trace = NULL;
  if (traceparent == NULL) return UV_EINVAL;
  size_t len = strnlen(traceparent, GCACHE_TRACEPARENT_LEN + 1);
  int rc = gci_trace_read(cache->env->mem, gcache_bytes(traceparent, len), &trace);
  if (rc < 0) return rc;
  gcache_value_unref(cache->trace);
  cache->trace = trace;
  return 0;
}

void gcache_trace_end(gcache_t *cache) {
  gcache_value_unref(cache->trace);
  cache->trace = NULL;
}

const char *gcache_call_traceparent(const gcache_call_t *call) {
  return gci_trace_words(call->trace);
}
