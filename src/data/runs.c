/* Runs: a job that is due refreshes its view; and the history of it. */
#include "base/time.h"
#include "data/jobs.h"
#include "data/teams.h"
#include "http/page.h"

#define RUN_MEMORY (64u << 20)
#define WAIT_MS 30000

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

/* False: it is being run already, and was asked for `alone`. */
static bool firing_begin(struct data *data, struct firing *firing, bool alone)
{
    pthread_mutex_lock(&data->firing_lock);
    struct firing *other = data->firings;
    while (other && other->clock_key != firing->clock_key)
        other = other->next;
    bool begun = !alone || !other;
    if (begun) {
        firing->next = data->firings;
        data->firings = firing;
    }
    pthread_mutex_unlock(&data->firing_lock);
    return begun;
}

static void firing_end(struct data *data, const struct firing *firing)
{
    pthread_mutex_lock(&data->firing_lock);
    struct firing **at = &data->firings;
    while (*at != firing)
        at = &(*at)->next;
    *at = firing->next;
    pthread_mutex_unlock(&data->firing_lock);
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
    TRY(team_await(data, db, run->team, data->query_ms, NULL, &turn));
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
                      .trigger = TRIGGER_SCHEDULE,
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
    struct firing firing = {.clock_key = clock_key};
    firing_begin(data, &firing, false);
    err e = run_due(data, &db, clock_key, due_us);
    firing_end(data, &firing);
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

static err job_of_path(struct request *rq, struct job *job)
{
    int64_t id;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    if (!str_i64(request_path(rq, "id"), &id))
        id = 0;
    return job_load(&tx, rq->team, id, job);
}

/* A refresh that failed is what came of the run, and not of the request. */
static err run_by_hand(struct request *rq, const struct job *job, struct run *run)
{
    struct data *data = rq->context;
    CLEANUP(team_leave) struct team_turn turn = {0};
    TRY(team_enter(data, rq->db, rq->team, WAIT_MS, &turn));
    err e = refresh_view(data, rq->db, rq->team, job->view_key, run, &turn);
    return e && run->kept && str_eq(run->outcome, STR("failed")) ? NULL : e;
}

err job_run(struct request *rq)
{
    struct data *data = rq->context;
    struct job job = {0};
    TRY(request_nothing(rq));
    TRY(job_of_path(rq, &job));
    struct run run = {.team = rq->team,
                      .view_key = job.view_key,
                      .view_name = job.view_name,
                      .trigger = TRIGGER_HAND,
                      .job = job.id,
                      .due = rq->now,
                      .started = time_now(),
                      .gone = rq->gone};
    struct firing firing = {.clock_key = job.clock_key};
    if (!firing_begin(data, &firing, true))
        return err_new(rq->mem,
                       409,
                       "job_running",
                       "Job %lld is running already. Its run is told when it ends.",
                       (long long)job.id);
    err e = run_by_hand(rq, &job, &run);
    firing_end(data, &firing);
    TRY(e);
    return reply_json(rq, 200, run_fields, &run);
}

static const struct field run_row[] = {
    FIELD(struct run, team, FIELD_STR),
    FIELD(struct run, view_key, FIELD_STR),
    FIELD(struct run, id, FIELD_STR),
    FIELD(struct run, job, FIELD_INT),
    FIELD(struct run, view_name, FIELD_STR),
    FIELD(struct run, trigger, FIELD_STR),
    FIELD(struct run, due, FIELD_TIME),
    FIELD(struct run, started, FIELD_TIME),
    FIELD(struct run, duration_us, FIELD_INT),
    FIELD(struct run, outcome, FIELD_STR),
    FIELD(struct run, version, FIELD_INT),
    FIELD(struct run, added, FIELD_INT),
    FIELD(struct run, removed, FIELD_INT),
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
    TRY(page_ask(rq, &page));
    TRY(job_of_path(rq, &job));
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    TRY(run_page(&tx, &job, &page, &list));
    struct run *runs = list.at;
    for (size_t i = 0; i < list.n; i++)
        run_ready(&runs[i]);
    return page_reply(rq, &page, run_fields, sizeof(struct run), list, offsetof(struct run, id));
}
