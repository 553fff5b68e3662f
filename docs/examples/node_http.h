/* node_http - replies and parameters, for all routes. */
#ifndef NODE_HTTP_H
#define NODE_HTTP_H

#include "node.h"
#include "node_text.h"

/* name and value must be zero-terminated and stay valid until the reply. */
gcache_header_t header_line(const char *name, const char *value);

/* Each of these ends x. */
void reply_text(gcache_exchange_t *x, int status, const char *text);
void reply_json(gcache_exchange_t *x, int status, struct text *json); /* frees json */
/* status: of a gcache call that was refused or has failed; reason NULL or "": the text of
 * status. */
void reply_error(gcache_exchange_t *x, int status, const char *reason);

/* Parameters that the query must have. On -1 and NULL the reply has been given. want_ms: 0 if the
 * parameter is missing. */
int want_param(gcache_exchange_t *x, const char *name, gcache_bytes_t *out);
int want_ms(gcache_exchange_t *x, const char *name, uint64_t *out);
gcache_group_t *want_group(struct node *node, gcache_exchange_t *x);

#endif
