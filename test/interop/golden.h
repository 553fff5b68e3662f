/* golden - the recorded requests and responses (wire/, listed in wire/INDEX.tsv), which parts of
 * them must be equal, and where gcache says something else. Every fault in a file fails the
 * test. */
#ifndef TEST_INTEROP_GOLDEN_H
#define TEST_INTEROP_GOLDEN_H

#include <stddef.h>

#include "gcache/gcache.h"

#define GOLDEN_KEY_MAX 4096

/* One line of INDEX.tsv. */
struct golden_vector {
  char name[64]; /* of the file or the two files, without .req and .resp */
  gcache_dialect_t dialect;
  int is_client;            /* recorded from a client: there is no .resp */
  char op[16];              /* of a client: get, set, setttl, remove; of a server: GET, PUT, ... */
  char key[GOLDEN_KEY_MAX]; /* of a client: what was asked for; of a server: what its path says */
  size_t key_len;
};

struct golden_vector *golden_vectors(size_t *n); /* free() */
gcache_bytes_t golden_key(const struct golden_vector *v);

/* A message cut into its lines and its body, which is joined if it came in chunks. */
struct golden_message {
  char *bytes;
  const char *lines[32]; /* the first line, then the header lines in order */
  size_t n;
  char *body;
  size_t body_len;
};

void golden_read(struct golden_message *m, const struct golden_vector *v, const char *ending);
void golden_parse(struct golden_message *m, const char *bytes, size_t len);
void golden_free(struct golden_message *m);
/* The file as it is; zero-terminated, free(). */
char *golden_bytes(const struct golden_vector *v, const char *ending, size_t *len);

/* What gcache says in the place of one recorded message. */
struct golden_difference {
  const char *file;
  const char *why;
  const char *head; /* its lines, but for Host, Date and User-Agent, with \n between */
  const char *body; /* NULL: as recorded */
};

/* NULL: none, the message is to be as recorded. */
const struct golden_difference *golden_difference(const struct golden_vector *v,
                                                  const char *ending);
size_t golden_differences(void); /* how many there are */

/* Ours against the recorded one, bytes but for Host, Date and User-Agent, and for what holds of all:
 * we send no "Accept-Encoding: gzip", and every answer has the line "Gcache: 1" more. */
void golden_same_request(const struct golden_vector *v, const struct golden_message *ours);
void golden_same_answer(const struct golden_vector *v, const struct golden_message *ours);

#endif
