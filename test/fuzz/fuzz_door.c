/* Any bytes sent to a whole cache, over up to three connections. The first bytes set the options of
 * the cache, the length of the pieces in which the rest comes, and when getters and handlers
 * answer; marks between the bytes let time pass, change the connection, end it, stop reading from
 * it, or let the application do something.
 *
 * The output is well formed; memory stays within the limits; at the end an honest request is
 * answered correctly, and nothing is left. Over HTTP/1.1, if nothing else happens, the responses do
 * not depend on the pieces. */
#include "house.h"

#include "door_answers.h"
#include "http/h2.h"
#include "net/hmac.h"

enum {
  LINES = 3,
  OWED_MAX = 512,
  SEEN_MAX = 1 << 19,
  PIECES_MAX = 150,
  VALUE_MAX = 3000,
  GROUP_BYTES = 64 * 1024,
  /* Of each connection: 1 MiB that waits to be read, an answer more, input. */
  LINE_BYTES = (1 << 20) + 4 * VALUE_MAX + 256 * 1024,
};

enum answers { AT_ONCE, SOON, WHEN_TOLD };

struct line {
  int fd; /* -1: not open */
  int is_read;
  size_t len;
  unsigned char *seen;
};

struct door {
  struct house h;
  enum answers answers;
  gcache_http_t http;
  int is_closed; /* to who does not know the secret */
  gcache_group_t *groups[2];
  struct line lines[LINES];
  gcache_load_t *loads[OWED_MAX];
  gcache_exchange_t *exchanges[OWED_MAX];
  size_t n_loads, n_exchanges;
  size_t base; /* bytes of the cache when it has just been opened */
};

static struct door door;

/* ------------------------------------------------------------------------- the application -- */

static void answer_load(gcache_load_t *load) {
  static const char filler[VALUE_MAX];
  gcache_bytes_t key = gcache_load_key(load);
  const char *text = key.base;
  char value[64];
  switch (key.len == 0 ? 0 : text[0]) {
  case 'm':
    gcache_load_not_found(load, 5000, "no such row\r\n\x80");
    return;
  case 'f':
    gcache_load_fail(load, GCACHE_ELOAD, "it failed");
    return;
  case 'b':
    gcache_load_done_copy(load, gcache_bytes(filler, sizeof filler), 0);
    return;
  case 'e':
    gcache_load_done_copy(load, GCI_LIT("brief"), 500);
    return;
  default:
    snprintf(value, sizeof value, "%zu:%.*s", key.len, key.len < 40 ? (int)key.len : 40, text);
    gcache_load_done_copy(load, gcache_cstr(value), 0);
  }
}

static void on_load(gcache_load_t *load) {
  fuzz_check(door.h.depth == 0, "a getter runs on a fresh stack");
  if (door.answers == AT_ONCE || door.n_loads == OWED_MAX)
    answer_load(load);
  else
    door.loads[door.n_loads++] = load;
}

static void on_load_told(gcache_load_t *load) {
  fuzz_check(gcache_load_time_left_ms(load) == 0, "nobody waits");
}

/* Which of the ways to answer, by the path. */
static void answer_exchange(gcache_exchange_t *x) {
  gcache_bytes_t path = gcache_exchange_path(x);
  const gcache_header_t said = {GCI_LIT("X-Said"), gcache_exchange_method(x)};
  gcache_value_t *body = gcache_exchange_body(x);
  char kind = path.len > 1 ? ((const char *)path.base)[1] : 'r';
  if (kind == 'a') {
    gcache_exchange_abort(x);
  } else if (kind == 's' && gcache_exchange_begin(x, 200, &said, 1) == 0) {
    gcache_exchange_write(x, path);
    if (body != NULL) gcache_exchange_write_value(x, body);
    fuzz_check(gcache_exchange_end(x) == 0, "an end");
  } else if (kind == 'v') {
    fuzz_check(gcache_exchange_reply_value(x, 200, &said, 1, body) == 0, "a reply");
  } else {
    fuzz_check(gcache_exchange_reply(x, kind == 'n' ? 204 : 200, &said, 1,
                                     kind == 'n' ? gcache_bytes(NULL, 0) : path) == 0,
               "a reply");
  }
}

static void look_at(gcache_exchange_t *x) {
  gcache_bytes_t value;
  size_t n;
  const gcache_header_t *headers = gcache_exchange_headers(x, &n);
  for (size_t i = 0; i < n; i++)
    fuzz_check(headers[i].name.len > 0, "a header has a name");
  gcache_exchange_header(x, "x");
  gcache_exchange_param(x, "p", &value);
  fuzz_check(gcache_exchange_method(x).len > 0, "a method");
}

static void on_exchange(gcache_exchange_t *x, void *arg) {
  (void)arg;
  fuzz_check(door.h.depth == 0, "a handler runs on a fresh stack");
  look_at(x);
  if (door.answers == AT_ONCE || door.n_exchanges == OWED_MAX)
    answer_exchange(x);
  else
    door.exchanges[door.n_exchanges++] = x;
}

/* Newest first, so that they come in another order than they were asked in. */
static void answer_owed(void *arg) {
  (void)arg;
  door.h.depth++;
  while (door.n_loads > 0)
    answer_load(door.loads[--door.n_loads]);
  while (door.n_exchanges > 0)
    answer_exchange(door.exchanges[--door.n_exchanges]);
  door.h.depth--;
}

static void on_changed(gcache_change_t *req, int status, const gcache_peer_result_t *peers,
                       size_t n) {
  (void)status, (void)peers, (void)n;
  fuzz_check(door.h.depth == 0, "a callback runs on a fresh stack");
  free(req);
}

static void act(unsigned what) {
  gcache_bytes_t key = GCI_LIT("k");
  gcache_group_t *group = door.groups[0];
  gcache_change_t *req = malloc(sizeof *req);
  gcache_value_t *value = gcache_value_copy(door.h.cache, GCI_LIT("set"), 0);
  int rc = -1;
  door.h.depth++;
  if (what % 4 == 0) rc = gcache_set(req, group, key, value, 0, on_changed);
  if (what % 4 == 1) rc = gcache_remove(req, group, key, 0, on_changed);
  if (what % 4 == 2) rc = gcache_clear(req, group, 0, on_changed);
  door.h.depth--;
  gcache_value_unref(value);
  if (rc < 0) free(req);
}

/* -------------------------------------------------------------------------- its connections -- */

static void on_released(uv_stream_t *stream) {
  free(stream);
}

static void open_line(struct line *line) {
  int fds[2];
  uv_pipe_t *pipe = malloc(sizeof *pipe);
  fuzz_check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0, "a pair of sockets");
  house_unblock(fds[0]);
  uv_pipe_init(door.h.loop, pipe, 0);
  fuzz_check(uv_pipe_open(pipe, fds[1]) == 0, "a pipe");
  door.h.depth++;
  int rc = gcache_adopt(door.h.cache, (uv_stream_t *)pipe, gcache_bytes(NULL, 0), on_released);
  door.h.depth--;
  fuzz_check(rc == 0, "adopted");
  line->fd = fds[0];
  line->is_read = 1;
  line->len = 0;
  if (line->seen == NULL) line->seen = malloc(SEEN_MAX);
}

static void read_line(struct line *line) {
  size_t n;
  if (line->fd < 0 || !line->is_read) return;
  while (line->len < SEEN_MAX &&
         (n = house_read(line->fd, line->seen + line->len, SEEN_MAX - line->len)) > 0)
    line->len += n;
}

static void check_line(const struct line *line) {
  const char *wrong = door_answers_wrong(line->seen, line->len);
  if (line->len < SEEN_MAX) fuzz_check(wrong == NULL, wrong);
}

static void close_line(struct line *line) {
  if (line->fd < 0) return;
  read_line(line);
  close(line->fd);
  line->fd = -1;
  check_line(line);
}

/* Until nothing moves any more. */
static void settle(void) {
  size_t before, after = 0;
  int quiet = 0;
  do {
    before = after;
    house_turn(&door.h);
    after = 0;
    for (int i = 0; i < LINES; i++) {
      read_line(&door.lines[i]);
      after += door.lines[i].len;
    }
    quiet = after == before && gci_env_idle(door.h.cache->env) ? quiet + 1 : 0;
  } while (quiet < 2);
  fuzz_check(door.h.most <= door.base + 2 * GROUP_BYTES + LINES * (size_t)LINE_BYTES,
             "memory is bounded");
}

/* Gives up when nothing is taken. Of a long text the pieces are longer: each costs some turns. */
static void feed(struct line *line, gcache_bytes_t bytes, size_t step) {
  const char *at = bytes.base;
  size_t left = bytes.len;
  if (step < left / PIECES_MAX) step = left / PIECES_MAX;
  while (left > 0) {
    size_t n = house_send(line->fd, at, left < step ? left : step);
    if (n == 0) return;
    at += n;
    left -= n;
    settle();
    if (door.answers == SOON) answer_owed(NULL);
  }
}

/* -------------------------------------------------------------------------------- the runs -- */

static void open_door(const uint8_t *choice) {
  static const gcache_http_t speech[] = {GCACHE_HTTP_AUTO, GCACHE_HTTP_1, GCACHE_HTTP_2,
                                         GCACHE_HTTP_AUTO};
  gcache_options_t o;
  gcache_group_options_t go;
  house_options(&door.h, &o);
  o.http = speech[choice[0] & 3];
  if (o.http == GCACHE_HTTP_2 && !gci_h2_built_in()) o.http = GCACHE_HTTP_1;
  door.http = o.http;
  door.is_closed = (choice[0] & 3) == 3 && gci_hmac_built_in();
  o.dialect = (gcache_dialect_t)(choice[0] >> 2 & 3);
  o.limits.value_max = VALUE_MAX;
  o.limits.key_max = 200;
  o.limits.streams_max = 8;
  o.limits.connections_max = LINES + 2;
  if (choice[0] & 64) {
    o.limits.pipelined_max = 2;
    o.limits.head_max = 400;
    o.limits.line_max = 200;
    o.limits.head_lines_max = 8;
    o.limits.chunk_meta_max = 30;
    o.limits.drain_max = 100;
    o.limits.control_max = 12;
    o.limits.resets_burst = 3;
  }
  door.answers = (enum answers)((choice[0] >> 4 & 3) % 3);
  if (door.is_closed) {
    o.access.secret = "sixteen bytes of";
    o.access.secret_len = 16;
  }
  fuzz_check(gcache_open(&door.h.cache, &o) == 0, "open");
  gcache_group_options_init(&go);
  go.max_bytes = GROUP_BYTES;
  go.getter = on_load;
  go.cancel = on_load_told;
  door.groups[0] = house_group(&door.h, "g", &go);
  go.stale_ms = go.error_ms = 3000;
  go.not_found_ms = 2000;
  door.groups[1] = house_group(&door.h, "h", &go);
  gcache_set_handler(door.h.cache, on_exchange, NULL);
  house_turn(&door.h);
  door.base = door.h.bytes;
  for (int i = 0; i < LINES; i++)
    door.lines[i].fd = -1;
  door.n_loads = door.n_exchanges = 0;
}

static struct line *do_deed(struct line *line, unsigned deed, size_t *step) {
  static const uint64_t ms[] = {1, 1000, 11000, 61000};
  unsigned more = deed >> 3;
  switch (deed & 7) {
  case 0:
    line = &door.lines[more % LINES];
    break;
  case 1:
    house_pass(&door.h, ms[more & 3]);
    break;
  case 2:
    if (line->fd >= 0) shutdown(line->fd, SHUT_WR);
    break;
  case 3:
    close_line(line);
    break;
  case 4:
    answer_owed(NULL);
    break;
  case 5:
    line->is_read = !line->is_read;
    break;
  case 6:
    act(more);
    break;
  case 7:
    *step = more + 1;
    break;
  }
  if (line->fd < 0) open_line(line);
  settle();
  return line;
}

/* "Nothing lost": as if all that had not been. */
static void be_honest(void) {
  const char *expected = door.is_closed ? "HTTP/1.1 403" : "HTTP/1.1 200";
  struct line *line = &door.lines[0];
  if (door.http == GCACHE_HTTP_2) return;
  door.answers = AT_ONCE;
  answer_owed(NULL);
  settle();
  open_line(line);
  feed(line, GCI_LIT("GET /_groupcache/g/honest HTTP/1.1\r\nHost: a\r\n\r\n"), SIZE_MAX);
  settle();
  fuzz_check(line->len > 12 && memcmp(line->seen, expected, 12) == 0,
             "an honest request is answered");
  close_line(line);
}

static void one_run(const uint8_t *data, size_t size, size_t step, int with_deeds) {
  static const char greeting[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
  struct house_script script = {data + 2, data + size};
  struct line *line = &door.lines[0];
  int deed;
  open_door(data);
  open_line(line);
  if (data[0] & 128) feed(line, gcache_bytes(greeting, sizeof greeting - 1), SIZE_MAX);
  for (;;) {
    feed(line, house_next_bytes(&script), step);
    if ((deed = house_next_deed(&script)) < 0 || !with_deeds) break;
    line = do_deed(line, (unsigned)deed, &step);
  }
}

static void end_run(void) {
  for (int i = 0; i < LINES; i++)
    close_line(&door.lines[i]);
  settle();
  be_honest();
  house_close(&door.h, answer_owed, NULL);
}

/* Questions to memory, whose answer depends on what has been loaded when they are read. */
static int asks_memory(const uint8_t *data, size_t size) {
  for (size_t i = 0; i + 6 <= size; i++)
    if (gci_bytes_equal_nocase(gcache_bytes(data + i, 6), GCI_LIT("cached"))) return 1;
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static unsigned char whole[SEEN_MAX];
  if (size < 3) return 0;
  size_t step = data[1] == 0 ? SIZE_MAX : data[1], len;
  one_run(data, size, step, 1);
  end_run();
  if (door.answers != AT_ONCE || (data[0] & 0xb0) || step == SIZE_MAX) return 0;
  if (asks_memory(data, size)) return 0;
  one_run(data, size, SIZE_MAX, 0);
  len = door.lines[0].len;
  memcpy(whole, door.lines[0].seen, len);
  end_run();
  if (len < 5 || memcmp(whole, "HTTP/", 5) != 0) return 0;
  one_run(data, size, step, 0);
  fuzz_check(len == door.lines[0].len && memcmp(whole, door.lines[0].seen, len) == 0,
             "in pieces it is the same");
  end_run();
  return 0;
}
