/* find/lines - members as text: "URL", or "URL weight", one a line, # begins a comment. Pure; fails
 * with UV_EINVAL where a line is something else, UV_ENOMEM, UV_E2BIG. */
#ifndef GCI_FIND_LINES_H
#define GCI_FIND_LINES_H

#include "find/list.h"

/* One line, without its end, added to list. 0: it is added; 1: there is nothing in it. */
int gci_find_line_read(struct gci_find_list *list, gcache_bytes_t line);
/* All lines of a file. *line: the number of the one that failed, from 1. */
int gci_find_lines_read(struct gci_find_list *list, gcache_bytes_t text, size_t *line);

#endif
