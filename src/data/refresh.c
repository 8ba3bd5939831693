/*
 * A refresh: the run is marked in the store, the engine makes the new version, the store takes it
 * over with the event.
 *
 * A crash between the engine's commit and the store's leaves the engine one version ahead and the
 * run marked as running: reconcile.c then tells what was not told. All of it is done in the team's
 * turn, so that the events of a view come in the order of its versions.
 */
#include "data/refresh.h"

#include "base/id.h"
#include "base/time.h"
#include "data/graph.h"
#include "data/reconcile.h"
#include "data/versions.h"
#include "data/writes.h"

#define STORE_PART_MEMORY ((size_t)64 << 10)
#define SIGNAL_MAX ((size_t)64 << 10)

static const char *const triggers[] = {"schedule", "hand", "reader", NULL};
static const char *const outcomes[] = {"running", "succeeded", "skipped", "failed", NULL};

const struct field run_fields[] = {
    FIELD(struct run, id, FIELD_STR),
    {.name = "job_id",
     .type = FIELD_INT,
     .flags = FIELD_NULLABLE,
     .offset = offsetof(struct run, job),
     .help = "null: of no job"},
    FIELD(struct run, view_name, FIELD_STR),
    FIELD(struct run, trigger, FIELD_STR, .flags = FIELD_REQUIRED, .choices = triggers,
          .help = "Who asked for it: the job's schedule, a person's hand, or another view, a "
                  "reader of this one that is refreshed itself"),
    FIELD(struct run, due, FIELD_TIME, .help = "When it should have started"),
    FIELD(struct run, started, FIELD_TIME),
    FIELD(struct run, ended, FIELD_TIME, .help = "null while it is running"),
    FIELD(struct run, duration_ms, FIELD_REAL),
    FIELD(struct run, outcome, FIELD_STR, .flags = FIELD_REQUIRED, .choices = outcomes,
          .help = "running, succeeded, skipped (its inputs have not moved) or failed"),
    FIELD(struct run, version, FIELD_INT, .flags = FIELD_NULLABLE,
          .help = "Of the view, afterwards"),
    FIELD(struct run, added, FIELD_INT, .help = "Rows that this version added"),
    FIELD(struct run, removed, FIELD_INT, .help = "Rows that it removed"),
    FIELD(struct run, error, FIELD_STR),
    FIELD_LAST,
};

const struct field refresh_fact_fields[] = {
    FIELD(struct refresh_fact, view_name, FIELD_STR),
    FIELD(struct refresh_fact, version, FIELD_INT),
    FIELD(struct refresh_fact, row_count, FIELD_INT),
    FIELD(struct refresh_fact, added, FIELD_INT),
    FIELD(struct refresh_fact, removed, FIELD_INT),
    FIELD(struct refresh_fact, refreshed_at, FIELD_TIME),
    FIELD(struct refresh_fact, duration_ms, FIELD_REAL),
    FIELD(struct refresh_fact, columns_changed, FIELD_BOOL, .flags = FIELD_OMIT),
    FIELD(struct refresh_fact, changes, FIELD_JSON, .flags = FIELD_OMIT),
    FIELD(struct refresh_fact, rows, FIELD_JSON, .flags = FIELD_OMIT),
    FIELD_LAST,
};

struct input {
    str key;
    int64_t version;
};

static const struct field input_row[] = {
    FIELD(struct input, key, FIELD_STR),
    FIELD(struct input, version, FIELD_INT),
    FIELD_LAST,
};

err refresh_inputs(struct tx *tx, str team, str view_key, str *out)
{
    struct list list;
    TRY(tx_list(tx,
                input_row,
                sizeof(struct input),
                RELATIONS_MAX,
                &list,
                "SELECT r.name_key AS key, r.version AS version FROM dependencies d"
                " JOIN relations r ON r.team = d.team AND r.name_key = d.reads_key"
                " WHERE d.team = $1 AND d.view_key = $2 ORDER BY r.name_key",
                A(team),
                A(view_key)));
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, 1 << 20);
    const struct input *inputs = list.at;
    for (size_t i = 0; i < list.n; i++)
        buf_fmt(&text, "%.*s\n%lld\n", STR_ARGS(inputs[i].key), (long long)inputs[i].version);
    *out = list.n ? str_copy(tx->db->mem, buf_str(&text)) : STR("");
    return text.failed ? &err_no_memory : NULL;
}

err refresh_wanted(struct tx *tx, str team, str view_key, struct refresh *out)
{
    int64_t changes, rows;
    TRY(tx_number(tx,
                  &changes,
                  "SELECT count(*) FROM channels c JOIN channel_jobs cj ON cj.team = c.team AND "
                  "cj.channel = c.id"
                  " JOIN jobs j ON j.team = cj.team AND j.id = cj.job"
                  " WHERE c.team = $1 AND j.view_key = $2 AND c.include = 'changes'",
                  A(team),
                  A(view_key)));
    TRY(tx_number(tx,
                  &rows,
                  "SELECT count(*) FROM channels c JOIN channel_jobs cj ON cj.team = c.team AND "
                  "cj.channel = c.id"
                  " JOIN jobs j ON j.team = cj.team AND j.id = cj.job"
                  " WHERE c.team = $1 AND j.view_key = $2 AND c.include = 'rows'",
                  A(team),
                  A(view_key)));
    out->changes_max = changes ? CHANGES_INLINE : 0;
    out->rows_max = rows ? ROWS_INLINE : 0;
    return NULL;
}

static bool is_scheduled(const struct run *run)
{
    return str_eq(run->trigger, TRIGGER_SCHEDULE);
}

/* What was due by then is not made up for after a start. */
static err due_past(struct tx *tx, const struct run *run)
{
    if (!is_scheduled(run))
        return NULL;
    return tx_run(tx,
                  "UPDATE jobs SET last_due = $3 WHERE team = $1 AND id = $2 AND last_due < $3",
                  A(run->team),
                  A(run->job),
                  A(run->due));
}

static str signal_key(struct db *db, const struct run *run)
{
    return str_fmt(db->mem, "run:%.*s", STR_ARGS(run->id));
}

/* That it begins, or was withdrawn; how it ended is told by the log. */
static void run_signal(struct data *data, struct db *db, const struct run *run)
{
    if (!signals_heard(data->events, run->team))
        return;
    CLEANUP(buf_done) struct buf json;
    buf_init(&json, SIGNAL_MAX);
    buf_add(&json, STR("{\"kind\": \"run\", \"job\": "));
    buf_add(&json, run->job ? str_fmt(db->mem, "%lld", (long long)run->job) : STR("null"));
    buf_add(&json, STR(", \"run\": "));
    fields_print(&json, run_fields, run);
    buf_char(&json, '}');
    str told = json.failed ? (str){0} : buf_str(&json);
    signal_tell(data->events, run->team, signal_key(db, run), told);
}

/* The run's mark, or skipped at once. */
static err run_begin(struct data *data, struct db *db, struct relation *view, struct run *run,
                     struct refresh *refresh, str *inputs)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(db, &tx));
    TRY(refresh_inputs(&tx, view->team, view->key, inputs));
    TRY(refresh_wanted(&tx, view->team, view->key, refresh));
    bool still =
        !view->is_volatile && !view->error.at && view->inputs.at && str_eq(*inputs, view->inputs);
    run->outcome = still ? STR("skipped") : STR("running");
    run->version = view->version;
    TRY(tx_run(&tx,
               "INSERT INTO runs (team, id, job, view_key, trigger, due, started, outcome, version,"
               " duration_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
               A(run->team),
               A(run->id),
               run->job ? arg_int(run->job) : arg_c(NULL),
               A(view->key),
               A(run->trigger),
               A(run->due),
               A(run->started),
               A(run->outcome),
               A(run->version),
               still ? arg_int(0) : arg_c(NULL)));
    run->ended = still ? run->started : 0;
    if (still)
        TRY(event_append(data->events, &tx, run->team, "run.skipped", view->name, run_fields, run));
    TRY(due_past(&tx, run));
    TRY(tx_commit(&tx));
    run->kept = still;
    if (!still)
        run_signal(data, db, run);
    return NULL;
}

err refresh_tell(struct data *data, struct tx *tx, const struct relation *view,
                 const struct refresh_fact *fact)
{
    TRY(version_record(tx, view, fact));
    return event_append(
        data->events, tx, view->team, "view.refreshed", view->name, refresh_fact_fields, fact);
}

void refresh_fact_take(struct refresh_fact *fact, const struct relation *view,
                       const struct refreshed *result)
{
    *fact = (struct refresh_fact){
        .view_name = view->name,
        .version = view->version,
        .row_count = view->row_count,
        .added = result->added,
        .removed = result->removed,
        .refreshed_at = view->refreshed_at,
        .duration_ms = view->duration_ms,
        .columns_changed = result->reset,
        .changes = result->changes,
        .rows = result->rows,
    };
}

void run_ready(struct run *run)
{
    bool running = str_eq(run->outcome, STR("running"));
    run->duration_ms = (double)run->duration_us / 1000;
    run->ended = running ? 0 : run->started + run->duration_us;
}

/* Ends the run in the caller's transaction, with its event. */
static err run_end(struct data *data, struct tx *tx, struct run *run, const char *outcome)
{
    run->outcome = str_of(outcome);
    run->duration_us = time_now() - run->started;
    run_ready(run);
    TRY(tx_run(tx,
               "UPDATE runs SET outcome = $3, duration_us = $4, version = $5, error = $6,"
               " added = $7, removed = $8 WHERE team = $1 AND id = $2",
               A(run->team),
               A(run->id),
               A(run->outcome),
               A(run->duration_us),
               A(run->version),
               A(run->error),
               A(run->added),
               A(run->removed)));
    signal_forget(data->events, run->team, signal_key(tx->db, run));
    const char *type = str_eq(run->outcome, STR("failed")) ? "run.failed" : "run.succeeded";
    return event_append(data->events, tx, run->team, type, run->view_name, run_fields, run);
}

err run_refused(struct data *data, struct db *db, struct run *run, err why)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(db, &tx));
    run->id = id_new(db->mem);
    run->error = why->detail;
    TRY(tx_run(&tx,
               "INSERT INTO runs (team, id, job, view_key, trigger, due, started, outcome)"
               " VALUES ($1, $2, $3, $4, $5, $6, $7, 'running')",
               A(run->team),
               A(run->id),
               run->job ? arg_int(run->job) : arg_c(NULL),
               A(run->view_key),
               A(run->trigger),
               A(run->due),
               A(run->started)));
    TRY(due_past(&tx, run));
    TRY(run_end(data, &tx, run, "failed"));
    TRY(tx_commit(&tx));
    run->kept = true;
    return NULL;
}

/* The server stops: as if the run had not begun, so that the next start makes up for it. */
static err run_withdraw(struct data *data, struct db *db, struct run *run)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(db, &tx));
    TRY(tx_run(&tx, "DELETE FROM runs WHERE team = $1 AND id = $2", A(run->team), A(run->id)));
    if (is_scheduled(run))
        TRY(tx_run(&tx,
                   "UPDATE jobs SET last_due = $3 WHERE team = $1 AND id = $2",
                   A(run->team),
                   A(run->job),
                   A(run->due - 1)));
    TRY(tx_commit(&tx));
    run->outcome = STR("withdrawn");
    run->ended = time_now();
    run_signal(data, db, run);
    return NULL;
}

static err refresh_failed(struct data *data, struct db *db, struct relation *view, struct run *run,
                          err why)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(db, &tx));
    run->error = view->error = why->detail;
    TRY(relation_update(&tx, view));
    TRY(run_end(data, &tx, run, "failed"));
    TRY(tx_commit(&tx));
    run->kept = true;
    return NULL;
}

static err refresh_done(struct data *data, struct db *db, struct relation *view, struct run *run,
                        const struct refreshed *result)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(db, &tx));
    relation_take(db->mem, view, &result->view);
    bool mended = view->error.at != NULL;
    view->error = (str){0};
    view->refreshed_at = view->updated = time_now();
    view->duration_us = result->duration_us;
    view->duration_ms = (double)result->duration_us / 1000;
    run->version = view->version;
    run->added = result->added;
    run->removed = result->removed;
    TRY(relation_update(&tx, view));
    struct refresh_fact fact;
    refresh_fact_take(&fact, view, result);
    TRY(refresh_tell(data, &tx, view, &fact));
    TRY(run_end(data, &tx, run, "succeeded"));
    if (run->shown) {
        TRY(relation_load(&tx, view->team, view->key, "view", run->shown));
        TRY(relation_link(&tx, view->team, run->shown, 1));
    }
    TRY(tx_commit(&tx));
    run->kept = true;
    if (mended)
        log_line(data->log,
                 LOG_INFO,
                 "data",
                 "team %.*s: view %.*s is refreshed again after it had failed",
                 STR_ARGS(view->team),
                 STR_ARGS(view->name));
    return NULL;
}

/* The view alone: what it reads is as it shall be. The store is asked twice, since the engine can't
 * take back what it did. */
static err refresh_one(struct data *data, struct db *db, struct relation *view, struct run *run,
                       struct team_turn *turn)
{
    struct refresh refresh = {.view = view->name, .sql = view->sql_query};
    struct refreshed result = {0};
    struct ask ask = db_ask(data, db, view->team, run->gone);
    str inputs;
    if (!arena_reserve(db->mem, STORE_PART_MEMORY))
        return &err_no_memory;
    run->view_name = view->name;
    run->view_key = view->key;
    TRY(run_begin(data, db, view, run, &refresh, &inputs));
    if (str_eq(run->outcome, STR("skipped")))
        return NULL;
    err e = team_doubt(turn, write_refresh(&ask, &refresh, view->version, &result));
    if (e) {
        bool cut_off = err_is(e, "client_gone");
        TRY(team_doubt(
            turn, cut_off ? run_withdraw(data, db, run) : refresh_failed(data, db, view, run, e)));
        return e;
    }
    view->inputs = inputs;
    struct relation before = *view;
    bool whole = !arena_failed(db->mem);
    e = refresh_done(data, db, view, run, &result);
    if (e && whole) {
        arena_forgive(db->mem);
        *view = before;
        e = refresh_done(data, db, view, run, &result);
    }
    if (e)
        e = told_later(db->mem, e, "The view has been refreshed");
    return team_doubt(turn, e);
}

static err order_of(struct db *db, str team, str view_key, struct strs *out)
{
    struct graph graph;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(db, &tx));
    TRY(graph_load(&tx, team, &graph));
    return graph_order(&graph, view_key, true, out);
}

static err view_now(struct db *db, str team, str key, struct relation *out)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(db, &tx));
    return relation_load(&tx, team, key, NULL, out);
}

/* The run is refused by name of the input, so that whoever looks at the view or its job sees why.
 */
static err input_failed(struct data *data, struct db *db, const struct relation *input, err e,
                        struct relation *view, struct run *run)
{
    if (err_is(e, "client_gone"))
        return e;
    err why = err_new(db->mem,
                      e->status,
                      e->code,
                      "\"%.*s\", which this view reads, can't be refreshed: %.*s",
                      STR_ARGS(input->name),
                      STR_ARGS(e->detail));
    run->view_key = view->key;
    run->view_name = view->name;
    view->error = why->detail;
    {
        CLEANUP(tx_done) struct tx tx = {0};
        TRY(db_begin(db, &tx));
        TRY(relation_update(&tx, view));
        TRY(tx_commit(&tx));
    }
    TRY(run_refused(data, db, run, why));
    return why;
}

err refresh_view(struct data *data, struct db *db, str team, str view_key, struct run *run,
                 struct team_turn *turn)
{
    struct strs order;
    TRY(order_of(db, team, view_key, &order));
    for (size_t i = 0; i < order.n; i++) {
        struct relation view = {0};
        TRY(view_now(db, team, order.at[i], &view));
        if (!str_eq(view.kind, STR("view")))
            continue;
        bool last = i + 1 == order.n;
        struct run by_the_way = {.team = team,
                                 .trigger = TRIGGER_READER,
                                 .due = time_now(),
                                 .started = time_now(),
                                 .gone = run->gone};
        struct run *mine = last ? run : &by_the_way;
        mine->id = id_new(db->mem);
        err e = refresh_one(data, db, &view, mine, turn);
        if (!e)
            continue;
        if (last)
            return e;
        struct relation asked = {0};
        TRY(view_now(db, team, view_key, &asked));
        return input_failed(data, db, &view, e, &asked, run);
    }
    return NULL;
}
