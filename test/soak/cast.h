/* cast - the processes of a soak, the proxies in front of them, and the faults they get. */
#ifndef SOAK_CAST_H
#define SOAK_CAST_H

#include <sys/types.h>
#include <uv.h>

#include "member.h"
#include "proxy.h"
#include "truth.h"

enum cast_fate { CAST_WELL, CAST_KILLED, CAST_STOPPED, CAST_LEFT, CAST_WIRE, CAST_FATES };

struct cast_member {
  struct cast *cast;
  struct proxy proxy;
  char url[64];
  uv_process_t process;
  uv_pipe_t orders, words;
  int running, ending, leaving, left;
  enum cast_fate fate;
  uint64_t until_ms; /* of its fate */
  char line[64];
  size_t line_len;
};

struct cast {
  uv_loop_t *loop;
  struct truth *truth;
  int truth_fd;
  const char *program;
  struct cast_member members[TRUTH_MEMBERS];
  uv_tcp_t impostor; /* answers nonsense */
  char impostor_url[64];
  uint64_t impostor_until_ms; /* 0: it is not on the list */
  unsigned impostor_asked;
  unsigned kills, stops, leaves, delays, silences, cuts, resets, impostures;
  unsigned bad_ends; /* exits of members that nobody had killed */
  int is_over;
};

int cast_start(struct cast *cast, const char *program);
/* Ends what has lasted long enough, and perhaps begins something new. */
void cast_disturb(struct cast *cast);
/* Ends everything. */
void cast_heal(struct cast *cast);
/* An order to every member. */
void cast_say(struct cast *cast, const char *line);
void cast_say_to(struct cast *cast, int slot, const char *line);
/* Members end in order; the loop runs empty. */
void cast_end(struct cast *cast);
void cast_report(const struct cast *cast);

#endif
