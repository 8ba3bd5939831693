/*
 * A preview: what a load of a file would make, as far as the file goes.
 *
 * The columns are found as in loading, and all that was sent is read and converted, so that what
 * does not fit is told just as well; only the first rows are given out, and nothing is stored. Of a
 * Parquet file its footer is enough for the columns.
 */
#include <fcntl.h>
#include <unistd.h>

#include "engine/worker/format.h"
#include "engine/worker/loading.h"
#include "engine/worker/types.h"

#define ROWS_BYTES (16 * 1024 * 1024) /* no more rows are given out beyond so many */
#define JSON_MAX (48 * 1024 * 1024)
#define LIST_MAX (1024 * 1024)
#define AROUND_FOOTER 12 /* bytes: the mark at each end, and the footer's length */

struct previewing {
    struct loading *loading;
    const struct preview *ask;
    struct buf rows;
    int64_t given, read;
};

static void previewing_done(struct previewing *p)
{
    buf_done(&p->rows);
}

/* Nothing but the first mark stands before the footer. */
static bool is_footer_only(const char *path)
{
    unsigned char length[4];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;
    bool read_ok = size >= AROUND_FOOTER && pread(fd, length, 4, size - 8) == 4;
    if (fd >= 0)
        close(fd);
    uint32_t footer = 0;
    for (size_t i = 0; read_ok && i < 4; i++)
        footer |= (uint32_t)length[i] << (8 * i);
    return read_ok && (off_t)footer + AROUND_FOOTER == size;
}

static void rows_take(struct previewing *p, const struct format *format, duckdb_data_chunk chunk)
{
    idx_t n = duckdb_data_chunk_get_size(chunk);
    p->read += (int64_t)n;
    for (idx_t row = 0; row < n && p->given < p->ask->rows_max && p->rows.len < ROWS_BYTES; row++) {
        if (p->given++)
            buf_char(&p->rows, ',');
        format_json(&p->rows, format, chunk, row);
    }
}

static err rows_read(struct previewing *p, struct sql_failure *failure)
{
    struct call *call = p->loading->call;
    CLEANUP(sql_result_done) struct sql_result result = {0};
    struct format format;
    TRY(sql_try_stream(call, loading_select(p->loading), &result, failure));
    if (failure->message.at)
        return NULL;
    TRY(format_open(call, &result.result, 0, NULL, &format));
    p->rows.len = 0;
    p->given = p->read = 0;
    buf_char(&p->rows, '[');
    for (duckdb_data_chunk chunk;
         !call_cancelled(call) && (chunk = duckdb_fetch_chunk(result.result));) {
        rows_take(p, &format, chunk);
        duckdb_destroy_data_chunk(&chunk);
    }
    buf_char(&p->rows, ']');
    if (call_cancelled(call))
        return call_fault(call, DUCKDB_ERROR_INTERRUPT, NULL);
    return sql_stream_end(call, &result, failure);
}

/* A text longer than its varchar(n)? */
static err too_long(struct loading *l, struct sql_failure *failure)
{
    CLEANUP(buf_done) struct buf any;
    CLEANUP(sql_result_done) struct sql_result result = {0};
    buf_init(&any, LIST_MAX);
    size_t n = 0;
    for (size_t i = 0; i < l->columns.n; i++) {
        int64_t most = type_varchar_max(l->columns.at[i].column_type);
        if (most)
            buf_add(&any,
                    sql_text(l->call,
                             "%Slength(%I) > %D",
                             sql_many(l->call, n++, "OR"),
                             l->columns.at[i].column_name,
                             most));
    }
    if (!n)
        return NULL;
    buf_char(&any, ')');
    if (any.failed)
        return &err_no_memory;
    str sql =
        sql_text(l->call, "SELECT 1 FROM (%S) WHERE %S LIMIT 1", loading_select(l), buf_str(&any));
    TRY(sql_try_query(l->call, sql, &result, failure));
    if (!failure->message.at && sql_rows(&result))
        failure->message = STR("a text is too long");
    return NULL;
}

static err preview_once(struct previewing *p, int attempt, struct sql_failure *failure, bool *again)
{
    struct loading *l = p->loading;
    CLEANUP(sql_rollback) struct sql_tx tx = {0};
    TRY(sql_begin(l->call, &tx));
    TRY(loading_columns(l, attempt, failure, again));
    if (failure->message.at)
        return NULL;
    if (p->ask->format == FORMAT_PARQUET && is_footer_only(p->ask->path)) {
        buf_add(&p->rows, STR("[]"));
        p->read = l->rows_guess;
        return NULL;
    }
    TRY(rows_read(p, failure));
    return failure->message.at ? NULL : too_long(l, failure);
}

static err preview_fill(const struct previewing *p, struct previewed *out)
{
    struct arena *mem = p->loading->call->mem;
    if (p->rows.failed)
        return err_new(mem, 422, "row_too_large", "A row is larger than %d MB.", JSON_MAX >> 20);
    out->columns = p->loading->columns;
    out->json = str_copy(mem, buf_str(&p->rows));
    out->complete = !p->ask->cut && p->given == p->read;
    return arena_failed(mem) ? &err_no_memory : NULL;
}

err worker_preview(struct call *call, const struct preview *preview, struct previewed *out)
{
    struct load load = {
        .format = preview->format, .path = preview->path, .columns = preview->columns};
    CLEANUP(loading_done) struct loading l;
    CLEANUP(previewing_done) struct previewing p = {.loading = &l, .ask = preview};
    loading_init(&l, call, &load);
    buf_init(&p.rows, JSON_MAX);
    if (preview->cut && preview->format == FORMAT_CSV)
        TRY(csv_cut(call->mem, preview->path));
    struct sql_failure failure;
    bool again = true;
    for (int attempt = 0; again; attempt++) {
        TRY(preview_once(&p, attempt, &failure, &again));
        if (!failure.message.at)
            return preview_fill(&p, out);
    }
    return load_diagnose(&l, &failure);
}
