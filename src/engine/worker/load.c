/*
 * Loads: a file becomes rows of a table, all or none.
 *
 * One statement reads, converts and stores. What goes wrong in it is looked for a second time, at
 * leisure, in a transaction that is rolled back: speed for good files, exact places for bad ones.
 */
#include "engine/worker/loading.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "engine/worker/types.h"

#define ERRORS_BYTES (256 * 1024)
#define LIST_MAX (4 * 1024 * 1024)
#define TICK_NS 1000000
#define TICK_MOST_NS 32000000 /* who waits for long is to use no processor: see ask.c */
#define PROGRESS_NS 100000000

void loading_init(struct loading *l, struct call *call, const struct load *ask)
{
    static const struct load_reader *const readers[] = {[FORMAT_CSV] = &csv_reader,
                                                        [FORMAT_PARQUET] = &parquet_reader,
                                                        [FORMAT_JSON] = &json_reader};
    *l = (struct loading){.call = call, .ask = ask, .reader = readers[ask->format]};
    l->columns = ask->columns;
    buf_init(&l->errors.json, ERRORS_BYTES);
    buf_char(&l->errors.json, '[');
}

void loading_done(struct loading *l)
{
    csv_close(&l->csv);
    buf_done(&l->errors.json);
    if (l->ask->format == FORMAT_JSON) /* a rollback has dropped it already */
        duckdb_query(l->call->connection, "DROP TABLE IF EXISTS temp.tdc_rows", NULL);
}

err file_refuse(struct call *call, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str detail = str_fmt_list(call->mem, format, args);
    va_end(args);
    return err_new(call->mem, 422, "invalid_file", "%.*s", STR_ARGS(detail));
}

err file_columns_read(struct loading *l, str from, struct sql_failure *failure)
{
    CLEANUP(sql_result_done) struct sql_result result = {0};
    struct call *call = l->call;
    TRY(sql_try_query(call, sql_text(call, "DESCRIBE SELECT * FROM %S", from), &result, failure));
    if (failure->message.at)
        return NULL;
    size_t n = sql_rows(&result);
    if (n > CSV_COLUMNS_MAX)
        return file_refuse(call, "The file has more than %d columns.", CSV_COLUMNS_MAX);
    l->file_columns = (struct columns){arena_array(call->mem, n + 1, sizeof(struct column)), n};
    for (size_t i = 0; l->file_columns.at && i < n; i++)
        l->file_columns.at[i] =
            (struct column){sql_str(call, &result, i, 0), sql_str(call, &result, i, 1)};
    return arena_failed(call->mem) ? &err_no_memory : NULL;
}

str file_column(const struct loading *l, size_t i)
{
    return l->file_columns.at[l->from_file[i]].column_name;
}

str text_cast(struct loading *l, str text, str type)
{
    if (str_eq(type, STR("text")) || type_varchar_max(type))
        return text;
    if (!type_is_integer(type))
        return sql_text(l->call, "CAST(%S AS %S)", text, type);
    return sql_text(l->call,
                    "CASE WHEN regexp_matches(%S, " FRACTION
                    ") THEN error('fraction') ELSE CAST(%S AS %S) END",
                    text,
                    text,
                    type);
}

static err columns_missing(struct loading *l)
{
    struct columns *columns = &l->columns, *file = &l->file_columns;
    for (size_t i = 0; i < columns->n; i++) {
        ptrdiff_t at = columns_find(file, columns->at[i].column_name);
        if (at < 0)
            file_error_add(
                l, 1, columns->at[i].column_name, (str){0}, STR("the file has no such column"));
        else
            l->from_file[i] = (size_t)at;
    }
    for (size_t i = 0; i < file->n; i++)
        if (columns_find(columns, file->at[i].column_name) < 0)
            file_error_add(
                l, 1, file->at[i].column_name, (str){0}, STR("the table has no such column"));
    return arena_failed(l->call->mem) ? &err_no_memory : NULL;
}

static err match(struct loading *l)
{
    l->from_file = arena_array(l->call->mem, l->columns.n + 1, sizeof(size_t));
    if (!l->from_file)
        return &err_no_memory;
    if (l->ask->format == FORMAT_JSON) /* by name in each object; see json_misshapen */
        TRY(l->reader->misshapen(l));
    else
        TRY(columns_missing(l));
    return l->errors.n ? file_errors_err(l) : NULL;
}

str loading_select(struct loading *l)
{
    CLEANUP(buf_done) struct buf list;
    buf_init(&list, LIST_MAX);
    for (size_t i = 0; i < l->columns.n; i++)
        buf_add(&list,
                sql_text(l->call,
                         "%S%S AS %I",
                         i ? STR(", ") : STR(""),
                         l->reader->value(l, i),
                         l->columns.at[i].column_name));
    if (list.failed)
        l->call->mem->failed = true;
    return sql_text(l->call, "SELECT %S FROM %S", buf_str(&list), l->reader->from(l, false));
}

static str names_sql(struct loading *l)
{
    CLEANUP(buf_done) struct buf list;
    buf_init(&list, LIST_MAX);
    for (size_t i = 0; i < l->columns.n; i++)
        buf_add(&list,
                sql_text(l->call, "%S%I", i ? STR(", ") : STR(""), l->columns.at[i].column_name));
    if (list.failed)
        l->call->mem->failed = true;
    return str_copy(l->call->mem, buf_str(&list));
}

static str load_sql(struct loading *l)
{
    str name = l->table.object.name, select = loading_select(l);
    if (l->ask->mode == LOAD_APPEND)
        return sql_text(l->call, "INSERT INTO " SQL_MAIN ".%I (%S) %S", name, names_sql(l), select);
    return sql_text(l->call, "CREATE OR REPLACE TABLE " SQL_MAIN ".%I AS %S", name, select);
}

/* As a part of the file, which DuckDB goes through from its beginning to its end. */
static void progress_tell(struct loading *l)
{
    double part = duckdb_query_progress(l->call->connection).percentage / 100;
    if (!(part > 0))
        return;
    part = part < 1 ? part : 1;
    call_progress(l->call,
                  (struct progress){.rows = (int64_t)(part * (double)l->rows_guess),
                                    .millionths = (int64_t)(part * 1000000)});
}

/* Runs the statement task by task, so that the progress can be told in between. */
static duckdb_state pending_run(struct loading *l, duckdb_pending_result pending)
{
    int64_t waited = PROGRESS_NS, tick = TICK_NS;
    for (;;) {
        duckdb_pending_state state = duckdb_pending_execute_task(pending);
        if (state == DUCKDB_PENDING_ERROR)
            return DuckDBError;
        if (duckdb_pending_execution_is_finished(state))
            return DuckDBSuccess;
        if (state == DUCKDB_PENDING_NO_TASKS_AVAILABLE) { /* the other cores have them */
            nanosleep(&(struct timespec){.tv_nsec = tick}, NULL);
            waited += tick;
            tick = tick < TICK_MOST_NS ? tick * 2 : tick;
        } else {
            waited = PROGRESS_NS;
            tick = TICK_NS;
        }
        if (waited >= PROGRESS_NS) {
            progress_tell(l);
            waited = 0;
        }
    }
}

/* The pragmas are the connection's alone and not among the settings that are locked. */
static err watched_run(struct loading *l, str sql, struct sql_failure *failure)
{
    *failure = (struct sql_failure){.position = -1};
    TRY(sql_run(l->call, "PRAGMA enable_progress_bar"));
    TRY(sql_run(l->call, "PRAGMA disable_print_progress_bar"));
    const char *text = str_c(l->call->mem, sql);
    if (arena_failed(l->call->mem))
        return &err_no_memory;
    duckdb_prepared_statement prepared = NULL;
    duckdb_pending_result pending = NULL;
    duckdb_result result;
    err e = NULL;
    if (duckdb_prepare(l->call->connection, text, &prepared) == DuckDBError) {
        e = sql_failed(l->call, DUCKDB_ERROR_BINDER, duckdb_prepare_error(prepared), failure);
    } else if (duckdb_pending_prepared(prepared, &pending) == DuckDBError ||
               pending_run(l, pending) == DuckDBError) {
        e = sql_failed(l->call, DUCKDB_ERROR_EXECUTOR, duckdb_pending_error(pending), failure);
    } else {
        if (duckdb_execute_pending(pending, &result) == DuckDBError)
            e = sql_failed(
                l->call, duckdb_result_error_type(&result), duckdb_result_error(&result), failure);
        duckdb_destroy_result(&result);
    }
    duckdb_destroy_pending(&pending);
    duckdb_destroy_prepare(&prepared);
    if (e || failure->message.at)
        return e; /* the transaction is over: nothing can be run in it */
    return sql_run(l->call, "PRAGMA disable_progress_bar");
}

/* A text longer than varchar(n) allows? DuckDB knows the longest of a column without reading it, in
 * bytes. */
static err too_long(struct loading *l, bool *found)
{
    *found = false;
    for (size_t i = 0; i < l->columns.n && !*found; i++) {
        int64_t most = type_varchar_max(l->columns.at[i].column_type), bytes = 0, count;
        if (!most)
            continue;
        str name = l->columns.at[i].column_name;
        TRY(sql_number(l->call,
                       &bytes,
                       "SELECT CAST(coalesce(nullif(regexp_extract(stats(%I), 'Max String Length: "
                       "([0-9]+)', 1), ''),"
                       " '9999999999') AS BIGINT) FROM " SQL_MAIN ".%I LIMIT 1",
                       name,
                       l->table.object.name));
        if (bytes <= most)
            continue;
        TRY(sql_number(l->call,
                       &count,
                       "SELECT count(*) FROM (SELECT 1 FROM " SQL_MAIN
                       ".%I WHERE length(%I) > %D LIMIT 1)",
                       l->table.object.name,
                       name,
                       most));
        *found = count > 0;
    }
    return NULL;
}

static err table_find(struct loading *l)
{
    bool found;
    str name = l->ask->table;
    TRY(meta_find(l->call, name, &l->table, &found));
    if (l->ask->mode == LOAD_CREATE) {
        if (found)
            return err_new(l->call->mem,
                           409,
                           "name_taken",
                           "There is a table or view named \"%.*s\".",
                           STR_ARGS(name));
        l->table = (struct meta){.object = {.name = str_copy(l->call->mem, name)}};
    } else if (!found || l->table.object.is_view) {
        return err_new(l->call->mem,
                       404,
                       "unknown_table",
                       "There is no table named \"%.*s\".",
                       STR_ARGS(name));
    }
    l->columns = l->ask->columns.n ? l->ask->columns : l->table.object.columns;
    return NULL;
}

/* Appending with other types than the table's would store what the table says it has not. */
static err append_check(struct loading *l)
{
    const struct columns *own = &l->table.object.columns;
    if (l->ask->mode != LOAD_APPEND || !l->ask->columns.n)
        return NULL;
    for (size_t i = 0; i < l->columns.n; i++) {
        ptrdiff_t at = columns_find(own, l->columns.at[i].column_name);
        if (at < 0 || !str_eq(own->at[at].column_type, l->columns.at[i].column_type))
            return err_new(l->call->mem,
                           422,
                           "invalid_columns",
                           "The table has no column \"%.*s\" of the type %.*s.",
                           STR_ARGS(l->columns.at[i].column_name),
                           STR_ARGS(l->columns.at[i].column_type));
    }
    l->columns = *own;
    return NULL;
}

static err file_open(struct loading *l)
{
    TRY(l->reader->open(l));
    if (l->columns.n)
        return NULL;
    l->inferred = true;
    size_t n = l->file_columns.n;
    l->columns = (struct columns){arena_array(l->call->mem, n + 1, sizeof(struct column)), n};
    return l->columns.at ? NULL : &err_no_memory;
}

static err inferred_check(struct loading *l)
{
    if (!l->columns.n)
        return file_refuse(l->call, "The file has no columns.");
    for (size_t i = 0; i < l->columns.n; i++) {
        str name = l->columns.at[i].column_name;
        err e = engine_column_check(l->call->mem, "column", name);
        if (e) /* without its "column: " */
            file_error_add(
                l, 1, name, (str){0}, str_sub(e->detail, strlen("column: "), e->detail.len));
    }
    return l->errors.n ? file_errors_err(l) : NULL;
}

err loading_columns(struct loading *l, int attempt, struct sql_failure *failure, bool *again)
{
    *again = false;
    *failure = (struct sql_failure){0};
    if (attempt == 0)
        TRY(file_open(l));
    if (l->inferred) {
        TRY(l->reader->infer(l, attempt, failure, again));
        if (failure->message.at)
            return NULL;
        TRY(inferred_check(l));
    }
    return match(l);
}

/* One attempt; `failure` says that the values do not fit. */
static err rows_load(struct loading *l, struct sql_failure *failure)
{
    bool found;
    call_parallel(l->call);
    err e = watched_run(l, load_sql(l), failure);
    /* A helper that hung in the commit would have this thread wait for it by going round and round,
     * which looks like work (see ask.c). */
    call_serial(l->call);
    TRY(e);
    if (failure->message.at)
        return NULL;
    TRY(too_long(l, &found));
    if (found)
        failure->message = STR("a text is too long");
    return NULL;
}

static err load_once(struct loading *l, int attempt, struct sql_failure *failure, bool *again)
{
    int64_t rows_before = l->table.object.row_count;
    CLEANUP(sql_rollback) struct sql_tx tx = {0};
    TRY(sql_begin(l->call, &tx));
    TRY(loading_columns(l, attempt, failure, again));
    if (!failure->message.at)
        TRY(rows_load(l, failure));
    if (failure->message.at)
        return NULL;
    l->table.object.columns = l->columns;
    l->table.object.version++;
    TRY(meta_count(l->call, &l->table.object));
    TRY(meta_measure(l->call, &l->table.object));
    TRY(meta_save(l->call, &l->table));
    if (l->ask->format == FORMAT_JSON)
        TRY(sql_run(l->call, "DROP TABLE temp.tdc_rows"));
    TRY(sql_commit(&tx));
    l->rows_guess = l->table.object.row_count - (l->ask->mode == LOAD_APPEND ? rows_before : 0);
    return NULL;
}

err worker_load(struct call *call, const struct load *load, struct object *out, int64_t *rows_added)
{
    CLEANUP(loading_done) struct loading l;
    loading_init(&l, call, load);
    TRY(table_find(&l));
    TRY(append_check(&l));
    struct sql_failure failure;
    bool again = true;
    for (int attempt = 0; again; attempt++) {
        TRY(load_once(&l, attempt, &failure, &again));
        if (!failure.message.at) {
            *out = l.table.object;
            *rows_added = l.rows_guess;
            return arena_failed(call->mem) ? &err_no_memory : NULL;
        }
    }
    return load_diagnose(&l, &failure);
}
