/* find/find - the common part of all finds: when to look, and what to do with the result.
 *
 * A kind looks when it is told to, and owes an answer: gci_find_found() or gci_find_failed(), now
 * or later. The answer is judged in the next turn (P10): this member is added, the list is
 * compared, given to the cache, and reported. A kind may ask for a look out of turn:
 * gci_find_nudge().
 * Owns the lists and the deadline of the next look, which is always set: moving it cannot fail. The
 * kind embeds the struct at its beginning. Closing: the kind stops, reports that, and is freed in
 * the next turn.
 * Fails: open, with UV_ENOMEM, UV_EALREADY, GCACHE_ECLOSING, and nothing was begun. */
#ifndef GCI_FIND_FIND_H
#define GCI_FIND_FIND_H

#include "core/core.h"
#include "find/list.h"
#include "gcache/find.h"

#define GCI_FIND_TEXT 256

struct gci_find_kind {
  void (*look)(gcache_find_t *find);
  void (*stop)(
      gcache_find_t *find); /* owes gci_find_stopped(), now or later; no look is under way then */
  void (*free)(gcache_find_t *find);
};

struct gcache_find_s {
  gcache_t *cache;
  struct gci_env *env;
  const struct gci_find_kind *kind;
  gcache_find_options_t set; /* its strings must not be used */
  struct gci_guest guest;
  struct gcache_deadline_s due; /* the next look */
  struct gcache_job_s answer;
  struct gcache_job_s end;
  struct gci_find_list fresh; /* the answer, until it is judged */
  int status;
  char text[GCI_FIND_TEXT];
  struct gci_find_list known; /* the list given to the cache */
  unsigned failures;          /* looks since one succeeded */
  uint64_t random;
  unsigned looking : 1, nudged : 1, held : 1, closing : 1;
  gcache_closed_cb closed;
  void *closed_arg;
};

/* Options with their defaults, from those of an older or newer application. UV_EINVAL: the log says
 * why. */
int gci_find_options_read(gcache_find_options_t *out, const gcache_find_options_t *in,
                          uint64_t interval_ms);
/* The first look follows in the next turn. o: as read. */
int gci_find_open(gcache_find_t *find, const gcache_find_options_t *o,
                  const struct gci_find_kind *kind);
/* Right after open, in the same call: undoes it. */
void gci_find_undo(gcache_find_t *find);

/* An answer. Takes the members of list, which is empty then. text says what was skipped; may be
 * "". */
void gci_find_found(gcache_find_t *find, struct gci_find_list *list, const char *text);
void gci_find_failed(gcache_find_t *find, int status, const char *text);
void gci_find_stopped(gcache_find_t *find);

/* Something may have changed. */
void gci_find_nudge(gcache_find_t *find);
/* The next look is in ms at the latest. */
void gci_find_look_in(gcache_find_t *find, uint64_t ms);

/* ms, plus or minus up to a quarter. */
uint64_t gci_find_spread(gcache_find_t *find, uint64_t ms);
/* The pause after that many failures in a row: half a second, doubled each time, up to most_ms;
 * spread. */
uint64_t gci_find_pause(gcache_find_t *find, unsigned failures, uint64_t most_ms);

#endif
