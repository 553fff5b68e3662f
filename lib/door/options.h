/* door/options - what an application asked for, made complete: defaults for zeros, a refusal for
 * what is impossible, told to its log by name. Owns nothing: strings stay the application's. */
#ifndef GCI_DOOR_OPTIONS_H
#define GCI_DOOR_OPTIONS_H

#include "gcache/gcache.h"

/* UV_EINVAL. */
int gci_options_read(gcache_options_t *out, const gcache_options_t *in);

#endif
