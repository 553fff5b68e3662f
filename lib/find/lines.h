/* find/lines - members as text: "URL", or "URL weight", one per line; # begins a comment. Pure;
 * fails with UV_EINVAL for any other line, UV_ENOMEM, UV_E2BIG. */
#ifndef GCI_FIND_LINES_H
#define GCI_FIND_LINES_H

#include "find/list.h"

/* Adds one line, without its end, to list. 0: added; 1: the line is empty. */
int gci_find_line_read(struct gci_find_list *list, gcache_bytes_t line);
/* All lines of a file. *line: the number of the line that failed, from 1. */
int gci_find_lines_read(struct gci_find_list *list, gcache_bytes_t text, size_t *line);

#endif
