/* Bytes as calls: what an application, its getter, its peers and time can do to one member, in any
 * order, on the core without sockets; peers are a transport that answers when the bytes say so.
 *
 * Each request ends once, on a fresh stack and in its time; a delivered value is right (births.h),
 * not expired, and of an open group; memory is never over its limit; nothing is left. */
#include "target.h"

#include <string.h>
#include <uv.h>

#include "base/bytes.h"
#include "births.h"
#include "core/core.h"
#include "gcache/many.h"
#include "gcache/transport.h"
#include "manual_env.h"
#include "oom.h"

enum { REQS = 48, OWED = 256, MANY = 4, GROUP_BYTES = 64 * 1024, DEFAULT_MS = 3000 };

enum kind { GET, MANY_GETS, CHANGE, ANSWER };

struct req {
  union {
    gcache_get_t get;
    gcache_many_t many;
    gcache_change_t change;
    gcache_answer_t answer;
  } of;
  gcache_get_t gets[MANY];
  enum kind kind;
  gcache_op_t op;
  int is_open, n_keys;
  unsigned keys[MANY], least[MANY], began;
  unsigned set; /* its number among the sets; 0: it is none */
  unsigned generation;
  uint64_t until_ms;
};

struct owed {
  void *what; /* gcache_load_t or gcache_call_t */
  struct birth birth;
};

struct member {
  struct oom oom;
  struct manual_env m;
  gcache_t core;
  gcache_transport_t transport;
  gcache_group_t *group; /* NULL: none is open */
  int closing_groups, core_closed, depth;
  struct births births;
  struct req reqs[REQS];
  struct owed loads[OWED + 1], calls[OWED + 1];
  size_t n_loads, n_calls;
  int has_windows;
  const uint8_t *at, *end;
};

static struct member member;

static unsigned take(void) {
  return member.at < member.end ? *member.at++ : 0;
}

static void check_fresh_stack(void) {
  fuzz_check(member.depth == 0, "on a fresh stack");
}

/* ------------------------------------------------------------------------------ what is owed -- */

static void owe(struct owed owed[], size_t *n, void *what, gcache_bytes_t key) {
  owed[(*n)++] = (struct owed){
      what, {member.births.generation, birth_key_number(key), births_next(&member.births), 0}};
}

static struct owed pay(struct owed owed[], size_t *n, size_t i) {
  struct owed one = owed[i];
  owed[i] = owed[--*n];
  return one;
}

static const size_t sizes[] = {0, 10, 500, 5000, 30000, 65000, 1, 100};
static const uint64_t ttls[] = {0, 0, 1, 400, 1500, 5000, 60000, 0};

/* how: bits 0-2 the outcome, 3-5 the size, 6-7 the time to live. */
static void answer_load(size_t i, unsigned how) {
  struct owed owed = pay(member.loads, &member.n_loads, i);
  char words[64];
  birth_words(owed.birth, words);
  member.depth++;
  switch (how & 7) {
  case 6:
    gcache_load_not_found(owed.what, how & 8 ? 2000 : 0, words);
    break;
  case 7:
    gcache_load_fail(owed.what, how & 8 ? GCACHE_ENOTFOUND : GCACHE_ELOAD, words);
    break;
  default:
    gcache_load_done(owed.what, birth_value(&member.core, owed.birth, sizes[how >> 3 & 7],
                                            ttls[(how >> 6 & 3) + (how & 4)]));
  }
  member.depth--;
}

static void answer_get(gcache_call_t *call, struct birth birth, unsigned how) {
  static const int faults[] = {GCACHE_EPEER, UV_ECONNRESET, UV_ETIMEDOUT, GCACHE_EBUSY,
                               UV_ENOMEM,    GCACHE_ELOAD,  UV_ECANCELED, GCACHE_ENOGROUP};
  char words[64];
  birth_words(birth, words);
  if ((how & 3) == 1) {
    gcache_call_done(call, faults[how >> 3 & 7], NULL, "fault");
  } else if ((how & 3) == 2) {
    if (how & 8) gcache_call_set_not_found(call, 2000);
    gcache_call_done(call, GCACHE_ENOTFOUND, NULL, words);
  } else {
    size_t size = sizes[how >> 3 & 7];
    gcache_call_done(call, 0, birth_value(&member.core, birth, size, ttls[how >> 5 & 7]), NULL);
  }
}

static void answer_call(size_t i, unsigned how) {
  static const int outcomes[] = {0,          0, GCACHE_EPEER, GCACHE_ENOROOM, UV_ETIMEDOUT, 0,
                                 UV_ENOTSUP, 0};
  struct owed owed = pay(member.calls, &member.n_calls, i);
  member.depth++;
  if (gcache_call_op(owed.what) == GCACHE_OP_GET)
    answer_get(owed.what, owed.birth, how);
  else
    gcache_call_done(owed.what, outcomes[how & 7], NULL, "words");
  member.depth--;
}

static void on_load(gcache_load_t *load) {
  check_fresh_stack();
  owe(member.loads, &member.n_loads, load, gcache_load_key(load));
  if (member.n_loads > OWED) answer_load(OWED, 0);
}

static void on_load_told(gcache_load_t *load) {
  check_fresh_stack();
  fuzz_check(gcache_load_time_left_ms(load) == 0, "nobody waits");
}

static void on_call(gcache_transport_t *t, gcache_call_t *call) {
  (void)t;
  check_fresh_stack();
  owe(member.calls, &member.n_calls, call, gcache_call_key(call));
  if (member.n_calls > OWED) answer_call(OWED, 0);
}

static void on_call_told(gcache_transport_t *t, gcache_call_t *call) {
  (void)t, (void)call;
  check_fresh_stack();
}

/* ---------------------------------------------------------------------------------- its ends -- */

static void end_req(struct req *r) {
  check_fresh_stack();
  fuzz_check(r->is_open, "it ends once");
  if (r->set != 0) births_set_ended(&member.births, r->set);
  r->is_open = 0;
}

static void check_got(const struct req *r, unsigned i, int status, const gcache_value_t *value,
                      const char *reason, uint64_t stale_ms) {
  int64_t now = member.m.clock->unix_ns;
  fuzz_check((status == 0) == (value != NULL), "a value, or a failure");
  fuzz_check(status <= 0, "a status");
  if (status == GCACHE_ENOTFOUND)
    birth_check_words(&member.births, reason, r->keys[i], r->least[i]);
  if (value == NULL) return;
  birth_check_value(&member.births, value, r->keys[i], r->least[i]);
  int64_t expire = gcache_value_expire(value);
  fuzz_check(expire == GCACHE_NEVER || expire > now || stale_ms > 0, "what has expired is gone");
  fuzz_check(stale_ms == 0 || member.has_windows, "stale, where that is asked for");
  fuzz_check(stale_ms <= 3000, "stale, within the window");
}

static void on_got(gcache_get_t *get, int status, gcache_value_t *value) {
  struct req *r = get->data;
  check_got(r, 0, status, value, gcache_get_reason(get), gcache_get_stale(get));
  end_req(r);
  memset(get, 0xdb, sizeof *get);
}

static void on_many(gcache_many_t *many, gcache_get_t gets[], size_t n) {
  struct req *r = many->data;
  fuzz_check((int)n == r->n_keys && gets == r->gets, "as many as were asked for");
  for (unsigned i = 0; i < n; i++)
    check_got(r, i, gcache_get_status(&gets[i]), gcache_get_value(&gets[i]),
              gcache_get_reason(&gets[i]), gcache_get_stale(&gets[i]));
  end_req(r);
  memset(many, 0xdb, sizeof *many);
}

static void note_change(const struct req *r) {
  if (r->generation != member.births.generation) return;
  if (r->op == GCACHE_OP_CLEAR) births_cleared(&member.births, r->began);
  for (int i = 0; i < r->n_keys; i++)
    births_changed(&member.births, r->keys[i], r->began);
}

static void on_changed(gcache_change_t *change, int status, const gcache_peer_result_t *peers,
                       size_t n) {
  struct req *r = change->data;
  for (size_t i = 0; i < n; i++)
    fuzz_check(status != 0 || peers[i].status == 0, "success is everybody's");
  if (status == 0) note_change(r);
  end_req(r);
  memset(change, 0xdb, sizeof *change);
}

static void on_answered(gcache_answer_t *answer, int status, gcache_value_t *value,
                        const char *reason) {
  struct req *r = answer->data;
  if (r->op == GCACHE_OP_GET)
    check_got(r, 0, status, value, reason, gcache_answer_stale(answer));
  else if (status == 0)
    note_change(r);
  end_req(r);
  memset(answer, 0xdb, sizeof *answer);
}

/* ------------------------------------------------------------------------------- its begins -- */

static struct req *free_req(enum kind kind) {
  for (size_t i = 0; i < REQS; i++) {
    struct req *r = &member.reqs[i];
    if (r->is_open) continue;
    memset(r, 0x5a, sizeof *r);
    r->kind = kind;
    r->op = GCACHE_OP_GET;
    r->is_open = 0;
    r->n_keys = 0;
    r->set = 0;
    r->generation = member.births.generation;
    return r;
  }
  return NULL;
}

static gcache_bytes_t add_key(struct req *r, unsigned key, char room[64]) {
  key %= BIRTH_KEYS;
  r->keys[r->n_keys] = key;
  r->least[r->n_keys++] = member.births.least[key];
  return birth_key(key, room);
}

static uint64_t some_time(unsigned how) {
  static const uint64_t times[] = {0, 1, 50, 1000};
  return times[how & 3];
}

static void begun(struct req *r, int rc, uint64_t timeout_ms, int may_refuse) {
  member.depth--;
  r->is_open = rc == 0;
  if (rc != 0 && r->set != 0) births_set_ended(&member.births, r->set);
  r->until_ms = member.m.clock->mono_ms + (timeout_ms == 0 ? DEFAULT_MS : timeout_ms);
  fuzz_check(rc == 0 || may_refuse, "it is begun");
}

static void get(unsigned how) {
  char room[64];
  struct req *r = free_req(GET);
  if (r == NULL || member.group == NULL) return;
  gcache_bytes_t key = add_key(r, take(), room);
  r->of.get.data = r;
  member.depth++;
  int rc = gcache_get(&r->of.get, member.group, key, some_time(how), on_got);
  memset(room, 0xdb, sizeof room);
  begun(r, rc, some_time(how), 0);
}

static void get_many(unsigned how) {
  char rooms[MANY][64];
  gcache_bytes_t keys[MANY];
  struct req *r = free_req(MANY_GETS);
  if (r == NULL || member.group == NULL) return;
  for (int i = 0; i < MANY; i++)
    keys[i] = add_key(r, take(), rooms[i]);
  r->of.many.data = r;
  member.depth++;
  int rc = gcache_get_many(&r->of.many, member.group, keys, MANY, r->gets, some_time(how), NULL,
                           on_many);
  memset(rooms, 0xdb, sizeof rooms);
  begun(r, rc, some_time(how), 0);
}

static gcache_value_t *some_value(struct req *r, unsigned how) {
  r->set = births_set_begun(&member.births);
  return birth_value(&member.core,
                     (struct birth){member.births.generation, r->keys[0], r->began, r->set},
                     sizes[how & 7], ttls[how >> 3 & 7]);
}

static void change(unsigned how) {
  char rooms[MANY][64];
  gcache_bytes_t keys[MANY];
  uint64_t ms = some_time(how >> 2);
  struct req *r = free_req(CHANGE);
  gcache_change_t *c;
  int rc;
  if (r == NULL || member.group == NULL) return;
  c = &r->of.change;
  c->data = r;
  r->op = (how & 3) == 0 ? GCACHE_OP_SET : (how & 3) == 1 ? GCACHE_OP_CLEAR : GCACHE_OP_REMOVE;
  for (int i = 0; i < ((how & 3) == 3 ? MANY : (how & 3) == 1 ? 0 : 1); i++)
    keys[i] = add_key(r, take(), rooms[i]);
  r->began = births_next(&member.births);
  gcache_value_t *value = (how & 3) == 0 ? some_value(r, take()) : NULL;
  member.depth++;
  switch (how & 3) {
  case 0:
    rc = gcache_set(c, member.group, keys[0], value, ms, on_changed);
    break;
  case 1:
    rc = gcache_clear(c, member.group, ms, on_changed);
    break;
  case 2:
    rc = gcache_remove(c, member.group, keys[0], ms, on_changed);
    break;
  default:
    rc = gcache_remove_many(c, member.group, keys, MANY, ms, on_changed);
  }
  gcache_value_unref(value);
  begun(r, rc, ms, 0);
}

/* A peer asks. */
static void answer(unsigned how) {
  char room[64];
  struct req *r = free_req(ANSWER);
  if (r == NULL) return;
  gcache_bytes_t key = add_key(r, take(), room);
  gcache_answer_t *a = &r->of.answer;
  a->data = r;
  r->op = (gcache_op_t)(how & 3);
  if (r->op == GCACHE_OP_CLEAR) r->n_keys = 0;
  r->began = births_next(&member.births);
  gcache_value_t *value = r->op == GCACHE_OP_SET ? some_value(r, take()) : NULL;
  int64_t newer = how & 32 ? member.m.clock->unix_ns + 500000000 : 0;
  uint64_t ms = some_time(how >> 2);
  member.depth++;
  int rc = r->op == GCACHE_OP_GET && (how & 16)
               ? gcache_answer_get(a, &member.core, GCI_LIT("g"), key, newer, ms, on_answered)
               : gcache_answer(a, &member.core, r->op, GCI_LIT("g"),
                               r->op == GCACHE_OP_CLEAR ? gcache_bytes(NULL, 0) : key, value, ms,
                               on_answered);
  gcache_value_unref(value);
  begun(r, rc, ms, member.group == NULL);
}

static void cancel(unsigned which) {
  struct req *r = &member.reqs[which % REQS];
  if (!r->is_open) return;
  member.depth++;
  if (r->kind == GET) gcache_get_cancel(&r->of.get);
  if (r->kind == MANY_GETS && (which & 128)) gcache_get_cancel(&r->gets[0]);
  if (r->kind == MANY_GETS && !(which & 128)) gcache_many_cancel(&r->of.many);
  if (r->kind == CHANGE) gcache_change_cancel(&r->of.change);
  if (r->kind == ANSWER) gcache_answer_cancel(&r->of.answer);
  member.depth--;
}

static void peek(unsigned key) {
  char room[64];
  gcache_value_t *value, *again;
  gcache_bytes_t bytes = birth_key(key % BIRTH_KEYS, room);
  if (member.group == NULL) return;
  value = gcache_peek(member.group, bytes);
  fuzz_check(gcache_peek_many(member.group, &bytes, 1, &again) == (value != NULL), "the same");
  fuzz_check(value == again, "the same value");
  if (value != NULL) {
    int64_t expire = gcache_value_expire(value);
    birth_check_value(&member.births, value, key % BIRTH_KEYS,
                      member.births.least[key % BIRTH_KEYS]);
    fuzz_check(expire == GCACHE_NEVER || expire > member.m.clock->unix_ns, "it has not expired");
  }
  gcache_value_unref(value);
  gcache_value_unref(again);
}

/* ------------------------------------------------------------------------- groups and peers -- */

static void on_group_closed(void *arg) {
  (void)arg;
  check_fresh_stack();
  member.closing_groups--;
}

static void open_group(unsigned how) {
  gcache_group_options_t o;
  if (member.group != NULL || member.closing_groups > 0) return;
  gcache_group_options_init(&o);
  o.max_bytes = GROUP_BYTES << (how & 1);
  o.getter = on_load;
  o.cancel = how & 2 ? on_load_told : NULL;
  o.hot = (gcache_hot_t)((how >> 2 & 3) % 3);
  o.policy = how & 16 ? GCACHE_POLICY_LRU : GCACHE_POLICY_DEFAULT;
  member.has_windows = (how & 32) != 0;
  if (how & 32) o.stale_ms = o.error_ms = 3000;
  if (how & 64) o.refresh_ahead_ms = 400;
  if (how & 128) o.hot_max_ms = o.not_found_ms = 1000;
  births_renew(&member.births);
  fuzz_check(gcache_group_open(&member.group, &member.core, "g", &o) == 0, "a group opens");
}

static void close_group(void) {
  if (member.group == NULL) return;
  member.closing_groups++;
  member.depth++;
  gcache_group_close(member.group, on_group_closed, NULL);
  member.depth--;
  member.group = NULL;
}

static void set_peers(unsigned how) {
  static const char *const urls[] = {"http://a:1", "http://b:1", "http://c:1", "http://d:1"};
  size_t n = how & 3;
  member.depth++;
  fuzz_check(gci_core_set_peers(&member.core, urls, urls, NULL, n == 0 ? 0 : n + 1) == 0, "peers");
  member.depth--;
}

/* ------------------------------------------------------------------------------------- runs -- */

static void check_now(void) {
  gcache_group_stats_t stats;
  for (size_t i = 0; i < REQS; i++)
    fuzz_check(!member.reqs[i].is_open || member.reqs[i].until_ms > member.m.clock->mono_ms,
               "each ends in its time");
  if (member.group == NULL) return;
  gcache_group_stats(member.group, &stats);
  fuzz_check(stats.main.bytes + stats.hot.bytes + stats.index_bytes <= stats.max_bytes,
             "memory is within its limit");
}

static void do_deed(unsigned deed) {
  static const uint64_t ms[] = {1, 60, 500, 4000};
  unsigned more = deed >> 4;
  switch (deed & 15) {
  case 0:
  case 1:
    get(more);
    break;
  case 2:
    get_many(more);
    break;
  case 3:
    change(more);
    break;
  case 4:
    answer(take());
    break;
  case 5:
    cancel(take());
    break;
  case 6:
    peek(more);
    break;
  case 7:
  case 8:
    if (member.n_loads > 0) answer_load(more % member.n_loads, take());
    break;
  case 9:
  case 10:
    if (member.n_calls > 0) answer_call(more % member.n_calls, take());
    break;
  case 11:
    manual_env_turn(&member.m);
    break;
  case 12:
    manual_env_advance(&member.m, ms[more & 3]);
    check_now();
    break;
  case 13:
    close_group();
    if (more & 8) manual_env_run(&member.m);
    break;
  case 14:
    open_group(take());
    if (member.group != NULL && (more & 1))
      gcache_group_resize(member.group, (size_t)GROUP_BYTES * (1 + (more >> 1)));
    break;
  case 15:
    set_peers(more);
    break;
  }
}

static void on_core_closed(void *arg) {
  (void)arg;
  check_fresh_stack();
  member.core_closed++;
}

static void close_member(void) {
  member.depth++;
  gci_core_close(&member.core, on_core_closed, NULL);
  member.depth--;
  do {
    manual_env_run(&member.m);
    for (size_t i = 0; i < REQS; i++)
      fuzz_check(!member.reqs[i].is_open, "whoever waits is told of the end");
    while (member.n_loads > 0)
      answer_load(0, 0);
    while (member.n_calls > 0)
      answer_call(0, 0);
    manual_env_run(&member.m);
  } while (member.n_loads + member.n_calls > 0);
  fuzz_check(member.core_closed == 1, "it closes, once");
  fuzz_check(member.closing_groups == 0, "so do its groups");
  gci_core_fini(&member.core);
  manual_env_fini(&member.m);
  oom_assert_empty(&member.oom);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const selves[] = {"http://a:1", NULL};
  if (size < 2 || size > 4096) return 0;
  memset(&member, 0, sizeof member);
  member.at = data + 1;
  member.end = data + size;
  member.transport = (gcache_transport_t){
      .size = sizeof member.transport, .start = on_call, .cancel = on_call_told};
  gcache_mem_t mem = oom_mem(&member.oom);
  struct gci_core_options o = {.self = selves[data[0] & 1],
                               .dialect = GCACHE_DIALECT_GOLANG,
                               .replicas = 5,
                               .timeout_ms = DEFAULT_MS,
                               .key_max = 64,
                               .value_max = 66000,
                               .transport = &member.transport};
  fuzz_check(manual_env_init(&member.m, &mem) == 0, "memory");
  fuzz_check(gci_core_open(&member.core, &member.m.env, &o) == 0, "open");
  set_peers(data[0] >> 1);
  open_group(data[0] >> 3);
  while (member.at < member.end)
    do_deed(take());
  close_member();
  return 0;
}
