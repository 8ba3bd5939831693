/* Rows out of chunks. */
#include "engine/worker/format.h"

#include "base/fields.h"

#define KEY_MAX 4096

static err column_open(struct call *call, duckdb_result *result, struct format *format, size_t i)
{
    duckdb_logical_type type = duckdb_column_logical_type(result, format->first + i);
    bool ok = shape_read(call->mem, type, &format->shapes[i]);
    duckdb_destroy_logical_type(&type);
    if (!ok && !arena_failed(call->mem))
        return err_new(call->mem,
                       422,
                       "invalid_query",
                       "Column \"%.*s\" is of a type that can't be shown: cast it to text.",
                       STR_ARGS(format->names[i]));
    CLEANUP(buf_done) struct buf key;
    buf_init(&key, KEY_MAX);
    if (i)
        buf_char(&key, ',');
    json_print_str(&key, format->names[i]);
    buf_char(&key, ':');
    if (key.failed)
        return &err_no_memory;
    format->keys[i] = str_copy(call->mem, buf_str(&key));
    return arena_failed(call->mem) ? &err_no_memory : NULL;
}

err format_open(struct call *call, duckdb_result *result, size_t first, const struct columns *names,
                struct format *out)
{
    size_t n = (size_t)duckdb_column_count(result) - first;
    *out = (struct format){.first = first,
                           .n = n,
                           .shapes = arena_array(call->mem, n + 1, sizeof(struct shape)),
                           .names = arena_array(call->mem, n + 1, sizeof(str)),
                           .keys = arena_array(call->mem, n + 1, sizeof(str))};
    if (!out->shapes || !out->names || !out->keys)
        return &err_no_memory;
    for (size_t i = 0; i < n; i++) {
        out->names[i] = names && i < names->n
                            ? names->at[i].column_name
                            : str_copy(call->mem, str_of(duckdb_column_name(result, first + i)));
        TRY(column_open(call, result, out, i));
    }
    return NULL;
}

void format_json(struct buf *out, const struct format *format, duckdb_data_chunk chunk, idx_t row)
{
    buf_char(out, '{');
    for (size_t i = 0; i < format->n; i++) {
        buf_add(out, format->keys[i]);
        cell_json(
            out, &format->shapes[i], duckdb_data_chunk_get_vector(chunk, format->first + i), row);
    }
    buf_char(out, '}');
}

/* Quotes what was appended from `from` on, when a reader would take it for more than one field, or
 * for NULL. */
static void csv_quote(struct buf *out, size_t from)
{
    size_t len = out->len - from, quotes = 0;
    bool special = len == 0;
    for (size_t i = from; i < out->len; i++) {
        quotes += out->at[i] == '"';
        special |= out->at[i] == ',' || out->at[i] == '\n' || out->at[i] == '\r';
    }
    if ((!special && !quotes) || out->failed || !buf_reserve(out, quotes + 2))
        return;
    /* From the end, so that nothing is overwritten before it is moved. */
    size_t to = out->len + quotes + 2;
    out->at[--to] = '"';
    for (size_t i = out->len; i-- > from;) {
        out->at[--to] = out->at[i];
        if (out->at[i] == '"')
            out->at[--to] = '"';
    }
    out->at[--to] = '"';
    out->len += quotes + 2;
}

void format_csv_head(struct buf *out, const struct format *format)
{
    for (size_t i = 0; i < format->n; i++) {
        if (i)
            buf_char(out, ',');
        size_t from = out->len;
        buf_add(out, format->names[i]);
        csv_quote(out, from);
    }
    buf_add(out, STR("\r\n"));
}

void format_csv(struct buf *out, const struct format *format, duckdb_data_chunk chunk, idx_t row)
{
    for (size_t i = 0; i < format->n; i++) {
        if (i)
            buf_char(out, ',');
        duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, format->first + i);
        size_t from = out->len;
        if (cell_is_null(vector, row))
            continue;
        cell_text(out, &format->shapes[i], vector, row);
        csv_quote(out, from);
    }
    buf_add(out, STR("\r\n"));
}
