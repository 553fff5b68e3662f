/* node_http - replies and parameters: what every route needs of HTTP. */
#ifndef NODE_HTTP_H
#define NODE_HTTP_H

#include "node.h"
#include "node_text.h"

/* name and value must be zero-terminated and live until the reply is given. */
gcache_header_t header_line(const char *name, const char *value);

/* After any of these x is gone. */
void reply_text(gcache_exchange_t *x, int status, const char *text);
void reply_json(gcache_exchange_t *x, int status, struct text *json); /* frees json */
/* status: of a call of gcache that was refused or has failed; reason NULL or "": its own text. */
void reply_error(gcache_exchange_t *x, int status, const char *reason);

/* What the query must say. On -1 and NULL the reply is given already. want_ms: 0 where it says
 * nothing. */
int want_param(gcache_exchange_t *x, const char *name, gcache_bytes_t *out);
int want_ms(gcache_exchange_t *x, const char *name, uint64_t *out);
gcache_group_t *want_group(struct node *node, gcache_exchange_t *x);

#endif
