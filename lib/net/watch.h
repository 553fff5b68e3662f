/* net/watch - reports changes in a directory, perhaps of a certain name in it.
 *
 * Happy path: open, then `changed` from the loop for every sign of a change: of the name, of a name
 * that begins with two dots (the links by which Kubernetes replaces what it mounts), or when the
 * system does not say of which name.
 * Failure modes: UV_ENOMEM from open. A directory that does not exist, or for which the system has
 * no watch left, is not watched; gci_watch_again() tries again, and watches what is under that path
 * now. A file system read over a network never shows a change: look at intervals all the same. Does
 * not keep the loop alive. Owns a handle until `closed`. */
#ifndef GCI_NET_WATCH_H
#define GCI_NET_WATCH_H

#include "base/env.h"

struct gci_watch;

/* path: of a file. changed must not close the watch. */
int gci_watch_open(struct gci_watch **out, struct gci_env *env, struct uv_loop_s *uv,
                   const char *path, void (*changed)(void *user), void *user);
void gci_watch_again(struct gci_watch *watch);
/* No more changes are reported. closed: from the loop; then the watch is gone. */
void gci_watch_close(struct gci_watch *watch, void (*closed)(void *user));

#endif
