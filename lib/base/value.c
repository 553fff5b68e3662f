/* base/value - see value.h. A free-standing value is one block from its mem: head and bytes, or
 * head and the address of somebody's buffer, which free_cb gives back. Fails with NULL, and nothing
 * is taken. */
#include "base/value.h"

#include <string.h>
#include <uv.h>

/* The block beside a value with windows. */
struct windowed {
  int64_t expire_unix_ns;
  struct gci_windows windows;
};

struct single {
  struct gcache_value_s head;
  struct gci_mem *mem;
  union {
    int64_t expire_unix_ns;
    struct windowed *windowed; /* head.windowed */
  };
  size_t size; /* bytes behind the head, or in the wrapped buffer, before any narrow */
  char *base;
  size_t len;
};

struct wrapped {
  struct single single;
  gcache_free_cb free_cb;
  void *arg;
};

/* Not in a lodged value. */
static struct single *single_of(gcache_value_t *value) {
  assert(!gci_value_lodges(value));
  return (struct single *)(void *)value;
}

static const struct single *single_of_const(const gcache_value_t *value) {
  assert(!gci_value_lodges(value));
  return (const struct single *)(const void *)value;
}

static struct single *single_new(struct gci_mem *mem, size_t block_size) {
  struct single *single = gci_mem_alloc(mem, block_size);
  if (single == NULL) return NULL;
  *single = (struct single){.head = {.refs = 1}, .mem = gci_mem_ref(mem)};
  return single;
}

gcache_value_t *gci_value_block(struct gci_mem *mem, size_t len) {
  if (len > SIZE_MAX - sizeof(struct single)) return NULL;
  struct single *single = single_new(mem, sizeof *single + len);
  if (single == NULL) return NULL;
  single->size = single->len = len;
  single->base = (char *)(single + 1);
  return &single->head;
}

gcache_value_t *gci_value_copy(struct gci_mem *mem, gcache_bytes_t bytes, int64_t expire_unix_ns) {
  gcache_value_t *value = gci_value_block(mem, bytes.len);
  if (value == NULL) return NULL;
  if (bytes.len > 0) memcpy(gci_value_fill(value), bytes.base, bytes.len);
  gci_value_set_expire(value, expire_unix_ns);
  return value;
}

gcache_value_t *gci_value_wrap(struct gci_mem *mem, gcache_bytes_t bytes, int64_t expire_unix_ns,
                               gcache_free_cb free_cb, void *arg) {
  struct single *single = single_new(mem, sizeof(struct wrapped));
  if (single == NULL) return NULL;
  struct wrapped *w = (struct wrapped *)single;
  single->head.wrapped = 1;
  single->size = single->len = bytes.len;
  single->expire_unix_ns = expire_unix_ns;
  single->base = (char *)(uintptr_t)bytes.base;
  w->free_cb = free_cb;
  w->arg = arg;
  return &single->head;
}

void *gci_value_fill(gcache_value_t *block) {
  assert(block->refs == 1 && !block->wrapped);
  return single_of(block)->base;
}

gcache_value_t *gci_value_resize(gcache_value_t *block, size_t len) {
  struct single *single = single_of(block);
  assert(block->refs == 1 && !block->wrapped && single->len == single->size);
  if (len > SIZE_MAX - sizeof *single) return NULL;
  struct single *moved = gci_mem_resize(single->mem, single, sizeof *single + single->size,
                                        sizeof *single + len);
  if (moved == NULL) return NULL;
  moved->size = moved->len = len;
  moved->base = (char *)(moved + 1);
  return &moved->head;
}

void gci_value_narrow(gcache_value_t *value, size_t offset, size_t len) {
  struct single *single = single_of(value);
  assert(value->refs == 1 && offset <= single->len && len <= single->len - offset);
  single->len = len;
  if (offset > 0) single->base += offset;
}

void gci_value_set_expire(gcache_value_t *value, int64_t expire_unix_ns) {
  struct single *single = single_of(value);
  assert(value->refs == 1);
  if (value->windowed)
    single->windowed->expire_unix_ns = expire_unix_ns;
  else
    single->expire_unix_ns = expire_unix_ns;
}

int gci_value_set_windows(gcache_value_t *value, const struct gci_windows *windows) {
  struct single *single = single_of(value);
  assert(value->refs == 1);
  if (!value->windowed) {
    struct windowed *windowed = gci_mem_alloc(single->mem, sizeof *windowed);
    if (windowed == NULL) return UV_ENOMEM;
    windowed->expire_unix_ns = single->expire_unix_ns;
    single->windowed = windowed;
    value->windowed = 1;
  }
  single->windowed->windows = *windows;
  return 0;
}

static void on_kept_let_go(void *arg) {
  gcache_value_unref(arg);
}

gcache_value_t *gci_value_until(struct gci_mem *mem, gcache_value_t *value,
                                int64_t expire_unix_ns) {
  if (gci_value_is_own(value)) {
    gci_value_set_expire(value, expire_unix_ns);
    return value;
  }
  gcache_value_t *keeper = gci_value_wrap(mem, gcache_value_bytes(value), expire_unix_ns,
                                          on_kept_let_go, value);
  const struct gci_windows *windows = gci_value_windows(value);
  if (keeper == NULL || windows == NULL || gci_value_set_windows(keeper, windows) == 0)
    return keeper;
  gcache_value_ref(value); /* the keeper gives back the reference that is still the caller's */
  gcache_value_unref(keeper);
  return NULL;
}

/* ---- lodging ---- */

/* Bytes of the block before the head. */
static size_t before(const gcache_value_t *value) {
  return GCI_LODGE_BEFORE + (value->timed ? GCI_LODGE_BEFORE_TIMED : 0) +
         (value->windowed ? GCI_LODGE_BEFORE_WINDOWED : 0);
}

static size_t lodge_size(const gcache_value_t *value) {
  return before(value) + value->offset + value->len;
}

/* The place of its expiry, if it is timed. */
static int64_t *lodge_expire(const gcache_value_t *value) {
  return (int64_t *)((uintptr_t)value - GCI_LODGE_BEFORE) - 1;
}

static struct gci_windows *lodge_windows(const gcache_value_t *value) {
  return (struct gci_windows *)((uintptr_t)value - before(value));
}

/* The place of its mem, once the landlord has let go of it. */
static struct gci_mem **lodge_mem(gcache_value_t *value) {
  return (struct gci_mem **)((uintptr_t)value - GCI_LODGE_BEFORE);
}

void gci_value_lodge(gcache_value_t *head, size_t offset, const gcache_value_t *value) {
  gcache_bytes_t bytes = gcache_value_bytes(value);
  int64_t expire = gcache_value_expire(value);
  const struct gci_windows *windows = gci_value_windows(value);
  assert(offset >= sizeof *head && offset <= GCI_LODGE_MAX_OFFSET);
  assert(bytes.len <= GCI_LODGE_MAX_LEN);
  *head = (struct gcache_value_s){.refs = 1,
                                  .offset = offset & GCI_LODGE_MAX_OFFSET,
                                  .len = bytes.len & 0x1fff,
                                  .timed = expire != GCACHE_NEVER,
                                  .windowed = windows != NULL};
  if (expire != GCACHE_NEVER) *lodge_expire(head) = expire;
  if (windows != NULL) *lodge_windows(head) = *windows;
  if (bytes.len > 0) memcpy((char *)head + offset, bytes.base, bytes.len);
}

void gci_value_evict(gcache_value_t *head, struct gci_mem *mem) {
  *lodge_mem(head) = gci_mem_ref(mem);
  gcache_value_unref(head);
}

/* ---- all shapes ---- */

const struct gci_windows *gci_value_windows(const gcache_value_t *value) {
  if (!value->windowed) return NULL;
  if (gci_value_lodges(value)) return lodge_windows(value);
  return &single_of_const(value)->windowed->windows;
}

size_t gci_value_cost(const gcache_value_t *value) {
  if (gci_value_lodges(value)) return gci_mem_cost(lodge_size(value));
  const struct single *single = single_of_const(value);
  size_t beside = value->windowed ? gci_mem_cost(sizeof(struct windowed)) : 0;
  if (!value->wrapped) return gci_mem_cost(sizeof *single + single->size) + beside;
  size_t head = gci_mem_cost(sizeof(struct wrapped)) + beside, buffer = gci_mem_cost(single->size);
  return buffer > SIZE_MAX - head ? SIZE_MAX : head + buffer;
}

gcache_value_t *gci_value_text(struct gci_mem *mem, const char *text) {
  size_t len = text == NULL ? 0 : strnlen(text, 256);
  gcache_value_t *value = len == 0 ? NULL : gci_value_block(mem, len + 1);
  if (value == NULL) return NULL;
  char *out = gci_value_fill(value);
  for (size_t i = 0; i < len; i++) {
    out[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
  }
  out[len] = '\0';
  gci_value_narrow(value, 0, len);
  return value;
}

const char *gci_value_words(const gcache_value_t *text) {
  return text == NULL ? "" : gcache_value_bytes(text).base;
}

gcache_value_t *gcache_value_ref(gcache_value_t *value) {
  return value == NULL ? NULL : gci_value_hold(value);
}

static void free_single(struct single *single) {
  struct gci_mem *mem = single->mem;
  size_t block_size = sizeof *single + single->size;
  if (single->head.windowed) gci_mem_free(mem, single->windowed, sizeof *single->windowed);
  if (single->head.wrapped) {
    struct wrapped *w = (struct wrapped *)single;
    if (w->free_cb != NULL) w->free_cb(w->arg);
    block_size = sizeof *w;
  }
  gci_mem_free(mem, single, block_size);
  gci_mem_unref(mem);
}

static void free_lodge(gcache_value_t *value) {
  struct gci_mem *mem = *lodge_mem(value);
  gci_mem_free(mem, (char *)value - before(value), lodge_size(value));
  gci_mem_unref(mem);
}

static __attribute__((noinline)) void free_value(gcache_value_t *value) {
  if (gci_value_lodges(value))
    free_lodge(value);
  else
    free_single(single_of(value));
}

void gcache_value_unref(gcache_value_t *value) {
  if (value == NULL) return;
  assert(value->refs > 0);
  if (--value->refs == 0) free_value(value);
}

gcache_bytes_t gcache_value_bytes(const gcache_value_t *value) {
  if (gci_value_lodges(value)) return gcache_bytes((const char *)value + value->offset, value->len);
  const struct single *single = single_of_const(value);
  return gcache_bytes(single->base, single->len);
}

int64_t gcache_value_expire(const gcache_value_t *value) {
  if (!gci_value_lodges(value)) {
    const struct single *single = single_of_const(value);
    return value->windowed ? single->windowed->expire_unix_ns : single->expire_unix_ns;
  }
  return value->timed ? *lodge_expire(value) : GCACHE_NEVER;
}
