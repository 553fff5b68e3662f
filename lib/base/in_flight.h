/* base/in_flight - memory that waits for somebody outside: what connections have to send, what they are
 * receiving, requests that are not answered yet. One counter a cache, in its struct gci_mem, so
 * that whoever allocates can count; incoming and outgoing connections together.
 *
 * Who takes memory for such a thing adds its size, all of it until it is given back: of a value
 * that is being sent, the whole value until its last byte has left, since it cannot go earlier. A
 * value counts once for each place in a queue: the cache may let go of it at any time. Adding
 * cannot fail: whoever can refuse asks first. Owns nothing. */
#ifndef GCI_BASE_IN_FLIGHT_H
#define GCI_BASE_IN_FLIGHT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

struct gci_in_flight {
  size_t bytes, requests; /* requests: incoming, of all connections, that are not answered */
  uint64_t shed;          /* requests and answers that were refused for either's sake */
  size_t least;  /* what may be in flight whatever max() says; SIZE_MAX: there is no limit */
  size_t freely; /* three quarters of that: what anybody may take without a further look */
  size_t requests_max;
  size_t (*max)(const void *data);
  const void *data;
};

static inline void gci_in_flight_init(struct gci_in_flight *f) {
  *f = (struct gci_in_flight){
      .least = SIZE_MAX, .freely = SIZE_MAX / 4 * 3, .requests_max = SIZE_MAX};
}

/* max NULL: least it is. */
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
  GCI_FOR_OTHERS, /* what was asked of us: large things leave a quarter of the room to the rest */
  GCI_FOR_US      /* the answers to our own questions */
};

/* The part of the question that is seldom asked. */
int gci_in_flight_fits_beyond(const struct gci_in_flight *f, size_t bytes,
                              enum gci_in_flight_for whom);

/* Nonzero: so much more may be taken. Where next to nothing is in flight, anything may. */
static inline int gci_in_flight_fits(const struct gci_in_flight *f, size_t bytes,
                                     enum gci_in_flight_for whom) {
  if (f->bytes <= f->freely && bytes <= f->freely - f->bytes) return 1;
  return gci_in_flight_fits_beyond(f, bytes, whom);
}

/* Another request can be looked at. */
static inline int gci_in_flight_takes_requests(const struct gci_in_flight *f) {
  return f->requests < f->requests_max && gci_in_flight_fits(f, 0, GCI_FOR_OTHERS);
}

#endif
