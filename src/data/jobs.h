/* Jobs: schedules that refresh a view; and their runs. */
#ifndef DATA_JOBS_H
#define DATA_JOBS_H

#include "data/refresh.h"

struct job {
    str team, view_key, view_name, crontab_def, timezone, notify;
    int64_t id, clock_key, created, last_due, next_run;
    bool active;
    str last_outcome, last_error;
    str key; /* of a page */
};

extern const struct field job_fields[], job_input_fields[], job_patch_fields[],
    schedule_query_fields[], schedule_fields[];

MUST_CHECK err job_load(struct tx *tx, str team, int64_t id, struct job *out);
/* 422 naming the field that is wrong, of crontab_def and timezone; or that it is never due after
 * last_due. */
MUST_CHECK err schedule_check(struct arena *mem, const struct job *job);
/* Ids of a view's jobs as a JSON list. */
MUST_CHECK err jobs_of_view(struct tx *tx, str team, str view_key, str *json, bool *any);
/* With their runs, and with the channels that follow nothing else. */
MUST_CHECK err jobs_delete_of_view(struct data *data, struct tx *tx, str team, str view_key);
/* At start: every active job of every team into the clock. */
MUST_CHECK err jobs_schedule_all(struct data *data, struct arena *mem);
/* For the clock. */
void job_due(void *arg, int64_t clock_key, int64_t due_us);

err job_create(struct request *rq);
err job_list(struct request *rq);
err job_show(struct request *rq);
err job_patch(struct request *rq);
err job_drop(struct request *rq);
err job_preview(struct request *rq); /* schedule.c */
err job_run(struct request *rq);     /* runs.c */
err job_runs(struct request *rq);    /* runs.c */

#endif
