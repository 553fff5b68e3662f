/* fuzz/run_corpus - runs a fuzz target without a fuzzer: feeds it every file of a directory, whole
 * and cut at every length, or at every STEP-th, each in a block of exactly its size. */
#include <dirent.h>
#include <string.h>

#include "target.h"

enum { FILE_MAX = 16 * 1024 };

static void feed(const char *bytes, size_t len) {
  uint8_t *exact = malloc(len == 0 ? 1 : len);
  fuzz_check(exact != NULL, "memory");
  memcpy(exact, bytes, len);
  LLVMFuzzerTestOneInput(exact, len);
  free(exact);
}

static void feed_file(const char *directory, const char *name, size_t step) {
  static char bytes[FILE_MAX];
  char path[4096];
  fuzz_check((size_t)snprintf(path, sizeof path, "%s/%s", directory, name) < sizeof path, "path");
  FILE *file = fopen(path, "rb");
  fuzz_check(file != NULL, path);
  size_t len = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  for (size_t cut = 0; cut < len; cut += step)
    feed(bytes, cut);
  feed(bytes, len);
}

int main(int argc, char **argv) {
  size_t files = 0;
  DIR *directory = argc == 2 || argc == 3 ? opendir(argv[1]) : NULL;
  size_t step = argc == 3 ? strtoul(argv[2], NULL, 10) : 1;
  if (directory == NULL || step == 0) {
    fprintf(stderr, "usage: %s DIRECTORY [STEP]\n", argv[0]);
    return 2;
  }
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    if (entry->d_name[0] == '.') continue;
    feed_file(argv[1], entry->d_name, step);
    files++;
  }
  closedir(directory);
  printf("%zu files\n", files);
  return files == 0;
}
