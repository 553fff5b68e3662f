/* http/h1_body - see the header. */
#include "http/h1_body.h"

#include <string.h>

#define PROVEN_MAX ((size_t)1024 * 1024)
/* Fewer bytes are copied in less time than a read from the kernel takes. */
#define PLACE_MIN ((size_t)16 * 1024)

void gci_h1_body_init(struct gci_h1_body *body, struct gci_mem *mem, size_t max) {
  memset(body, 0, sizeof *body);
  body->mem = mem;
  body->max = max;
}

void gci_h1_body_begin(struct gci_h1_body *body, size_t max, size_t stated) {
  body->max = max;
  body->stated = stated;
}

static void end(struct gci_h1_body *body) {
  gci_in_flight_drop(&body->mem->in_flight, body->room);
  body->block = NULL;
  body->used = body->room = body->max = body->stated = 0;
}

void gci_h1_body_fini(struct gci_h1_body *body) {
  gcache_value_unref(body->block);
  end(body);
}

/* Small bodies that we have asked for always fit: otherwise they would hold up those behind
 * them. */
int gci_h1_body_fits(const struct gci_h1_body *body, size_t len) {
  if (body->whom == GCI_FOR_US && len <= GCI_H1_BODY_SMALL) return 1;
  return len <= body->room ||
         gci_in_flight_fits(&body->mem->in_flight, len - body->room, body->whom);
}

/* Room for `need` bytes, need <= max. */
static enum gci_h1_fault grow(struct gci_h1_body *body, size_t need) {
  size_t room = body->room < GCI_H1_BODY_SMALL / 2 ? GCI_H1_BODY_SMALL : body->room * 2;
  if (room < body->proven) room = body->proven;
  if (room < need) room = need;
  if (room > body->max) room = body->max;
  if (room > GCI_H1_BODY_SMALL || body->whom == GCI_FOR_OTHERS) {
    if (!gci_h1_body_fits(body, room)) room = need;
    if (!gci_h1_body_fits(body, room)) return GCI_H1_BAD_ROOM;
  }
  gcache_value_t *block = body->block == NULL ? gci_value_block(body->mem, room)
                                              : gci_value_resize(body->block, room);
  if (block == NULL) return GCI_H1_BAD_MEMORY;
  gci_in_flight_add(&body->mem->in_flight, room - body->room);
  body->block = block;
  body->room = room;
  return GCI_H1_SOUND;
}

static char *end_of(const struct gci_h1_body *body) {
  return (char *)gci_value_fill(body->block) + body->used;
}

void *gci_h1_body_place(struct gci_h1_body *body, size_t *len) {
  if (body->stated < PLACE_MIN || body->stated - body->used < PLACE_MIN) return NULL;
  if (body->room - body->used < PLACE_MIN && grow(body, body->used + PLACE_MIN) != GCI_H1_SOUND)
    return NULL;
  *len = body->room - body->used;
  return end_of(body);
}

static enum gci_h1_fault refused(const struct gci_h1_body *body, enum gci_h1_fault fault) {
  if (fault == GCI_H1_BAD_ROOM) body->mem->in_flight.shed++;
  return fault;
}

enum gci_h1_fault gci_h1_body_append(struct gci_h1_body *body, gcache_bytes_t bytes) {
  if (bytes.len == 0) return GCI_H1_SOUND;
  if (bytes.len > body->max - body->used) return GCI_H1_BAD_BODY_SIZE;
  if (bytes.len > body->room - body->used) {
    enum gci_h1_fault fault = grow(body, body->used + bytes.len);
    if (fault != GCI_H1_SOUND) return refused(body, fault);
  }
  if (bytes.base != end_of(body)) memcpy(end_of(body), bytes.base, bytes.len);
  body->used += bytes.len;
  return GCI_H1_SOUND;
}

gcache_value_t *gci_h1_body_finish(struct gci_h1_body *body) {
  gcache_value_t *value = body->block;
  if (value != NULL && body->used < body->room) {
    gcache_value_t *exact = gci_value_resize(value, body->used);
    if (exact != NULL)
      value = exact;
    else
      gci_value_narrow(value, 0, body->used);
  }
  end(body);
  return value;
}

void gci_h1_body_believe(struct gci_h1_body *body) {
  if (body->used > body->proven) body->proven = body->used < PROVEN_MAX ? body->used : PROVEN_MAX;
}
