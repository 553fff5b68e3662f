/* base/err - the names and texts of our own codes. Only the constants of libuv's codes come with
 * uv.h; gcache.c, which may call libuv, asks for their texts. */
#ifndef GCI_BASE_ERR_H
#define GCI_BASE_ERR_H

#include <uv.h>

#include "gcache/gcache.h"

const char *gci_err_text(int code); /* NULL: not one of ours */
const char *gci_err_name(int code); /* NULL: not one of ours */

#endif
