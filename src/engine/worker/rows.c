/*
 * Pages of rows, and one-off queries. A cursor holds the version, since another version may have
 * other rows.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/id.h"
#include "engine/worker/cursor.h"
#include "engine/worker/format.h"
#include "engine/worker/guard.h"
#include "engine/worker/selection.h"

#define PAGE_BYTES (16 * 1024 * 1024) /* a page ends after the row that goes beyond */
#define PAGE_BYTES_MAX (48 * 1024 * 1024)
#define FLUSH_BYTES (256 * 1024) /* of CSV, written at once */
#define LIST_MAX (1024 * 1024)

struct sink {
    struct buf *out;
    struct format format;
    int64_t rows, limit; /* limit 0: none */
    int fd;              /* of a CSV file, or -1: JSON */
    bool full;           /* there were more rows than go in */
};

static bool flush(struct sink *sink)
{
    size_t done = 0;
    while (done < sink->out->len) {
        ssize_t n = write(sink->fd, sink->out->at + done, sink->out->len - done);
        if (n < 0)
            return false;
        done += (size_t)n;
    }
    sink->out->len = 0;
    return true;
}

static bool sink_row(struct sink *sink, duckdb_data_chunk chunk, idx_t row)
{
    if (sink->fd >= 0) {
        format_csv(sink->out, &sink->format, chunk, row);
        sink->rows++;
        return sink->out->len < FLUSH_BYTES || flush(sink);
    }
    if ((sink->limit > 0 && sink->rows >= sink->limit) || sink->out->len > PAGE_BYTES) {
        sink->full = true;
        return true;
    }
    if (sink->rows++)
        buf_char(sink->out, ',');
    format_json(sink->out, &sink->format, chunk, row);
    return true;
}

/* Everything the answer has into the sink, until that is full. */
static err sink_fill(struct call *call, struct sink *sink, struct sql_result *result,
                     struct sql_failure *failure)
{
    bool written = true;
    while (written && !sink->full && !sink->out->failed && !call_cancelled(call)) {
        duckdb_data_chunk chunk = duckdb_fetch_chunk(result->result);
        if (!chunk)
            break;
        idx_t n = duckdb_data_chunk_get_size(chunk);
        for (idx_t row = 0; written && row < n && !sink->full; row++)
            written = sink_row(sink, chunk, row);
        duckdb_destroy_data_chunk(&chunk);
    }
    if (call_cancelled(call))
        return call_fault(call, DUCKDB_ERROR_INTERRUPT, NULL);
    TRY(sql_stream_end(call, result, failure));
    if (!written)
        return err_new(call->mem,
                       507,
                       "disk_full",
                       "The file of rows could not be written: the disk may be full.");
    if (sink->out->failed)
        return err_new(
            call->mem, 422, "row_too_large", "A row is larger than %d MB.", PAGE_BYTES_MAX >> 20);
    return NULL;
}

static err rows_json(struct call *call, str sql, struct sink *sink, str *json)
{
    CLEANUP(sql_result_done) struct sql_result result = {0};
    struct sql_failure failure;
    TRY(sql_try_stream(call, sql, &result, &failure));
    if (failure.message.at)
        return guard_failure(call, sql, &failure);
    TRY(format_open(call, &result.result, 0, NULL, &sink->format));
    buf_char(sink->out, '[');
    TRY(sink_fill(call, sink, &result, &failure));
    if (failure.message.at)
        return guard_failure(call, sql, &failure);
    buf_char(sink->out, ']');
    *json = str_copy(call->mem, buf_str(sink->out));
    return arena_failed(call->mem) ? &err_no_memory : NULL;
}

static void fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static err csv_write(struct call *call, str sql, const char *path)
{
    CLEANUP(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_internal(call->mem, "engine: can't make a file of rows");
    CLEANUP(sql_result_done) struct sql_result result = {0};
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, PAGE_BYTES_MAX);
    struct sink sink = {.out = &b, .fd = fd};
    struct sql_failure failure;
    TRY(sql_try_stream(call, sql, &result, &failure));
    if (!failure.message.at) {
        TRY(format_open(call, &result.result, 0, NULL, &sink.format));
        format_csv_head(&b, &sink.format);
        TRY(sink_fill(call, &sink, &result, &failure));
    }
    if (failure.message.at)
        return err_internal(call->mem, "engine: rows: %.*s", STR_ARGS(failure.message));
    if (!flush(&sink))
        return err_new(call->mem,
                       507,
                       "disk_full",
                       "The file of rows could not be written: the disk may be full.");
    return NULL;
}

/* Parquet has no integers of 128 bits: DuckDB would write them as doubles. */
static err parquet_list(struct call *call, const struct selection *selection, str *out)
{
    CLEANUP(buf_done) struct buf list;
    buf_init(&list, LIST_MAX);
    for (size_t i = 0; i < selection->shown.n; i++) {
        str name = selection->shown.at[i].column_name, type = selection->shown.at[i].column_type;
        bool huge = str_eq(type, STR("HUGEINT")) || str_eq(type, STR("UHUGEINT"));
        const char *format = huge ? "%SCAST(%I AS DECIMAL(38, 0)) AS %I" : "%S%I";
        buf_add(&list, sql_text(call, format, i ? STR(", ") : STR(""), name, name));
    }
    if (list.failed)
        return &err_no_memory;
    *out = str_copy(call->mem, buf_str(&list));
    return NULL;
}

static err parquet_write(struct call *call, const struct selection *selection, int64_t from,
                         int64_t limit, const char *path)
{
    str list;
    struct sql_failure failure;
    TRY(parquet_list(call, selection, &list));
    TRY(sql_try(call,
                sql_text(call,
                         "COPY (%S) TO %L (FORMAT parquet, COMPRESSION snappy)",
                         selection_sql(selection, list, from, limit),
                         str_of(path)),
                NULL,
                &failure));
    if (failure.message.at)
        return err_new(call->mem,
                       422,
                       "not_parquet",
                       "These rows can't be written as Parquet: %.*s",
                       STR_ARGS(failure.message));
    return NULL;
}

static str cursor_at(const struct selection *selection, int64_t position)
{
    return cursor_text(
        selection->call->mem, selection->of, (struct cursor){selection->object->version, position});
}

static err rows_file(struct call *call, const struct selection *selection,
                     const struct rows_ask *ask, int64_t from, struct rows_page *out)
{
    str list;
    int64_t all = 0;
    TRY(selection_list(selection, &list));
    if (ask->limit > 0)
        TRY(selection_count(selection, &all));
    if (from + ask->limit < all)
        out->next = cursor_at(selection, from + ask->limit);
    char *path =
        str_c(call->mem,
              str_fmt(call->mem, "%s/rows-%.*s", call->tmp_dir, STR_ARGS(id_random(call->mem))));
    if (arena_failed(call->mem))
        return &err_no_memory;
    err e = ask->format == ROWS_PARQUET
                ? parquet_write(call, selection, from, ask->limit, path)
                : csv_write(call, selection_sql(selection, list, from, ask->limit), path);
    if (e)
        unlink(path);
    else
        out->path = path;
    return e;
}

static err rows_from(struct call *call, const struct selection *selection,
                     const struct rows_ask *ask, int64_t *from)
{
    const struct object *object = selection->object;
    *from = ask->offset < object->row_count ? ask->offset : object->row_count;
    if (!ask->after.at)
        return NULL;
    struct cursor at;
    TRY(cursor_read(call->mem, selection->of, ask->after, &at));
    if (at.version != object->version)
        return err_new(call->mem,
                       410,
                       "cursor_expired",
                       "\"%.*s\" has changed since: begin again at its first page.",
                       STR_ARGS(object->name));
    if (at.position > object->row_count)
        return err_new(call->mem, 400, "invalid_cursor", "The cursor points behind the last row.");
    *from = at.position;
    return NULL;
}

/* One row more than the page has tells whether there is another page. */
static err rows_page(struct call *call, const struct selection *selection,
                     const struct rows_ask *ask, int64_t from, struct rows_page *out)
{
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, PAGE_BYTES_MAX);
    struct sink sink = {.out = &b, .limit = ask->limit, .fd = -1};
    str list;
    TRY(selection_list(selection, &list));
    int64_t limit = ask->limit > 0 ? ask->limit + 1 : 0;
    TRY(rows_json(call, selection_sql(selection, list, from, limit), &sink, &out->json));
    if (sink.full)
        out->next = cursor_at(selection, from + sink.rows);
    return NULL;
}

err worker_rows(struct call *call, const struct rows_ask *ask, struct rows_page *out)
{
    *out = (struct rows_page){0};
    CLEANUP(sql_rollback) struct sql_tx tx = {0};
    TRY(sql_begin_read(call, &tx));
    struct meta meta;
    struct selection selection;
    int64_t from;
    TRY(meta_get(call, ask->name, &meta));
    TRY(selection_make(call, &meta, ask, &selection));
    TRY(rows_from(call, &selection, ask, &from));
    out->version = meta.object.version;
    if (ask->count)
        TRY(selection_count(&selection, &out->row_count));
    TRY(ask->format == ROWS_JSON ? rows_page(call, &selection, ask, from, out)
                                 : rows_file(call, &selection, ask, from, out));
    return arena_failed(call->mem) ? &err_no_memory : NULL;
}

err worker_query(struct call *call, str sql, int64_t limit, struct queried *out)
{
    *out = (struct queried){0};
    CLEANUP(sql_rollback) struct sql_tx tx = {0};
    TRY(sql_begin_read(call, &tx));
    struct guarded guarded;
    TRY(guard_check(call, sql, &guarded));
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, PAGE_BYTES_MAX);
    struct sink sink = {.out = &b, .limit = limit, .fd = -1};
    TRY(rows_json(call, guarded.sql, &sink, &out->json));
    out->columns = guarded.checked.columns;
    out->more = sink.full;
    return NULL;
}
