/* Runs: a job that is due refreshes its view; and the history of it. */
#include "base/time.h"
#include "data/jobs.h"
#include "data/teams.h"
#include "http/page.h"

#define RUN_MEMORY (64u << 20)

struct due_job {
    str team, view_key, view_name;
    int64_t id;
};

static const struct field due_row[] = {
    FIELD(struct due_job, team, FIELD_STR),
    FIELD(struct due_job, view_key, FIELD_STR),
    FIELD(struct due_job, view_name, FIELD_STR),
    FIELD(struct due_job, id, FIELD_INT),
    FIELD_LAST,
};

static err due_find(struct db *db, int64_t clock_key, struct due_job *job, bool *found)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(db, &tx));
    return tx_find(
        &tx,
        due_row,
        job,
        found,
        "SELECT j.team, j.view_key, r.name AS view_name, j.id FROM jobs j JOIN relations r ON"
        " r.team = j.team AND r.name_key = j.view_key WHERE j.clock_key = $1 AND j.active",
        A(clock_key));
}

/* Not to be made up for now: another has the run, the view is gone, or the next start does it. */
static bool is_let_go(err e)
{
    return err_is(e, "conflict") || err_is(e, "not_found") || err_is(e, "client_gone") ||
           err_is(e, "interrupted");
}

static err run_in_turn(struct data *data, struct db *db, struct run *run)
{
    CLEANUP(team_leave) struct team_turn turn = {0};
    TRY(team_await(data, db, run->team, data->query_ms, &turn));
    str view_key = run->view_key;
    return refresh_view(data, db, run->team, view_key, run, &turn);
}

static err run_due(struct data *data, struct db *db, int64_t clock_key, int64_t due_us)
{
    struct due_job job = {0};
    bool found;
    TRY(due_find(db, clock_key, &job, &found));
    if (!found)
        return NULL;
    struct run run = {.team = job.team,
                      .view_key = job.view_key,
                      .view_name = job.view_name,
                      .job = job.id,
                      .due = due_us,
                      .started = time_now(),
                      .gone = &data->stopping};
    db->actor = str_fmt(db->mem, "job:%lld", (long long)job.id);
    err e = run_in_turn(data, db, &run);
    if (is_let_go(e))
        return NULL;
    if (e && !run.outcome.at)
        TRY(run_refused(data, db, &run, e));
    return e;
}

void job_due(void *arg, int64_t clock_key, int64_t due_us)
{
    struct data *data = arg;
    struct arena mem;
    arena_init(&mem, RUN_MEMORY);
    struct db db = {.store = data->store, .mem = &mem, .actor = STR("system")};
    err e = run_due(data, &db, clock_key, due_us);
    if (e)
        log_line(data->log,
                 e->status >= 500 ? LOG_ERROR : LOG_WARNING,
                 "data",
                 "job %lld: %s: %.*s %.*s",
                 (long long)clock_key,
                 e->code,
                 STR_ARGS(e->detail),
                 STR_ARGS(e->inside));
    arena_done(&mem);
}

static const struct field run_row[] = {
    FIELD(struct run, team, FIELD_STR),
    FIELD(struct run, view_key, FIELD_STR),
    FIELD(struct run, id, FIELD_STR),
    FIELD(struct run, job, FIELD_INT),
    FIELD(struct run, view_name, FIELD_STR),
    FIELD(struct run, due, FIELD_TIME),
    FIELD(struct run, started, FIELD_TIME),
    FIELD(struct run, duration_us, FIELD_INT),
    FIELD(struct run, outcome, FIELD_STR),
    FIELD(struct run, version, FIELD_INT),
    FIELD(struct run, error, FIELD_STR),
    FIELD_LAST,
};

#define RUN_SELECT                                                 \
    "SELECT u.*, r.name AS view_name FROM runs u JOIN relations r" \
    " ON r.team = u.team AND r.name_key = u.view_key WHERE u.team = $1 AND u.job = $2 "

/* Newest first; each way along the index, for there may be very many. */
static err run_page(struct tx *tx, const struct job *job, const struct page *page, struct list *out)
{
    if (page->before.at)
        return tx_list(tx,
                       run_row,
                       sizeof(struct run),
                       2000,
                       out,
                       RUN_SELECT "AND u.id > $3 ORDER BY u.id LIMIT $4",
                       A(job->team),
                       A(job->id),
                       A(page->before),
                       A(page_rows(page)));
    return tx_list(tx,
                   run_row,
                   sizeof(struct run),
                   2000,
                   out,
                   RUN_SELECT "AND u.id < $3 ORDER BY u.id DESC LIMIT $4",
                   A(job->team),
                   A(job->id),
                   A(page->after.at ? page->after : STR(ID_LAST)),
                   A(page_rows(page)));
}

err job_runs(struct request *rq)
{
    struct page page;
    struct list list;
    struct job job = {0};
    int64_t id;
    TRY(page_ask(rq, &page));
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    if (!str_i64(request_path(rq, "id"), &id))
        id = 0;
    TRY(job_load(&tx, rq->team, id, &job));
    TRY(run_page(&tx, &job, &page, &list));
    struct run *runs = list.at;
    for (size_t i = 0; i < list.n; i++)
        runs[i].duration_ms = (double)runs[i].duration_us / 1000;
    return page_reply(rq, &page, run_fields, sizeof(struct run), list, offsetof(struct run, id));
}
