/*
 * A file looked at through a window: mapped piece by piece, so that its size takes neither memory
 * nor addresses, of which an engine process has few.
 */
#ifndef ENGINE_WORKER_FILE_VIEW_H
#define ENGINE_WORKER_FILE_VIEW_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define VIEW_WINDOW ((size_t)64 << 20) /* bytes */

struct file_view {
    int fd;
    size_t size, window;
    void *map; /* NULL: none yet */
    size_t from, len;
    bool failed; /* there were no addresses for a piece: what was looked for may be there */
};

/* `window` is a multiple of the page's size. The caller closes, unless this fails. */
MUST_CHECK err view_open(struct arena *mem, const char *path, size_t window, struct file_view *out);
void view_close(struct file_view *view);
/* The bytes from `at` to the end of a window, until the next call; none: the file ends there, or
 * `failed`. */
str view_at(struct file_view *view, size_t at);

#endif
