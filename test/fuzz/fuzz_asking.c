/* A peer that sends any bytes, for a whole cache that sends it requests: over slow, fast and bulk
 * lanes, HTTP/1.1 and HTTP/2. The first bytes set the options of the cache, the length of the
 * pieces and the number of gets at the start; marks between the bytes let the peer send a valid
 * message, turn to another of its connections, end one, let time pass, or let the application send
 * more requests.
 *
 * Each request ends once, in its time, on a fresh stack, with a value that the peer or the getter
 * gave; memory stays within the limits; when the peer has turned honest it is asked again, and
 * nothing is left. */
#include "house.h"

#include <arpa/inet.h>

#include "base/bytes.h"
#include "gcache/many.h"
#include "http/h2.h"
#include "net/hmac.h"
#include "peer_words.h"

enum {
  LINES = 64,
  ASKED_MAX = 64,
  PIECES_MAX = 100,
  MANY = 3,
  VALUE_MAX = 3000,
  TIMEOUT_MS = 5000,
  GROUP_BYTES = 64 * 1024,
  /* Of each connection: an answer's head and body, what is kept of input, tables of HTTP/2. */
  LINE_BYTES = 16384 + 2 * (VALUE_MAX + 8192) + 128 * 1024,
};

struct line {
  int fd; /* -1: closed */
  uint32_t stream;
  size_t len;
  char seen[4096]; /* of requests, the latest */
};

struct asked {
  union {
    gcache_get_t get;
    gcache_change_t change;
    gcache_many_t many;
  } req;
  gcache_get_t gets[MANY];
  char key[16];
  int runs, status, is_get;
};

struct peer {
  struct house h;
  gcache_group_t *group;
  int listener, port, is_honest;
  struct line lines[LINES];
  size_t n_lines, now;
  struct asked asked[ASKED_MAX];
  size_t n_asked;
  gcache_load_t *held[ASKED_MAX * MANY];
  size_t n_held;
  size_t base;
};

static struct peer peer;

/* ------------------------------------------------------------------------- the application -- */

static void answer_load(gcache_load_t *load) {
  char value[32];
  gcache_bytes_t key = gcache_load_key(load);
  snprintf(value, sizeof value, "L:%.*s", (int)key.len, (const char *)key.base);
  gcache_load_done_copy(load, gcache_cstr(value), 0);
}

static void on_load(gcache_load_t *load) {
  fuzz_check(peer.h.depth == 0, "a getter runs on a fresh stack");
  gcache_bytes_t key = gcache_load_key(load);
  if (key.len > 0 && *(const char *)key.base == 'h' && peer.n_held < ASKED_MAX * MANY)
    peer.held[peer.n_held++] = load;
  else
    answer_load(load);
}

static void answer_held(void *arg) {
  (void)arg;
  peer.h.depth++;
  while (peer.n_held > 0)
    answer_load(peer.held[--peer.n_held]);
  peer.h.depth--;
}

static void end_asked(struct asked *a, int status) {
  fuzz_check(peer.h.depth == 0, "a callback runs on a fresh stack");
  fuzz_check(status <= 0, "a status");
  a->status = status;
  a->runs++;
  fuzz_check(a->runs == 1, "each is answered once");
}

static void check_value(const gcache_get_t *get, int status, gcache_value_t *value) {
  fuzz_check((status == 0) == (value != NULL), "a value, or a failure");
  for (const char *c = gcache_get_reason(get); *c != '\0'; c++)
    fuzz_check(*c >= ' ' && *c <= '~', "reasons are printable");
  fuzz_check(strlen(gcache_get_reason(get)) <= 256, "reasons are short");
  if (value == NULL) return;
  gcache_bytes_t bytes = gcache_value_bytes(value);
  fuzz_check(bytes.len <= VALUE_MAX, "a value is within its limit");
  fuzz_check(gcache_get_from(get) != GCACHE_FROM_LOAD || gci_bytes_begins(bytes, GCI_LIT("L:")),
             "what was loaded is the getter's");
}

static void on_got(gcache_get_t *get, int status, gcache_value_t *value) {
  check_value(get, status, value);
  end_asked(get->data, status);
}

static void on_many(gcache_many_t *many, gcache_get_t gets[], size_t n) {
  for (size_t i = 0; i < n; i++)
    check_value(&gets[i], gcache_get_status(&gets[i]), gcache_get_value(&gets[i]));
  end_asked(many->data, 0);
}

static void on_changed(gcache_change_t *change, int status, const gcache_peer_result_t *peers,
                       size_t n) {
  for (size_t i = 0; i < n; i++)
    fuzz_check(peers[i].reason != NULL && strlen(peers[i].reason) <= 256, "reasons are short");
  end_asked(change->data, status);
}

static int ask_get(struct asked *a, unsigned what) {
  gcache_bytes_t key = gcache_cstr(a->key), keys[MANY] = {key, key, GCI_LIT("k-shared")};
  a->is_get = 1;
  if (what % 4 != 3) {
    a->req.get.data = a;
    return gcache_get(&a->req.get, peer.group, key, TIMEOUT_MS, on_got);
  }
  a->req.many.data = a;
  return gcache_get_many(&a->req.many, peer.group, keys, MANY, a->gets, TIMEOUT_MS, NULL, on_many);
}

static int ask_change(struct asked *a, unsigned what) {
  static const char filler[VALUE_MAX];
  gcache_bytes_t key = gcache_cstr(a->key), keys[MANY] = {key, key, GCI_LIT("k-shared")};
  gcache_change_t *req = &a->req.change;
  int rc;
  req->data = a;
  switch (what % 4) {
  case 0:
    return gcache_remove(req, peer.group, key, TIMEOUT_MS, on_changed);
  case 1:
    return gcache_clear(req, peer.group, TIMEOUT_MS, on_changed);
  case 2:
    return gcache_remove_many(req, peer.group, keys, MANY, TIMEOUT_MS, on_changed);
  default:
    break;
  }
  size_t len = what & 4 ? sizeof filler : 5;
  gcache_value_t *value = gcache_value_copy(peer.h.cache, gcache_bytes(filler, len), 0);
  rc = gcache_set(req, peer.group, key, value, TIMEOUT_MS, on_changed);
  gcache_value_unref(value);
  return rc;
}

/* Keys that begin with an h are those whose getter takes its time. */
static void ask(int is_get, unsigned what) {
  if (peer.n_asked == ASKED_MAX) return;
  struct asked *a = &peer.asked[peer.n_asked++];
  memset(a, 0, sizeof *a);
  snprintf(a->key, sizeof a->key, "%c%zu", what & 8 ? 'h' : 'k', peer.n_asked & 15);
  peer.h.depth++;
  int rc = is_get ? ask_get(a, what) : ask_change(a, what);
  peer.h.depth--;
  fuzz_check(rc == 0, "it is begun");
}

static void cancel(unsigned which) {
  struct asked *a = &peer.asked[which % ASKED_MAX];
  if (which % ASKED_MAX >= peer.n_asked || a->runs > 0) return;
  peer.h.depth++;
  if (!a->is_get) gcache_change_cancel(&a->req.change);
  if (a->is_get && a->req.many.done == on_many) gcache_many_cancel(&a->req.many);
  if (a->is_get && a->req.get.cb == on_got) gcache_get_cancel(&a->req.get);
  peer.h.depth--;
}

/* --------------------------------------------------------------------------------- the peer -- */

static void open_listener(void) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof at;
  if (peer.port != 0) return; /* one for all runs */
  peer.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  fuzz_check(bind(peer.listener, (struct sockaddr *)&at, sizeof at) == 0 &&
                 listen(peer.listener, 128) == 0 &&
                 getsockname(peer.listener, (struct sockaddr *)&at, &len) == 0,
             "a listener");
  peer.port = ntohs(at.sin_port);
}

static void accept_lines(void) {
  int fd;
  while ((fd = accept4(peer.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
    struct linger reset = {1, 0}; /* so that no port has to wait */
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (peer.n_lines == LINES) {
      close(fd);
      continue;
    }
    struct line *line = &peer.lines[peer.n_lines++];
    line->fd = fd;
    line->stream = 1;
    line->len = 0;
  }
}

static void close_line(struct line *line) {
  if (line->fd >= 0) close(line->fd);
  line->fd = -1;
}

static void say(struct line *line, unsigned word) {
  unsigned char text[PEER_WORD_MAX];
  if (line->fd < 0) return;
  house_send(line->fd, text, peer_word(text, word, &line->stream));
}

/* An honest peer has every value, and speaks HTTP/1.1. */
static size_t hear_line(struct line *line) {
  size_t room = sizeof line->seen - line->len, n;
  n = house_read(line->fd, line->seen + line->len, room);
  line->len += n;
  if (peer.is_honest && memmem(line->seen, line->len, "\r\n\r\n", 4) != NULL) {
    if (memcmp(line->seen, "PRI ", 4) == 0)
      close_line(line);
    else
      say(line, PEER_VALUE);
    line->len = 0;
  }
  if (line->len == sizeof line->seen) line->len = 0;
  return n;
}

/* Until nothing moves any more. */
static void settle(void) {
  int quiet = 0;
  while (quiet < 2) {
    size_t lines = peer.n_lines, n = 0;
    house_turn(&peer.h);
    accept_lines();
    for (size_t i = 0; i < peer.n_lines; i++)
      n += hear_line(&peer.lines[i]);
    int moved = n > 0 || peer.n_lines > lines || !gci_env_idle(peer.h.cache->env);
    quiet = moved ? 0 : quiet + 1;
  }
  fuzz_check(peer.h.most <= peer.base + 2 * GROUP_BYTES + (peer.n_lines + 1) * LINE_BYTES +
                                ASKED_MAX * (VALUE_MAX + 4096),
             "memory is bounded");
}

static void feed(gcache_bytes_t bytes, size_t step) {
  const char *at = bytes.base;
  size_t left = bytes.len;
  if (step < left / PIECES_MAX) step = left / PIECES_MAX;
  while (left > 0 && peer.now < peer.n_lines) {
    size_t n = house_send(peer.lines[peer.now].fd, at, left < step ? left : step);
    if (n == 0) return;
    at += n;
    left -= n;
    settle();
  }
}

/* -------------------------------------------------------------------------------- the runs -- */

static void open_asker(const uint8_t *choice) {
  static const gcache_http_t speech[] = {GCACHE_HTTP_AUTO, GCACHE_HTTP_1, GCACHE_HTTP_2,
                                         GCACHE_HTTP_AUTO};
  gcache_options_t o;
  gcache_group_options_t go;
  char url[64];
  const char *urls[] = {url};
  house_options(&peer.h, &o);
  open_listener();
  o.http = speech[choice[0] & 3];
  if (o.http == GCACHE_HTTP_2 && !gci_h2_built_in()) o.http = GCACHE_HTTP_1;
  if ((choice[0] & 3) == 3 && gci_hmac_built_in()) {
    o.access.secret = "sixteen bytes of";
    o.access.secret_len = 16;
  }
  o.dialect = (gcache_dialect_t)(choice[0] >> 2 & 3);
  o.conns_per_peer = 4;
  o.limits.value_max = VALUE_MAX;
  if (choice[0] & 16) {
    o.limits.head_max = 400;
    o.limits.head_lines_max = 8;
    o.limits.chunk_meta_max = 30;
    o.limits.control_max = 12;
    o.limits.streams_max = 2;
  }
  if (choice[0] & 32) o.response_timeout_ms = 700;
  fuzz_check(gcache_open(&peer.h.cache, &o) == 0, "open");
  gcache_group_options_init(&go);
  go.max_bytes = GROUP_BYTES;
  go.getter = on_load;
  go.hot = GCACHE_HOT_ON;
  if (choice[0] & 64) go.stale_ms = go.error_ms = go.not_found_ms = 3000;
  peer.group = house_group(&peer.h, "g", &go);
  snprintf(url, sizeof url, "http://127.0.0.1:%d", peer.port);
  fuzz_check(gcache_set_peers(peer.h.cache, urls, NULL, 1) == 0, "a peer");
  house_turn(&peer.h);
  peer.base = peer.h.bytes;
  peer.n_lines = peer.now = peer.n_asked = peer.n_held = 0;
  peer.is_honest = 0;
}

static void do_deed(unsigned deed, size_t *step) {
  static const uint64_t ms[] = {1, 300, 1000, 5100};
  unsigned more = deed >> 3;
  struct line *line = peer.now < peer.n_lines ? &peer.lines[peer.now] : NULL;
  switch (deed & 7) {
  case 0:
    peer.now = peer.n_lines == 0 ? 0 : more % peer.n_lines;
    break;
  case 1:
    house_pass(&peer.h, ms[more & 3]);
    if (more & 4) *step = more + 1;
    break;
  case 2:
    if (line != NULL && line->fd >= 0)
      (more & 1) ? (void)shutdown(line->fd, SHUT_WR) : close_line(line);
    break;
  case 3:
  case 4:
    ask((deed & 7) == 3, more);
    break;
  case 5:
    cancel(more);
    break;
  case 6:
    answer_held(NULL);
    break;
  case 7:
    if (line != NULL) say(line, more);
    break;
  }
  settle();
}

static void check_answered(void) {
  for (size_t i = 0; i < peer.n_asked; i++)
    fuzz_check(peer.asked[i].runs == 1, "each is answered in its time");
}

static void be_honest(void) {
  for (size_t i = 0; i < peer.n_lines; i++)
    close_line(&peer.lines[i]);
  peer.n_lines = peer.n_asked = 0;
  peer.is_honest = 1;
  answer_held(NULL);
  settle();
  ask(1, 0);
  settle();
  for (int i = 0; i < 3 && peer.asked[0].runs == 0; i++) {
    house_pass(&peer.h, TIMEOUT_MS / 4);
    settle();
  }
  check_answered();
  fuzz_check(peer.asked[0].status == 0, "an honest peer's answer is delivered");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const unsigned first[] = {1, 2, 5, 20};
  if (size < 3) return 0;
  struct house_script script = {data + 2, data + size};
  size_t step = data[1] == 0 ? SIZE_MAX : data[1];
  int deed;
  open_asker(data);
  for (unsigned i = 0; i < first[data[0] >> 6]; i++)
    ask(1, 0);
  settle();
  for (;;) {
    feed(house_next_bytes(&script), step);
    if ((deed = house_next_deed(&script)) < 0) break;
    do_deed((unsigned)deed, &step);
  }
  for (int i = 0; i < 4; i++) {
    house_pass(&peer.h, TIMEOUT_MS / 4 + 1);
    settle();
  }
  check_answered();
  be_honest();
  for (size_t i = 0; i < peer.n_lines; i++)
    close_line(&peer.lines[i]);
  house_close(&peer.h, answer_held, NULL);
  return 0;
}
