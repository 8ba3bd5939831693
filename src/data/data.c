/* The room's parts: opened, started and stopped in order. */
#include "data/data.h"

#include <stdlib.h>

#include "base/time.h"
#include "data/jobs.h"
#include "data/reconcile.h"
#include "data/teams.h"
#include "data/uploads.h"
#include "data/versions.h"

#define LOADERS 4
#define LOADS_WAITING 128 /* of which one team may have half */
#define TRIM_AT_ONCE 1000
#define START_MEMORY ((size_t)4 << 30)

struct ask db_ask(struct data *data, struct db *db, str team, const atomic_bool *gone)
{
    return (struct ask){.engine = data->engine,
                        .mem = db->mem,
                        .team = team,
                        .limit_ms = data->query_ms,
                        .gone = gone};
}

struct ask request_ask(struct request *rq)
{
    return db_ask(rq->context, rq->db, rq->team, rq->gone);
}

err data_open(struct arena *mem, const struct data_options *options, struct data **out)
{
    struct data *data = calloc(1, sizeof(*data));
    if (!data)
        return &err_no_memory;
    *data = (struct data){.store = options->store,
                          .engine = options->engine,
                          .events = options->events,
                          .accounts = options->accounts,
                          .log = options->log,
                          .query_ms = options->query_ms,
                          .uploads_dir = options->uploads_dir,
                          .upload_max = options->upload_max,
                          .started = time_now()};
    pthread_mutex_init(&data->scheduling, NULL);
    pthread_mutex_init(&data->firing_lock, NULL);
    data->teams = teams_new();
    data->stops = stops_new();
    data->loaders = pool_new("loaders", LOADERS, LOADERS);
    struct lanes_options lanes = {
        .pool = data->loaders, .places = LOADERS, .width = 1, .waiting_max = LOADS_WAITING};
    data->loads = data->loaders ? lanes_new(&lanes) : NULL;
    struct clock_options clock = {
        .runners = options->runners, .log = options->log, .due = job_due, .arg = data};
    bool whole = data->teams && data->stops && data->loads;
    err e = whole ? clock_new(mem, &clock, &data->clock) : &err_no_memory;
    if (e) {
        data_close(data);
        return e;
    }
    *out = data;
    return NULL;
}

err data_start(struct data *data, struct arena *mem)
{
    struct arena own; /* all jobs of all teams go through it */
    arena_init(&own, START_MEMORY);
    err e = reconcile_all(data, &own);
    if (!e)
        e = uploads_sweep(data, &own);
    if (!e)
        e = jobs_schedule_all(data, &own);
    e = err_copy(mem, e);
    arena_done(&own);
    return e ? e : clock_start(data->clock, mem);
}

void data_stop(struct data *data)
{
    atomic_store(&data->stopping, true);
    stops_all(data->stops);
    teams_stop(data->teams);
    clock_stop(data->clock);
    pool_stop(data->loaders);
}

void data_close(struct data *data)
{
    if (!data)
        return;
    if (data->clock)
        clock_free(data->clock);
    pool_free(data->loaders);
    lanes_free(data->loads);
    stops_free(data->stops);
    teams_free(data->teams);
    pthread_mutex_destroy(&data->scheduling);
    pthread_mutex_destroy(&data->firing_lock);
    free(data);
}

/* Some at a time, so that nobody has to wait long for the writer. */
static err runs_trim(struct db *db, int64_t before, int64_t *removed)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(db, &tx));
    TRY(tx_run(&tx,
               "DELETE FROM runs WHERE (team, id) IN (SELECT team, id FROM runs"
               " WHERE started < $1 AND outcome <> 'running' ORDER BY started LIMIT $2)",
               A(before),
               A(TRIM_AT_ONCE)));
    *removed = tx.changed;
    return tx_commit(&tx);
}

err data_trim(struct data *data, struct arena *mem, int64_t keep_us)
{
    struct db db = {.store = data->store, .mem = mem, .actor = STR("system")};
    int64_t before = time_now() - keep_us, removed;
    do
        TRY(runs_trim(&db, before, &removed));
    while (removed == TRIM_AT_ONCE);
    TRY(versions_trim(&db, before));
    TRY(uploads_trim(data, &db));
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(&db, &tx));
    TRY(tx_run(&tx, "DELETE FROM loads WHERE created < $1 AND state <> 'running'", A(before)));
    return tx_commit(&tx);
}
