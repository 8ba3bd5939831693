/* Tables, views, jobs, channels, queries: the domain of data. The one header that other rooms see.
 */
#ifndef DATA_DATA_H
#define DATA_DATA_H

#include "accounts/accounts.h"
#include "engine/engine.h"
#include "events/events.h"

struct data;

struct data_options {
    struct store *store;
    struct engine *engine;
    struct events *events;
    struct accounts *accounts;
    struct log *log;
    int64_t query_ms;
    size_t runners; /* threads that run jobs that are due */
};

MUST_CHECK err data_open(struct arena *mem, const struct data_options *options, struct data **out);
/* Finishes what a crash interrupted, then starts the clock. */
MUST_CHECK err data_start(struct data *data, struct arena *mem);
void data_stop(struct data *data); /* waits for runs under way */
void data_close(struct data *data);

/* Removes the history of runs and loads that is older; called every hour. */
MUST_CHECK err data_trim(struct data *data, struct arena *mem, int64_t keep_us);

extern const struct route data_routes[]; /* context: struct data */
extern const size_t data_route_count;

#endif
