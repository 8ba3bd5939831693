/*
 * Loads. A load has a row in the store before the engine is asked, so that a crash in between is
 * seen at the next start (reconcile.c). The engine's commit comes first, then the store's with the
 * event, both in the team's turn.
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
#include "http/page.h"

#define WAIT_MS 60000
#define PROGRESS_EVERY_US (500 * 1000)
#define LOAD_MEMORY (64u << 20)
#define LOAD_SECONDS 3600
#define MARK_TRIES 3600
#define MARK_PAUSE_NS 500000000
#define MARK_MEMORY ((size_t)1 << 20)
#define STORE_PART_MEMORY ((size_t)64 << 10)

static const char *const mode_names[] = {"create", "append", "replace", NULL};
static const char *const states[] = {"running", "succeeded", "failed", NULL};

const struct field load_fields[] = {
    FIELD(struct load_record, id, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct load_record, table_name, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct load_record, mode, FIELD_STR, .flags = FIELD_REQUIRED, .choices = mode_names,
          .help = "create, append or replace"),
    FIELD(struct load_record, state, FIELD_STR, .flags = FIELD_REQUIRED, .choices = states,
          .help = "running, succeeded or failed"),
    FIELD(struct load_record, bytes, FIELD_INT, .help = "Size of the upload"),
    FIELD(struct load_record, bytes_done, FIELD_INT, .help = "Of these, read so far"),
    FIELD(struct load_record, rows, FIELD_INT, .help = "Rows loaded so far"),
    FIELD(struct load_record, error, FIELD_JSON,
          .help = "What was wrong, as a problem; null when nothing was"),
    FIELD(struct load_record, created, FIELD_TIME, .flags = FIELD_REQUIRED),
    FIELD(struct load_record, finished, FIELD_TIME),
    FIELD_LAST,
};

static const struct field load_row[] = {
    FIELD(struct load_record, team, FIELD_STR),
    FIELD(struct load_record, id, FIELD_STR),
    FIELD(struct load_record, table_name, FIELD_STR),
    FIELD(struct load_record, mode, FIELD_STR),
    FIELD(struct load_record, state, FIELD_STR),
    FIELD(struct load_record, bytes, FIELD_INT),
    FIELD(struct load_record, bytes_done, FIELD_INT),
    FIELD(struct load_record, row_count, FIELD_INT),
    FIELD(struct load_record, base_version, FIELD_INT),
    FIELD(struct load_record, error, FIELD_JSON),
    FIELD(struct load_record, created, FIELD_TIME),
    FIELD(struct load_record, finished, FIELD_TIME),
    FIELD_LAST,
};

/* A load under way: by the thread of its request, or by one of the loaders with memory of its own.
 */
struct loading {
    struct lane_work work;
    struct data *data;
    struct db *db;
    const atomic_bool *gone;
    struct load_record record;
    enum load_mode mode;
    struct upload_input *input;
    int64_t told_at;
    struct relation table; /* as it is afterwards */
    int64_t rows_added;
    bool unmarked; /* it has failed, and the store could not note that */

    /* Of a load that nobody waits for. */
    struct arena own_mem;
    struct db own_db;
    struct upload_input own_input;
};

static str problem_json(struct arena *mem, err e)
{
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 1 << 20);
    buf_fmt(&out, "{\"status\": %d, \"code\": \"%s\", \"detail\": ", e->status, e->code);
    json_print_str(&out, e->detail);
    if (e->errors.at) {
        buf_add(&out, STR(", \"errors\": "));
        buf_add(&out, e->errors);
    }
    buf_char(&out, '}');
    return out.failed ? STR("{\"code\": \"out_of_memory\"}") : str_copy(mem, buf_str(&out));
}

err load_interrupted(struct arena *mem)
{
    return err_new(mem,
                   503,
                   "interrupted",
                   "The server was stopped before the load was done. Upload the file again.");
}

err load_begin(struct tx *tx, struct load_record *load)
{
    return tx_run(tx,
                  "INSERT INTO loads (team, id, table_name, mode, state, bytes, row_count, "
                  "base_version, created)"
                  " VALUES ($1, $2, $3, $4, 'running', $5, 0, $6, $7)",
                  A(load->team),
                  A(load->id),
                  A(load->table_name),
                  A(load->mode),
                  A(load->bytes),
                  A(load->base_version),
                  A(load->created));
}

err load_end(struct tx *tx, struct load_record *load, err why)
{
    load->state = why ? STR("failed") : STR("succeeded");
    load->error = why ? problem_json(tx->db->mem, why) : (str){0};
    load->finished = time_now();
    return tx_run(tx,
                  "UPDATE loads SET state = $3, row_count = $4, error = $5, finished = $6 WHERE "
                  "team = $1 AND id = $2",
                  A(load->team),
                  A(load->id),
                  A(load->state),
                  A(load->rows),
                  A(load->error),
                  A(load->finished));
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
    return tx_commit(&tx);
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

/* Rows so far, for whoever asks after the load; losing one of these writes is no harm. */
static void progress(void *arg, int64_t rows)
{
    struct loading *loading = arg;
    loading->record.rows = rows;
    if (time_steady() - loading->told_at < PROGRESS_EVERY_US)
        return;
    loading->told_at = time_steady();
    CLEANUP(tx_done) struct tx tx = {0};
    err e = db_begin(loading->db, &tx);
    if (!e)
        e = tx_run(&tx,
                   "UPDATE loads SET row_count = $3 WHERE team = $1 AND id = $2",
                   A(loading->record.team),
                   A(loading->record.id),
                   A(rows));
    if (!e)
        e = tx_commit(&tx);
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
    TRY(load_end(&tx, &loading->record, NULL));
    TRY(relation_link(&tx, table->team, table, 1));
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
    TRY(load_end(&tx, &loading->record, why));
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

/* From the mark to the end, whatever comes. */
static err load_whole(struct loading *loading, int64_t wait_ms, bool marked)
{
    struct data *data = loading->data;
    struct db *db = loading->db;
    CLEANUP(team_leave) struct team_turn turn = {0};
    err e = marked ? team_await(data, db, loading->record.team, wait_ms, &turn)
                   : team_enter(data, db, loading->record.team, wait_ms, &turn);
    if (!e && !marked) {
        TRY(mark_begin(loading, false));
        marked = true;
    } else if (!e) {
        e = mark_turn(loading);
    }
    if (!e)
        e = load_run(loading, &turn);
    upload_discard(loading->input);
    if (err_is(e, "interrupted") || (err_is(e, "client_gone") && atomic_load(&data->stopping)))
        e = load_interrupted(db->mem);
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
    for (int i = 0; loading->unmarked && i < MARK_TRIES && !atomic_load(&loading->data->stopping);
         i++) {
        struct arena mem;
        arena_init(&mem, MARK_MEMORY);
        loading->own_db.mem = &mem;
        nanosleep(&(struct timespec){.tv_nsec = MARK_PAUSE_NS}, NULL);
        loading->unmarked = mark_failed(loading, why) != NULL;
        arena_done(&mem);
    }
    loading->own_db.mem = &loading->own_mem;
}

static void loading_free(struct loading *loading)
{
    upload_discard(&loading->own_input);
    arena_done(&loading->own_mem);
    free(loading);
}

static void load_alone(struct lane_work *work)
{
    struct loading *loading = (struct loading *)work;
    err e = load_whole(loading, (int64_t)LOAD_SECONDS * 1000, true);
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
                                    struct upload_input *input)
{
    struct loading *loading = calloc(1, sizeof(*loading));
    if (!loading)
        return NULL;
    *loading = *from;
    arena_init(&loading->own_mem, LOAD_MEMORY);
    struct arena *mem = &loading->own_mem;
    loading->own_db =
        (struct db){.store = rq->db->store, .mem = mem, .actor = str_copy(mem, rq->db->actor)};
    loading->own_input = (struct upload_input){.format = input->format, .bytes = input->bytes};
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
    loading->table = (struct relation){0};
    loading->db = &loading->own_db;
    loading->gone = &loading->data->stopping;
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

static err load_start(struct request *rq, struct loading *loading, struct upload_input *input)
{
    struct data *data = rq->context;
    TRY(mark_begin(loading, true));
    loading->record.state = STR("running");
    struct loading *alone = loading_copy(rq, loading, input);
    if (!alone) {
        TRY(mark_failed(loading, &err_no_memory));
        return &err_no_memory;
    }
    if (!lanes_submit(data->loads, loading->record.team, &alone->work)) {
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

err load_reply(struct request *rq, str table_name, enum load_mode mode, struct upload_input *input)
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
                   .mode = str_of(mode_names[mode]),
                   .bytes = input->bytes,
                   .created = rq->now},
    };
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

static void record_ready(struct load_record *load)
{
    load->rows = load->row_count;
}

err load_show(struct request *rq)
{
    struct load_record load = {0};
    bool found;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    TRY(tx_find(&tx,
                load_row,
                &load,
                &found,
                "SELECT * FROM loads WHERE team = $1 AND id = $2",
                A(rq->team),
                A(request_path(rq, "id"))));
    if (!found)
        return err_new(rq->mem, 404, "not_found", "There is no such load.");
    record_ready(&load);
    return reply_json(rq, 200, load_fields, &load);
}

struct load_query {
    struct page page;
    str state;
};

const struct field load_query_fields[] = {
    PAGE_FIELDS(struct load_query, page),
    FIELD(struct load_query, state, FIELD_STR, .choices = states, .help = "Only these"),
    FIELD_LAST,
};

/* Each way along an index: of all, or of one state. */
static err load_page(struct tx *tx, str team, const struct load_query *query, struct list *out)
{
    const struct page *page = &query->page;
    bool back = page->before.at;
    str from = back ? page->before : page->after.at ? page->after : STR(ID_LAST);
    size_t size = sizeof(struct load_record);
    int64_t rows = page_rows(page);
#define LOADS(where)                                          \
    tx_list(tx,                                               \
            load_row,                                         \
            size,                                             \
            2000,                                             \
            out,                                              \
            "SELECT * FROM loads WHERE team = $1 AND " where, \
            A(team),                                          \
            A(from),                                          \
            A(rows),                                          \
            A(query->state))
    if (query->state.at)
        return back ? LOADS("state = $4 AND id > $2 ORDER BY id LIMIT $3")
                    : LOADS("state = $4 AND id < $2 ORDER BY id DESC LIMIT $3");
    return back ? LOADS("$4 IS NULL AND id > $2 ORDER BY id LIMIT $3")
                : LOADS("$4 IS NULL AND id < $2 ORDER BY id DESC LIMIT $3");
#undef LOADS
}

err load_list(struct request *rq)
{
    struct load_query query = {.page.limit = PAGE_LIMIT};
    struct page *page = &query.page;
    struct list list;
    TRY(request_query(rq, load_query_fields, &query));
    TRY(page_check(rq, page));
    if (query.state.at)
        page->more = str_fmt(rq->mem, "&state=%.*s", STR_ARGS(query.state));
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    TRY(load_page(&tx, rq->team, &query, &list));
    struct load_record *loads = list.at;
    for (size_t i = 0; i < list.n; i++)
        record_ready(&loads[i]);
    return page_reply(
        rq, page, load_fields, sizeof(struct load_record), list, offsetof(struct load_record, id));
}
