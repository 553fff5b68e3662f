/* raw - the hostile other side: servers and clients of plain bytes on the loop under test. Received
 * bytes are collected; the test decides what is sent, byte for byte, and in which pieces. */
#ifndef TEST_NET_RAW_H
#define TEST_NET_RAW_H

#include <stddef.h>
#include <uv.h>

#include "place.h"

struct raw_server;

/* One connection, of either side. Closed ones stay readable until the test ends. */
struct raw {
  union {
    union place_handle at;
    uv_tcp_t tcp;
  };
  uv_connect_t connect;
  struct raw_server *server; /* NULL: a client */
  char *in;                  /* zero-terminated */
  size_t in_len, in_cap;
  int requests;        /* whole ones received, of a server's connection */
  const char *request; /* in on_request: the one that has come, */
  size_t request_len;  /* with its body */
  int reads;           /* that brought bytes */
  int connected, ended, closed, paused;
  int end_status; /* UV_EOF or worse, once ended */
};

#define RAW_CONNECTIONS 64

struct raw_server {
  union {
    union place_handle at;
    uv_tcp_t tcp;
  };
  int port;
  char url[64];
  struct raw *connections[RAW_CONNECTIONS];
  int n; /* accepted so far */
  int requests;
  /* A whole request has come: its head, and the body that Content-Length states. */
  void (*on_request)(struct raw *c);
  int closed;
};

void raw_server_open(struct raw_server *s, uv_loop_t *loop, void (*on_request)(struct raw *c));
void raw_server_stop(struct raw_server *s);  /* refuses from now on; connections stay */
void raw_server_close(struct raw_server *s); /* and them too; then run the loop */
void raw_server_free(struct raw_server *s);
void raw_server_end(struct raw_server *s); /* closes, runs the loop until all is, frees */

struct raw *raw_connect(uv_loop_t *loop, int port);
/* Over TCP, from an address of this machine: to 127.0.0.1 from one of loopback's, to itself from
 * any other. */
struct raw *raw_connect_from(uv_loop_t *loop, const char *from, int port);
void raw_send(struct raw *c, const char *bytes, size_t len);
void raw_say(struct raw *c, const char *text);
/* One byte a loop turn. */
void raw_dribble(struct raw *c, const char *text);
void raw_pause(struct raw *c); /* reads no more, so that the other side's writes stall */
void raw_resume(struct raw *c);
void raw_finish(struct raw *c); /* no more is sent: the other side reads an end */
void raw_close(struct raw *c);
void raw_reset(struct raw *c);
void raw_free(struct raw *c); /* closed */

/* Answers in a connection's stead. */
void raw_answer_value(struct raw *c, const char *value);

/* Where needle first stands in what c received, and how often. */
const char *raw_find(const struct raw *c, const char *needle);
int raw_count(const struct raw *c, const char *needle);

/* Runs the loop until *flag >= n. Fails the test when the loop has nothing left to do. */
void run_loop_until(uv_loop_t *loop, const int *flag, int n);
void run_loop_turns(uv_loop_t *loop, int turns); /* without waiting */

#endif
