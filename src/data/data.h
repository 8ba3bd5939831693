/* Tables, views, jobs, channels, queries: the domain of data. The one header that other rooms see.
 */
#ifndef DATA_DATA_H
#define DATA_DATA_H

#include "accounts/accounts.h"
#include "engine/engine.h"
#include "events/events.h"
#include "http/page.h"

struct data;

struct data_options {
    struct store *store;
    struct engine *engine;
    struct events *events;
    struct accounts *accounts;
    struct log *log;
    int64_t query_ms;
    const char *uploads_dir; /* exists; on the disk that the engine's folder is on */
    int64_t upload_max;      /* bytes of one upload */
    size_t runners;          /* threads that run jobs that are due */
};

MUST_CHECK err data_open(struct arena *mem, const struct data_options *options, struct data **out);
/* Finishes what a crash interrupted, then starts the clock. */
MUST_CHECK err data_start(struct data *data, struct arena *mem);
void data_stop(struct data *data); /* waits for runs under way */
void data_close(struct data *data);

/* Removes the history of runs and loads that is older; called every hour. */
MUST_CHECK err data_trim(struct data *data, struct arena *mem, int64_t keep_us);

/* What a team has. */
struct team_holdings {
    int64_t tables, views, jobs, channels;
    int64_t bytes; /* of tables and views */
};

MUST_CHECK err team_holdings(struct tx *tx, str team, struct team_holdings *out);

/* A job whose last run has failed. */
struct failing_job {
    str team, view_name, crontab_def, timezone, last_error;
    int64_t job_id, last_run;
    bool active;
    int64_t failures;      /* in a row, of the last FAILURES_MAX runs */
    int64_t failing_since; /* the first of them */
    int64_t clock_key;
    str key; /* of a page */
};

#define FAILURES_MAX 1000

/* Of all teams, oldest job first: only for superusers. One row more than the page (http/page.h). */
MUST_CHECK err jobs_failing(struct tx *tx, const struct page *page, struct list *out);
extern const struct field failing_job_fields[];

extern const struct route data_routes[]; /* context: struct data */
extern const size_t data_route_count;

#endif
