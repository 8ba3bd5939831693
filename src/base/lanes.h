/*
 * Lanes: the work of many owners on the threads of one pool, so that none is in the way of another.
 *
 * Each owner has a lane, found by a key. Of the places, which are as many as the pool's threads, a
 * lane may take one while it has fewer than are free, and fewer than its width: alone it gets half
 * of them, the next one half of what is left, and there is a place for who comes next. What finds
 * no place waits in its lane, in order; lanes that wait take turns. Of the waiting room a lane may
 * have half of what is left as well. Any thread.
 */
#ifndef BASE_LANES_H
#define BASE_LANES_H

#include "base/pool.h"
#include "base/str.h"

#define LANE_KEY_MAX 64

struct lanes;
struct lane;

/* Embedded in what it works on; belongs to the lanes from the call until `run` is called. */
struct lane_work {
    struct pool_work work; /* the lanes' own, as `next` and `lane` */
    struct lane_work *next;
    struct lane *lane;
    void (*run)(struct lane_work *work); /* on a thread of the pool */
};

struct lanes_options {
    struct pool *pool;
    size_t places;      /* at most the pool's threads */
    size_t width;       /* places that one lane may have */
    size_t waiting_max; /* of all lanes */
};

struct lanes *lanes_new(const struct lanes_options *options); /* NULL: no memory */
/* After the pool was stopped, which runs all that waits. NULL is fine. */
void lanes_free(struct lanes *lanes);

/* Runs it when its turn comes. False: too many wait, the key is too long, there is no memory or no
 * thread. */
bool lanes_submit(struct lanes *lanes, str key, struct lane_work *work)
    __attribute__((warn_unused_result));
/* The same for who is on a thread of the pool: at once and here when there is a place. */
bool lanes_run(struct lanes *lanes, str key, struct lane_work *work)
    __attribute__((warn_unused_result));

#endif
