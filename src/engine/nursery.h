/* The server's side of the nursery: the process that forks the engine processes (worker/main.c). */
#ifndef ENGINE_NURSERY_H
#define ENGINE_NURSERY_H

#include "base/arena.h"
#include "base/err.h"

struct nursery_options {
    const char *program, *teams_dir;
    int64_t memory_max, keep_us;
};

struct nursery {
    int fd; /* -1: none; else a non-blocking socket for struct nursery_message */
    int64_t pid;
};

MUST_CHECK err nursery_start(struct arena *mem, const struct nursery_options *options,
                             struct nursery *nursery);
/* Ends it, and with it whatever it has forked; waits. Does nothing when there is none. */
void nursery_end(struct nursery *nursery);

#endif
