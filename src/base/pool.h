/*
 * A bounded pool of threads that run small pieces of work in the order they came.
 *
 * pool_submit never blocks: a full queue says so, and the caller answers 503. Threads are started
 * when first needed.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>

struct pool;

/* An entry of the queue, embedded in what it works on; belongs to the pool from submit until `run`
 * is called. */
struct pool_work {
    void (*run)(struct pool_work *work); /* on a thread of the pool */
    struct pool_work *next;
};

struct pool *pool_new(const char *name, size_t threads, size_t queue_max); /* NULL: no memory */
/*
 * For pieces of some microseconds: of the threads that are there no more than `most` are woken for
 * work at a time, beside those that say that they wait. Before the first submit.
 */
void pool_wake_most(struct pool *pool, size_t most);
/* Takes no more, runs what is queued, then ends the threads and waits for them. */
void pool_stop(struct pool *pool);
void pool_free(struct pool *pool); /* stops it first */
bool pool_submit(struct pool *pool, struct pool_work *work) __attribute__((warn_unused_result));
/* All of a list (linked by `next`) under one lock and with one wake-up; what there is no room for
 * is left in `*list`. */
void pool_submit_all(struct pool *pool, struct pool_work **list);

/* Around a wait for another thread or process, on any thread: the pool that the thread is of wakes
 * another one for its work meanwhile. */
void pool_wait_begin(void);
void pool_wait_end(void);

#endif
