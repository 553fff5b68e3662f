/* door/options - the application's options, completed: defaults for zeros; impossible values are
 * refused, and named in its log. Owns nothing: strings stay the application's. */
#ifndef GCI_DOOR_OPTIONS_H
#define GCI_DOOR_OPTIONS_H

#include "gcache/gcache.h"

/* UV_EINVAL. */
int gci_options_read(gcache_options_t *out, const gcache_options_t *in);

#endif
