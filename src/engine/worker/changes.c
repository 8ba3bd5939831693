/*
 * Differences of multisets of rows.
 *
 * Each new row counts +1, each old one -1, and rows that are the same in all columns are summed:
 * what is left over is the difference, with how often each row was added or removed. NULLs are the
 * same here, and NaNs. Where a query gives its rows in the same order again, as the first ones
 * tell, the rows are laid side by side first, which takes a tenth of the time: two equal ones
 * cancel out, and only the others need be summed. Removed rows are stored before added ones and
 * versions one after another, so the table is in the order that it is read in; it is only ever
 * appended to, and cut at its beginning. Types that DuckDB takes for equal although they read
 * differently (intervals of 30 days and of a month, times with a zone) are compared and kept as
 * their text.
 */
#include "engine/worker/changes.h"

#include "base/fields.h"
#include "base/time.h"
#include "engine/worker/cursor.h"
#include "engine/worker/format.h"

#define DIFFERENCE_MAX 1000000        /* rows of one difference that is kept */
#define KEPT_MAX 5000000              /* rows of all that are kept of a view */
#define SAMPLE_ROWS ((int64_t)20480)  /* that tell whether the order is the same */
#define PARALLEL_ROWS 100000          /* that are worth the start of threads */
#define LIST_MAX (1024 * 1024)        /* bytes of a list of columns in SQL */
#define PAGE_BYTES (16 * 1024 * 1024) /* a page ends after the row that goes beyond */
#define PAGE_BYTES_MAX (48 * 1024 * 1024)

static str table_of(struct call *call, const struct meta *view)
{
    return sql_text(call, SQL_OURS ".%I", str_fmt(call->mem, "d%lld", (long long)view->id));
}

static bool compared_as_text(str type)
{
    return str_starts(type, STR("INTERVAL")) || str_starts(type, STR("TIME WITH TIME ZONE"));
}

/* The columns of a view as its table of differences has them. */
struct lists {
    struct buf values;  /* "a" AS c0, CAST("b" AS VARCHAR) AS c1, ... */
    struct buf names;   /* c0, c1, ... */
    struct buf unequal; /* a.c0 IS DISTINCT FROM b.c0 OR ... */
};

static void lists_done(struct lists *lists)
{
    buf_done(&lists->values);
    buf_done(&lists->names);
    buf_done(&lists->unequal);
}

static err lists_make(struct call *call, const struct columns *types, struct lists *out)
{
    buf_init(&out->values, LIST_MAX);
    buf_init(&out->names, LIST_MAX);
    buf_init(&out->unequal, LIST_MAX);
    for (size_t i = 0; i < types->n; i++) {
        const struct column *column = &types->at[i];
        const char *format =
            compared_as_text(column->column_type) ? "%SCAST(%I AS VARCHAR) AS c%D" : "%S%I AS c%D";
        buf_add(&out->values,
                sql_text(call, format, i ? STR(", ") : STR(""), column->column_name, (int64_t)i));
        buf_fmt(&out->names, "%sc%zu", i ? ", " : "", i);
        str or = sql_many(call, i, "OR");
        buf_fmt(&out->unequal, "%.*sa.c%zu IS DISTINCT FROM b.c%zu", STR_ARGS(or), i, i);
    }
    buf_char(&out->unequal, ')');
    bool failed = out->values.failed || out->names.failed || out->unequal.failed;
    return failed ? &err_no_memory : NULL;
}

err changes_drop(struct call *call, const struct meta *view)
{
    TRY(sql_run(call, "DELETE FROM " SQL_OURS ".kept WHERE object_id = %D", view->id));
    return sql_run(call, "DROP TABLE IF EXISTS %S", table_of(call, view));
}

err changes_reset(struct call *call, struct meta *view, const struct versions *versions)
{
    CLEANUP(lists_done) struct lists lists = {0};
    TRY(changes_drop(call, view));
    TRY(lists_make(call, versions->types, &lists));
    view->floor = view->object.version;
    return sql_run(
        call,
        "CREATE TABLE %S AS SELECT CAST(0 AS BIGINT) AS version, CAST(0 AS BIGINT) AS n, %S FROM %S"
        " LIMIT 0",
        table_of(call, view),
        buf_str(&lists.values),
        versions->new);
}

/* The first rows (0: all) of both versions that stand side by side and are not equal. Where one has
 * no more rows, there is no `s`. */
static str unequal_pairs(struct call *call, const struct versions *versions,
                         const struct lists *lists, int64_t first)
{
    str values = buf_str(&lists->values);
    str limit = first ? sql_text(call, " LIMIT %D", first) : STR("");
    return sql_text(call,
                    "(SELECT -1 AS s, %S FROM %S%S) AS a"
                    " POSITIONAL JOIN (SELECT 1 AS s, %S FROM %S%S) AS b"
                    " WHERE a.s IS NULL OR b.s IS NULL OR %S",
                    values,
                    versions->old,
                    limit,
                    values,
                    versions->new,
                    limit,
                    buf_str(&lists->unequal));
}

enum order {
    ORDER_SAME,  /* all rows are the same, and stand where they stood */
    ORDER_KEPT,  /* most rows stand where they stood, as far as the first ones tell */
    ORDER_OTHER, /* or there was nothing before */
};

static err order_find(struct call *call, const struct versions *versions, const struct lists *lists,
                      enum order *out)
{
    int64_t unequal, most = versions->new_rows;
    *out = ORDER_OTHER;
    if (versions->old_rows == 0)
        return NULL;
    bool all = versions->old_rows <= SAMPLE_ROWS && most <= SAMPLE_ROWS;
    TRY(sql_number(call,
                   &unequal,
                   "SELECT count(*) FROM %S",
                   unequal_pairs(call, versions, lists, all ? 0 : SAMPLE_ROWS)));
    if (all && unequal == 0)
        *out = ORDER_SAME;
    else if (unequal < (most < SAMPLE_ROWS ? most : SAMPLE_ROWS) / 2)
        *out = ORDER_KEPT;
    return NULL;
}

/* The rows that are to be summed, as SQL. Rows side by side are compared by one thread. */
static str rows_to_sum(struct call *call, const struct versions *versions,
                       const struct lists *lists, enum order order)
{
    str values = buf_str(&lists->values);
    if (order == ORDER_KEPT)
        return sql_text(call,
                        "WITH pairs AS MATERIALIZED (SELECT a, b FROM %S)"
                        " SELECT unnest(a) FROM pairs WHERE a.s IS NOT NULL"
                        " UNION ALL SELECT unnest(b) FROM pairs WHERE b.s IS NOT NULL",
                        unequal_pairs(call, versions, lists, 0));
    str new = sql_text(call, "SELECT 1 AS s, %S FROM %S", values, versions->new);
    if (versions->old_rows + versions->new_rows > PARALLEL_ROWS)
        call_parallel(call);
    if (versions->old_rows == 0)
        return new;
    return sql_text(call, "%S UNION ALL SELECT -1 AS s, %S FROM %S", new, values, versions->old);
}

err changes_store(struct call *call, const struct meta *view, const struct versions *versions,
                  struct difference *out)
{
    CLEANUP(lists_done) struct lists lists = {0};
    enum order order;
    str table = table_of(call, view);
    int64_t version = view->object.version;
    *out = (struct difference){0};
    TRY(lists_make(call, versions->types, &lists));
    str names = buf_str(&lists.names);
    TRY(order_find(call, versions, &lists, &order));
    if (order == ORDER_SAME)
        return NULL;
    str rows = rows_to_sum(call, versions, &lists, order);
    TRY(sql_insert(call,
                   &out->stored,
                   "INSERT INTO %S SELECT %D, n, %S FROM (SELECT CAST(sum(s) AS BIGINT) AS n, %S"
                   " FROM (%S) GROUP BY %S HAVING sum(s) <> 0) ORDER BY n > 0",
                   table,
                   version,
                   names,
                   names,
                   rows,
                   names));
    call_serial(call);
    if (out->stored == 0)
        return NULL;
    TRY(sql_number(
        call,
        &out->added,
        "SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM %S WHERE version = %D AND n > 0",
        table,
        version));
    out->removed = out->added + versions->old_rows - versions->new_rows;
    return sql_run(call,
                   "INSERT INTO " SQL_OURS ".kept VALUES (%D, %D, %D, %D)",
                   view->id,
                   version,
                   time_now(),
                   out->stored);
}

/* The newest version of those too old; 0: none. Not before an eighth of the time is over as well,
 * so that it is not done each time. */
static err outlived(struct call *call, const struct meta *view, int64_t first_at, int64_t *out)
{
    int64_t oldest = time_now() - call->keep_us;
    *out = 0;
    if (first_at >= oldest - call->keep_us / 8)
        return NULL;
    return sql_number(call,
                      out,
                      "SELECT coalesce(max(version), 0) FROM " SQL_OURS
                      ".kept WHERE object_id = %D AND kept_at < %D",
                      view->id,
                      oldest);
}

/* The newest version of those that are too many. */
static err overflown(struct call *call, const struct meta *view, int64_t *out)
{
    return sql_number(call,
                      out,
                      "SELECT coalesce(max(version), 0) FROM (SELECT version, row_count, "
                      "sum(row_count) OVER (ORDER BY"
                      " version DESC) AS s FROM " SQL_OURS
                      ".kept WHERE object_id = %D) WHERE s > %D OR row_count > %D",
                      view->id,
                      (int64_t)KEPT_MAX,
                      (int64_t)DIFFERENCE_MAX);
}

/* The newest version to forget; 0: none. */
static err forget_up_to(struct call *call, const struct meta *view, int64_t *out)
{
    CLEANUP(sql_result_done) struct sql_result result = {0};
    int64_t many = 0;
    *out = 0;
    TRY(sql_query(
        call,
        &result,
        "SELECT min(kept_at), CAST(sum(row_count) AS BIGINT), max(row_count) FROM " SQL_OURS
        ".kept WHERE object_id = %D HAVING count(*) > 0",
        view->id));
    if (sql_rows(&result) == 0)
        return NULL;
    TRY(outlived(call, view, sql_i64(&result, 0, 0), out));
    if (sql_i64(&result, 0, 1) > KEPT_MAX || sql_i64(&result, 0, 2) > DIFFERENCE_MAX)
        TRY(overflown(call, view, &many));
    *out = many > *out ? many : *out;
    return NULL;
}

err changes_prune(struct call *call, struct meta *view)
{
    int64_t version;
    TRY(forget_up_to(call, view, &version));
    if (version <= view->floor)
        return NULL;
    view->floor = version;
    TRY(sql_run(call, "DELETE FROM %S WHERE version <= %D", table_of(call, view), version));
    return sql_run(call,
                   "DELETE FROM " SQL_OURS ".kept WHERE object_id = %D AND version <= %D",
                   view->id,
                   version);
}

/* A page under way: rows are given out one by one, those that were added twice twice. */
struct page {
    struct buf *out;
    const struct format *format;
    int64_t left;       /* rows that still may go in */
    size_t bytes;       /* none goes in beyond so many */
    struct cursor skip; /* rows of its version that an earlier page gave */
    struct cursor next; /* where this page ended */
    bool full;
};

static void page_row(struct page *page, duckdb_data_chunk chunk, idx_t row, int64_t version,
                     int64_t n)
{
    if (page->out->len > 1)
        buf_char(page->out, ',');
    buf_fmt(page->out, "{\"version\":%lld,\"change\":", (long long)version);
    buf_add(page->out, n > 0 ? STR("\"added\",\"row\":") : STR("\"removed\",\"row\":"));
    format_json(page->out, page->format, chunk, row);
    buf_char(page->out, '}');
}

static void page_add(struct page *page, duckdb_data_chunk chunk, idx_t row)
{
    int64_t version =
        ((int64_t *)duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0)))[row];
    int64_t n = ((int64_t *)duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 1)))[row];
    int64_t times = n > 0 ? n : -n;
    if (version != page->next.version)
        page->next = (struct cursor){version, 0};
    if (version == page->skip.version && page->next.position + times <= page->skip.position) {
        page->next.position += times;
        return;
    }
    for (int64_t i = 0; i < times; i++) {
        if (version == page->skip.version && page->next.position < page->skip.position) {
            page->next.position++;
            continue;
        }
        if (page->left == 0 || page->out->len > page->bytes) {
            page->full = true;
            return;
        }
        page_row(page, chunk, row, version, n);
        page->left--;
        page->next.position++;
    }
}

static err page_fill(struct call *call, struct page *page, struct sql_result *result)
{
    while (!page->full && !call_cancelled(call)) {
        duckdb_data_chunk chunk = duckdb_fetch_chunk(result->result);
        if (!chunk)
            break;
        idx_t n = duckdb_data_chunk_get_size(chunk);
        for (idx_t row = 0; row < n && !page->full; row++)
            page_add(page, chunk, row);
        duckdb_destroy_data_chunk(&chunk);
    }
    struct sql_failure failure = {0};
    TRY(sql_stream_end(call, result, &failure));
    if (failure.message.at)
        return err_internal(call->mem, "engine: changes: %.*s", STR_ARGS(failure.message));
    return call_cancelled(call) ? call_fault(call, DUCKDB_ERROR_INTERRUPT, NULL) : NULL;
}

/* Reads the versions `from` to `to` into the page, as a JSON array. */
static err page_read(struct call *call, const struct meta *view, int64_t from, int64_t to,
                     struct page *page)
{
    CLEANUP(sql_result_done) struct sql_result result = {0};
    struct sql_failure failure;
    struct format format;
    TRY(sql_try_stream(call,
                       sql_text(call,
                                "SELECT * FROM %S WHERE version >= %D AND version <= %D",
                                table_of(call, view),
                                from,
                                to),
                       &result,
                       &failure));
    if (failure.message.at)
        return err_internal(call->mem, "engine: changes: %.*s", STR_ARGS(failure.message));
    TRY(format_open(call, &result.result, 2, &view->object.columns, &format));
    page->format = &format;
    buf_char(page->out, '[');
    TRY(page_fill(call, page, &result));
    buf_char(page->out, ']');
    page->format = NULL;
    return NULL;
}

err changes_inline(struct call *call, const struct meta *view, int64_t rows_max, size_t bytes_max,
                   str *out)
{
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, bytes_max);
    struct page page = {.out = &b, .left = rows_max, .bytes = bytes_max};
    int64_t version = view->object.version;
    TRY(page_read(call, view, version, version, &page));
    if (!page.full && !b.failed)
        *out = str_copy(call->mem, buf_str(&b));
    return arena_failed(call->mem) ? &err_no_memory : NULL;
}

static err changes_gone(struct call *call, const struct meta *view, int64_t after)
{
    return err_new(call->mem,
                   410,
                   "changes_gone",
                   "The changes after version %lld are not kept (any more): read the rows, and go "
                   "on from version %lld.",
                   (long long)after,
                   (long long)view->object.version);
}

static err changes_page(struct call *call, const struct meta *view, const struct changes_ask *ask,
                        struct cursor start, struct rows_page *out)
{
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, PAGE_BYTES_MAX);
    struct page page = {
        .out = &b, .left = ask->limit, .bytes = PAGE_BYTES, .skip = start, .next = start};
    page.next.position = 0;
    TRY(page_read(call, view, start.version, ask->upto ? ask->upto : view->object.version, &page));
    if (b.failed)
        return &err_no_memory;
    out->json = str_copy(call->mem, buf_str(&b));
    if (page.full)
        out->next = cursor_text(
            call->mem, str_fmt(call->mem, "changes %lld", (long long)view->id), page.next);
    out->version = view->object.version;
    return arena_failed(call->mem) ? &err_no_memory : NULL;
}

err worker_changes(struct call *call, const struct changes_ask *ask, struct rows_page *out)
{
    *out = (struct rows_page){0};
    CLEANUP(sql_rollback) struct sql_tx tx = {0};
    TRY(sql_begin_read(call, &tx));
    struct meta view;
    TRY(meta_get(call, ask->view, &view));
    if (!view.object.is_view)
        return err_new(call->mem,
                       404,
                       "unknown_view",
                       "\"%.*s\" is a table: only views have changes.",
                       STR_ARGS(ask->view));
    if (ask->upto > view.object.version)
        return field_err(
            call->mem, "upto", "The newest version is %lld.", (long long)view.object.version);
    if (ask->after > view.object.version)
        return changes_gone(call, &view, ask->after);
    struct cursor start = {.version = ask->after + 1};
    if (ask->cursor.at)
        TRY(cursor_read(call->mem,
                        str_fmt(call->mem, "changes %lld", (long long)view.id),
                        ask->cursor,
                        &start));
    if (start.version <= view.floor || start.version > view.object.version + 1)
        return changes_gone(call, &view, start.version - 1);
    return changes_page(call, &view, ask, start, out);
}
