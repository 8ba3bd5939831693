/*
 * Memory for libuv and nghttp2.
 *
 * libuv ends the process when it can't enlarge the table of its descriptors or start its threads;
 * nghttp2 frees twice what it could not queue. So what they ask for is tried again for a while,
 * which only the loop that asks has to wait for.
 */
#ifndef HTTP_PATIENCE_H
#define HTTP_PATIENCE_H

#include <nghttp2/nghttp2.h>

#include "base/arena.h"
#include "base/err.h"

/* Before anything else of libuv. Starts the threads that write uploads, so that those who come
 * later need none. */
MUST_CHECK err patience_begin(struct arena *mem);

nghttp2_mem *patience_h2(void);

#endif
