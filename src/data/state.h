/* What the files of this room share: the open parts, and the state of each team that this process
 * holds. */
#ifndef DATA_STATE_H
#define DATA_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/lanes.h"
#include "data/data.h"
#include "data/stops.h"
#include "work/clock.h"

/* A job that is being run; stands on the stack of the thread that runs it. */
struct firing {
    struct firing *next;
    int64_t clock_key;
};

struct data {
    struct store *store;
    struct engine *engine;
    struct events *events;
    struct accounts *accounts;
    struct log *log;
    int64_t query_ms;
    const char *uploads_dir;
    int64_t upload_max;
    atomic_bool stopping; /* for what runs in the background */
    int64_t started;      /* of this process, wall clock */
    struct clock *clock;
    pthread_mutex_t scheduling; /* who tells the clock what the store has */
    pthread_mutex_t firing_lock;
    struct firing *firings; /* of jobs that are run now, or wait for their team's turn */
    struct pool *loaders;
    struct lanes *loads; /* that nobody waits for; one of a team at a time */
    struct stops *stops; /* of these */
    struct teams *teams;
};

/*
 * How the engine is asked; `gone` interrupts it: in the name of a request when the client leaves or
 * the server stops, otherwise when the server stops. What is interrupted has changed nothing.
 */
struct ask request_ask(struct request *rq);
struct ask db_ask(struct data *data, struct db *db, str team, const atomic_bool *gone);

#endif
