/* wire/remove_keys - the body of groupcache-go's POST <group>/_remove-keys/:
 * {"group":"g","keys":["k1"]}. Through jansson, the only room that includes it; a build without it
 * has remove_keys_none.c, where no key can be carried.
 *
 * jansson allocates with the process-wide functions set in it, which belong to the application:
 * parsing uses malloc() by default. Values of two bytes take up to 240 of memory, so their number
 * is bounded: 64 MB in the worst case. */
#ifndef GCI_WIRE_REMOVE_KEYS_H
#define GCI_WIRE_REMOVE_KEYS_H

#include <stddef.h>

#include "base/mem.h"
#include "gcache/gcache.h"

#define GCI_REMOVE_KEYS_MAX 1000              /* keys in one body that we write */
#define GCI_REMOVE_KEYS_BYTES_MAX (256 << 10) /* of these keys, before escaping */
#define GCI_REMOVE_KEYS_READ_MAX (512 << 10)  /* keys in one body that we read */

/* Nonzero if JSON can carry these bytes: UTF-8 without NUL. */
int gci_remove_keys_carries(gcache_bytes_t key);

/* As groupcache-go's encoder writes it: < > & escaped as \u003c \u003e \u0026. All keys must be
 * carriable. NULL: out of memory. */
gcache_value_t *gci_remove_keys_write(struct gci_mem *mem, gcache_bytes_t group,
                                      const gcache_bytes_t keys[], size_t n);

/* each is called for every key, borrowed. UV_EPROTO: not such a body, or one of more keys (or other
 * values) than GCI_REMOVE_KEYS_READ_MAX, and each may have been called for none; UV_EINVAL: its
 * group is not want_group; UV_ENOTSUP: built without JSON. */
int gci_remove_keys_read(gcache_bytes_t body, gcache_bytes_t want_group,
                         void (*each)(void *user, gcache_bytes_t key), void *user);

#endif
