#include "member.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "gcache/gcache.h"
#include "gcache/http.h"
#include "gcache/leave.h"
#include "gcache/many.h"
#include "truth.h"

enum {
  ASKERS = 32,
  TOGETHER = 16,
  TICK_MS = 5,
  TIMEOUT_MS = 2000,
  READ_MS = 20000, /* at the end: 10 MiB to each member, all at once, through one process */
  LEAVE_MS = 2000,
  PEERS_MAX = 16
};
#define GROUP_BYTES ((size_t)8 << 20)
#define LATE_MS 300 /* on a machine that does much else */

struct member;

struct asked {
  unsigned key;
  uint32_t floor;
  uint64_t begun_ms, timeout_ms;
  int cancelled, pending;
  struct member *member;
};

struct asker {
  gcache_get_t req;
  struct asked asked;
};

struct member {
  uv_loop_t loop;
  uv_timer_t ticker;
  uv_pipe_t orders;
  uv_signal_t term;
  gcache_leave_t leave;
  int leaving;
  gcache_t *cache;
  gcache_group_t *group;
  struct truth *truth;
  struct truth_member *seen;
  int slot, listed, quitting;     /* listed: before it knows the others it would be alone */
  uint64_t ticked_ms, stalled_ms; /* the last tick, and the last that came late */
  unsigned ticks;
  struct asker askers[ASKERS];
  gcache_many_t many;
  gcache_get_t together[TOGETHER];
  struct asked together_asked[TOGETHER];
  int many_pending;
  gcache_change_t change;
  enum { NOTHING, WAITS, UNDER_WAY } writing; /* until every member has heard of it */
  unsigned written;
  uint32_t written_version;
  gcache_change_t sweep;
  int sweeping;
  gcache_many_t all;
  gcache_get_t all_gets[TRUTH_KEYS];
  struct asked all_asked[TRUTH_KEYS];
  char line[4096];
  size_t line_len;
};

/* --------------------------------------------------------------------------------- judging ---- */

static void wrong(struct member *m, const char *what, unsigned key, long long a, long long b) {
  if (atomic_fetch_add(&m->seen->wrong, 1) == 0)
    snprintf(m->seen->words, sizeof m->seen->words, "%s: key %u: %lld, %lld", what, key, a, b);
}

static void judge_value(struct member *m, const struct asked *asked, gcache_value_t *value) {
  gcache_bytes_t bytes = gcache_value_bytes(value);
  uint32_t version = truth_value_read(asked->key, bytes.base, bytes.len);
  atomic_fetch_add(&m->seen->values, 1);
  if (version == 0)
    wrong(m, "the value is another's, or spoilt", asked->key, (long long)bytes.len, 0);
  else if (version < asked->floor)
    wrong(m, "older than what was removed (P2)", asked->key, version, asked->floor);
  else if (version > atomic_load(&m->truth->keys[asked->key].version))
    wrong(m, "a version that was never written", asked->key, version, 0);
}

/* Of one that was not kept from answering by its process being stopped. */
static void judge_time(struct member *m, const struct asked *asked) {
  uint64_t now_ms = truth_now_ms(), took_ms = now_ms - asked->begun_ms;
  if (m->stalled_ms >= asked->begun_ms || now_ms - m->ticked_ms > 10 * TICK_MS) return;
  if (took_ms > atomic_load(&m->seen->worst_ms)) atomic_store(&m->seen->worst_ms, took_ms);
  if (took_ms > asked->timeout_ms + LATE_MS) atomic_fetch_add(&m->seen->late, 1);
}

static void judge(struct asked *asked, int status, gcache_value_t *value) {
  struct member *m = asked->member;
  struct truth_member *seen = m->seen;
  if (!asked->pending) wrong(m, "a second callback (P10)", asked->key, status, 0);
  asked->pending = 0;
  atomic_fetch_sub(&seen->pending, 1);
  judge_time(m, asked);
  if (status == 0)
    judge_value(m, asked, value);
  else if (status == UV_ETIMEDOUT)
    atomic_fetch_add(&seen->timeouts, 1);
  else if (status == GCACHE_EBUSY)
    atomic_fetch_add(&seen->busy, 1);
  else if (status == GCACHE_ELOAD)
    atomic_fetch_add(&seen->failures, 1);
  else if (status == UV_ECANCELED && (asked->cancelled || m->quitting))
    atomic_fetch_add(&seen->cancelled, 1);
  else
    wrong(m, gcache_strerror(status), asked->key, status, 0);
}

/* ---------------------------------------------------------------------------------- asking ---- */

/* A few keys are asked for often. */
static unsigned any_key(void) {
  unsigned key = (unsigned)rand() % TRUTH_KEYS;
  for (int i = 0; i < 3 && rand() % 2; i++)
    key = key * 2 / 5;
  return key;
}

static void ask_about(struct asked *asked, struct member *m, unsigned key, uint64_t timeout_ms) {
  *asked = (struct asked){.key = key,
                          .floor = atomic_load(&m->truth->keys[key].floor),
                          .begun_ms = truth_now_ms(),
                          .timeout_ms = timeout_ms,
                          .pending = 1,
                          .member = m};
  atomic_fetch_add(&m->seen->gets, 1);
  atomic_fetch_add(&m->seen->pending, 1);
}

static void on_got(gcache_get_t *req, int status, gcache_value_t *value) {
  judge(req->data, status, value);
}

static void ask(struct member *m, struct asker *asker) {
  char text[TRUTH_KEY_LEN];
  ask_about(&asker->asked, m, any_key(), TIMEOUT_MS);
  truth_key_text(asker->asked.key, text);
  asker->req.data = &asker->asked;
  int rc = gcache_get(&asker->req, m->group, gcache_cstr(text), TIMEOUT_MS, on_got);
  if (rc < 0) judge(&asker->asked, rc, NULL);
  if (rc == 0 && rand() % 200 == 0) {
    asker->asked.cancelled = 1;
    gcache_get_cancel(&asker->req);
  }
}

static void on_many(gcache_many_t *many, gcache_get_t gets[], size_t n) {
  struct member *m = many->data;
  m->many_pending = 0;
  for (size_t i = 0; i < n; i++)
    judge(gets[i].data, gcache_get_status(&gets[i]), gcache_get_value(&gets[i]));
}

static void ask_together(struct member *m) {
  char texts[TOGETHER][TRUTH_KEY_LEN];
  gcache_bytes_t keys[TOGETHER];
  for (int i = 0; i < TOGETHER; i++) {
    ask_about(&m->together_asked[i], m, any_key(), TIMEOUT_MS);
    truth_key_text(m->together_asked[i].key, texts[i]);
    keys[i] = gcache_cstr(texts[i]);
    m->together[i].data = &m->together_asked[i];
  }
  m->many.data = m;
  m->many_pending = 1;
  int rc = gcache_get_many(&m->many, m->group, keys, TOGETHER, m->together, TIMEOUT_MS, NULL,
                           on_many);
  if (rc == 0) return;
  m->many_pending = 0;
  for (int i = 0; i < TOGETHER; i++)
    judge(&m->together_asked[i], rc, NULL);
}

/* --------------------------------------------------------------------------------- writing ---- */

static void on_changed(gcache_change_t *req, int status, const gcache_peer_result_t *peers,
                       size_t n) {
  struct member *m = req->data;
  (void)peers;
  (void)n;
  if (m->quitting) return;
  atomic_fetch_add(status == 0 ? &m->seen->changes : &m->seen->partial, 1);
  m->writing = WAITS;
  if (status != 0) return;
  truth_raise_floor(m->truth, m->written, m->written_version);
  atomic_store(&m->truth->keys[m->written].lock, 0);
  m->writing = NOTHING;
}

static gcache_value_t *new_value(struct member *m) {
  size_t size = truth_value_size(m->written);
  char *bytes = malloc(size);
  if (bytes == NULL) abort();
  truth_value_write(m->written, m->written_version, bytes);
  gcache_value_t *value = gcache_value_wrap(m->cache, gcache_bytes(bytes, size), GCACHE_NEVER, free,
                                            bytes);
  if (value == NULL) abort();
  return value;
}

static void write_again(struct member *m) {
  char text[TRUTH_KEY_LEN];
  int rc;
  truth_key_text(m->written, text);
  m->change.data = m;
  m->writing = UNDER_WAY;
  if (m->written % 4 == 0) {
    gcache_value_t *value = new_value(m);
    rc = gcache_set(&m->change, m->group, gcache_cstr(text), value, TIMEOUT_MS, on_changed);
    gcache_value_unref(value);
  } else {
    rc = gcache_remove(&m->change, m->group, gcache_cstr(text), TIMEOUT_MS, on_changed);
  }
  if (rc < 0) wrong(m, "a change cannot begin", m->written, rc, 0);
}

static void write_one(struct member *m) {
  unsigned key = any_key();
  int32_t free_lock = 0;
  if (!atomic_load(&m->truth->writing)) return;
  if (!atomic_compare_exchange_strong(&m->truth->keys[key].lock, &free_lock, m->slot + 1)) return;
  m->written = key;
  m->written_version = atomic_fetch_add(&m->truth->keys[key].version, 1) + 1;
  write_again(m);
}

/* ------------------------------------------------------------------------------ at the end ---- */

static void on_swept(gcache_change_t *req, int status, const gcache_peer_result_t *peers,
                     size_t n) {
  struct member *m = req->data;
  (void)peers;
  (void)n;
  m->sweeping = status == 0 ? NOTHING : WAITS;
  if (status != 0) return;
  for (unsigned k = 0; k < TRUTH_KEYS; k++) {
    int32_t own = m->slot + 1;
    truth_raise_floor(m->truth, k, atomic_load(&m->truth->keys[k].version));
    atomic_compare_exchange_strong(&m->truth->keys[k].lock, &own, 0);
  }
  atomic_store(&m->seen->swept, 1);
}

/* A writer that was killed has left a version of which nobody knows. */
static void sweep(struct member *m) {
  static char texts[TRUTH_KEYS][TRUTH_KEY_LEN];
  static gcache_bytes_t keys[TRUTH_KEYS];
  for (unsigned k = 0; k < TRUTH_KEYS; k++) {
    truth_key_text(k, texts[k]);
    keys[k] = gcache_cstr(texts[k]);
    int32_t free_lock = 0;
    atomic_compare_exchange_strong(&m->truth->keys[k].lock, &free_lock, m->slot + 1);
  }
  m->sweeping = UNDER_WAY;
  m->sweep.data = m;
  int rc = gcache_remove_many(&m->sweep, m->group, keys, TRUTH_KEYS, 0, on_swept);
  if (rc < 0) wrong(m, "a change cannot begin", 0, rc, 0);
}

static void on_read_all(gcache_many_t *many, gcache_get_t gets[], size_t n) {
  struct member *m = many->data;
  for (size_t i = 0; i < n; i++) {
    int status = gcache_get_status(&gets[i]);
    if (status != 0 && status != GCACHE_ELOAD) /* a getter's bad moment */
      wrong(m, "all is well, and a key cannot be had", (unsigned)i, status, 0);
    judge(gets[i].data, status, gcache_get_value(&gets[i]));
  }
  atomic_store(&m->seen->read, 1);
}

static void read_all(struct member *m) {
  static char texts[TRUTH_KEYS][TRUTH_KEY_LEN];
  static gcache_bytes_t keys[TRUTH_KEYS];
  for (unsigned k = 0; k < TRUTH_KEYS; k++) {
    truth_key_text(k, texts[k]);
    keys[k] = gcache_cstr(texts[k]);
    ask_about(&m->all_asked[k], m, k, READ_MS);
    m->all_gets[k].data = &m->all_asked[k];
  }
  m->all.data = m;
  int rc = gcache_get_many(&m->all, m->group, keys, TRUTH_KEYS, m->all_gets, READ_MS, NULL,
                           on_read_all);
  if (rc < 0) wrong(m, "the gets cannot begin", 0, rc, 0);
}

/* ---------------------------------------------------------------------------------- getter ---- */

struct run {
  uv_timer_t timer;
  gcache_load_t *load;
  struct member *member;
  unsigned key;
  uint32_t version;
};

static void free_run(uv_handle_t *handle) {
  free(handle);
}

static void on_loaded(uv_timer_t *timer) {
  struct run *run = (struct run *)(void *)timer;
  struct member *m = run->member;
  size_t size = truth_value_size(run->key);
  char *bytes = malloc(size);
  if (bytes == NULL) abort();
  truth_value_write(run->key, run->version, bytes);
  truth_load_end(m->truth, run->key, m->slot);
  if (rand() % 500 == 0) {
    free(bytes);
    gcache_load_fail(run->load, UV_EIO, "the source had a bad moment");
  } else {
    uint64_t ttl_ms = truth_value_ttl_ms(run->key);
    int64_t expire = ttl_ms == 0 ? GCACHE_NEVER : gcache_expire_in(m->cache, ttl_ms);
    gcache_load_done(run->load,
                     gcache_value_wrap(m->cache, gcache_bytes(bytes, size), expire, free, bytes));
  }
  uv_close((uv_handle_t *)timer, free_run);
}

static void getter(gcache_load_t *load) {
  struct member *m = gcache_group_data(gcache_load_group(load));
  gcache_bytes_t text = gcache_load_key(load);
  int key = truth_key_number(text.base, text.len);
  struct run *run = calloc(1, sizeof *run);
  if (key < 0 || run == NULL) {
    wrong(m, "a getter is asked for what is no key", 0, (long long)text.len, 0);
    gcache_load_fail(load, UV_EINVAL, NULL);
    free(run);
    return;
  }
  atomic_fetch_add(&m->seen->loads, 1);
  run->load = load;
  run->member = m;
  run->key = (unsigned)key;
  run->version = truth_load_begin(m->truth, run->key, m->slot);
  uv_timer_init(&m->loop, &run->timer);
  uv_timer_start(&run->timer, on_loaded, 1 + (uint64_t)rand() % 20, 0);
}

/* ---------------------------------------------------------------------------------- orders ---- */

static void take_list(struct member *m, char *words) {
  const char *urls[PEERS_MAX];
  size_t n = 0;
  for (char *url = strtok(words, " "); url != NULL && n < PEERS_MAX; url = strtok(NULL, " "))
    urls[n++] = url;
  int rc = gcache_set_peers(m->cache, urls, NULL, n);
  if (rc < 0) wrong(m, "the list is refused", 0, rc, (long long)n);
  m->listed = 1;
}

static void on_cache_closed(void *arg) {
  struct member *m = arg;
  uv_close((uv_handle_t *)&m->orders, NULL);
  uv_close((uv_handle_t *)&m->ticker, NULL);
  uv_close((uv_handle_t *)&m->term, NULL);
}

static void quit(struct member *m) {
  if (m->quitting) return;
  m->quitting = 1;
  gcache_close(m->cache, on_cache_closed, m);
}

/* Off the lists of the others it hears of no change any more, so it asks nothing; they are told,
 * and it is told to quit. */
static void on_left(gcache_leave_t *req, int status, const gcache_left_t *left) {
  struct member *m = req->data;
  if (status != 0 && status != UV_ETIMEDOUT && !(status == UV_ECANCELED && m->quitting))
    wrong(m, "leaving fails", 0, status, (long long)left->given);
  if (m->quitting) return;
  atomic_fetch_add(&m->seen->given, left->given);
  m->listed = 0;
  printf("left\n");
  fflush(stdout);
}

static void on_term(uv_signal_t *term, int number) {
  struct member *m = term->data;
  (void)number;
  if (m->quitting || m->leaving) return;
  m->leaving = 1;
  m->leave.data = m;
  int rc = gcache_leave(&m->leave, m->cache, LEAVE_MS, on_left);
  if (rc < 0) wrong(m, "leaving cannot begin", 0, rc, 0);
}

static void obey(struct member *m, char *line) {
  if (strncmp(line, "peers ", 6) == 0 && !m->leaving)
    take_list(m, line + 6);
  else if (strcmp(line, "sweep") == 0)
    sweep(m);
  else if (strcmp(line, "read") == 0)
    read_all(m);
  else if (strcmp(line, "quit") == 0)
    quit(m);
}

static void on_allocated(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  struct member *m = handle->data;
  (void)suggested;
  *buf = uv_buf_init(m->line + m->line_len, (unsigned)(sizeof m->line - 1 - m->line_len));
}

static void on_ordered(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  struct member *m = stream->data;
  char *end;
  (void)buf;
  if (n < 0) {
    quit(m);
    return;
  }
  m->line_len += (size_t)n;
  m->line[m->line_len] = '\0';
  while (!m->quitting && (end = strchr(m->line, '\n')) != NULL) {
    *end = '\0';
    obey(m, m->line);
    m->line_len -= (size_t)(end + 1 - m->line);
    memmove(m->line, end + 1, m->line_len + 1);
  }
}

/* ------------------------------------------------------------------------------------ tick ---- */

static uint64_t resident_kib(void) {
  size_t bytes = 0;
  return uv_resident_set_memory(&bytes) == 0 ? bytes / 1024 : 0;
}

static void report(struct member *m) {
  gcache_stats_t stats;
  gcache_stats(m->cache, &stats);
  atomic_store(&m->seen->memory_bytes, stats.memory_bytes);
  atomic_store(&m->seen->rss_kib, resident_kib());
}

static void on_tick(uv_timer_t *timer) {
  struct member *m = timer->data;
  uint64_t now_ms = truth_now_ms();
  if (now_ms - m->ticked_ms > 10 * TICK_MS) m->stalled_ms = now_ms;
  m->ticked_ms = now_ms;
  if (m->quitting || !m->listed) return;
  for (int i = 0; i < ASKERS; i++)
    if (!m->askers[i].asked.pending) ask(m, &m->askers[i]);
  if (!m->many_pending && m->ticks % 8 == 0) ask_together(m);
  if (m->sweeping == WAITS && m->ticks % 20 == 0) sweep(m);
  if (m->writing == WAITS && m->ticks % 20 == 0) write_again(m);
  if (m->writing == NOTHING && m->ticks % 4 == 0) write_one(m);
  if (m->ticks % 40 == 0) report(m);
  m->ticks++;
}

/* ------------------------------------------------------------------------------------ main ---- */

static int open_cache(struct member *m, const char *self) {
  gcache_options_t o;
  gcache_group_options_t g;
  gcache_listener_t *listener;
  struct sockaddr_in address;
  gcache_options_init(&o);
  gcache_group_options_init(&g);
  o.loop = &m->loop;
  o.self = self;
  o.ping_ms = 1000;
  g.max_bytes = GROUP_BYTES;
  g.getter = getter;
  g.data = m;
  uv_ip4_addr("127.0.0.1", 0, &address);
  int rc = gcache_open(&m->cache, &o);
  if (rc == 0) rc = gcache_group_open(&m->group, m->cache, "soak", &g);
  if (rc == 0) rc = gcache_listen(&listener, m->cache, (struct sockaddr *)&address, 128);
  if (rc < 0) return rc;
  printf("port %d\n", gcache_listener_port(listener));
  return fflush(stdout);
}

int member_main(int truth_fd, int slot, const char *self) {
  struct member *m = calloc(1, sizeof *m);
  if (m == NULL || (m->truth = truth_open(truth_fd)) == NULL) return 2;
  m->slot = slot;
  m->seen = &m->truth->members[slot];
  atomic_store(&m->seen->pending, 0);
  srand((unsigned)getpid());
  uv_loop_init(&m->loop);
  uv_signal_init(&m->loop, &m->term);
  m->term.data = m;
  uv_signal_start(&m->term, on_term, SIGTERM);
  if (open_cache(m, self) < 0) return 2;
  uv_pipe_init(&m->loop, &m->orders, 0);
  uv_pipe_open(&m->orders, 0);
  m->orders.data = m;
  uv_read_start((uv_stream_t *)&m->orders, on_allocated, on_ordered);
  uv_timer_init(&m->loop, &m->ticker);
  m->ticker.data = m;
  m->ticked_ms = truth_now_ms();
  uv_timer_start(&m->ticker, on_tick, TICK_MS, TICK_MS);
  uv_run(&m->loop, UV_RUN_DEFAULT);
  if (uv_loop_close(&m->loop) < 0) return 3;
  uint64_t owed = atomic_load(&m->seen->pending);
  free(m);
  return owed == 0 ? 0 : 4;
}
