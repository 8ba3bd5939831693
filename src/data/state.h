/* What the files of this room share: the open parts, and the state of each team that this process
 * holds. */
#ifndef DATA_STATE_H
#define DATA_STATE_H

#include <pthread.h>

#include "base/pool.h"
#include "data/data.h"
#include "work/clock.h"

struct data {
    struct store *store;
    struct engine *engine;
    struct events *events;
    struct accounts *accounts;
    struct log *log;
    int64_t query_ms;
    int64_t started; /* of this process, wall clock */
    struct clock *clock;
    struct pool *loaders; /* loads that nobody waits for */
    struct teams *teams;
};

/* The engine asked in the name of a request; `gone` interrupts what only reads. */
struct ask request_ask(struct request *rq);
struct ask request_ask_reading(struct request *rq);
struct ask db_ask(struct data *data, struct db *db, str team);

#endif
