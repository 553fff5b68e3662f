#include "cast.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT_ONCE 2 /* members that something has befallen */

static void start_member(struct cast_member *m);

static int slot_of(const struct cast_member *m) {
  return (int)(m - m->cast->members);
}

static void note(struct cast *cast) {
  atomic_store(&cast->truth->disturbed_ms, truth_now_ms());
}

/* ----------------------------------------------------------------------------------- lists ---- */

static void on_said(uv_write_t *write, int status) {
  (void)status; /* who has died does not listen */
  free(write);
}

static void say(struct cast_member *m, const char *line) {
  size_t len = strlen(line);
  uv_write_t *write = malloc(sizeof *write + len);
  if (write == NULL) abort();
  memcpy(write + 1, line, len);
  uv_buf_t buf = uv_buf_init((char *)(write + 1), (unsigned)len);
  if (!m->running || uv_write(write, (uv_stream_t *)&m->orders, &buf, 1, on_said) < 0) free(write);
}

/* Of those who have not left, though they may be about to: who is dead stays on it, as in life. */
static void tell_list(struct cast *cast) {
  char line[1024] = "peers";
  for (int i = 0; i < TRUTH_MEMBERS; i++) {
    if (cast->members[i].fate == CAST_LEFT && cast->members[i].left) continue;
    strcat(strcat(line, " "), cast->members[i].url);
  }
  if (cast->impostor_until_ms > 0) strcat(strcat(line, " "), cast->impostor_url);
  strcat(line, "\n");
  for (int i = 0; i < TRUTH_MEMBERS; i++)
    if (cast->members[i].fate != CAST_LEFT) say(&cast->members[i], line);
}

/* ------------------------------------------------------------------------------- processes ---- */

static void on_words(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  struct cast_member *m = stream->data;
  (void)buf;
  if (n <= 0) return;
  m->line_len += (size_t)n;
  m->line[m->line_len] = '\0';
  if (strcmp(m->line, "left\n") == 0) {
    m->line_len = 0;
    m->left = 1;
    tell_list(m->cast);
    say(m, "quit\n");
    return;
  }
  if (sscanf(m->line, "port %d", &m->proxy.target) != 1 || strchr(m->line, '\n') == NULL) return;
  m->line_len = 0;
  tell_list(m->cast);
}

static void on_allocated(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  struct cast_member *m = handle->data;
  (void)suggested;
  *buf = uv_buf_init(m->line + m->line_len, (unsigned)(sizeof m->line - 1 - m->line_len));
}

static void on_handle_closed(uv_handle_t *handle) {
  struct cast_member *m = handle->data;
  struct cast *cast = m->cast;
  if (--m->ending > 0) return;
  m->running = 0;
  if (m->fate != CAST_WELL || cast->is_over) return;
  start_member(m); /* healed while it was going */
}

static void on_exit_of(uv_process_t *process, int64_t status, int signal) {
  struct cast_member *m = process->data;
  struct cast *cast = m->cast;
  int was_asked = m->fate == CAST_KILLED ? signal == SIGKILL : status == 0 && signal == 0;
  if (!was_asked && m->fate != CAST_WELL) was_asked = signal == SIGKILL;
  if (m->fate == CAST_WELL && !cast->is_over && !m->leaving) was_asked = signal == SIGKILL;
  m->left = m->left || m->leaving;
  m->leaving = 0;
  if (!was_asked) {
    cast->bad_ends++;
    printf("member %d ended with status %lld, signal %d\n", slot_of(m), (long long)status, signal);
  }
  m->proxy.target = 0;
  proxy_reset_all(&m->proxy);
  truth_buried(cast->truth, slot_of(m));
  note(cast);
  m->ending = 3;
  uv_close((uv_handle_t *)&m->process, on_handle_closed);
  uv_close((uv_handle_t *)&m->orders, on_handle_closed);
  uv_close((uv_handle_t *)&m->words, on_handle_closed);
}

static void start_member(struct cast_member *m) {
  struct cast *cast = m->cast;
  char fd[16], slot[16], word[] = "member";
  char *args[] = {(char *)(uintptr_t)cast->program, word, fd, slot, m->url, NULL};
  snprintf(fd, sizeof fd, "%d", 3);
  snprintf(slot, sizeof slot, "%d", slot_of(m));
  uv_pipe_init(cast->loop, &m->orders, 0);
  uv_pipe_init(cast->loop, &m->words, 0);
  m->process.data = m->orders.data = m->words.data = m;
  uv_stdio_container_t stdio[] = {
      {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&m->orders},
      {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&m->words},
      {.flags = UV_INHERIT_FD, .data.fd = 2},
      {.flags = UV_INHERIT_FD, .data.fd = cast->truth_fd}};
  uv_process_options_t options = {
      .file = cast->program, .args = args, .exit_cb = on_exit_of, .stdio = stdio, .stdio_count = 4};
  m->line_len = 0;
  if (uv_spawn(cast->loop, &m->process, &options) < 0) abort();
  m->running = 1;
  uv_read_start((uv_stream_t *)&m->words, on_allocated, on_words);
}

/* -------------------------------------------------------------------------------- impostor ---- */

static void on_impostor_closed(uv_handle_t *handle) {
  free(handle);
}

static void on_impostor_said(uv_write_t *write, int status) {
  uv_stream_t *stream = write->handle;
  (void)status;
  free(write);
  if (rand() % 3 == 0 && !uv_is_closing((uv_handle_t *)stream))
    uv_close((uv_handle_t *)stream, on_impostor_closed);
}

static const char *nonsense(void) {
  static const char *const words[] = {
      "HTTP/1.1 200 OK\r\nGcache: 1\r\nContent-Length: 5\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nGcache: 1\r\nContent-Type: application/protobuf\r\nContent-Length: "
      "9\r\n\r\n\n\005hello12",
      "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
      "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 504 Gateway Timeout\r\nGcache: 1\r\nGcache-Reason: not-cached\r\nGcache-Http: "
      "2\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
      "\001\002\003\004 nothing of the kind",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n",
      ""};
  return words[(unsigned)rand() % (sizeof words / sizeof words[0])];
}

static void on_impostor_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  struct cast *cast = stream->loop->data;
  free(buf->base);
  if (n < 0) {
    if (!uv_is_closing((uv_handle_t *)stream)) uv_close((uv_handle_t *)stream, on_impostor_closed);
    return;
  }
  cast->impostor_asked++;
  const char *words = nonsense();
  uv_buf_t said = uv_buf_init((char *)(uintptr_t)words, (unsigned)strlen(words));
  uv_write_t *write = malloc(sizeof *write);
  if (write == NULL) abort();
  if (uv_write(write, stream, &said, 1, on_impostor_said) < 0) free(write);
}

static void on_impostor_allocated(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
  (void)handle;
  *buf = uv_buf_init(malloc(suggested), (unsigned)suggested);
}

static void on_impostor_met(uv_stream_t *server, int status) {
  uv_tcp_t *tcp = malloc(sizeof *tcp);
  if (status < 0 || tcp == NULL) abort();
  uv_tcp_init(server->loop, tcp);
  if (uv_accept(server, (uv_stream_t *)tcp) < 0)
    uv_close((uv_handle_t *)tcp, on_impostor_closed);
  else
    uv_read_start((uv_stream_t *)tcp, on_impostor_allocated, on_impostor_read);
}

static int open_impostor(struct cast *cast) {
  struct sockaddr_in address;
  int len = sizeof address;
  uv_ip4_addr("127.0.0.1", 0, &address);
  int rc = uv_tcp_init(cast->loop, &cast->impostor);
  if (rc == 0) rc = uv_tcp_bind(&cast->impostor, (struct sockaddr *)&address, 0);
  if (rc == 0) rc = uv_listen((uv_stream_t *)&cast->impostor, 128, on_impostor_met);
  if (rc == 0) rc = uv_tcp_getsockname(&cast->impostor, (struct sockaddr *)&address, &len);
  snprintf(cast->impostor_url, sizeof cast->impostor_url, "http://127.0.0.1:%d",
           ntohs(address.sin_port));
  return rc;
}

/* ------------------------------------------------------------------------------------ fate ---- */

static void set_fate(struct cast_member *m, enum cast_fate fate, uint64_t ms) {
  m->fate = fate;
  m->until_ms = truth_now_ms() + ms;
  note(m->cast);
}

/* A member that left is on the list again before it is there: a change that it misses is not whole. */
static void recover(struct cast_member *m) {
  enum cast_fate fate = m->fate;
  if (fate == CAST_LEFT && m->running) return; /* it has not gone yet */
  m->fate = CAST_WELL;
  m->left = 0;
  note(m->cast);
  if (fate == CAST_STOPPED) uv_process_kill(&m->process, SIGCONT);
  if (fate == CAST_WIRE) proxy_set(&m->proxy, PROXY_FINE, 0);
  if (fate == CAST_LEFT) tell_list(m->cast);
  if ((fate == CAST_LEFT || fate == CAST_KILLED) && !m->running) start_member(m);
}

static void disturb_wire(struct cast_member *m) {
  struct cast *cast = m->cast;
  switch (rand() % 4) {
  case 0:
    cast->delays++;
    proxy_set(&m->proxy, PROXY_DELAY, 1 + (uint64_t)rand() % 100);
    break;
  case 1:
    cast->silences++;
    proxy_set(&m->proxy, PROXY_SILENCE, 0);
    break;
  case 2:
    cast->cuts++;
    proxy_set(&m->proxy, PROXY_TRUNCATE, (uint64_t)rand() % 20000);
    break;
  default:
    cast->resets++;
    proxy_reset_all(&m->proxy);
    break;
  }
  set_fate(m, CAST_WIRE, (uint64_t)rand() % 4000);
}

static void befall(struct cast_member *m) {
  struct cast *cast = m->cast;
  switch (rand() % 6) {
  case 0:
    cast->kills++;
    set_fate(m, CAST_KILLED, (uint64_t)rand() % 3000);
    uv_process_kill(&m->process, SIGKILL);
    break;
  case 1:
    cast->stops++;
    set_fate(m, CAST_STOPPED, (uint64_t)rand() % 6000);
    uv_process_kill(&m->process, SIGSTOP);
    break;
  case 2:
    cast->leaves++;
    set_fate(m, CAST_LEFT, (uint64_t)rand() % 3000);
    m->leaving = 1;
    uv_process_kill(&m->process, SIGTERM);
    break;
  default:
    disturb_wire(m);
    break;
  }
}

static void disturb_list(struct cast *cast) {
  uint64_t now_ms = truth_now_ms();
  if (cast->impostor_until_ms > 0 && now_ms < cast->impostor_until_ms) return;
  int was = cast->impostor_until_ms > 0;
  cast->impostor_until_ms = 0;
  if (!was && rand() % 10 == 0) {
    cast->impostures++;
    cast->impostor_until_ms = now_ms + 2000;
  }
  if (was || cast->impostor_until_ms > 0) {
    note(cast);
    tell_list(cast);
  }
}

void cast_disturb(struct cast *cast) {
  uint64_t now_ms = truth_now_ms();
  int ailing = 0;
  disturb_list(cast);
  for (int i = 0; i < TRUTH_MEMBERS; i++) {
    struct cast_member *m = &cast->members[i];
    if (m->fate != CAST_WELL && now_ms >= m->until_ms) recover(m);
    ailing += m->fate != CAST_WELL;
  }
  struct cast_member *m = &cast->members[rand() % TRUTH_MEMBERS];
  if (ailing < AT_ONCE && m->fate == CAST_WELL && m->running && m->ending == 0 &&
      m->proxy.target != 0)
    befall(m);
}

void cast_heal(struct cast *cast) {
  for (int i = 0; i < TRUTH_MEMBERS; i++)
    if (cast->members[i].fate != CAST_WELL) recover(&cast->members[i]);
  if (cast->impostor_until_ms == 0) return;
  cast->impostor_until_ms = 0;
  note(cast);
  tell_list(cast);
}

/* ------------------------------------------------------------------------------ start, end ---- */

int cast_start(struct cast *cast, const char *program) {
  cast->loop = uv_default_loop();
  cast->loop->data = cast;
  cast->program = program;
  cast->truth = truth_new(&cast->truth_fd);
  if (cast->truth == NULL || open_impostor(cast) < 0) return -1;
  note(cast);
  for (int i = 0; i < TRUTH_MEMBERS; i++) {
    struct cast_member *m = &cast->members[i];
    m->cast = cast;
    if (proxy_open(&m->proxy, cast->loop) < 0) return -1;
    snprintf(m->url, sizeof m->url, "http://127.0.0.1:%d", m->proxy.port);
  }
  for (int i = 0; i < TRUTH_MEMBERS; i++)
    start_member(&cast->members[i]);
  atomic_store(&cast->truth->writing, 1);
  return 0;
}

static void close_one(uv_handle_t *handle, void *arg) {
  (void)arg;
  if (handle->type == UV_TCP && !uv_is_closing(handle)) uv_unref(handle);
}

void cast_say_to(struct cast *cast, int slot, const char *line) {
  say(&cast->members[slot], line);
}

void cast_say(struct cast *cast, const char *line) {
  for (int i = 0; i < TRUTH_MEMBERS; i++)
    say(&cast->members[i], line);
}

/* Sockets of proxy and impostor do not keep the loop; the processes do until they have ended. */
void cast_end(struct cast *cast) {
  cast->is_over = 1;
  cast_say(cast, "quit\n");
  uv_walk(cast->loop, close_one, NULL);
}

void cast_report(const struct cast *cast) {
  printf("%u kills, %u stops, %u leaves, %u delays, %u silences, %u cuts, %u resets; %u times an "
         "impostor, asked "
         "%u times; %u members ended in a wrong way\n",
         cast->kills, cast->stops, cast->leaves, cast->delays, cast->silences, cast->cuts,
         cast->resets, cast->impostures, cast->impostor_asked, cast->bad_ends);
}
