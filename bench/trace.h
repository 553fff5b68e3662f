/* trace - the requests of a trace, in order, read from a file: one key, or `key,size`, per line,
 * plain or gzip. Keys are numbered from 0 in the order in which they first appear. */
#ifndef BENCH_TRACE_H
#define BENCH_TRACE_H

#include <stddef.h>
#include <stdint.h>

struct trace {
  char name[64];   /* the file's, up to its first dot */
  uint32_t *asked; /* a key's number for every request */
  size_t n_asked;
  uint64_t *sizes; /* of a key's value in bytes, as first seen; 1 where the file gives none */
  size_t n_keys;
  uint64_t bytes; /* of all keys' values */
  int sized;      /* the file gives sizes */
};

/* Ends the process if the file cannot be read: see bench_need(). */
void trace_read(struct trace *trace, const char *path);
void trace_free(struct trace *trace);

#endif
