#include "trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "bench.h"

/* Open addressing; a slot holds a key's number + 1. The bytes of the keys are stored one after the
 * other. */
struct names {
  uint32_t *slots;
  size_t n_slots;
  size_t *starts; /* in text, by number; one more than there are keys */
  char *text;
  size_t text_len, text_room, room; /* room: of starts and sizes */
};

static void *grow(void *block, size_t n, size_t size) {
  block = reallocarray(block, n, size);
  if (block == NULL) bench_need(UV_ENOMEM, "trace");
  return block;
}

static uint64_t hash_of(const char *key, size_t len) {
  uint64_t h = 14695981039346656037u;
  for (size_t i = 0; i < len; i++)
    h = (h ^ (unsigned char)key[i]) * 1099511628211u;
  return h ^ h >> 32;
}

static uint32_t *slot_of(struct names *names, const char *key, size_t len) {
  for (size_t i = hash_of(key, len);; i++) {
    uint32_t *slot = &names->slots[i & (names->n_slots - 1)];
    if (*slot == 0) return slot;
    const size_t *start = &names->starts[*slot - 1];
    if (start[1] - start[0] == len && memcmp(names->text + start[0], key, len) == 0) return slot;
  }
}

static void double_slots(struct names *names, size_t n_keys) {
  names->n_slots = names->n_slots == 0 ? 1024 : names->n_slots * 2;
  names->slots = grow(names->slots, names->n_slots, sizeof *names->slots);
  memset(names->slots, 0, names->n_slots * sizeof *names->slots);
  for (size_t i = 0; i < n_keys; i++) {
    size_t start = names->starts[i];
    *slot_of(names, names->text + start, names->starts[i + 1] - start) = (uint32_t)i + 1;
  }
}

static void add_key(struct trace *trace, struct names *names, const char *key, size_t len,
                    uint64_t size) {
  if (trace->n_keys + 2 > names->room) {
    names->room = names->room == 0 ? 1024 : names->room * 2;
    names->starts = grow(names->starts, names->room, sizeof *names->starts);
    trace->sizes = grow(trace->sizes, names->room, sizeof *trace->sizes);
  }
  if (names->text_len + len > names->text_room) {
    names->text_room = names->text_room * 2 + len;
    names->text = grow(names->text, names->text_room, 1);
  }
  memcpy(names->text + names->text_len, key, len);
  names->starts[trace->n_keys] = names->text_len;
  names->starts[trace->n_keys + 1] = names->text_len += len;
  trace->sizes[trace->n_keys++] = size;
  trace->bytes += size;
}

/* The size behind the last comma, which ends the key; 0: there is none. */
static uint64_t split(const char *line, size_t *len) {
  const char *comma = memrchr(line, ',', *len);
  char *end;
  if (comma == NULL || comma + 1 == line + *len) return 0;
  uint64_t size = strtoull(comma + 1, &end, 10);
  if (end != line + *len) return 0;
  *len = (size_t)(comma - line);
  return size;
}

static void add_line(struct trace *trace, struct names *names, size_t *room, const char *line,
                     size_t len) {
  uint64_t size = split(line, &len);
  if (trace->n_keys * 2 >= names->n_slots) double_slots(names, trace->n_keys);
  uint32_t *slot = slot_of(names, line, len);
  if (*slot == 0) {
    add_key(trace, names, line, len, size == 0 ? 1 : size);
    *slot = (uint32_t)trace->n_keys;
  }
  if (trace->n_asked == *room) {
    *room = *room == 0 ? 65536 : *room * 2;
    trace->asked = grow(trace->asked, *room, sizeof *trace->asked);
  }
  trace->asked[trace->n_asked++] = *slot - 1;
  trace->sized |= size != 0;
}

/* gzip -cdf passes on what is not compressed. */
static FILE *open_through_gzip(const char *path, pid_t *pid) {
  int ends[2];
  if (access(path, R_OK) != 0) bench_need(UV_ENOENT, path);
  if (pipe(ends) != 0) bench_need(UV_EMFILE, "pipe");
  *pid = fork();
  if (*pid == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    execlp("gzip", "gzip", "-cdf", "--", path, (char *)NULL);
    _exit(127);
  }
  close(ends[1]);
  return fdopen(ends[0], "r");
}

static void name_of(char name[64], const char *path) {
  const char *slash = strrchr(path, '/');
  const char *base = slash == NULL ? path : slash + 1;
  snprintf(name, 64, "%.*s", (int)strcspn(base, "."), base);
}

void trace_read(struct trace *trace, const char *path) {
  struct names names = {0};
  pid_t pid;
  FILE *file = open_through_gzip(path, &pid);
  char *line = NULL;
  size_t line_room = 0, room = 0;
  ssize_t len;
  int status;

  memset(trace, 0, sizeof *trace);
  name_of(trace->name, path);
  while ((len = getline(&line, &line_room, file)) > 0) {
    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
      len--;
    if (len > 0) add_line(trace, &names, &room, line, (size_t)len);
  }
  fclose(file);
  if (waitpid(pid, &status, 0) != pid || status != 0 || trace->n_asked == 0)
    bench_need(UV_EIO, path);
  free(line);
  free(names.slots);
  free(names.starts);
  free(names.text);
}

void trace_free(struct trace *trace) {
  free(trace->asked);
  free(trace->sizes);
}
