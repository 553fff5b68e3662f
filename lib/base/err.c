/* base/err - the names and texts of GCACHE_ERROR_MAP. Static strings; unknown codes give NULL. */
#include "base/err.h"

const char *gci_err_text(int code) {
  switch (code) {
#define XX(name, number, text) \
  case number:                 \
    return text;
    GCACHE_ERROR_MAP(XX)
#undef XX
  default:
    return NULL;
  }
}

const char *gci_err_name(int code) {
  switch (code) {
#define XX(name, number, text) \
  case number:                 \
    return "GCACHE_" #name;
    GCACHE_ERROR_MAP(XX)
#undef XX
  default:
    return NULL;
  }
}
