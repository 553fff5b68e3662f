/* world/names - addresses as text: the names of hosts, and libuv's conversions. */
#ifndef WORLD_NAMES_H
#define WORLD_NAMES_H

#include <stddef.h>

struct addrinfo;

/* "m3.world" is host 3; -1: none. */
int world_name_index(const char *name);
void world_name_write(int index, char *out, size_t size);
/* For uv_freeaddrinfo(). two: an address before it where nobody listens. */
struct addrinfo *world_name_answer(int index, int two);

#endif
