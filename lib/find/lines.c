/* find/lines - see lines.h. */
#include "find/lines.h"

#include <string.h>
#include <uv.h>

#include "base/bytes.h"

static int is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

static gcache_bytes_t without_comment(gcache_bytes_t line) {
  const char *hash = line.len == 0 ? NULL : memchr(line.base, '#', line.len);

  if (hash != NULL) line.len = (size_t)(hash - (const char *)line.base);
  return line;
}

/* Takes the next word off; len 0: there is none. */
static gcache_bytes_t next_word(gcache_bytes_t *line) {
  const char *p = line->base;
  size_t begin = 0, end;

  while (begin < line->len && is_space(p[begin]))
    begin++;
  for (end = begin; end < line->len && !is_space(p[end]);)
    end++;
  gcache_bytes_t word = gci_bytes_skip(gcache_bytes(p, end), begin);
  *line = gci_bytes_skip(*line, end);
  return word;
}

int gci_find_line_read(struct gci_find_list *list, gcache_bytes_t line) {
  uint64_t weight = 1;

  line = without_comment(line);
  gcache_bytes_t url = next_word(&line), number = next_word(&line), more = next_word(&line);
  if (url.len == 0) return 1;
  if (more.len > 0 || (number.len > 0 && gci_bytes_to_u64(number, &weight) < 0)) return UV_EINVAL;
  return gci_find_list_add(list, url, weight > 1000 ? 0 : (unsigned)weight);
}

int gci_find_lines_read(struct gci_find_list *list, gcache_bytes_t text, size_t *line) {
  int rc = 0;

  for (*line = 0; text.len > 0 && rc >= 0;) {
    const char *end = memchr(text.base, '\n', text.len);
    size_t len = end == NULL ? text.len : (size_t)(end - (const char *)text.base);
    ++*line;
    rc = gci_find_line_read(list, gcache_bytes(text.base, len));
    text = gci_bytes_skip(text, end == NULL ? len : len + 1);
  }
  return rc < 0 ? rc : 0;
}
