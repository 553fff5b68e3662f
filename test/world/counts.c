#include "counts.h"

const char *world_count_word(enum world_count_kind kind) {
  static const char *const words[] = {
#define XX(name, word) word,
      WORLD_COUNTS(XX)
#undef XX
  };
  return words[kind];
}
