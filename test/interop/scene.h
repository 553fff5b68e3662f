/* scene - a cache over real sockets in the place of the Go program for which a vector was recorded:
 * it asks a raw peer, or answers with the recorded program's getter. */
#ifndef TEST_INTEROP_SCENE_H
#define TEST_INTEROP_SCENE_H

#include <stdint.h>
#include <uv.h>

#include "../net/member.h"
#include "../net/raw.h"
#include "golden.h"

/* A minute before the value of ttl:60000:k expired that was recorded. */
#define NOW_NS INT64_C(1795219647125725994)

/* What the program that was recorded did with a key. */
struct said {
  int status;
  char *text; /* the value, or the reason; zero-terminated */
  size_t len;
  uint64_t ttl_ms;
};

/* v's dialect and key are looked at. Free text. */
void scene_said(struct said *said, const struct golden_vector *v);

struct scene {
  struct raw_server peer;
  uv_loop_t *loop;
  struct member m;
  const struct golden_vector *v;
  const char *answer; /* of the peer */
  size_t answer_len;
  int then_ends; /* the peer closes behind its answer */
  int loads;
};

/* Of v's dialect, with one peer, which sends answer to every request. Its own getter: "loaded here". */
void scene_ask(struct scene *s, const struct golden_vector *v);
void scene_ask_close(struct scene *s);

struct got {
  gcache_get_t req;
  int done, status;
  gcache_from_t from;
  char reason[300];
  gcache_value_t *value;
};

/* Each asks for v's key and runs the loop. */
void scene_get(struct got *got, struct scene *s); /* got->value is yours */
void scene_set(struct changed *c, struct scene *s, gcache_bytes_t bytes, int64_t expire_ns);
void scene_remove(struct changed *c, struct scene *s);

/* Of v's dialect, alone, listening; its getter does what the recorded one did. */
void scene_serve(struct scene *s, const struct golden_vector *v);
void scene_close(struct scene *s);

#endif
