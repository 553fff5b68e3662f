/* load - gets of new keys without a pause, from a thread of its own, until it is stopped. */
#ifndef LIVE_LOAD_H
#define LIVE_LOAD_H

#include <uv.h>

#include "members.h"

struct load {
  const struct members *all;
  unsigned asked; /* the members that are asked, a bit each */
  const char *salt;

  uv_thread_t thread;
  uv_sem_t batch_done;
  uv_mutex_t mutex;
  int stop;

  /* Figures, valid after load_end(). */
  unsigned gets, wrong, unanswered;
  double slowest_ms;
};

/* 0, or -1. */
int load_begin(struct load *load);
/* Returns when n more batches have been answered. */
void load_pass(struct load *load, int n);
void load_end(struct load *load);

#endif
