/* Where a page ended, as a text that only we read. */
#ifndef ENGINE_WORKER_CURSOR_H
#define ENGINE_WORKER_CURSOR_H

#include "base/arena.h"
#include "base/err.h"

struct cursor {
    int64_t version;  /* of what is read */
    int64_t position; /* rows before the next one */
};

/* `of`: what is paged through (its kind and name): a cursor of another is not taken. */
str cursor_text(struct arena *mem, str of, struct cursor cursor);
/* 400 invalid_cursor. */
MUST_CHECK err cursor_read(struct arena *mem, str of, str text, struct cursor *out);

#endif
