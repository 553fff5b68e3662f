/* sim/promises - the oracle: it is told what happened, and says which promise that breaks.
 *
 * It sees only numbers: members, keys, serials, times. It never calls the library, so that a test
 * can feed it a history by hand (test_promises.c). Every getter run and every set has a *birth*,
 * the serial number that the bytes of its value carry. Events are ordered by the count of facts
 * told, because many happen at one time.
 *
 * Requests are in promises.c, members in standing.c, births and changes (P1, P2) in ledger.c. The
 * first broken promise is kept as text; later ones are consequences and are dropped. */
#ifndef SIM_PROMISES_H
#define SIM_PROMISES_H

#include <stddef.h>
#include <stdint.h>

#define PROMISES_MEMBERS 9
#define PROMISES_KEYS 400
#define PROMISES_GROUPS 2
#define PROMISES_NEVER UINT64_MAX
#define PROMISES_WEIGHTS_SHIFT 32 /* in a list */

/* What the groups ask for by way of freshness, in milliseconds. */
struct promises_fresh {
  int is_on; /* any of it, or values with windows of their own */
  uint64_t stale_ms, error_ms, refresh_ahead_ms, hot_max_ms, not_found_ms;
  uint64_t refresh_us; /* how long a load behind a hit may go on for nobody */
  int clocks_jump;
};

struct promises_setup {
  unsigned keys;        /* key k belongs to group k % PROMISES_GROUPS */
  int settled;          /* no faults and one list for ever: P1 is checked */
  uint64_t patience_us; /* every request must be answered within; PROMISES_NEVER: no bound (P4) */
  uint64_t stale_us;    /* how long a getter's failure may travel to a caller */
  struct promises_fresh fresh;
  int hands_over;     /* members take values from each other's memory */
  unsigned loads_max; /* getters of a group at a time; 0: more than can ever run */
  int hedged; /* next owners are asked beside owners: two members may load a key at a time, P1 */
  int unseen; /* nobody tells what members ask each other: what only that would show is not checked */
  int failing; /* memory or the system fails: errors that say so are lawful */
};

enum promises_kind { PROMISES_GET, PROMISES_ANSWER, PROMISES_SET, PROMISES_REMOVE, PROMISES_CLEAR };

/* A request of a member's program or of a peer, from the call to its callback. */
struct promises_request {
  enum promises_kind kind;
  int member;
  unsigned key; /* CLEAR: the group */
  uint64_t begin_seq, begin_us;
  uint64_t due_us;       /* its deadline, PROMISES_NEVER: none */
  uint64_t cancelled_us; /* PROMISES_NEVER: not */
  uint64_t epoch;        /* of the peer lists when it began, 0: they disagreed */
  uint64_t mask;         /* CHANGES: the members it must report */
  uint64_t came;         /* and may, because they came meanwhile */
  size_t held,
      n_held; /* a GET that is told together with others, until all are answered: their requests */
  int joins_unreached; /* a GET of a client-only member that keeps values all the same */
  enum { PROMISES_PENDING, PROMISES_DONE, PROMISES_REFUSED, PROMISES_LOST } state;
};

/* A getter run or a set. */
struct promises_birth {
  int member;
  unsigned key;
  int is_set;
  int running, hinted;
  int status; /* of the run: 0 or negative */
  uint64_t begin_seq;
  uint64_t landed_seq; /* SET: when an owner last took it */
  uint64_t end_us;
  size_t size;
  int64_t expire_unix_ns;
  int windowed;          /* it has windows of its own */
  uint64_t window_ms;    /* after its expiry, the value's own; 0: none */
  uint64_t next_running; /* serial, 0: last */
};

/* A peer's word to whoever asked it that it has done its part of a change. */
struct promises_deed {
  int by, on; /* who asked, who did it */
  enum promises_kind kind;
  unsigned key; /* CLEAR: the group */
  uint64_t sent_seq;
  int refused; /* its word was that it will not */
  uint64_t done_seq;
};

/* A change that reported status 0: from end_seq on nothing born before begin_seq is delivered. */
struct promises_floor {
  int member;  /* whose change it was */
  int only_at; /* member + 1: nothing older is delivered there; 0: anywhere */
  int whole_group;
  unsigned key; /* or group */
  uint64_t epoch, begin_seq, end_seq;
};

/* A change that a member was to make and did not; its maker is to tell it. */
struct promises_miss {
  int by, on;
  int is_owner; /* on, of the key */
  enum promises_kind kind;
  unsigned key; /* CLEAR: the group */
  uint64_t epoch, begin_seq, told_seq;
};

/* A change that some have missed, on its way to being one that all have made, the owner first. */
struct promises_late {
  int by, owner;
  unsigned key;
  uint64_t epoch, mask, begin_seq;
  uint64_t owner_seq; /* when the owner had done it; 0: not yet */
  uint64_t done;      /* since then */
  int over;
};

struct promises_member {
  int living, is_client;
  int keeps_unreached; /* a client-only member that keeps what no remove of others reaches */
  uint64_t list;       /* mask of the members on its list; 0: alone. Higher bits: weights */
  uint64_t listed_seq; /* since when */
  int closing[PROMISES_GROUPS];
  uint64_t closing_us[PROMISES_GROUPS];                 /* since when */
  unsigned gets[PROMISES_KEYS], answers[PROMISES_KEYS]; /* pending and not cancelled */
  uint64_t busy_seq[PROMISES_KEYS]; /* when its transport last refused a question */
  uint64_t quiet_us[PROMISES_KEYS]; /* when the last of its runs and questions ended */
  uint64_t left_us[PROMISES_KEYS];  /* when one that asked last left or was answered */
  uint64_t got_us[PROMISES_KEYS];   /* the same of its own program */
  uint64_t asked_us[PROMISES_KEYS]; /* when the last of its questions ended */
  unsigned questions[PROMISES_KEYS], runs[PROMISES_KEYS];
  unsigned handed[PROMISES_KEYS];         /* questions to the owners before */
  unsigned questions_told[PROMISES_KEYS]; /* of those: the transport knows that nobody waits */
  unsigned group_runs[PROMISES_GROUPS];   /* where their number is bounded */
  uint64_t full_us[PROMISES_GROUPS];      /* when as many as may ran last, 0: never, or now */
  uint8_t loads_here[PROMISES_KEYS]; /* asked while the owner, perhaps, was untold: P8 beside P1 */
  uint64_t clock_set_us;             /* when its wall clock last jumped */
  int stopped;                       /* its process stands still */
  uint64_t resumed_us;               /* when it last went on */
};

struct promises_key {
  uint64_t running;      /* serial of the latest running birth, 0: none */
  unsigned changes;      /* under way, and their exchanges */
  uint64_t touched_seq;  /* the latest sign of a change: runs begun before it are another epoch's */
  uint64_t refused_us;   /* when a member last told a peer of a failure that was no getter's word */
  uint64_t disturbed_us; /* a value expired on its way: a second load is lawful; 0: no */
};

struct promises {
  struct promises_setup setup;
  uint64_t now_us, seq, epoch;
  uint64_t agreed_seq; /* since when what all have in common is what it is */
  unsigned depth;      /* public calls under way */
  struct promises_member members[PROMISES_MEMBERS];
  struct promises_key keys[PROMISES_KEYS];
  struct promises_request *requests;
  size_t n_requests, cap_requests;
  size_t *pending;
  size_t n_pending, cap_pending;
  struct promises_birth *births; /* serial s at s - 1 */
  size_t n_births, cap_births;
  struct promises_floor *floors;
  size_t n_floors, cap_floors;
  struct promises_deed *deeds;
  size_t n_deeds, cap_deeds;
  struct promises_miss *misses, *told; /* not told yet; owners that were told */
  size_t n_misses, cap_misses, n_told, cap_told;
  struct promises_miss
      *bars; /* until the maker knows that it was told: begin_seq is the change's end */
  size_t n_bars, cap_bars;
  struct promises_late *lates;
  size_t n_lates, cap_lates;
  uint64_t told_late, told_checked, late_floors;
  uint64_t deliveries, floors_checked, stale, shed; /* how much was really checked */
  char broken[400];                                 /* "" as long as all hold */
};

void promises_open(struct promises *p, const struct promises_setup *setup);
void promises_close(struct promises *p);
void promises_break(struct promises *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
uint64_t promises_tick(struct promises *p); /* one fact more; internal */
/* Counts the changes of the members' lists; 0: they differ now, or somebody is left out; internal. */
uint64_t promises_epoch(const struct promises *p);
/* The list that all have in common, 0: none; and that it may not be `before` any more; internal. */
uint64_t promises_agreed(const struct promises *p);
void promises_agreed_check(struct promises *p, uint64_t before);

/* ---- members ---- */
void promises_up(struct promises *p, int member, int is_client, uint64_t list);
void promises_down(struct promises *p, int member); /* crashed, or closed to the end */
void promises_list(struct promises *p, int member, uint64_t list);
void promises_keeps_unreached(struct promises *p, int member); /* after up */
void promises_group_closing(struct promises *p, int member, unsigned group, int closing);
void promises_clock_set(struct promises *p, int member);
/* Its process stands still; it goes on. What is due meanwhile is due then. */
void promises_stopped(struct promises *p, int member);
void promises_resumed(struct promises *p, int member);
/* What was due there at us; internal. */
uint64_t promises_due_us(const struct promises *p, int member, uint64_t us);

/* ---- public calls and what must not run inside them (P10) ---- */
void promises_enter(struct promises *p);
void promises_leave(struct promises *p);
void promises_upcall(struct promises *p, const char *what);

/* ---- requests (P2, P3, P4, P10) ---- */
size_t promises_began(struct promises *p, enum promises_kind kind, int member, unsigned key,
                      uint64_t due_us);
void promises_refused(struct promises *p, size_t request); /* the call returned an error */
void promises_cancelled(struct promises *p, size_t request);

/* These n GETs, begun one after the other, are told together. */
void promises_held(struct promises *p, size_t first, size_t n);

struct promises_end {
  int status;
  uint64_t serial;      /* of the value delivered, 0: none */
  int64_t wall_unix_ns; /* the member's clock */
  uint64_t stale_ms;    /* as the library says */
  int from;             /* gcache_from_t: where the library says it was */
  uint64_t cause;       /* serial that the reason names, 0: it names none */
  int cause_hinted;     /* and that the run gave up because it was told nobody waits */
};
/* The asker was told that a peer did its part, of a question sent at sent_seq. */
void promises_deed(struct promises *p, const struct promises_deed *deed);
/* owner: of the key, -1: unknown; missed: who is to be told later. With the change's end. */
void promises_missed(struct promises *p, size_t request, int owner, uint64_t missed);
void promises_did(struct promises *p, const struct promises_deed *deed); /* internal */
/* by tells nobody but these any more; internal. */
void promises_misses_end(struct promises *p, int by, uint64_t but);
/* A GET sets out from by to on. */
void promises_asks(struct promises *p, int by, int on, unsigned key);
/* A peer is answered with what lived at alive_seq; internal. */
void promises_told_check(struct promises *p, const struct promises_request *answer,
                         uint64_t alive_seq);
/* Nonzero: by has somebody to tell of a change of key; internal. */
int promises_is_untold(const struct promises *p, int by, unsigned key);
/* Everybody could reach everybody for long enough. */
void promises_all_told_check(struct promises *p);
/* Whom a change reports with 0 has done its part since it began; before promises_change_ended(). */
void promises_report_check(struct promises *p, size_t request, uint64_t ok);
/* Of a GET or an ANSWER. */
void promises_ended(struct promises *p, size_t request, const struct promises_end *end);
/* reported: the members in the report, ok: those reported 0, twice: a member was there more than
 * once. */
void promises_change_ended(struct promises *p, size_t request, int status, uint64_t reported,
                           uint64_t ok, int twice);
void promises_peeked(struct promises *p, int member, unsigned key, uint64_t serial,
                     int64_t wall_unix_ns);
/* Nothing pending may be overdue. */
void promises_look(struct promises *p);
unsigned promises_pending_of(const struct promises *p, int member);

/* ---- births and changes (P1, P2) ---- */
uint64_t promises_run_began(struct promises *p, int member, unsigned key);
void promises_run_hinted(struct promises *p, uint64_t serial, uint64_t time_left_ms);
void promises_run_ended(struct promises *p, uint64_t serial, int status, size_t size,
                        int64_t expire_unix_ns);
uint64_t promises_set_began(struct promises *p, int member, unsigned key, size_t size,
                            int64_t expire_unix_ns);
/* The value of that serial has windows of its own: the longer of the two after its expiry. */
void promises_windowed(struct promises *p, uint64_t serial, uint64_t window_ms);
/* Until it has landed it may do so at any time. */
void promises_set_underway(struct promises *p, uint64_t serial);
void promises_set_landed(struct promises *p, uint64_t serial);
void promises_disturbed(struct promises *p, unsigned key);
/* A change's way over the network, from the question to the last it can do. */
void promises_change_sent(struct promises *p, enum promises_kind kind, unsigned key);
void promises_change_settled(struct promises *p, enum promises_kind kind, unsigned key);
/* A GET that a member sends to a peer (P4). */
void promises_question_sent(struct promises *p, int member, unsigned key);
void promises_question_refused(struct promises *p, int member, unsigned key); /* GCACHE_EBUSY */
void promises_question_settled(struct promises *p, int member, unsigned key, int told);
/* A question to the owner before, which answers from memory: one more, or less. Whoever waits may
 * wait for it. */
void promises_handing(struct promises *p, int member, unsigned key, int by);
void promises_question_told(struct promises *p, int member, unsigned key); /* nobody waits */
void promises_lost_runs(struct promises *p, int member); /* internal: of a member that is down */
void promises_value_check(struct promises *p, const struct promises_request *get,
                          const struct promises_end *e); /* internal: a delivery, P2 and P6 */
void promises_floors_check(struct promises *p, const struct promises_request *get,
                           uint64_t serial); /* internal: P2 */
/* Member, or everybody for -1, has been told of a change of key that began at begin_seq: from now
 * on nothing older is delivered there, until the end of that. */
size_t promises_told_floor(struct promises *p, int member, unsigned key, uint64_t begin_seq);
void promises_floor_end(struct promises *p, size_t floor);
void promises_cause_check(struct promises *p, size_t request,
                          const struct promises_end *e); /* internal: a failure's origin */
void promises_idle_check(struct promises *p);            /* internal: who works for nobody */
/* The longest that a value of this birth may be used after its expiry; internal. */
uint64_t promises_window_ms(const struct promises *p, const struct promises_birth *b);
const struct promises_birth *promises_birth(const struct promises *p, uint64_t serial);

/* ---- overload ---- */
void promises_place_taken(struct promises *p, int member,
                          unsigned key);                                /* internal: a run begins */
void promises_place_left(struct promises *p, int member, unsigned key); /* internal: it has ended */
/* Internal: as many as may ran at some time from since_us on. */
int promises_was_full(const struct promises *p, int member, unsigned key, uint64_t since_us);

/* ---- memory (P5, P6) ---- */
void promises_memory(struct promises *p, int member, unsigned group, uint64_t used, uint64_t max);
/* items: what the member counts; alive: how many of its keys can be had from memory now. */
void promises_items(struct promises *p, int member, unsigned group, uint64_t items, uint64_t alive,
                    int64_t wall_unix_ns);

#endif
