/*
 * Memory that is freed all at once: for the process, a connection or a request.
 *
 * An arena hands out zeroed memory and never takes a piece back. It has a cap; past it (or when the
 * system has no memory) arena_alloc returns NULL and the arena stays failed until it is reset. Not
 * thread-safe: one owner at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used, cap;           /* bytes asked of the system, and how many may be */
    bool failed;
};

void arena_init(struct arena *mem, size_t cap);
void arena_done(struct arena *mem); /* frees everything; the arena can be used again */
/* Zeroed and aligned for any type; NULL when full. Under ASan what was not handed out is poisoned.
 */
void *arena_alloc(struct arena *mem, size_t size) __attribute__((warn_unused_result));
/* `n` items of `size` bytes, overflow checked. */
void *arena_array(struct arena *mem, size_t n, size_t size) __attribute__((warn_unused_result));
bool arena_failed(const struct arena *mem);
/* Lets an arena go on that has failed, when all that was made since it was whole is made again. */
void arena_forgive(struct arena *mem);
/* Sets room aside, so that the next pieces can be had, as long as they are smaller together. False:
 * there is none; the arena has not failed by it. */
bool arena_reserve(struct arena *mem, size_t size) __attribute__((warn_unused_result));

#define NEW(mem, type) ((type *)arena_alloc((mem), sizeof(type)))

#endif
