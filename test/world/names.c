#include "names.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "net.h"
#include "sim/world.h"

int world_name_index(const char *name) {
  int index = -1;
  if (sscanf(name, "m%d.world", &index) != 1) return -1;
  return index >= 0 && index < WORLD_HOSTS ? index : -1;
}

void world_name_write(int index, char *out, size_t size) {
  snprintf(out, size, "m%d.world", index);
}

/* The list and its address in one block. */
static struct addrinfo *new_answer(uint32_t address, struct addrinfo *next) {
  struct addrinfo *a = sim_new(sizeof *a + sizeof(struct sockaddr_in));
  struct sockaddr_in name = {.sin_family = AF_INET};
  name.sin_addr.s_addr = htonl(address);
  memcpy(a + 1, &name, sizeof name);
  a->ai_family = AF_INET;
  a->ai_socktype = SOCK_STREAM;
  a->ai_addr = (struct sockaddr *)(a + 1);
  a->ai_addrlen = sizeof name;
  a->ai_next = next;
  return a;
}

struct addrinfo *world_name_answer(int index, int two) {
  struct addrinfo *answer = new_answer(0x0a000001u + (uint32_t)index, NULL);
  return two ? new_answer(0x0a0000feu, answer) : answer;
}

void uv_freeaddrinfo(struct addrinfo *list) {
  while (list != NULL) {
    struct addrinfo *next = list->ai_next;
    free(list);
    list = next;
  }
}

int uv_inet_pton(int family, const char *text, void *out) {
  return inet_pton(family, text, out) == 1 ? 0 : UV_EINVAL;
}

int uv_inet_ntop(int family, const void *address, char *out, size_t size) {
  return inet_ntop(family, address, out, (socklen_t)size) == NULL ? UV_ENOSPC : 0;
}

int uv_ip4_addr(const char *text, int port, struct sockaddr_in *out) {
  memset(out, 0, sizeof *out);
  out->sin_family = AF_INET;
  out->sin_port = htons((uint16_t)port);
  return uv_inet_pton(AF_INET, text, &out->sin_addr);
}

int uv_ip6_addr(const char *text, int port, struct sockaddr_in6 *out) {
  memset(out, 0, sizeof *out);
  out->sin6_family = AF_INET6;
  out->sin6_port = htons((uint16_t)port);
  return uv_inet_pton(AF_INET6, text, &out->sin6_addr);
}

int uv_ip4_name(const struct sockaddr_in *name, char *out, size_t size) {
  return uv_inet_ntop(AF_INET, &name->sin_addr, out, size);
}

int uv_ip6_name(const struct sockaddr_in6 *name, char *out, size_t size) {
  return uv_inet_ntop(AF_INET6, &name->sin6_addr, out, size);
}

uv_buf_t uv_buf_init(char *base, unsigned len) {
  return (uv_buf_t){.base = base, .len = len};
}

const char *uv_strerror(int code) {
  switch (code) {
#define XX(name, text) \
  case UV_##name:      \
    return text;
    UV_ERRNO_MAP(XX)
#undef XX
  default:
    return "unknown error";
  }
}
