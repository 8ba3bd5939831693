/*
 * The end of the log, kept in memory for those who look after the server: the last LOG_TAIL_LINES
 * lines, numbered 1, 2, 3 ... from the start of the process. Of a line that has more than
 * LOG_TAIL_BYTES of text the rest is left out. Fixed size; any thread.
 */
#ifndef BASE_LOG_TAIL_H
#define BASE_LOG_TAIL_H

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"

#define LOG_TAIL_LINES 500
#define LOG_TAIL_BYTES 1400

struct log_tail;

struct log_entry {
    int64_t n, at;
    str level, area, message;
    str fields; /* JSON: the named values */
};

extern const struct field log_entry_fields[];

struct log_tail *log_tail_new(void); /* NULL: no memory */
void log_tail_free(struct log_tail *tail);
/* Texts are copied; `pairs` as log_pairs has them, or NULL. */
void log_tail_add(struct log_tail *tail, int64_t at, const char *level, const char *area,
                  const char *message, const char *const *pairs);
/* The number of the newest line; 0: there is none. */
int64_t log_tail_last(struct log_tail *tail);
/* The newest `limit` lines of those after number `after`, oldest first, as struct log_entry. */
MUST_CHECK err log_tail_read(struct log_tail *tail, struct arena *mem, int64_t after, size_t limit,
                             struct list *out);

#endif
