#include "load.h"

#include <stdlib.h>
#include <string.h>

#define BATCH 240
#define PER_PORT 8

static int has_to_stop(struct load *load) {
  int stop;

  uv_mutex_lock(&load->mutex);
  stop = load->stop;
  uv_mutex_unlock(&load->mutex);
  return stop;
}

static void judge(struct load *load, const struct request *r, unsigned i) {
  char wanted[64];
  double ms = (double)(r->answered_ns - r->sent_ns) / 1e6;

  load->gets++;
  if (r->status == 0) {
    load->unanswered++;
    return;
  }
  snprintf(wanted, sizeof wanted, "|%s%u|", load->salt, i);
  if (r->status != 200 || strstr(r->text, wanted) == NULL) {
    if (load->wrong++ == 0)
      printf("      first wrong answer, port %d, %s: %d, %.0f ms, %s\n", r->port, wanted, r->status,
             ms, r->text);
  }
  if (ms > load->slowest_ms) load->slowest_ms = ms;
}

static void run_batch(struct load *load, unsigned first) {
  struct request *r = calloc(BATCH, sizeof *r);
  char text[64];
  struct key key;
  int member = 0;

  if (r == NULL) exit(1);
  for (unsigned i = 0; i < BATCH; i++) {
    do
      member = (member + 1) % N_MEMBERS;
    while (!(load->asked & 1u << member));
    snprintf(text, sizeof text, "%s%u", load->salt, first + i);
    key_of(&key, text);
    r[i] = member_request(load->all, member, "/get?group=demo&key=", &key);
  }
  client_run(r, BATCH, PER_PORT, 15000); /* longer than the node lets a get wait */
  for (unsigned i = 0; i < BATCH; i++)
    judge(load, &r[i], first + i);
  client_free(r, BATCH);
}

static void run(void *arg) {
  struct load *load = arg;

  for (unsigned first = 0; !has_to_stop(load); first += BATCH) {
    run_batch(load, first);
    uv_sem_post(&load->batch_done);
  }
}

int load_begin(struct load *load) {
  if (uv_sem_init(&load->batch_done, 0) < 0 || uv_mutex_init(&load->mutex) < 0) return -1;
  return uv_thread_create(&load->thread, run, load) < 0 ? -1 : 0;
}

void load_pass(struct load *load, int n) {
  while (uv_sem_trywait(&load->batch_done) == 0) /* those answered before the call */
    continue;
  while (n-- > 0)
    uv_sem_wait(&load->batch_done);
}

void load_end(struct load *load) {
  uv_mutex_lock(&load->mutex);
  load->stop = 1;
  uv_mutex_unlock(&load->mutex);
  uv_thread_join(&load->thread);
  uv_sem_destroy(&load->batch_done);
  uv_mutex_destroy(&load->mutex);
}
