#include "wire/remove_keys.h"

#include <jansson.h>
#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "base/value.h"

int gci_remove_keys_carries(gcache_bytes_t key) {
  json_t *text;

  if (key.len == 0) return 1;
  if (memchr(key.base, 0, key.len) != NULL) return 0;
  text = json_stringn(key.base, key.len); /* checks that it is UTF-8 */
  json_decref(text);
  return text != NULL;
}

/* ----------------------------------------------------------------------------------- write -- */

static json_t *string_of(gcache_bytes_t bytes) {
  return bytes.len == 0 ? json_string("") : json_stringn(bytes.base, bytes.len);
}

static json_t *build(gcache_bytes_t group, const gcache_bytes_t keys[], size_t n) {
  json_t *array = json_array(), *root = json_object();
  int bad = array == NULL || root == NULL;

  for (size_t i = 0; i < n && !bad; i++)
    bad = json_array_append_new(array, string_of(keys[i])) < 0;
  if (!bad) bad = json_object_set_new(root, "group", string_of(group)) < 0;
  if (!bad) {
    bad = json_object_set_new(root, "keys", array) < 0;
    array = NULL;
  }
  json_decref(array);
  if (!bad) return root;
  json_decref(root);
  return NULL;
}

/* Used inside JSON strings only: these three stand nowhere else in a body. */
static const char *escape_of(char c) {
  switch (c) {
  case '<':
    return "\\u003c";
  case '>':
    return "\\u003e";
  case '&':
    return "\\u0026";
  default:
    return NULL;
  }
}

static size_t escaped_size(const char *json) {
  size_t size = 0;

  for (; *json != '\0'; json++)
    size += escape_of(*json) != NULL ? 6 : 1;
  return size;
}

static void escape(char *out, const char *json) {
  for (; *json != '\0'; json++) {
    const char *instead = escape_of(*json);
    if (instead == NULL) {
      *out++ = *json;
    } else {
      memcpy(out, instead, 6);
      out += 6;
    }
  }
}

gcache_value_t *gci_remove_keys_write(struct gci_mem *mem, gcache_bytes_t group,
                                      const gcache_bytes_t keys[], size_t n) {
  json_t *root = build(group, keys, n);
  char *json = root == NULL ? NULL : json_dumps(root, JSON_COMPACT | JSON_PRESERVE_ORDER);
  gcache_value_t *body = json == NULL ? NULL : gci_value_block(mem, escaped_size(json));

  if (body != NULL) escape(gci_value_fill(body), json);
  if (json != NULL) {
    json_malloc_t ignored_malloc;
    json_free_t release;
    json_get_alloc_funcs(&ignored_malloc, &release);
    release(json);
  }
  json_decref(root);
  return body;
}

/* ------------------------------------------------------------------------------------ read -- */

/* Counts what begins a value and is no part of a string: in a list of keys the object, its second
 * member, the array, and a comma for each key but the first. */
static int has_too_many_values(gcache_bytes_t body) {
  const char *p = body.base;
  int in_string = 0;
  size_t n = 0;

  for (size_t i = 0; i < body.len; i++) {
    if (p[i] == '"')
      in_string = !in_string;
    else if (in_string && p[i] == '\\')
      i++;
    else if (!in_string && (p[i] == ',' || p[i] == '[' || p[i] == '{'))
      n++;
  }
  return n > GCI_REMOVE_KEYS_READ_MAX + 2;
}

static gcache_bytes_t bytes_of(const json_t *text) {
  return gcache_bytes(json_string_value(text), json_string_length(text));
}

static int are_strings(const json_t *array) {
  for (size_t i = 0; i < json_array_size(array); i++)
    if (!json_is_string(json_array_get(array, i))) return 0;
  return json_is_array(array);
}

static int read_root(const json_t *root, gcache_bytes_t want_group,
                     void (*each)(void *user, gcache_bytes_t key), void *user) {
  const json_t *group = json_object_get(root, "group"), *keys = json_object_get(root, "keys");

  if (!json_is_string(group) || !are_strings(keys)) return UV_EPROTO;
  if (!gci_bytes_equal(bytes_of(group), want_group)) return UV_EINVAL;
  for (size_t i = 0; i < json_array_size(keys); i++)
    each(user, bytes_of(json_array_get(keys, i)));
  return 0;
}

int gci_remove_keys_read(gcache_bytes_t body, gcache_bytes_t want_group,
                         void (*each)(void *user, gcache_bytes_t key), void *user) {
  if (body.len > 0 && has_too_many_values(body)) return UV_EPROTO;
  json_t *root = body.len == 0 ? NULL
                               : json_loadb(body.base, body.len,
                                            JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
  int err = root == NULL ? UV_EPROTO : read_root(root, want_group, each, user);

  json_decref(root);
  return err;
}
