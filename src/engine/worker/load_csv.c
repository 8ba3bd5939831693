/* CSV: DuckDB's reader with the columns in the file's order, and its rejects when something does
 * not fit. */
#include <string.h>

#include "engine/worker/loading.h"
#include "engine/worker/types.h"

#define LIST_MAX (1024 * 1024)

static err csv_columns(struct loading *l)
{
    struct call *call = l->call;
    TRY(csv_open(call->mem, l->ask->path, VIEW_WINDOW, &l->csv));
    size_t n = l->csv.names_n;
    l->file_columns = (struct columns){arena_array(call->mem, n, sizeof(struct column)), n};
    if (!l->file_columns.at)
        return &err_no_memory;
    for (size_t i = 0; i < n; i++)
        l->file_columns.at[i].column_name = l->csv.names[i];
    l->rows_guess = csv_rows_guess(&l->csv);
    l->fractions = csv_has(&l->csv, '.');
    return l->csv.view.failed ? &err_no_memory : NULL;
}

static str dialect(struct loading *l)
{
    str delimiter = {&l->csv.delimiter, 1};
    return sql_text(
        l->call,
        "%L, header = true, delim = %L, quote = '\"', escape = '\"', allow_quoted_nulls = false",
        str_of(l->ask->path),
        delimiter);
}

static err texts_take(struct loading *l)
{
    for (size_t i = 0; i < l->file_columns.n; i++)
        l->columns.at[i] = (struct column){l->file_columns.at[i].column_name, STR("text")};
    return NULL;
}

/* Types from the values: of the first 20,480 rows, then of all, then times as text when they are
 * not ISO 8601. */
static err csv_infer(struct loading *l, int attempt, struct sql_failure *failure, bool *again)
{
    str from = sql_text(
        l->call,
        "read_csv(%S, sample_size = %D, auto_type_candidates = ['BOOLEAN', 'INTEGER', 'BIGINT',"
        " 'DOUBLE', 'DATE', 'TIME', 'TIMESTAMP', 'TIMESTAMPTZ', 'VARCHAR'])",
        dialect(l),
        attempt ? (int64_t)-1 : (int64_t)20480);
    *again = attempt < 2 && !l->untyped;
    if (l->untyped)
        return texts_take(l);
    struct columns names = l->file_columns;
    TRY(file_columns_read(l, from, failure));
    struct columns found = l->file_columns;
    l->file_columns = names;
    l->untyped = failure->message.at || found.n != names.n;
    *again = failure->message.at || (attempt < 2 && !l->untyped);
    if (l->untyped)
        return texts_take(l);
    for (size_t i = 0; i < names.n; i++) {
        str type = type_name(l->call->mem, found.at[i].column_type);
        bool is_time = str_starts(type, STR("date")) || str_starts(type, STR("time"));
        l->columns.at[i] = (struct column){
            names.at[i].column_name, !type.at || (attempt == 2 && is_time) ? STR("text") : type};
    }
    return NULL;
}

/* Is the column's text cast by us? DuckDB's reader makes NULLs of wrong times with a zone, and
 * rounds fractions. */
static bool read_as_text(const struct loading *l, str type)
{
    return str_eq(type, STR("timestamptz")) || (l->fractions && type_is_integer(type));
}

static ptrdiff_t target_of(const struct loading *l, size_t file_column)
{
    for (size_t i = 0; i < l->columns.n; i++)
        if (l->from_file[i] == file_column)
            return (ptrdiff_t)i;
    return -1;
}

static str csv_from_with(struct loading *l, bool plain, str more)
{
    CLEANUP(buf_done) struct buf columns;
    buf_init(&columns, LIST_MAX);
    for (size_t i = 0; i < l->file_columns.n; i++) {
        ptrdiff_t target = target_of(l, i);
        str type = target >= 0 ? l->columns.at[target].column_type : STR("text");
        if (plain || read_as_text(l, type))
            type = STR("text");
        buf_add(&columns,
                sql_text(l->call,
                         "%S%L: %L",
                         i ? STR(", ") : STR(""),
                         l->file_columns.at[i].column_name,
                         type));
    }
    if (columns.failed)
        l->call->mem->failed = true;
    return sql_text(l->call,
                    "read_csv(%S, auto_detect = false, columns = {%S}%S)",
                    dialect(l),
                    buf_str(&columns),
                    more);
}

static str csv_from(struct loading *l, bool plain)
{
    return csv_from_with(l, plain, STR(""));
}

static str csv_text(struct loading *l, size_t i)
{
    return sql_text(l->call, "%I", file_column(l, i));
}

static str csv_value(struct loading *l, size_t i)
{
    str type = l->columns.at[i].column_type, text = csv_text(l, i);
    return read_as_text(l, type) ? text_cast(l, text, type) : text;
}

/* The value that DuckDB's message has between quotes behind "Could not convert string". */
static str rejected_value(str message)
{
    static const char before[] = "Could not convert string \"", after[] = "\" to '";
    const char *from = memmem(message.at, message.len, before, sizeof(before) - 1);
    if (!from)
        return (str){0};
    from += sizeof(before) - 1;
    const char *to =
        memmem(from, message.len - (size_t)(from - message.at), after, sizeof(after) - 1);
    return to ? (str){from, (size_t)(to - from)} : (str){0};
}

/* What is wrong with the form of a record, in our words where we have some. */
static str reject_text(struct loading *l, str kind, str message)
{
    static const struct {
        str kind, text;
    } texts[] = {
        {STR("MISSING COLUMNS"), STR("has fewer fields than the header")},
        {STR("TOO MANY COLUMNS"), STR("has more fields than the header")},
        {STR("UNQUOTED VALUE"), STR("has a quote that is never closed, or text behind one")},
        {STR("LINE SIZE OVER MAXIMUM"), STR("is longer than 2 MB")},
        {STR("INVALID ENCODING"), STR("is not UTF-8 text: save the file in UTF-8")},
    };
    for (size_t i = 0; i < LENGTH(texts); i++)
        if (str_eq(kind, texts[i].kind))
            return texts[i].text;
    struct sql_failure failure = {.message = message};
    return file_message(l, &failure);
}

/* A record without its last fields is told of for each of them. */
static bool csv_told(struct loading *l, struct sql_result *rejects, size_t row)
{
    str kind = sql_str(l->call, rejects, row, 2);
    return row && !str_eq(kind, STR("CAST")) &&
           sql_i64(rejects, row, 0) == sql_i64(rejects, row - 1, 0) &&
           str_eq(kind, sql_str(l->call, rejects, row - 1, 2));
}

static void csv_reject(struct loading *l, struct sql_result *rejects, size_t row,
                       struct csv_walk *walk)
{
    str name = sql_str(l->call, rejects, row, 1), kind = sql_str(l->call, rejects, row, 2);
    str message = sql_str(l->call, rejects, row, 3);
    /* What DuckDB calls a line is a record or an empty line; the first is the header. */
    csv_walk_to(walk, sql_i64(rejects, row, 0) - 2);
    int64_t line = walk->line;
    if (!str_eq(kind, STR("CAST"))) {
        file_error_add(l, line, (str){0}, (str){0}, reject_text(l, kind, message));
        return;
    }
    ptrdiff_t i = columns_find(&l->columns, name);
    str type = i >= 0 ? l->columns.at[i].column_type : STR("another type");
    file_error_add(l,
                   line,
                   name,
                   rejected_value(message),
                   str_fmt(l->call->mem, "is not a valid %.*s", STR_ARGS(type)));
}

/* Every column must be counted, or the reader would not look at its values. */
static str counts(struct loading *l)
{
    CLEANUP(buf_done) struct buf list;
    buf_init(&list, LIST_MAX);
    for (size_t i = 0; i < l->columns.n; i++)
        buf_add(&list,
                sql_text(l->call, "%Scount(%I)", i ? STR(", ") : STR(""), file_column(l, i)));
    if (list.failed)
        l->call->mem->failed = true;
    return str_copy(l->call->mem, buf_str(&list));
}

static err csv_misshapen(struct loading *l)
{
    CLEANUP(sql_result_done) struct sql_result rejects = {0};
    struct sql_failure failure;
    int64_t mixed = csv_mixed_line(&l->csv);
    str from = csv_from_with(l, false, STR(", store_rejects = true, rejects_limit = 100"));
    TRY(sql_try(l->call, sql_text(l->call, "SELECT %S FROM %S", counts(l), from), NULL, &failure));
    if (failure.message.at) {
        str text = mixed ? STR("ends otherwise (LF or CR LF) than the lines before it")
                         : file_message(l, &failure);
        file_error_add(l, mixed, (str){0}, (str){0}, text);
        return NULL;
    }
    TRY(sql_query(
        l->call,
        &rejects,
        "SELECT CAST(line AS BIGINT), column_name, CAST(error_type AS VARCHAR), error_message FROM"
        " reject_errors ORDER BY line, column_idx LIMIT %D",
        (int64_t)FILE_ERRORS_MAX));
    struct csv_walk walk = csv_walk_begin(&l->csv, true);
    for (size_t row = 0; row < sql_rows(&rejects); row++) {
        if (!csv_told(l, &rejects, row))
            csv_reject(l, &rejects, row, &walk);
    }
    return l->csv.view.failed ? &err_no_memory : NULL;
}

const struct load_reader csv_reader = {
    csv_columns, csv_infer, csv_from, csv_value, csv_text, csv_misshapen};
