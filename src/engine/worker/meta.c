/* The rows of tdc.objects, and the schema around them. */
#include "engine/worker/meta.h"

#include <jansson.h>

#include "base/fields.h"
#include "engine/worker/types.h"

#define COLUMNS_JSON_MAX (1024 * 1024)
#define SAMPLE_ROWS 2048 /* whose texts are measured to estimate the bytes of all */

/* tdc.second is EXTRACT(SECOND FROM x) with its fraction, as PostgreSQL has it; DuckDB's own is a
 * whole number. */
static const char *const schema[] = {
    "CREATE SCHEMA IF NOT EXISTS " SQL_OURS,
    "CREATE TABLE IF NOT EXISTS " SQL_OURS
    ".objects (id BIGINT, name VARCHAR, is_view BOOLEAN, version BIGINT,"
    " row_count BIGINT, bytes BIGINT, columns VARCHAR, floor BIGINT, added BIGINT,"
    " removed BIGINT, was_reset BOOLEAN)",
    "CREATE TABLE IF NOT EXISTS " SQL_OURS
    ".kept (object_id BIGINT, version BIGINT, kept_at BIGINT, row_count BIGINT)",
    "CREATE MACRO IF NOT EXISTS " SQL_OURS ".second(x) AS"
    " CAST(CAST(system.main.date_part('microseconds', x) AS DECIMAL(18, 0)) * 0.000001 AS "
    "DECIMAL(8, 6))",
};

err worker_prepare(struct call *call)
{
    CLEANUP(sql_rollback) struct sql_tx tx = {0};
    TRY(sql_begin(call, &tx));
    for (size_t i = 0; i < LENGTH(schema); i++)
        TRY(sql_run(call, "%S", str_of(schema[i])));
    return sql_commit(&tx);
}

static str columns_print(struct call *call, const struct columns *columns)
{
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, COLUMNS_JSON_MAX);
    buf_char(&b, '[');
    for (size_t i = 0; i < columns->n; i++) {
        buf_add(&b, i ? STR(",[") : STR("["));
        json_print_str(&b, columns->at[i].column_name);
        buf_char(&b, ',');
        json_print_str(&b, columns->at[i].column_type);
        buf_char(&b, ']');
    }
    buf_char(&b, ']');
    if (b.failed)
        call->mem->failed = true;
    return str_copy(call->mem, buf_str(&b));
}

static str text_at(struct call *call, const json_t *list, size_t i)
{
    const json_t *text = json_array_get(list, i);
    return str_copy(call->mem, (str){json_string_value(text), json_string_length(text)});
}

static err columns_parse(struct call *call, str json, struct columns *out)
{
    json_t *list = json_loadb(json.at ? json.at : "", json.len, 0, NULL);
    size_t n = json_array_size(list);
    *out = (struct columns){arena_array(call->mem, n + 1, sizeof(struct column)), n};
    for (size_t i = 0; out->at && i < n; i++) {
        const json_t *pair = json_array_get(list, i);
        out->at[i] = (struct column){text_at(call, pair, 0), text_at(call, pair, 1)};
    }
    json_decref(list);
    if (!list)
        return err_internal(call->mem, "engine: columns of an object are not JSON");
    return arena_failed(call->mem) ? &err_no_memory : NULL;
}

#define META_COLUMNS \
    "id, name, is_view, version, row_count, bytes, columns, floor, added, removed, was_reset"

static err meta_read(struct call *call, struct sql_result *result, size_t row, struct meta *out)
{
    *out = (struct meta){
        .id = sql_i64(result, row, 0),
        .object = {.name = sql_str(call, result, row, 1),
                   .is_view = sql_i64(result, row, 2) != 0,
                   .version = sql_i64(result, row, 3),
                   .row_count = sql_i64(result, row, 4),
                   .bytes = sql_i64(result, row, 5),
                   .added = sql_i64(result, row, 8),
                   .removed = sql_i64(result, row, 9),
                   .reset = sql_i64(result, row, 10) != 0},
        .floor = sql_i64(result, row, 7),
    };
    return columns_parse(call, sql_str(call, result, row, 6), &out->object.columns);
}

err meta_names(struct call *call, struct objects *out)
{
    CLEANUP(sql_result_done) struct sql_result result = {0};
    TRY(sql_query(call, &result, "SELECT name FROM " SQL_OURS ".objects"));
    out->n = sql_rows(&result);
    out->at = arena_array(call->mem, out->n + 1, sizeof(struct object));
    if (!out->at)
        return &err_no_memory;
    for (size_t i = 0; i < out->n; i++)
        out->at[i].name = sql_str(call, &result, i, 0);
    return arena_failed(call->mem) ? &err_no_memory : NULL;
}

err worker_objects(struct call *call, struct objects *out)
{
    CLEANUP(sql_result_done) struct sql_result result = {0};
    TRY(sql_query(
        call, &result, "SELECT " META_COLUMNS " FROM " SQL_OURS ".objects ORDER BY name"));
    out->n = sql_rows(&result);
    out->at = arena_array(call->mem, out->n + 1, sizeof(struct object));
    if (!out->at)
        return &err_no_memory;
    for (size_t i = 0; i < out->n; i++) {
        struct meta meta;
        TRY(meta_read(call, &result, i, &meta));
        out->at[i] = meta.object;
    }
    return NULL;
}

err meta_find(struct call *call, str name, struct meta *out, bool *found)
{
    CLEANUP(sql_result_done) struct sql_result result = {0};
    /* DuckDB's own names are one whatever the case of their ASCII letters; its lower() goes further
     * than that. */
    TRY(sql_query(call,
                  &result,
                  "SELECT " META_COLUMNS " FROM " SQL_OURS ".objects WHERE translate(name,"
                  " 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz') = %L",
                  str_lower(call->mem, name)));
    *found = sql_rows(&result) > 0;
    return *found ? meta_read(call, &result, 0, out) : NULL;
}

err meta_get(struct call *call, str name, struct meta *out)
{
    bool found;
    TRY(meta_find(call, name, out, &found));
    if (!found)
        return err_new(call->mem,
                       404,
                       "unknown_table",
                       "There is no table or view named \"%.*s\".",
                       STR_ARGS(name));
    return NULL;
}

/* Bytes of a value of a type of fixed width; 0: of a text. */
static int64_t type_width(str type)
{
    static const struct {
        const char *name;
        int64_t bytes;
    } widths[] = {{"boolean", 1},
                  {"smallint", 2},
                  {"int", 4},
                  {"real", 4},
                  {"date", 4},
                  {"bigint", 8},
                  {"double", 8},
                  {"time", 8},
                  {"timestamp", 8},
                  {"timestamptz", 8},
                  {"uuid", 16}};
    for (size_t i = 0; i < LENGTH(widths); i++)
        if (str_eq(type, str_of(widths[i].name)))
            return widths[i].bytes;
    return str_starts(type, STR("numeric(")) ? 16 : 0;
}

err meta_count(struct call *call, struct object *object)
{
    return sql_number(
        call, &object->row_count, "SELECT count(*) FROM " SQL_MAIN ".%I", object->name);
}

/* The bytes of the texts of a row: the average of the first rows. A range of row ids is found
 * faster than a limit, where no column has their name. */
static err texts_measure(struct call *call, const struct object *object, str texts, int64_t *out)
{
    bool hidden = columns_find(&object->columns, STR("rowid")) >= 0;
    return sql_number(call,
                      out,
                      hidden ? "SELECT CAST(coalesce(avg(%S), 0) AS BIGINT) FROM"
                               " (SELECT * FROM " SQL_MAIN ".%I LIMIT %D)"
                             : "SELECT CAST(coalesce(avg(%S), 0) AS BIGINT) FROM " SQL_MAIN
                               ".%I WHERE rowid < %D",
                      texts,
                      object->name,
                      (int64_t)SAMPLE_ROWS);
}

/* What the rows take as plain values. */
err meta_measure(struct call *call, struct object *object)
{
    CLEANUP(buf_done) struct buf texts;
    buf_init(&texts, COLUMNS_JSON_MAX);
    int64_t fixed = 0, average = 0;
    size_t n = 0;
    for (size_t i = 0; i < object->columns.n; i++) {
        int64_t width = type_width(object->columns.at[i].column_type);
        fixed += width;
        if (width == 0)
            buf_add(&texts,
                    sql_text(call,
                             "%Scoalesce(strlen(CAST(%I AS VARCHAR)), 0)",
                             sql_many(call, n++, "+"),
                             object->columns.at[i].column_name));
    }
    if (n)
        buf_char(&texts, ')');
    if (texts.failed)
        return &err_no_memory;
    if (n)
        TRY(texts_measure(call, object, buf_str(&texts), &average));
    object->bytes = object->row_count * (fixed + average);
    return NULL;
}

static str truth(bool is)
{
    return is ? STR("true") : STR("false");
}

err meta_save(struct call *call, struct meta *meta)
{
    const struct object *object = &meta->object;
    if (meta->id)
        return sql_run(call,
                       "UPDATE " SQL_OURS
                       ".objects SET version = %D, row_count = %D, bytes = %D, columns = %L,"
                       " floor = %D, added = %D, removed = %D, was_reset = %S WHERE id = %D",
                       object->version,
                       object->row_count,
                       object->bytes,
                       columns_print(call, &object->columns),
                       meta->floor,
                       object->added,
                       object->removed,
                       truth(object->reset),
                       meta->id);
    TRY(sql_number(call, &meta->id, "SELECT coalesce(max(id), 0) + 1 FROM " SQL_OURS ".objects"));
    return sql_run(call,
                   "INSERT INTO " SQL_OURS
                   ".objects VALUES (%D, %L, %S, %D, %D, %D, %L, %D, %D, %D, %S)",
                   meta->id,
                   object->name,
                   truth(object->is_view),
                   object->version,
                   object->row_count,
                   object->bytes,
                   columns_print(call, &object->columns),
                   meta->floor,
                   object->added,
                   object->removed,
                   truth(object->reset));
}

err meta_delete(struct call *call, const struct meta *meta)
{
    return sql_run(call, "DELETE FROM " SQL_OURS ".objects WHERE id = %D", meta->id);
}

err meta_columns(struct call *call, str name, struct columns *out)
{
    CLEANUP(sql_result_done) struct sql_result result = {0};
    TRY(sql_query(call, &result, "DESCRIBE SELECT * FROM " SQL_MAIN ".%I", name));
    return types_described(call, &result, out);
}

err meta_types(struct call *call, str table, struct columns *out)
{
    CLEANUP(sql_result_done) struct sql_result result = {0};
    TRY(sql_query(call, &result, "DESCRIBE SELECT * FROM %S", table));
    size_t n = sql_rows(&result);
    *out = (struct columns){arena_array(call->mem, n + 1, sizeof(struct column)), n};
    if (!out->at)
        return &err_no_memory;
    for (size_t i = 0; i < n; i++)
        out->at[i] = (struct column){sql_str(call, &result, i, 0), sql_str(call, &result, i, 1)};
    return arena_failed(call->mem) ? &err_no_memory : NULL;
}

bool columns_equal(const struct columns *a, const struct columns *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!str_eq(a->at[i].column_name, b->at[i].column_name) ||
            !str_eq(a->at[i].column_type, b->at[i].column_type))
            return false;
    return true;
}

ptrdiff_t columns_find(const struct columns *columns, str name)
{
    ptrdiff_t found = -1;
    for (size_t i = 0; i < columns->n; i++) {
        if (str_eq(columns->at[i].column_name, name))
            return (ptrdiff_t)i;
        if (found < 0 && str_eq_nocase(columns->at[i].column_name, name))
            found = (ptrdiff_t)i;
    }
    return found;
}
