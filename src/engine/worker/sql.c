/* Running statements, and the text of them. */
#include "engine/worker/sql.h"

#include <stdarg.h>
#include <string.h>

#define SQL_MAX (8u * 1024 * 1024)
#define GROUP 50 /* terms of a chain */

static void add_quoted(struct buf *b, str s, char quote)
{
    buf_char(b, quote);
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] == quote)
            buf_char(b, quote);
        buf_char(b, s.at[i]);
    }
    buf_char(b, quote);
}

static void add_piece(struct buf *b, char kind, va_list *args)
{
    if (kind == 'D') {
        buf_i64(b, va_arg(*args, int64_t));
        return;
    }
    str s = va_arg(*args, str);
    if (kind == 'I')
        add_quoted(b, s, '"');
    else if (kind == 'S')
        buf_add(b, s);
    else if (s.at)
        add_quoted(b, s, '\'');
    else
        buf_add(b, STR("NULL"));
}

static str text_list(struct call *call, const char *format, va_list *args)
{
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, SQL_MAX);
    for (const char *at = format; *at; at++) {
        if (*at == '%' && at[1])
            add_piece(&b, *++at, args);
        else
            buf_char(&b, *at);
    }
    if (b.failed)
        call->mem->failed = true;
    return str_copy(call->mem, buf_str(&b));
}

str sql_many(struct call *call, size_t i, const char *operator)
{
    bool grouped = i % GROUP == 0;
    return i == 0
               ? STR("(")
               : str_fmt(call->mem, "%s %s %s", grouped ? ")" : "", operator, grouped ? "(" : "");
}

str sql_text(struct call *call, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str text = text_list(call, format, &args);
    va_end(args);
    return text;
}

void sql_result_done(struct sql_result *result)
{
    if (result->open)
        duckdb_destroy_result(&result->result);
    result->open = false;
}

/* "Binder Error: text\n\nLINE 3: ... x ...\n      ^" becomes its text; the caret's place is not
 * always there. */
static void failure_read(struct call *call, duckdb_error_type type, const char *message,
                         struct sql_failure *failure)
{
    str text = str_copy(call->mem, str_of(message ? message : "no reason given"));
    const char *line = text.len ? memmem(text.at, text.len, "\n\nLINE ", 7) : NULL;
    if (line)
        text.len = (size_t)(line - text.at);
    *failure = (struct sql_failure){.type = type, .message = str_trim(text), .position = -1};
}

/* A prepared or pending statement has no type of its failure, but its message begins with it. */
static duckdb_error_type failure_type(duckdb_error_type type, const char *message)
{
    static const struct {
        str begins;
        duckdb_error_type type;
    } kinds[] = {
        {STR("INTERRUPT Error"), DUCKDB_ERROR_INTERRUPT},
        {STR("Out of Memory Error"), DUCKDB_ERROR_OUT_OF_MEMORY},
        {STR("FATAL Error"), DUCKDB_ERROR_FATAL},
        {STR("INTERNAL Error"), DUCKDB_ERROR_INTERNAL},
    };
    for (size_t i = 0; i < LENGTH(kinds); i++)
        if (str_starts(str_of(message), kinds[i].begins))
            return kinds[i].type;
    return type;
}

err sql_failed(struct call *call, duckdb_error_type type, const char *message,
               struct sql_failure *failure)
{
    type = failure_type(type, message);
    TRY(call_fault(call, type, message));
    failure_read(call, type, message, failure);
    return arena_failed(call->mem) ? &err_no_memory : NULL;
}

err sql_try_query(struct call *call, str sql, struct sql_result *out, struct sql_failure *failure)
{
    *failure = (struct sql_failure){.position = -1};
    const char *text = str_c(call->mem, sql);
    if (arena_failed(call->mem))
        return &err_no_memory;
    sql_result_done(out);
    out->open = true;
    if (duckdb_query(call->connection, text, &out->result) == DuckDBSuccess)
        return NULL;
    return sql_failed(
        call, duckdb_result_error_type(&out->result), duckdb_result_error(&out->result), failure);
}

err sql_try(struct call *call, str sql, int64_t *changed, struct sql_failure *failure)
{
    CLEANUP(sql_result_done) struct sql_result result = {0};
    TRY(sql_try_query(call, sql, &result, failure));
    if (failure->message.at || !changed)
        return NULL;
    *changed = (int64_t)duckdb_rows_changed(&result.result);
    if (*changed == 0 && duckdb_column_count(&result.result) == 1 &&
        duckdb_row_count(&result.result) == 1)
        *changed = sql_i64(&result, 0, 0); /* CREATE TABLE AS tells its count as a row */
    return NULL;
}

static err stream_start(struct call *call, duckdb_prepared_statement prepared,
                        struct sql_result *out, struct sql_failure *failure)
{
    duckdb_pending_result pending = NULL;
    if (duckdb_pending_prepared_streaming(prepared, &pending) == DuckDBError) {
        err e = sql_failed(call, DUCKDB_ERROR_EXECUTOR, duckdb_pending_error(pending), failure);
        duckdb_destroy_pending(&pending);
        return e;
    }
    out->open = true;
    duckdb_state state = duckdb_execute_pending(pending, &out->result);
    duckdb_destroy_pending(&pending);
    if (state == DuckDBSuccess)
        return NULL;
    return sql_failed(
        call, duckdb_result_error_type(&out->result), duckdb_result_error(&out->result), failure);
}

err sql_try_stream(struct call *call, str sql, struct sql_result *out, struct sql_failure *failure)
{
    *failure = (struct sql_failure){.position = -1};
    const char *text = str_c(call->mem, sql);
    if (arena_failed(call->mem))
        return &err_no_memory;
    sql_result_done(out);
    duckdb_prepared_statement prepared = NULL;
    err e;
    if (duckdb_prepare(call->connection, text, &prepared) == DuckDBError)
        e = sql_failed(call, DUCKDB_ERROR_BINDER, duckdb_prepare_error(prepared), failure);
    else
        e = stream_start(call, prepared, out, failure);
    duckdb_destroy_prepare(&prepared);
    return e;
}

err sql_stream_end(struct call *call, struct sql_result *out, struct sql_failure *failure)
{
    const char *message = duckdb_result_error(&out->result);
    if (!message)
        return NULL;
    return sql_failed(call, duckdb_result_error_type(&out->result), message, failure);
}

static err query_list(struct call *call, struct sql_result *out, const char *format, va_list *args)
{
    struct sql_failure failure;
    str sql = text_list(call, format, args);
    TRY(sql_try_query(call, sql, out, &failure));
    if (failure.message.at)
        return err_internal(call->mem, "engine: %.*s: %.300s", STR_ARGS(failure.message), sql.at);
    return NULL;
}

err sql_query(struct call *call, struct sql_result *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err e = query_list(call, out, format, &args);
    va_end(args);
    return e;
}

err sql_run(struct call *call, const char *format, ...)
{
    CLEANUP(sql_result_done) struct sql_result result = {0};
    va_list args;
    va_start(args, format);
    err e = query_list(call, &result, format, &args);
    va_end(args);
    return e;
}

err sql_insert(struct call *call, int64_t *added, const char *format, ...)
{
    CLEANUP(sql_result_done) struct sql_result result = {0};
    va_list args;
    va_start(args, format);
    err e = query_list(call, &result, format, &args);
    va_end(args);
    *added = e ? 0 : (int64_t)duckdb_rows_changed(&result.result);
    return e;
}

err sql_number(struct call *call, int64_t *out, const char *format, ...)
{
    CLEANUP(sql_result_done) struct sql_result result = {0};
    va_list args;
    va_start(args, format);
    err e = query_list(call, &result, format, &args);
    va_end(args);
    *out = !e && sql_rows(&result) ? sql_i64(&result, 0, 0) : 0;
    return e;
}

size_t sql_rows(struct sql_result *result)
{
    return (size_t)duckdb_row_count(&result->result);
}

int64_t sql_i64(struct sql_result *result, size_t row, size_t column)
{
    return duckdb_value_int64(&result->result, column, row);
}

str sql_str(struct call *call, struct sql_result *result, size_t row, size_t column)
{
    duckdb_string text = duckdb_value_string(&result->result, column, row);
    if (!text.data)
        return (str){0};
    str copy = str_copy(call->mem, (str){text.data, text.size});
    duckdb_free(text.data);
    return copy;
}

err sql_begin(struct call *call, struct sql_tx *tx)
{
    TRY(sql_run(call, "BEGIN TRANSACTION"));
    tx->call = call;
    return NULL;
}

err sql_begin_read(struct call *call, struct sql_tx *tx)
{
    TRY(sql_run(call, "BEGIN TRANSACTION READ ONLY"));
    tx->call = call;
    return NULL;
}

err sql_commit(struct sql_tx *tx)
{
    TRY(sql_run(tx->call, "COMMIT"));
    tx->call = NULL;
    return NULL;
}

void sql_rollback(struct sql_tx *tx)
{
    if (!tx->call)
        return;
    /* Not through sql_run: it must be tried with a full arena and a cancelled call too; it fails
     * only when there is nothing to roll back. */
    duckdb_query(tx->call->connection, "ROLLBACK", NULL);
    tx->call = NULL;
}
