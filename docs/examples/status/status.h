/* status - the page of GET /status: one HTML file with its style and script, compiled into the
 * program. */
#ifndef NODE_STATUS_H
#define NODE_STATUS_H

#include <stddef.h>

extern const unsigned char status_page[];
extern const size_t status_page_len;

#endif
