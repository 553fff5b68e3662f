/* rows - the demo's data: an SQLite file with ROWS generated rows, a few of which expire, and one
 * row that is slow to read. */
#ifndef DEMO_ROWS_H
#define DEMO_ROWS_H

#define ROWS 5000
#define TTL_MS 1500 /* of the rows session:0 to session:9 */

/* Creates the file, in WAL mode, so that it can be changed while nodes read it. 0, or -1 having
 * printed why. */
int rows_make(const char *file);
/* Replaces the value of one row. */
int rows_update(const char *file, const char *key, const char *value);

#endif
