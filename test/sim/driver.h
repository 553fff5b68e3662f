/* sim/driver - the environment of a member: an allocator that can drop everything at once, clocks
 * that follow the world's with an offset, a loop that takes a turn when it is woken or when its
 * alarm rings. */
#ifndef SIM_DRIVER_H
#define SIM_DRIVER_H

#include <stddef.h>

#include "base/env.h"
#include "world.h"

struct sim_member;

extern const struct gci_env_driver sim_driver; /* its data is the struct sim_member */

void *sim_driver_resize(void *member, void *ptr, size_t old_size, size_t new_size);
void sim_driver_drop_blocks(struct sim_member *m);
void sim_driver_turned(struct sim_event *event);  /* of m->turn */
void sim_driver_alarmed(struct sim_event *event); /* of m->alarm */

#endif
