/*
 * Jobs in the store and in the clock. The clock follows the store: it is told after a commit, and
 * at start it is filled from what is there. An entry of the clock goes by the job's clock_key,
 * which is one for the whole store.
 */
#include "data/jobs.h"

#include <stdlib.h>

#include "base/time.h"
#include "data/channels.h"

#define JOBS_MAX 1000 /* of one team */
#define SCHEDULE_MEMORY (64 * 1024)

static const char *const notifies[] = {"always", "changed", "non_empty", NULL};

const struct field job_fields[] = {
    FIELD(struct job, id, FIELD_INT, .help = "Number, from 1 in each team"),
    FIELD(struct job, view_name, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct job, crontab_def, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct job, timezone, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct job, notify, FIELD_STR, .flags = FIELD_REQUIRED, .choices = notifies,
          .help = "When channels are told: always, changed (rows were added or removed) or "
                  "non_empty (the view has rows)"),
    FIELD(struct job, active, FIELD_BOOL),
    FIELD(struct job, created, FIELD_TIME, .flags = FIELD_REQUIRED),
    FIELD(struct job, next_run, FIELD_TIME),
    FIELD(struct job, last_outcome, FIELD_STR),
    FIELD(struct job, last_error, FIELD_STR),
    FIELD_LAST,
};

static const struct field job_row[] = {
    FIELD(struct job, team, FIELD_STR),
    FIELD(struct job, id, FIELD_INT),
    FIELD(struct job, clock_key, FIELD_INT),
    FIELD(struct job, view_key, FIELD_STR),
    FIELD(struct job, view_name, FIELD_STR),
    FIELD(struct job, crontab_def, FIELD_STR),
    FIELD(struct job, timezone, FIELD_STR),
    FIELD(struct job, notify, FIELD_STR),
    FIELD(struct job, active, FIELD_BOOL),
    FIELD(struct job, created, FIELD_TIME),
    FIELD(struct job, last_due, FIELD_INT),
    FIELD(struct job, last_outcome, FIELD_STR),
    FIELD(struct job, last_error, FIELD_STR),
    FIELD_LAST,
};

struct job_input {
    str view_name, crontab_def, timezone, notify;
    bool active, active_given;
};

const struct field job_input_fields[] = {
    FIELD(struct job_input, view_name, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 300,
          .help = "The view to refresh"),
    FIELD(struct job_input, crontab_def, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 200,
          .help = "Five fields, @hourly and its kin, or \"N seconds\""),
    FIELD(struct job_input, timezone, FIELD_STR, .min = 1, .max = 100,
          .help = "IANA name; UTC when not given"),
    FIELD(struct job_input, notify, FIELD_STR, .choices = notifies,
          .help = "always when not given"),
    FIELD(struct job_input, active, FIELD_BOOL, .help = "true when not given"),
    FIELD_LAST,
};

const struct field job_patch_fields[] = {
    FIELD(struct job_input, crontab_def, FIELD_STR, .min = 1, .max = 200),
    FIELD(struct job_input, timezone, FIELD_STR, .min = 1, .max = 100),
    FIELD(struct job_input, notify, FIELD_STR, .choices = notifies),
    FIELD(struct job_input, active, FIELD_BOOL, .given = offsetof(struct job_input, active_given)),
    FIELD_LAST,
};

/* A job on its way to the clock, for after the commit. */
struct schedule {
    struct data *data;
    int64_t clock_key;
};

static err schedule_one(struct data *data, struct arena *mem, const struct job *job)
{
    struct cron cron;
    struct zone *zone;
    TRY(cron_parse(mem, job->crontab_def, &cron));
    TRY(zone_load(mem, job->timezone, &zone));
    err e = clock_set(data->clock, mem, job->clock_key, job->team, &cron, zone, job->last_due);
    zone_unref(zone);
    return e;
}

static err schedule_now(struct data *data, struct arena *mem, int64_t clock_key)
{
    struct db db = {.store = data->store, .mem = mem, .actor = STR("system")};
    struct job job = {0};
    bool found;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(&db, &tx));
    TRY(tx_find(&tx,
                job_row,
                &job,
                &found,
                "SELECT team, clock_key, crontab_def, timezone, last_due FROM jobs"
                " WHERE clock_key = $1 AND active",
                A(clock_key)));
    if (found)
        return schedule_one(data, mem, &job);
    clock_remove(data->clock, clock_key);
    return NULL;
}

/* As the store has it now, one job after another: whoever comes last brings what was written last,
 * in whatever order those who wrote get here. */
static void schedule_run(void *arg)
{
    struct schedule *schedule = arg;
    struct data *data = schedule->data;
    struct arena mem;
    arena_init(&mem, SCHEDULE_MEMORY);
    pthread_mutex_lock(&data->scheduling);
    err e = schedule_now(data, &mem, schedule->clock_key);
    pthread_mutex_unlock(&data->scheduling);
    if (e)
        log_line(data->log, LOG_ERROR, "data", "a job is not scheduled: %.*s", STR_ARGS(e->detail));
    arena_done(&mem);
    free(schedule);
}

/* The clock takes the job over, or lets it go, once the transaction is durable. */
static err job_schedule(struct data *data, struct tx *tx, int64_t clock_key)
{
    struct schedule *schedule = calloc(1, sizeof(*schedule));
    if (!schedule)
        return &err_no_memory;
    *schedule = (struct schedule){data, clock_key};
    err e = tx_after(tx, schedule_run, free, schedule);
    if (e)
        free(schedule);
    return e;
}

err schedule_check(struct arena *mem, const struct job *job)
{
    struct cron cron;
    struct zone *zone;
    TRY(cron_parse(mem, job->crontab_def, &cron));
    TRY(zone_load(mem, job->timezone, &zone));
    bool never = cron_next(&cron, zone, job->last_due) == 0;
    zone_unref(zone);
    return never ? field_err(mem, "crontab_def", "Is never due.") : NULL;
}

struct counter {
    int64_t last;
};

static const struct field counter_row[] = {FIELD(struct counter, last, FIELD_INT), FIELD_LAST};

static err counter_next(struct tx *tx, str team, const char *name, int64_t *out)
{
    struct counter counter = {0};
    TRY(tx_one(tx,
               counter_row,
               &counter,
               "INSERT INTO counters (team, name, last) VALUES ($1, $2, 1)"
               " ON CONFLICT (team, name) DO UPDATE SET last = counters.last + 1 RETURNING last",
               A(team),
               A(name)));
    *out = counter.last;
    return NULL;
}

#define JOB_SELECT                                                                              \
    "SELECT j.*, r.name AS view_name, u.outcome AS last_outcome, u.error AS last_error"         \
    " FROM jobs j JOIN relations r ON r.team = j.team AND r.name_key = j.view_key"              \
    " LEFT JOIN runs u ON u.team = j.team AND u.job = j.id AND u.due = (SELECT max(l.due) FROM" \
    " runs l WHERE l.team = j.team AND l.job = j.id) "

err job_load(struct tx *tx, str team, int64_t id, struct job *out)
{
    bool found;
    TRY(tx_find(
        tx, job_row, out, &found, JOB_SELECT "WHERE j.team = $1 AND j.id = $2", A(team), A(id)));
    return found ? NULL
                 : err_new(tx->db->mem, 404, "not_found", "There is no job %lld.", (long long)id);
}

static void job_ready(struct data *data, struct job *job)
{
    job->next_run = job->active ? clock_next(data->clock, job->clock_key) : 0;
}

static err job_insert(struct request *rq, struct tx *tx, struct job *job)
{
    int64_t count;
    TRY(tx_number(tx, &count, "SELECT count(*) FROM jobs WHERE team = $1", A(rq->team)));
    if (count >= JOBS_MAX)
        return err_new(rq->mem, 409, "too_many", "A team may have at most %d jobs.", JOBS_MAX);
    TRY(counter_next(tx, rq->team, "job", &job->id));
    TRY(counter_next(tx, STR(""), "clock", &job->clock_key));
    return tx_run(tx,
                  "INSERT INTO jobs (team, id, clock_key, view_key, crontab_def, timezone, notify, "
                  "active, created, last_due)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                  A(job->team),
                  A(job->id),
                  A(job->clock_key),
                  A(job->view_key),
                  A(job->crontab_def),
                  A(job->timezone),
                  A(job->notify),
                  A(job->active),
                  A(job->created),
                  A(job->last_due));
}

err job_create(struct request *rq)
{
    struct data *data = rq->context;
    struct job_input input = {.timezone = STR("UTC"), .notify = STR("always"), .active = true};
    TRY(request_body(rq, job_input_fields, &input));

    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(rq->db, &tx));
    struct relation view = {0};
    err e = relation_load(&tx, rq->team, input.view_name, "view", &view);
    if (err_is(e, "not_found"))
        return field_err(rq->mem, "view_name", "%.*s", STR_ARGS(e->detail));
    TRY(e);
    struct job job = {.team = rq->team,
                      .view_key = view.key,
                      .view_name = view.name,
                      .crontab_def = str_trim(input.crontab_def),
                      .timezone = input.timezone,
                      .notify = input.notify,
                      .active = input.active,
                      .created = rq->now,
                      .last_due = rq->now};
    TRY(schedule_check(rq->mem, &job));
    TRY(job_insert(rq, &tx, &job));
    TRY(job_schedule(data, &tx, job.clock_key));
    TRY(event_append(data->events,
                     &tx,
                     rq->team,
                     "job.created",
                     str_fmt(rq->mem, "%lld", (long long)job.id),
                     job_fields,
                     &job));
    TRY(tx_commit(&tx));

    job_ready(data, &job);
    return reply_json(rq, 201, job_fields, &job);
}

/* Jobs are few: a page by id, in the same words as every list. */
err job_list(struct request *rq)
{
    struct data *data = rq->context;
    struct page page;
    struct list list;
    int64_t after = 0, before = INT64_MAX;
    TRY(page_ask(rq, &page));
    if (page.after.at && !str_i64(page.after, &after))
        return field_err(rq->mem, "after", "Must be a whole number.");
    if (page.before.at && !str_i64(page.before, &before))
        return field_err(rq->mem, "before", "Must be a whole number.");
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    TRY(tx_list(&tx,
                job_row,
                sizeof(struct job),
                2 * JOBS_MAX,
                &list,
                JOB_SELECT "WHERE j.team = $1 AND j.id > $2 AND j.id < $3"
                           " ORDER BY CASE WHEN $4 THEN -j.id ELSE j.id END LIMIT $5",
                A(rq->team),
                A(after),
                A(before),
                A(page.before.at != NULL),
                A(page_rows(&page))));
    struct job *jobs = list.at;
    for (size_t i = 0; i < list.n; i++) {
        job_ready(data, &jobs[i]);
        jobs[i].key = str_fmt(rq->mem, "%lld", (long long)jobs[i].id);
    }
    return page_reply(rq, &page, job_fields, sizeof(struct job), list, offsetof(struct job, key));
}

static err path_job(struct request *rq, struct tx *tx, struct job *job)
{
    int64_t id;
    if (!str_i64(request_path(rq, "id"), &id))
        return err_new(rq->mem,
                       404,
                       "not_found",
                       "There is no job \"%.*s\".",
                       STR_ARGS(request_path(rq, "id")));
    return job_load(tx, rq->team, id, job);
}

err job_show(struct request *rq)
{
    struct job job = {0};
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    TRY(path_job(rq, &tx, &job));
    job_ready(rq->context, &job);
    return reply_json(rq, 200, job_fields, &job);
}

/* A new schedule, or one that is switched on again, counts from now: what was due before is not
 * made up for. True when the clock must hear of it. */
static bool job_take(struct job *job, const struct job_input *input, int64_t now)
{
    bool schedule = input->crontab_def.at || input->timezone.at;
    bool active = input->active_given ? input->active : job->active;
    bool switched = active != job->active;
    if (input->crontab_def.at)
        job->crontab_def = str_trim(input->crontab_def);
    if (input->timezone.at)
        job->timezone = input->timezone;
    if (input->notify.at)
        job->notify = input->notify;
    job->active = active;
    if (schedule || (switched && active))
        job->last_due = now;
    return schedule || switched;
}

err job_patch(struct request *rq)
{
    struct data *data = rq->context;
    struct job_input input = {0};
    struct job job = {0};
    TRY(request_body(rq, job_patch_fields, &input));
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(rq->db, &tx));
    TRY(path_job(rq, &tx, &job));
    bool rescheduled = job_take(&job, &input, rq->now);
    if (rescheduled)
        TRY(schedule_check(rq->mem, &job));
    TRY(tx_run(&tx,
               "UPDATE jobs SET crontab_def = $3, timezone = $4, notify = $5, active = $6, "
               "last_due = $7 WHERE team = $1 AND id = $2",
               A(rq->team),
               A(job.id),
               A(job.crontab_def),
               A(job.timezone),
               A(job.notify),
               A(job.active),
               A(job.last_due)));
    if (rescheduled)
        TRY(job_schedule(data, &tx, job.clock_key));
    TRY(event_append(data->events,
                     &tx,
                     rq->team,
                     "job.updated",
                     str_fmt(rq->mem, "%lld", (long long)job.id),
                     job_fields,
                     &job));
    TRY(tx_commit(&tx));
    job_ready(data, &job);
    return reply_json(rq, 200, job_fields, &job);
}

static err job_delete(struct data *data, struct tx *tx, const struct job *job)
{
    TRY(channels_leave_job(data, tx, job->team, job->id));
    TRY(tx_run(tx, "DELETE FROM runs WHERE team = $1 AND job = $2", A(job->team), A(job->id)));
    TRY(tx_run(tx, "DELETE FROM jobs WHERE team = $1 AND id = $2", A(job->team), A(job->id)));
    TRY(job_schedule(data, tx, job->clock_key));
    str subject = str_fmt(tx->db->mem, "%lld", (long long)job->id);
    return event_append(data->events, tx, job->team, "job.deleted", subject, job_fields, job);
}

err job_drop(struct request *rq)
{
    struct job job = {0};
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(rq->db, &tx));
    TRY(path_job(rq, &tx, &job));
    TRY(job_delete(rq->context, &tx, &job));
    TRY(tx_commit(&tx));
    return reply_empty(rq, 204);
}

static err view_jobs(struct tx *tx, str team, str view_key, struct list *out)
{
    return tx_list(tx,
                   job_row,
                   sizeof(struct job),
                   2 * JOBS_MAX,
                   out,
                   JOB_SELECT "WHERE j.team = $1 AND j.view_key = $2 ORDER BY j.id",
                   A(team),
                   A(view_key));
}

err jobs_of_view(struct tx *tx, str team, str view_key, str *json, bool *any)
{
    struct list list;
    TRY(view_jobs(tx, team, view_key, &list));
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 1 << 20);
    buf_char(&out, '[');
    const struct job *jobs = list.at;
    for (size_t i = 0; i < list.n; i++)
        buf_fmt(&out, "%s%lld", i ? ", " : "", (long long)jobs[i].id);
    buf_char(&out, ']');
    *json = str_copy(tx->db->mem, buf_str(&out));
    *any = list.n > 0;
    return out.failed ? &err_no_memory : NULL;
}

err jobs_delete_of_view(struct data *data, struct tx *tx, str team, str view_key)
{
    struct list list;
    TRY(view_jobs(tx, team, view_key, &list));
    const struct job *jobs = list.at;
    for (size_t i = 0; i < list.n; i++)
        TRY(job_delete(data, tx, &jobs[i]));
    return tx_run(tx, "DELETE FROM runs WHERE team = $1 AND view_key = $2", A(team), A(view_key));
}

err jobs_schedule_all(struct data *data, struct arena *mem)
{
    struct list list;
    struct db db = {.store = data->store, .mem = mem, .actor = STR("system")};
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(&db, &tx));
    TRY(tx_list(
        &tx,
        job_row,
        sizeof(struct job),
        10000000,
        &list,
        "SELECT team, clock_key, crontab_def, timezone, last_due FROM jobs WHERE active ORDER BY "
        "clock_key"));
    const struct job *jobs = list.at;
    for (size_t i = 0; i < list.n; i++) {
        err e = schedule_one(data, mem, &jobs[i]);
        if (e)
            log_line(
                data->log, LOG_ERROR, "data", "a job is not scheduled: %.*s", STR_ARGS(e->detail));
    }
    return NULL;
}
