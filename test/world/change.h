/* world/change - the part of the client that sets, removes and clears. */
#ifndef WORLD_CHANGE_H
#define WORLD_CHANGE_H

#include "client.h"

void world_change_cancel(struct world_member *m, struct gcache_link_s *change); /* NULL: none */
void world_changes_forget(struct world *w); /* what those that failed may still do */

#endif
