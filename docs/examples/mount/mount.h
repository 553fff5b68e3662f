/* mount - what the files of this example share. */
#ifndef MOUNT_H
#define MOUNT_H

#include <gcache/http.h>
#include <microhttpd.h>
#include <uv.h>

#include "../node_source.h"

struct mount {
  uv_loop_t loop;
  uv_poll_t events; /* of the server's epoll descriptor */
  uv_timer_t timer; /* when the server wants to run without an event */
  uv_signal_t signals[2];
  struct MHD_Daemon *daemon;
  struct source source; /* the getter: the node's, see node_demo.c */
  gcache_t *cache;      /* NULL: closed */
  gcache_group_t *group;
  size_t exchanges; /* requests begun and not ended */
  size_t suspended; /* of those, with their connection suspended */
  int ending;
  char self[64]; /* our URL */
};

/* One request and its response, from the server's first callback for it to the last. */
struct exchange {
  struct mount *mount;
  struct MHD_Connection *connection; /* NULL: the head is not complete yet */
  const char *method;
  char *body;
  size_t body_len, body_room;
  union { /* the one gcache call that it waits for */
    gcache_serve_t serve;
    gcache_get_t get;
    gcache_change_t change;
  } req;
  void (*cancel)(struct exchange *x); /* ends that call early */
  uv_poll_t hang_up;
  int suspended, answered;
  unsigned status;
  struct MHD_Response *response; /* NULL though answered: hang up */
  char target[];                 /* as received: still escaped, with its query */
};

/* Suspends the connection until exchange_reply() and watches for a client that leaves meanwhile.
 * < 0: failed, and the response is still owed. */
int exchange_suspend(struct exchange *x, void (*cancel)(struct exchange *x));
/* Takes response. NULL: none could be made, or the client has left: the connection is closed. */
void exchange_reply(struct exchange *x, unsigned status, struct MHD_Response *response);
void exchange_reply_text(struct exchange *x, unsigned status, const char *text);
/* The parts as one body. part[1] are owner's bytes, which are not copied. NULL: no memory. */
struct MHD_Response *exchange_body(const gcache_bytes_t part[3], gcache_value_t *owner);

/* The callbacks of MHD_start_daemon(); cls is the struct mount. */
void *exchange_begin(void *cls, const char *target, struct MHD_Connection *connection);
enum MHD_Result exchange_continue(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *len, void **context);
void exchange_end(void *cls, struct MHD_Connection *connection, void **context,
                  enum MHD_RequestTerminationCode why);

/* A request for gcache. */
void serve_answer(struct exchange *x);
/* Any other: the application's own routes. */
void pages_answer(struct exchange *x);

/* list: URLs separated by commas or white space; modified. */
int mount_join(struct mount *mount, char *list);
void mount_run_soon(struct mount *mount);
/* Ends the program step by step, once the signal has come. */
void mount_end_further(struct mount *mount);

#endif
