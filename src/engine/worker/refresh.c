/*
 * A refresh: the new rows beside the old ones, their difference, and the swap, in one transaction.
 *
 * The new rows go to a table whose name no team can use. When they are the old ones again, in
 * whatever order, it is dropped and the view keeps its table; else it takes the view's name. Only
 * statements whose answer does not hang on the order of rows run on all cores: the same data then
 * always gives the same rows, floating sums included.
 */
#include "base/time.h"
#include "engine/worker/changes.h"
#include "engine/worker/format.h"
#include "engine/worker/guard.h"
#include "engine/worker/lex.h"

#define NEXT_NAME STR("next\"") /* engine_name_check lets no quotes through */
#define LIST_MAX (1024 * 1024)

err worker_check(struct call *call, str sql, struct checked *out)
{
    CLEANUP(sql_rollback) struct sql_tx tx = {0};
    TRY(sql_begin_read(call, &tx));
    struct guarded guarded;
    TRY(guard_check(call, sql, &guarded));
    *out = guarded.checked;
    return NULL;
}

struct refreshing {
    struct call *call;
    const struct refresh *ask;
    struct guarded guarded;
    struct meta view;
    bool is_new;
    struct columns types;
    struct versions versions; /* the old table is named even if it is not there yet */
    struct refreshed *out;
};

static err view_find(struct refreshing *r)
{
    struct call *call = r->call;
    bool found;
    TRY(meta_find(call, r->ask->view, &r->view, &found));
    if (found && !r->view.object.is_view)
        return err_new(call->mem,
                       409,
                       "name_taken",
                       "There is a table named \"%.*s\".",
                       STR_ARGS(r->ask->view));
    if (!found)
        r->view =
            (struct meta){.object = {.name = str_copy(call->mem, r->ask->view), .is_view = true}};
    r->is_new = !found;
    r->versions = (struct versions){.old = sql_text(call, SQL_MAIN ".%I", r->view.object.name),
                                    .new = sql_text(call, SQL_MAIN ".%I", NEXT_NAME),
                                    .old_rows = r->view.object.row_count,
                                    .types = &r->types};
    return arena_failed(call->mem) ? &err_no_memory : NULL;
}

static err view_guard(struct refreshing *r)
{
    TRY(guard_check(r->call, r->ask->sql, &r->guarded));
    for (size_t i = 0; i < r->guarded.checked.depends_n; i++)
        if (str_eq_nocase(r->guarded.checked.depends[i], r->view.object.name))
            return guard_refuse(r->call, r->ask->sql, -1, STR("A view can't read itself."));
    return NULL;
}

/* A collation would go on in the table's columns, and 'a' and 'A' would be no difference: texts are
 * made plain. */
static err plain_texts(struct refreshing *r, str *sql)
{
    CLEANUP(sql_result_done) struct sql_result result = {0};
    CLEANUP(buf_done) struct buf list;
    buf_init(&list, LIST_MAX);
    TRY(sql_query(r->call, &result, "DESCRIBE %S", *sql));
    for (size_t i = 0; i < sql_rows(&result); i++) {
        str name = sql_str(r->call, &result, i, 0);
        bool is_text = str_eq(sql_str(r->call, &result, i, 1), STR("VARCHAR"));
        buf_add(&list,
                sql_text(r->call,
                         is_text ? "%Sdecode(encode(%I)) AS %I" : "%S%I",
                         i ? STR(", ") : STR(""),
                         name,
                         name));
    }
    if (list.failed)
        return &err_no_memory;
    *sql = sql_text(r->call, "SELECT %S FROM (%S\n)", buf_str(&list), lex_statement(*sql));
    return NULL;
}

static err rows_build(struct refreshing *r)
{
    struct sql_failure failure;
    str sql = r->guarded.sql;
    if (r->guarded.collates)
        TRY(plain_texts(r, &sql));
    if (r->guarded.steady)
        call_parallel(r->call);
    err e = sql_try(r->call,
                    sql_text(r->call, "CREATE TABLE %S AS %S", r->versions.new, sql),
                    &r->versions.new_rows,
                    &failure);
    call_serial(r->call);
    TRY(e);
    return failure.message.at ? guard_failure(r->call, r->guarded.sql, &failure) : NULL;
}

static err same_columns(struct refreshing *r, bool *same)
{
    struct columns old;
    TRY(meta_types(r->call, r->versions.old, &old));
    *same = columns_equal(&old, &r->types);
    return NULL;
}

static err swap(struct refreshing *r)
{
    if (!r->is_new)
        TRY(sql_run(r->call, "DROP TABLE %S", r->versions.old));
    return sql_run(r->call, "ALTER TABLE %S RENAME TO %I", r->versions.new, r->view.object.name);
}

/* A view that could be made but not read would be of no use. */
static err rows_readable(struct refreshing *r)
{
    CLEANUP(sql_result_done) struct sql_result result = {0};
    struct format format;
    TRY(sql_query(r->call, &result, "SELECT * FROM %S LIMIT 0", r->versions.new));
    return format_open(r->call, &result.result, 0, NULL, &format);
}

/* The columns are others, or there were none: nothing to compare with. */
static err take_anew(struct refreshing *r)
{
    struct call *call = r->call;
    struct difference difference = {0};
    TRY(rows_readable(r));
    TRY(meta_save(call, &r->view)); /* a new one gets its id, which names the differences */
    TRY(changes_reset(call, &r->view, &r->versions));
    if (r->is_new) { /* all rows are the difference to nothing */
        r->view.floor = 0;
        TRY(changes_store(call, &r->view, &r->versions, &difference));
    }
    TRY(swap(r));
    r->out->reset = !r->is_new;
    r->out->added = r->versions.new_rows;
    r->out->removed = r->versions.old_rows;
    return meta_measure(call, &r->view.object);
}

static err take_difference(struct refreshing *r)
{
    struct difference difference;
    TRY(changes_store(r->call, &r->view, &r->versions, &difference));
    r->out->added = difference.added;
    r->out->removed = difference.removed;
    if (!difference.stored)
        return sql_run(r->call, "DROP TABLE %S", r->versions.new);
    TRY(swap(r));
    return meta_measure(r->call, &r->view.object);
}

static err rows_inline(struct refreshing *r)
{
    struct call *call = r->call;
    if ((uint64_t)r->view.object.row_count > r->ask->rows_max)
        return NULL;
    CLEANUP(sql_result_done) struct sql_result result = {0};
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, INLINE_BYTES);
    struct format format;
    TRY(sql_query(call, &result, "SELECT * FROM %S", r->versions.old));
    TRY(format_open(call, &result.result, 0, NULL, &format));
    buf_char(&b, '[');
    for (duckdb_data_chunk chunk; !b.failed && (chunk = duckdb_fetch_chunk(result.result));) {
        for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk); row++) {
            if (b.len > 1)
                buf_char(&b, ',');
            format_json(&b, &format, chunk, row);
        }
        duckdb_destroy_data_chunk(&chunk);
    }
    buf_char(&b, ']');
    if (!b.failed)
        r->out->rows = str_copy(call->mem, buf_str(&b));
    return NULL;
}

/* What the answer carries beside the counts. */
static err answer(struct refreshing *r)
{
    const struct refresh *ask = r->ask;
    struct refreshed *out = r->out;
    bool kept = !out->reset && r->view.object.version > r->view.floor;
    if (ask->changes_max && kept && (uint64_t)(out->added + out->removed) <= ask->changes_max)
        TRY(changes_inline(
            r->call, &r->view, (int64_t)ask->changes_max, INLINE_BYTES, &out->changes));
    if (ask->rows_max)
        TRY(rows_inline(r));
    out->view = r->view.object;
    return arena_failed(r->call->mem) ? &err_no_memory : NULL;
}

static err take_rows(struct refreshing *r)
{
    struct call *call = r->call;
    struct object *view = &r->view.object;
    bool same = false;
    TRY(meta_types(call, r->versions.new, &r->types));
    if (!r->is_new)
        TRY(same_columns(r, &same));
    view->version++;
    view->columns = r->guarded.checked.columns;
    view->row_count = r->versions.new_rows;
    TRY(same ? take_difference(r) : take_anew(r));
    view->added = r->out->added;
    view->removed = r->out->removed;
    view->reset = r->out->reset;
    if (r->out->added || r->out->removed)
        TRY(changes_prune(call, &r->view));
    return meta_save(call, &r->view);
}

err worker_refresh(struct call *call, const struct refresh *refresh, struct refreshed *out)
{
    *out = (struct refreshed){0};
    int64_t begun = time_steady();
    struct refreshing r = {.call = call, .ask = refresh, .out = out};
    CLEANUP(sql_rollback) struct sql_tx tx = {0};
    TRY(sql_begin(call, &tx));
    TRY(view_find(&r));
    TRY(view_guard(&r));
    TRY(rows_build(&r));
    TRY(take_rows(&r));
    TRY(answer(&r));
    TRY(sql_commit(&tx));
    out->duration_us = time_steady() - begun;
    return NULL;
}
