/* JSON: an array of objects, kept as they are until each column takes its value out by its name. */
#include <sys/stat.h>

#include "engine/worker/loading.h"
#include "engine/worker/types.h"

#define OBJECT_MAX ((int64_t)16 * 1024 * 1024) /* bytes of one object */
#define NAMES_MAX (1024 * 1024)
#define STAGE \
    "temp.tdc_rows" /* of this connection; dropped when the load ends, one way or the other */

static str json_from(struct loading *l, bool plain)
{
    (void)l;
    (void)plain;
    return STR(STAGE);
}

static err json_open(struct loading *l)
{
    struct sql_failure failure;
    struct stat stat_of;
    if (stat(l->ask->path, &stat_of) == 0 && stat_of.st_size == 0)
        return file_refuse(l->call, "The file is empty (zero bytes).");
    TRY(sql_try(l->call,
                sql_text(l->call,
                         "CREATE TEMP TABLE tdc_rows AS SELECT row_number() OVER () AS line, json "
                         "AS j FROM read_json_objects(%L, format = 'array',"
                         " maximum_object_size = %D)",
                         str_of(l->ask->path),
                         OBJECT_MAX),
                NULL,
                &failure));
    if (failure.message.at)
        return file_refuse(l->call,
                           "The JSON is not an array of objects: %.*s",
                           STR_ARGS(file_message(l, &failure)));
    return sql_number(l->call, &l->rows_guess, "SELECT count(*) FROM " STAGE);
}

/* Rows that are no objects, and names that the table does not have. */
static err json_misshapen(struct loading *l)
{
    CLEANUP(sql_result_done) struct sql_result result = {0};
    CLEANUP(buf_done) struct buf names;
    buf_init(&names, NAMES_MAX);
    for (size_t i = 0; i < l->columns.n; i++)
        buf_add(&names,
                sql_text(l->call, "%S%L", i ? STR(", ") : STR(""), l->columns.at[i].column_name));
    if (names.failed)
        return &err_no_memory;
    TRY(sql_query(
        l->call,
        &result,
        "SELECT * FROM (SELECT line, NULL AS name, 'is not an object' AS detail FROM " STAGE
        " WHERE json_type(j) <> 'OBJECT' UNION ALL SELECT line, name, 'the table has no such "
        "column' FROM"
        " (SELECT line, unnest(json_keys(j)) AS name FROM " STAGE
        " WHERE json_type(j) = 'OBJECT') WHERE name NOT IN (%S)) ORDER BY line LIMIT %D",
        buf_str(&names),
        (int64_t)FILE_ERRORS_MAX));
    for (size_t row = 0; row < sql_rows(&result); row++)
        file_error_add(l,
                       sql_i64(&result, row, 0),
                       sql_str(l->call, &result, row, 1),
                       (str){0},
                       sql_str(l->call, &result, row, 2));
    return NULL;
}

/* The names and types that DuckDB finds, for a table that is made of the rows. */
static err json_infer(struct loading *l, int attempt, struct sql_failure *failure, bool *again)
{
    (void)attempt;
    *again = false;
    TRY(file_columns_read(
        l,
        sql_text(l->call,
                 "read_json(%L, format = 'array', records = true, sample_size = -1,"
                 " map_inference_threshold = -1, maximum_object_size = %D)",
                 str_of(l->ask->path),
                 OBJECT_MAX),
        failure));
    if (failure->message.at)
        return file_refuse(l->call,
                           "The JSON is not an array of objects: %.*s",
                           STR_ARGS(file_message(l, failure)));
    l->columns = (struct columns){
        arena_array(l->call->mem, l->file_columns.n + 1, sizeof(struct column)), l->file_columns.n};
    for (size_t i = 0; l->columns.at && i < l->columns.n; i++) {
        str type = type_name(l->call->mem, l->file_columns.at[i].column_type);
        l->columns.at[i] =
            (struct column){l->file_columns.at[i].column_name, type.at ? type : STR("json")};
    }
    return arena_failed(l->call->mem) ? &err_no_memory : NULL;
}

/* RFC 6901: "~" and "/" within a name. */
static str pointer(struct loading *l, size_t i)
{
    str name = l->columns.at[i].column_name;
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, 4096);
    buf_char(&b, '/');
    for (size_t at = 0; at < name.len; at++) {
        if (name.at[at] == '~' || name.at[at] == '/')
            buf_add(&b, name.at[at] == '~' ? STR("~0") : STR("~1"));
        else
            buf_char(&b, name.at[at]);
    }
    return str_copy(l->call->mem, buf_str(&b));
}

static str json_text(struct loading *l, size_t i)
{
    str at = pointer(l, i);
    if (!str_eq(l->columns.at[i].column_type, STR("json")))
        return sql_text(l->call, "json_extract_string(j, %L)", at);
    return sql_text(
        l->call,
        "CASE WHEN json_type(j, %L) <> 'NULL' THEN CAST(json_extract(j, %L) AS VARCHAR) END",
        at,
        at);
}

static str json_value(struct loading *l, size_t i)
{
    return text_cast(l, json_text(l, i), l->columns.at[i].column_type);
}

const struct load_reader json_reader = {
    json_open, json_infer, json_from, json_value, json_text, json_misshapen};
