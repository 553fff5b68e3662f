/* world/getter - the getters of the members: when a getter begins, it decides what it will answer
 * and when, and keeps to that; only the hint that no caller waits may make it fail earlier. Some
 * work on a thread. */
#ifndef WORLD_GETTER_H
#define WORLD_GETTER_H

#include "member.h"

void world_getter_asked(gcache_load_t *load);
void world_getter_hinted(gcache_load_t *load);
void world_getter_forget(struct world_member *m); /* it has crashed */
size_t world_some_size(struct world *w);

#endif
