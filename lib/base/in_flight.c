/* base/in_flight - see in_flight.h. */
#include "base/in_flight.h"

/* Blocks up to this size may use all the room, so that large ones do not shut out small ones. */
#define SMALL_MAX ((size_t)4 * 1024)
/* While less than this part of the room is in use anything may begin: otherwise anything larger
 * than the room never could. */
#define QUIET_PART 16

static size_t max_of(const struct gci_in_flight *f) {
  size_t max = f->max == NULL ? 0 : f->max(f->data);
  return max > f->least ? max : f->least;
}

int gci_in_flight_fits_beyond(const struct gci_in_flight *f, size_t bytes,
                              enum gci_in_flight_for whom) {
  size_t max = max_of(f), most = max;
  if (f->bytes <= max / QUIET_PART) return 1;
  if (whom == GCI_FOR_OTHERS && bytes > SMALL_MAX) most = max / 4 * 3;
  return f->bytes <= most && bytes <= most - f->bytes;
}
