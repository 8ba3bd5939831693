/*
 * Loads under way. A load has a row in the store before the engine is asked, so that a crash in
 * between is seen at the next start (reconcile.c). The engine's commit comes first, then the
 * store's with the event, both in the team's turn. How far it is, signals tell; how it ended, the
 * log.
 */
#include "data/loads.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/id.h"
#include "base/time.h"
#include "data/reconcile.h"
#include "data/teams.h"
#include "data/writes.h"

#define WAIT_MS 60000
#define PROGRESS_EVERY_US (500 * 1000)
#define LOAD_MEMORY (64u << 20)
#define LOAD_SECONDS 3600
#define MARK_TRIES 3600
#define MARK_PAUSE_NS 500000000
#define MARK_MEMORY ((size_t)1 << 20)
#define STORE_PART_MEMORY ((size_t)64 << 10)
#define SIGNAL_MAX ((size_t)64 << 10)

/* A load under way: by the thread of its request, or by one of the loaders with memory of its own.
 */
struct loading {
    struct lane_work work;
    struct data *data;
    struct db *db;
    const atomic_bool *gone;
    struct load_record record;
    enum load_mode mode;
    struct load_input *input;
    str signal; /* its key */
    int64_t told_at;
    struct relation table; /* as it is afterwards */
    int64_t rows_added;
    bool unmarked; /* it has failed, and the store could not note that */
    bool unknown;  /* what became of it: its mark stays until the team's next turn knows */

    /* Of a load that nobody waits for. */
    struct stop stop;
    struct arena own_mem;
    struct db own_db;
    struct load_input own_input;
};

/* The end is told by the log. */
static void load_signal(struct loading *loading)
{
    struct events *events = loading->data->events;
    struct load_record *record = &loading->record;
    if (!signals_heard(events, record->team))
        return;
    CLEANUP(buf_done) struct buf json;
    buf_init(&json, SIGNAL_MAX);
    buf_add(&json, STR("{\"kind\": \"load\", \"load\": "));
    fields_print(&json, load_fields, record);
    buf_char(&json, '}');
    signal_tell(events, record->team, loading->signal, json.failed ? (str){0} : buf_str(&json));
}

/* The table as it is now, or that its name is free. */
static err table_look(struct loading *loading, struct tx *tx)
{
    struct load_record *record = &loading->record;
    if (loading->mode == LOAD_CREATE)
        return relation_name_free(tx, record->team, "table_name", record->table_name);
    TRY(relation_load(tx, record->team, record->table_name, "table", &loading->table));
    record->base_version = loading->table.version;
    return NULL;
}

static err mark_begin(struct loading *loading, bool waits)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(loading->db, &tx));
    TRY(table_look(loading, &tx));
    if (waits)
        loading->record.base_version = LOAD_WAITS;
    TRY(load_begin(&tx, &loading->record));
    TRY(tx_commit(&tx));
    load_signal(loading);
    return NULL;
}

/* The turn of a load that waited has come: meanwhile the table may have changed or gone. */
static err mark_turn(struct loading *loading)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(loading->db, &tx));
    loading->record.base_version = 0;
    TRY(table_look(loading, &tx));
    TRY(tx_run(&tx,
               "UPDATE loads SET base_version = $3 WHERE team = $1 AND id = $2",
               A(loading->record.team),
               A(loading->record.id),
               A(loading->record.base_version)));
    return tx_commit(&tx);
}

/* For whoever asks after the load; losing one of these writes is no harm. */
static void progress(void *arg, const struct progress *progress)
{
    struct loading *loading = arg;
    loading->record.rows = progress->rows;
    loading->record.bytes_done =
        (int64_t)((double)loading->record.bytes * (double)progress->millionths / 1e6);
    load_signal(loading);
    if (time_steady() - loading->told_at < PROGRESS_EVERY_US)
        return;
    loading->told_at = time_steady();
    err e = load_progress(loading->db, &loading->record);
    if (e)
        log_line(loading->data->log,
                 LOG_WARNING,
                 "data",
                 "progress of a load is not kept: %.*s",
                 STR_ARGS(e->detail));
}

static err engine_part(struct loading *loading)
{
    struct load load = {
        .table = loading->mode == LOAD_CREATE ? loading->record.table_name : loading->table.name,
        .mode = loading->mode,
        .format = loading->input->format,
        .path = loading->input->path,
        .columns = loading->input->columns,
        .progress = progress,
        .progress_arg = loading,
    };
    struct ask ask = db_ask(loading->data, loading->db, loading->record.team, loading->gone);
    ask.limit_ms = (int64_t)LOAD_SECONDS * 1000;
    ask.still_ms = loading->data->query_ms;
    struct object object = {0};
    TRY(write_load(&ask, &load, &loading->table, &object, &loading->rows_added));
    relation_take(loading->db->mem, &loading->table, &object);
    loading->record.rows = loading->rows_added;
    return NULL;
}

static err store_part(struct loading *loading)
{
    struct arena *mem = loading->db->mem;
    struct relation *table = &loading->table;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(loading->db, &tx));
    table->updated = time_now();
    if (loading->mode == LOAD_CREATE) {
        table->team = loading->record.team;
        table->name = loading->record.table_name;
        table->key = relation_key(mem, table->name);
        table->kind = STR("table");
        table->created = table->updated;
        TRY(relation_insert(&tx, table));
    } else {
        TRY(relation_update(&tx, table));
    }
    TRY(load_end(loading->data, &tx, &loading->record, NULL));
    TRY(relation_link(&tx, table->team, table, 1));
    signal_forget(loading->data->events, table->team, loading->signal);
    const char *type = loading->mode == LOAD_CREATE ? "table.created" : "table.loaded";
    TRY(event_append(
        loading->data->events, &tx, table->team, type, table->name, table_fields, table));
    TRY(event_append(loading->data->events,
                     &tx,
                     table->team,
                     "load.succeeded",
                     loading->record.id,
                     load_fields,
                     &loading->record));
    return tx_commit(&tx);
}

static err mark_failed(struct loading *loading, err why)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(loading->db, &tx));
    TRY(load_end(loading->data, &tx, &loading->record, why));
    signal_forget(loading->data->events, loading->record.team, loading->signal);
    TRY(event_append(loading->data->events,
                     &tx,
                     loading->record.team,
                     "load.failed",
                     loading->record.id,
                     load_fields,
                     &loading->record));
    return tx_commit(&tx);
}

/* The engine and then the store, in the team's turn. What the store can't take although it was
 * asked twice is not undone: a new table goes (nobody knows of it), rows stay and are told later.
 */
static err load_run(struct loading *loading, struct team_turn *turn)
{
    struct db *db = loading->db;
    if (!arena_reserve(db->mem, STORE_PART_MEMORY))
        return &err_no_memory;
    TRY(team_doubt(turn, engine_part(loading)));
    bool whole = !arena_failed(db->mem);
    err e = store_part(loading);
    if (e && whole) {
        arena_forgive(db->mem);
        e = store_part(loading);
    }
    if (e && loading->mode != LOAD_CREATE)
        e = told_later(db->mem, e, "The rows are in the table");
    return team_doubt(turn, e);
}

/* The team's turn, and a mark: at once when the turn can be had at once, else a first one before it
 * is waited for. Nobody waits for what is marked already. */
static err turn_take(struct loading *loading, int64_t wait_ms, bool *marked, struct team_turn *turn)
{
    struct data *data = loading->data;
    struct db *db = loading->db;
    str team = loading->record.team;
    if (*marked) {
        TRY(team_await(data, db, team, wait_ms, loading->gone, turn));
        return mark_turn(loading);
    }
    err e = team_enter(data, db, team, 0, turn);
    bool waits = err_is(e, "team_busy");
    if (!waits)
        TRY(e);
    TRY(mark_begin(loading, waits));
    *marked = true;
    if (!waits)
        return NULL;
    TRY(team_enter(data, db, team, wait_ms, turn));
    return mark_turn(loading);
}

/* Why it was cut off, in words for those who find it so. */
static err cut_off(const struct loading *loading, err e)
{
    struct arena *mem = loading->db->mem;
    if (err_is(e, "client_gone") && atomic_load(&loading->stop.asked))
        return err_new(mem, 409, "stopped", "The load was stopped. Nothing of it was kept.");
    bool stopping = atomic_load(&loading->data->stopping);
    if (err_is(e, "interrupted") || (err_is(e, "client_gone") && stopping))
        return load_interrupted(mem);
    return e;
}

/* From the mark to the end, whatever comes. */
static err load_whole(struct loading *loading, int64_t wait_ms, bool marked)
{
    CLEANUP(team_leave) struct team_turn turn = {0};
    err e = turn_take(loading, wait_ms, &marked, &turn);
    if (!e)
        e = load_run(loading, &turn);
    load_input_discard(loading->input);
    loading->unknown = outcome_unknown(e);
    if (loading->unknown)
        return e;
    e = cut_off(loading, e);
    if (e && marked && !err_is(e, TOLD_LATER)) {
        err again = team_doubt(&turn, mark_failed(loading, e));
        loading->unmarked = again != NULL;
        if (again)
            log_line(loading->data->log,
                     LOG_ERROR,
                     "data",
                     "a failed load is not marked: %.*s",
                     STR_ARGS(again->detail));
    }
    return e;
}

/* What was accepted comes to an end that can be seen, also when the store could not take it at
 * once: the next start would note it as well. */
static void mark_later(struct loading *loading, err why)
{
    struct data *data = loading->data;
    bool open = loading->unmarked || loading->unknown;
    for (int i = 0; open && i < MARK_TRIES && !atomic_load(&data->stopping); i++) {
        struct arena mem;
        arena_init(&mem, MARK_MEMORY);
        loading->own_db.mem = &mem;
        nanosleep(&(struct timespec){.tv_nsec = MARK_PAUSE_NS}, NULL);
        err e = loading->unknown
                    ? team_settle(data, &loading->own_db, loading->record.team, WAIT_MS)
                    : mark_failed(loading, why);
        open = e != NULL;
        arena_done(&mem);
    }
    loading->own_db.mem = &loading->own_mem;
}

static void loading_free(struct loading *loading)
{
    load_input_discard(&loading->own_input);
    arena_done(&loading->own_mem);
    free(loading);
}

static void load_alone(struct lane_work *work)
{
    struct loading *loading = (struct loading *)work;
    err e = load_whole(loading, (int64_t)LOAD_SECONDS * 1000, true);
    stop_leave(loading->data->stops, &loading->stop);
    if (e && e->status >= 500)
        log_line(loading->data->log,
                 LOG_ERROR,
                 "data",
                 "load %.*s: %s: %.*s %.*s",
                 STR_ARGS(loading->record.id),
                 e->code,
                 STR_ARGS(e->detail),
                 STR_ARGS(e->inside));
    if (e)
        mark_later(loading, e);
    loading_free(loading);
}

/* Copies all that outlives the request. */
static struct loading *loading_copy(struct request *rq, const struct loading *from,
                                    struct load_input *input)
{
    struct loading *loading = calloc(1, sizeof(*loading));
    if (!loading)
        return NULL;
    *loading = *from;
    arena_init(&loading->own_mem, LOAD_MEMORY);
    struct arena *mem = &loading->own_mem;
    loading->own_db =
        (struct db){.store = rq->db->store, .mem = mem, .actor = str_copy(mem, rq->db->actor)};
    loading->own_input = (struct load_input){.format = input->format, .bytes = input->bytes};
    loading->own_input.path = str_c(mem, str_of(input->path));
    struct columns *columns = &loading->own_input.columns;
    columns->at = arena_array(mem, input->columns.n, sizeof(struct column));
    columns->n = columns->at ? input->columns.n : 0;
    for (size_t i = 0; i < columns->n; i++)
        columns->at[i] = (struct column){str_copy(mem, input->columns.at[i].column_name),
                                         str_copy(mem, input->columns.at[i].column_type)};
    loading->record.team = str_copy(mem, from->record.team);
    loading->record.id = str_copy(mem, from->record.id);
    loading->record.table_name = str_copy(mem, from->record.table_name);
    loading->record.upload = str_copy(mem, from->record.upload);
    loading->signal = str_copy(mem, from->signal);
    loading->table = (struct relation){0};
    loading->db = &loading->own_db;
    loading->stop = (struct stop){.team = loading->record.team, .id = loading->record.id};
    loading->gone = &loading->stop.gone;
    loading->input = &loading->own_input;
    loading->work.run = load_alone;
    if (arena_failed(mem)) {
        loading->own_input.path = NULL;
        loading_free(loading);
        return NULL;
    }
    input->path = NULL; /* given over */
    return loading;
}

static err load_start(struct request *rq, struct loading *loading, struct load_input *input)
{
    struct data *data = rq->context;
    TRY(mark_begin(loading, true));
    struct loading *alone = loading_copy(rq, loading, input);
    if (!alone) {
        TRY(mark_failed(loading, &err_no_memory));
        return &err_no_memory;
    }
    stop_enter(data->stops, &alone->stop);
    if (!lanes_submit(data->loads, loading->record.team, &alone->work)) {
        stop_leave(data->stops, &alone->stop);
        loading_free(alone);
        err busy = err_busy(
            rq->mem, 30, "loads_busy", "Too many loads are waiting. Try again in a moment.");
        TRY(mark_failed(loading, busy));
        return busy;
    }
    reply_header(rq, "Location", str_fmt(rq->mem, "/loads/%.*s/", STR_ARGS(loading->record.id)));
    reply_header(rq, "Preference-Applied", STR("respond-async"));
    return reply_json(rq, 202, load_fields, &loading->record);
}

/* Prefer: respond-async, among other preferences (RFC 7240). */
static bool prefers_async(struct request *rq)
{
    str rest = request_header(rq, "prefer");
    while (rest.at) {
        str preference = str_cut(&rest, ',');
        if (str_eq_nocase(str_trim(str_cut(&preference, ';')), STR("respond-async")))
            return true;
    }
    return false;
}

err load_reply(struct request *rq, str table_name, enum load_mode mode, struct load_input *input)
{
    struct loading loading = {
        .data = rq->context,
        .db = rq->db,
        .gone = rq->gone,
        .mode = mode,
        .input = input,
        .record = {.team = rq->team,
                   .id = id_new(rq->mem),
                   .table_name = table_name,
                   .mode = load_mode_name(mode),
                   .upload = input->upload,
                   .state = STR("running"),
                   .bytes = input->bytes,
                   .created = rq->now},
    };
    loading.signal = str_fmt(rq->mem, "load:%.*s", STR_ARGS(loading.record.id));
    if (prefers_async(rq))
        return load_start(rq, &loading, input);
    TRY(load_whole(&loading, WAIT_MS, false));
    if (mode != LOAD_APPEND)
        return reply_json(rq, mode == LOAD_CREATE ? 201 : 200, table_fields, &loading.table);
    return reply_json_and(rq,
                          201,
                          "rows_added",
                          str_fmt(rq->mem, "%lld", (long long)loading.rows_added),
                          table_fields,
                          &loading.table);
}
