/*
 * Memory for libuv.
 *
 * libuv ends the process when it can't enlarge the table of its descriptors or start its threads.
 * So what it asks for is tried again for a while, which only the loop that asks has to wait for.
 */
#ifndef HTTP_PATIENCE_H
#define HTTP_PATIENCE_H

#include "base/arena.h"
#include "base/err.h"

/* Before anything else of libuv. Starts the threads that write uploads, so that those who come
 * later need none. */
MUST_CHECK err patience_begin(struct arena *mem);

#endif
