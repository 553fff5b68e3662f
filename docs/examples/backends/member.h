/* member - shared by the small services of this directory: a cache on the default loop with one
 * group, one port for peers and clients, an orderly end. A service adds a getter and a handler.
 *
 * Options: --listen HOST:PORT (port 0: any free port), --peers URL,URL,... (can be set later by PUT
 * /peers with such a body), --source TEXT for the service itself. */
#ifndef MEMBER_H
#define MEMBER_H

#include <uv.h>

#include <gcache/gcache.h>
#include <gcache/http.h>

struct member {
  const char *source; /* --source */
  const char *name;   /* the service's, of its group too */
  gcache_getter_cb getter;
  void (*answer)(struct member *m, gcache_exchange_t *x); /* requests other than PUT /peers */
  void (*ended)(struct member *m); /* the cache has closed: close the backend; may be NULL */
  void *backend;
  gcache_t *cache;
  gcache_group_t *group;
  uv_signal_t signals[2];
};

/* group: max_bytes and windows as the service wants them; the rest is filled in here. Reads the
 * command line, opens, prints the URL, runs until SIGTERM or SIGINT. Returns the exit status for
 * main(). */
int member_run(struct member *m, gcache_group_options_t *group, int argc, char **argv);

/* The path after prefix; base NULL: the path does not begin with it. */
gcache_bytes_t path_behind(const gcache_exchange_t *x, const char *prefix);

/* Gets key and answers with the value as text, or an error. reply, if not NULL, answers instead for
 * a value or GCACHE_ENOTFOUND (value NULL); key must then stay valid until the reply: it must be
 * part of the exchange. */
typedef void (*member_reply_cb)(struct member *m, gcache_exchange_t *x, gcache_bytes_t key,
                                gcache_value_t *value);
void answer_key(struct member *m, gcache_exchange_t *x, gcache_bytes_t key, member_reply_cb reply);

void answer_text(gcache_exchange_t *x, int status, const char *text);

#endif
