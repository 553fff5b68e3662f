/* base/err - our own codes' names and texts. libuv's codes come with uv.h, for the constants only: the
 * texts behind them are asked for in gcache.c, which may call libuv. */
#ifndef GCI_BASE_ERR_H
#define GCI_BASE_ERR_H

#include <uv.h>

#include "gcache/gcache.h"

const char *gci_err_text(int code); /* NULL: not one of ours */
const char *gci_err_name(int code); /* NULL: not one of ours */

#endif
