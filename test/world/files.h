/* world/files - the descriptors of the simulated hosts, and the system calls that the library makes
 * itself.
 *
 * The linker redirects these calls to this file (-Wl,--wrap); a call on a descriptor that is not
 * simulated is passed on to the system. */
#ifndef WORLD_FILES_H
#define WORLD_FILES_H

#include <stddef.h>

struct world_host;
struct world_conn_end;
struct world_listener;

/* A new descriptor; it takes the end or listener, whose last close ends it. Or UV_EMFILE, and it
 * has not. */
int world_file_of_end(struct world_host *host, struct world_conn_end *end);
int world_file_of_listener(struct world_host *host, struct world_listener *listener);
struct world_conn_end *world_file_end(int fd);      /* NULL: it is none */
struct world_listener *world_file_listener(int fd); /* likewise */
int world_file_is_epoll_ready(int fd);
int world_file_exists(int fd);
void world_file_close(int fd);
void world_files_forget(struct world_host *host); /* its ends and listeners are gone already */
/* Accepts from a listener: a descriptor or an error, UV_EAGAIN when nobody waits. */
int world_file_accept(struct world_host *host, struct world_listener *listener);

#endif
