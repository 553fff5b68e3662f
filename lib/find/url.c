/* find/url - see url.h. */
#include "find/url.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const char *scheme_of(int secure) {
  return secure ? "https" : "http";
}

size_t gci_find_url_address(char out[GCI_FIND_URL_MAX], int secure,
                            const struct sockaddr_storage *address, uint16_t port) {
  const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
  const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
  int is_6 = address->ss_family == AF_INET6;
  const void *bytes = is_6 ? (const void *)&v6->sin6_addr : (const void *)&v4->sin_addr;
  char text[INET6_ADDRSTRLEN];

  if (inet_ntop(address->ss_family, bytes, text, sizeof text) == NULL) return 0;
  return (size_t)snprintf(out, GCI_FIND_URL_MAX, is_6 ? "%s://[%s]:%u" : "%s://%s:%u",
                          scheme_of(secure), text, port);
}

size_t gci_find_url_name(char out[GCI_FIND_URL_MAX], int secure, const char *name, uint16_t port) {
  int len = (int)strnlen(name, GCI_FIND_URL_MAX);

  if (len > 0 && name[len - 1] == '.') len--;
  len = snprintf(out, GCI_FIND_URL_MAX, "%s://%.*s:%u", scheme_of(secure), len, name, port);
  if (len >= GCI_FIND_URL_MAX) return 0;
  for (char *c = out; *c != '\0'; c++)
    if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
  return (size_t)len;
}

int gci_find_url_family(gcache_bytes_t host) {
  char text[INET6_ADDRSTRLEN];
  struct in6_addr address;

  if (host.len >= sizeof text) return 0;
  memcpy(text, host.base, host.len);
  text[host.len] = '\0';
  if (inet_pton(AF_INET, text, &address) == 1) return AF_INET;
  return inet_pton(AF_INET6, text, &address) == 1 ? AF_INET6 : 0;
}
