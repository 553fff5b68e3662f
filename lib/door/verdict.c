#include "door/verdict.h"

#include <assert.h>

const struct gci_verdict_words *gci_verdict_words(enum gci_verdict verdict) {
  static const struct gci_verdict_words words[] = {
#define XX(name, status, reason, text) {status, reason, text},
      GCI_VERDICT_MAP(XX)
#undef XX
  };

  assert(verdict > GCI_LET_IN && verdict < GCI_N_VERDICTS);
  return &words[verdict - 1];
}
