/* instructions - instructions counted by callgrind in a separate run of this program that does one
 * thing: the difference between few and many rounds, so that the set-up is not counted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "local.h"

static double count_of(const char *system, const char *op, int rounds) {
  char command[512], line[256], self[256] = "";
  double count = 0;
  if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) return 0;
  snprintf(command, sizeof command,
           "exec valgrind --tool=callgrind --callgrind-out-file=/dev/null %s local %s %s %d 2>&1",
           self, system, op, rounds);
  FILE *out = popen(command, "r");
  while (out != NULL && fgets(line, sizeof line, out) != NULL) {
    const char *at = strstr(line, "Collected : ");
    if (at != NULL) count = atof(at + strlen("Collected : "));
  }
  if (out != NULL) pclose(out);
  return count;
}

double instructions_of(const char *system, const char *op) {
  static int missing;
  double less = missing ? 0 : count_of(system, op, 1), more = missing ? 0 : count_of(system, op, 6);
  if (less > 0 && more > less) return (more - less) / 5;
  if (!missing)
    fputs("gcache-bench: instructions are left out: valgrind is not installed\n", stderr);
  missing = 1;
  return 0;
}
