/* base/in_flight - memory that waits for somebody outside: output of connections, input being
 * received, requests that are not answered yet. One counter per cache, in its struct gci_mem, so
 * that every allocating room can count; for incoming and outgoing connections together.
 *
 * A room that takes memory for such a purpose adds its whole size until it is freed: for a value
 * being sent, the whole value until its last byte has been sent, because it cannot be freed
 * earlier. A value counts once for each place in a queue: the cache may let go of it at any time.
 * Adding cannot fail: a room that can refuse asks first. Owns nothing. */
#ifndef GCI_BASE_IN_FLIGHT_H
#define GCI_BASE_IN_FLIGHT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

struct gci_in_flight {
  size_t bytes, requests; /* requests: incoming, of all connections, that are not answered */
  uint64_t shed;          /* requests and answers refused because of either */
  size_t least;           /* may be in flight whatever max() returns; SIZE_MAX: there is no limit */
  size_t freely;          /* three quarters of that: allowed without a further check */
  size_t requests_max;
  size_t (*max)(const void *data);
  const void *data;
};

static inline void gci_in_flight_init(struct gci_in_flight *f) {
  *f = (struct gci_in_flight){
      .least = SIZE_MAX, .freely = SIZE_MAX / 4 * 3, .requests_max = SIZE_MAX};
}

/* max NULL: the limit is least. */
static inline void gci_in_flight_limit(struct gci_in_flight *f, size_t least,
                                       size_t (*max)(const void *data), const void *data) {
  f->least = least;
  f->freely = least / 4 * 3;
  f->max = max;
  f->data = data;
}

static inline void gci_in_flight_add(struct gci_in_flight *f, size_t bytes) {
  f->bytes += bytes;
}

static inline void gci_in_flight_drop(struct gci_in_flight *f, size_t bytes) {
  assert(bytes <= f->bytes);
  f->bytes -= bytes;
}

enum gci_in_flight_for {
  GCI_FOR_OTHERS, /* for others' requests: large blocks leave a quarter of the room to the rest */
  GCI_FOR_US      /* for the answers to our own calls */
};

/* The slow part of gci_in_flight_fits(). */
int gci_in_flight_fits_beyond(const struct gci_in_flight *f, size_t bytes,
                              enum gci_in_flight_for whom);

/* Nonzero: `bytes` more may be taken. While very little is in flight, anything may be. */
static inline int gci_in_flight_fits(const struct gci_in_flight *f, size_t bytes,
                                     enum gci_in_flight_for whom) {
  if (f->bytes <= f->freely && bytes <= f->freely - f->bytes) return 1;
  return gci_in_flight_fits_beyond(f, bytes, whom);
}

/* Nonzero: another request may be accepted. */
static inline int gci_in_flight_takes_requests(const struct gci_in_flight *f) {
  return f->requests < f->requests_max && gci_in_flight_fits(f, 0, GCI_FOR_OTHERS);
}

#endif
