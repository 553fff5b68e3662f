/* Any bytes as a response of etcd: the first byte chooses which. Only valid results are read; a
 * watch gives the same results however it is cut, and the more bytes arrive, the more results; a
 * key that is written is its base64. */
#include "target.h"

#include <string.h>

#include "find/etcd_words.h"

static void read_range(struct gci_mem *mem, gcache_bytes_t body) {
  struct gci_find_list list;
  uint64_t revision = 0;
  size_t odd = 0;
  gci_find_list_init(&list, mem);
  if (gci_etcd_read_range(body, &list, &revision, &odd) == 0) {
    fuzz_check(revision > 0, "a revision");
    fuzz_check(list.n + odd <= body.len / 2, "no more members than values");
    for (size_t i = 0; i < list.n; i++)
      fuzz_check(strncmp(list.urls[i], "http", 4) == 0 && list.weights[i] >= 1 &&
                     list.weights[i] <= 1000,
                 "members");
  }
  gci_find_list_fini(&list);
}

static void read_watch(gcache_bytes_t body) {
  int before = GCI_ETCD_SILENT;
  for (size_t cut = 0; cut <= body.len; cut++) {
    int said = gci_etcd_read_watch(gcache_bytes(body.base, cut));
    fuzz_check(before >= 0 || said == before, "what is wrong stays wrong");
    fuzz_check(said < 0 || said >= before, "what was said was said");
    before = said;
  }
}

static int digit_of(char c) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *at = c == '\0' ? NULL : strchr(digits, c);
  return at == NULL ? -1 : (int)(at - digits);
}

/* Bit by bit, to be another way than the one that wrote it. */
static void check_base64(const char *text, gcache_bytes_t bytes) {
  const unsigned char *p = bytes.base;
  for (size_t bit = 0; bit < bytes.len * 8; bit++) {
    int digit = digit_of(text[bit / 6]);
    fuzz_check(digit >= 0, "a digit");
    fuzz_check((digit >> (5 - bit % 6) & 1) == (p[bit / 8] >> (7 - bit % 8) & 1), "a bit");
  }
  fuzz_check(strcspn(text, "\"") == (bytes.len + 2) / 3 * 4, "filled up");
}

static void write_put(gcache_bytes_t key) {
  static const char head[] = "{\"key\":\"";
  char body[GCI_ETCD_BODY_MAX];
  size_t len = gci_etcd_write_put(body, key, gcache_cstr("v"), 7);
  fuzz_check((len == 0) == (key.len > GCI_ETCD_KEY_MAX), "what has room is written");
  if (len == 0) return;
  fuzz_check(strlen(body) == len && strncmp(body, head, sizeof head - 1) == 0, "a body");
  check_base64(body + sizeof head - 1, key);
}

static void read_error(gcache_bytes_t body) {
  char words[GCI_ETCD_REASON];
  gci_etcd_read_error(words, body);
  for (const char *c = words; *c != '\0'; c++)
    fuzz_check(*c >= ' ' && *c <= '~', "words are printable");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct gci_mem *mem = gci_mem_new(NULL);
  uint64_t a, b;
  fuzz_check(mem != NULL, "memory");
  if (size > 0 && size < 4096) {
    gcache_bytes_t body = gcache_bytes(data + 1, size - 1);
    if (data[0] == 'r') read_range(mem, body);
    if (data[0] == 'w') read_watch(body);
    if (data[0] == 'p') write_put(body);
    if (data[0] == 'e') read_error(body);
    if (data[0] == 'g' && gci_etcd_read_grant(body, &a, &b) == 0)
      fuzz_check(a > 0 && b > 0, "a lease and its time");
    if (data[0] == 'k') gci_etcd_read_keep(body, &a);
  }
  fuzz_check(mem->blocks == 0, "nothing is left");
  gci_mem_unref(mem);
  return 0;
}
