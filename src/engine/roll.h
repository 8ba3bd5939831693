/*
 * The roll: which calls of the engine are under way, and which of them is to be cancelled.
 *
 * A call puts itself on it, from its caller's stack, and takes itself off when it returns: the roll
 * holds no memory of its own and is as long as there are threads that call. What it says of a call
 * (texts) is the caller's, and is copied only for who asks. Any thread.
 */
#ifndef ENGINE_ROLL_H
#define ENGINE_ROLL_H

#include <pthread.h>

#include "engine/engine.h"

#define ROLL_SQL_MAX 1000 /* bytes of a query that are told */

struct roll_call {
    struct roll_call *previous, *next;
    int64_t id;
    int64_t started_us; /* wall clock */
    int64_t began_us;   /* steady clock */
    str team, kind, sql, subject;
    atomic_bool cancelled; /* by whoever looked at the roll */
    atomic_bool running;   /* a process works on it; else it waits for one */
};

struct roll {
    pthread_mutex_t lock;
    struct roll_call calls; /* the ring's head */
    int64_t last_id;
};

void roll_init(struct roll *roll);
void roll_done(struct roll *roll);
void roll_enter(struct roll *roll, struct roll_call *call);
void roll_leave(struct roll *roll, struct roll_call *call);
/* The longest under way first. */
MUST_CHECK err roll_calls(struct roll *roll, struct arena *mem, struct engine_call **out,
                          size_t *n);
/* False: no such call is under way (any more). `out` is as it was then. */
bool roll_cancel(struct roll *roll, int64_t id, struct arena *mem, struct engine_call *out);
MUST_CHECK err roll_cancelled(struct arena *mem); /* what such a call is told; never NULL */

#endif
