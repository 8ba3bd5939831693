/*
 * The end of a thread's stack, met by what a statement makes a library do.
 *
 * How deep a value nests is known only when it is there (repeat('[', 1000000)), and what recurses
 * over it is DuckDB. So a thread that runs off its stack answers its call (422 query_depth) from
 * memory kept aside, and the process ends. All other faults end it by their signal.
 */
#ifndef ENGINE_WORKER_OVERFLOW_H
#define ENGINE_WORKER_OVERFLOW_H

#include <stdbool.h>

#define OVERFLOW_GUARD (64 * 1024) /* bytes below a stack that nothing may touch */

/* Where a thread answers from; on the thread's own stack, as long as it runs anything. */
struct overflow_room {
    char stack[64 * 1024];
};

/* Once a process, before its calls. False: it can't be. */
bool overflow_prepare(void);
/* On each thread that works for a call: `fd` is the call's socket. */
void overflow_watch(struct overflow_room *room, int fd);

#endif
