/*
 * What is wrong with a file, and where: the list that the client gets, and the search for the
 * values that do not fit.
 */
#include <string.h>

#include "base/fields.h"
#include "engine/worker/loading.h"
#include "engine/worker/types.h"

#define VALUE_MAX 100 /* bytes of a wrong value that are shown */
#define MESSAGE_MAX 300
#define LIST_MAX (4 * 1024 * 1024)

/* Cuts at a whole character. */
static str shorten(str s, size_t most)
{
    if (s.len <= most)
        return s;
    while (most > 0 && (s.at[most] & 0xC0) == 0x80)
        most--;
    return str_sub(s, 0, most);
}

void file_error_add(struct loading *l, int64_t line, str column, str value, str detail)
{
    struct buf *b = &l->errors.json;
    if (l->errors.n == FILE_ERRORS_MAX)
        return;
    buf_add(b, l->errors.n++ ? STR(",{") : STR("{"));
    if (line > 0)
        buf_fmt(b, "\"line\":%lld,", (long long)line);
    if (column.at) {
        buf_add(b, STR("\"column\":"));
        json_print_str(b, column);
        buf_char(b, ',');
    }
    if (value.at) {
        buf_add(b, STR("\"value\":"));
        json_print_str(b, shorten(value, VALUE_MAX));
        buf_char(b, ',');
    }
    buf_add(b, STR("\"detail\":"));
    json_print_str(b, detail);
    buf_char(b, '}');
}

/* The first sentence or so; what stands between "Error: " and the first line break. */
str file_message(struct loading *l, const struct sql_failure *failure)
{
    str text = failure->message;
    const char *at = memmem(text.at, text.len, " Error: ", 8);
    if (at && at - text.at < 40)
        text = str_sub(text, (size_t)(at - text.at) + 8, text.len);
    text = str_trim(str_cut(&text, '\n'));
    str path = str_of(l->ask->path);
    at = memmem(text.at, text.len, path.at, path.len);
    if (at)
        text = str_fmt(l->call->mem,
                       "%.*sthe upload%.*s",
                       (int)(at - text.at),
                       text.at,
                       (int)(text.len - (size_t)(at - text.at) - path.len),
                       at + path.len);
    return shorten(text, MESSAGE_MAX);
}

err file_errors_err(struct loading *l)
{
    struct buf *b = &l->errors.json;
    buf_char(b, ']');
    if (b->failed)
        return &err_no_memory;
    str detail = str_fmt(l->call->mem,
                         "The file does not fit: %s%zu error%s. Nothing was loaded.",
                         l->errors.n == FILE_ERRORS_MAX ? "the first " : "",
                         l->errors.n,
                         l->errors.n == 1 ? "" : "s");
    return err_with(l->call->mem, 422, "invalid_file", detail, str_copy(l->call->mem, buf_str(b)));
}

/* True of a text that does not fit the type. */
static str unfit_sql(struct loading *l, size_t i)
{
    str type = l->columns.at[i].column_type, text = l->reader->text(l, i);
    int64_t most = type_varchar_max(type);
    if (most)
        return sql_text(l->call, "length(%S) > %D", text, most);
    if (str_eq(type, STR("text")))
        return STR("false");
    if (type_is_integer(type))
        return sql_text(
            l->call,
            "%S IS NOT NULL AND (TRY_CAST(%S AS %S) IS NULL OR regexp_matches(%S, " FRACTION "))",
            text,
            text,
            type,
            text);
    return sql_text(l->call, "%S IS NOT NULL AND TRY_CAST(%S AS %S) IS NULL", text, text, type);
}

/* Row number, then of each column the text of its value when that does not fit, else NULL. */
static str unfit_rows_sql(struct loading *l)
{
    CLEANUP(buf_done) struct buf list, any;
    buf_init(&list, LIST_MAX);
    buf_init(&any, LIST_MAX);
    for (size_t i = 0; i < l->columns.n; i++) {
        str unfit = unfit_sql(l, i);
        buf_add(
            &list,
            sql_text(
                l->call, ", CASE WHEN %S THEN left(%S, 200) END", unfit, l->reader->text(l, i)));
        buf_add(&any, sql_text(l->call, "%S(%S)", sql_many(l->call, i, "OR"), unfit));
    }
    buf_char(&any, ')');
    if (list.failed || any.failed)
        l->call->mem->failed = true;
    return sql_text(
        l->call,
        "SELECT n%S FROM (SELECT row_number() OVER () - 1 AS n, * FROM %S) WHERE %S LIMIT %D",
        buf_str(&list),
        l->reader->from(l, true),
        buf_str(&any),
        (int64_t)FILE_ERRORS_MAX);
}

static void unfit_add(struct loading *l, int64_t line, size_t i, str value)
{
    str type = l->columns.at[i].column_type;
    int64_t most = type_varchar_max(type);
    str detail = most ? str_fmt(l->call->mem, "is longer than %lld characters", (long long)most)
                      : str_fmt(l->call->mem, "is not a valid %.*s", STR_ARGS(type));
    file_error_add(l, line, l->columns.at[i].column_name, value, detail);
}

static err unfit_find(struct loading *l)
{
    CLEANUP(sql_result_done) struct sql_result result = {0};
    struct sql_failure failure;
    TRY(sql_try_query(l->call, unfit_rows_sql(l), &result, &failure));
    if (failure.message.at) {
        file_error_add(l, 0, (str){0}, (str){0}, file_message(l, &failure));
        return NULL;
    }
    struct csv_walk walk = {0};
    if (l->ask->format == FORMAT_CSV)
        walk = csv_walk_begin(&l->csv, false);
    for (size_t row = 0; row < sql_rows(&result); row++) {
        int64_t n = sql_i64(&result, row, 0);
        if (l->ask->format == FORMAT_CSV)
            csv_walk_to(&walk, n);
        for (size_t i = 0; i < l->columns.n; i++) {
            str value = sql_str(l->call, &result, row, i + 1);
            if (value.at)
                unfit_add(l, l->ask->format == FORMAT_CSV ? walk.line : n + 1, i, value);
        }
    }
    return l->csv.view.failed ? &err_no_memory : NULL;
}

err load_diagnose(struct loading *l, const struct sql_failure *why)
{
    CLEANUP(sql_rollback) struct sql_tx tx = {0};
    TRY(sql_begin(l->call, &tx));
    call_serial(l->call); /* rows are numbered in their order */
    if (l->ask->format == FORMAT_JSON)
        TRY(l->reader->open(l));
    else
        TRY(l->reader->misshapen(l));
    if (!l->errors.n)
        TRY(unfit_find(l));
    if (!l->errors.n)
        file_error_add(
            l, 0, (str){0}, (str){0}, why->message.at ? file_message(l, why) : STR("does not fit"));
    return file_errors_err(l);
}
