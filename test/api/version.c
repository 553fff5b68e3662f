/* Prints the version of the headers and of the library. */
#include <stdio.h>

#include <gcache/gcache.h>

int main(void) {
  printf("%d.%d.%d %s\n", GCACHE_VERSION_MAJOR, GCACHE_VERSION_MINOR, GCACHE_VERSION_PATCH,
         gcache_version_string());
  return 0;
}
