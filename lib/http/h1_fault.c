/* http/h1_fault - the table of faults, three ways to read it. */
#include "http/h1_fault.h"

struct entry {
  int status, code;
  const char *text;
};

static const struct entry entries[] = {{0, 0, ""},
#define XX(name, status, code, text) {status, code, text},
                                       GCI_H1_FAULT_MAP(XX)
#undef XX
};

int gci_h1_fault_status(enum gci_h1_fault fault) {
  return entries[fault].status;
}

int gci_h1_fault_code(enum gci_h1_fault fault) {
  return entries[fault].code;
}

const char *gci_h1_fault_text(enum gci_h1_fault fault) {
  return entries[fault].text;
}
