/*
 * Which rows, in which order, with which columns.
 *
 * A table is only ever appended to or made anew, so its row ids are 0, 1, 2, ... in the order of
 * its rows, and a page of all rows is a range of them: as fast at the end as at the beginning. A
 * page of sorted rows sorts nothing but the ids with the columns they are sorted by, and then takes
 * the rows of the page by their ids; rows that are equal in these columns stay in their order.
 */
#include "engine/worker/selection.h"

#include "engine/worker/filter.h"

#define LIST_MAX (1024 * 1024)
#define SORTS_MAX 16
#define NEAR 20000             /* rows before a page that is found by a heap */
#define NUMBER STR("number\"") /* no name of a table's column has a quote in it */

/* The column of that name; 422 naming `field`. */
static err column_named(const struct selection *s, const char *field, str name, struct column *out)
{
    ptrdiff_t at = columns_find(&s->types, name);
    if (at < 0)
        return field_err(
            s->call->mem, field, "There is no column \"%.*s\".", STR_ARGS(str_sub(name, 0, 200)));
    *out = s->types.at[at];
    return NULL;
}

static str unsigned_name(str name, bool sign)
{
    return sign && str_starts(name, STR("-")) ? str_sub(name, 1, name.len) : name;
}

/* An item is a name, or several with commas between them. */
static str name_next(const struct columns *types, str *rest, bool sign)
{
    str whole = *rest, bare = unsigned_name(whole, sign);
    if (columns_find(types, whole) < 0 && columns_find(types, bare) < 0)
        return str_cut(rest, ',');
    *rest = (str){0};
    return whole;
}

static err sort_add(struct selection *s, struct buf *order, size_t n, str name)
{
    struct column column;
    str bare = unsigned_name(name, true);
    bool down = bare.len < name.len &&
                (columns_find(&s->types, bare) >= 0 || columns_find(&s->types, name) < 0);
    if (n == SORTS_MAX)
        return field_err(s->call->mem, "sort", "At most %d columns can be given.", SORTS_MAX);
    TRY(column_named(s, "sort", down ? bare : name, &column));
    buf_add(order,
            sql_text(s->call,
                     "%S%I%S NULLS LAST",
                     n ? STR(", ") : STR(" ORDER BY "),
                     column.column_name,
                     down ? STR(" DESC") : STR("")));
    return NULL;
}

/* Rows that are equal so far: by their ids, or else by all they have. */
static void tie_add(const struct selection *s, struct buf *order)
{
    if (!s->hidden) {
        buf_add(order, STR(", rowid"));
        return;
    }
    for (size_t i = 0; i < s->types.n; i++)
        buf_add(order, sql_text(s->call, ", %I", s->types.at[i].column_name));
}

static err sorts_sql(struct selection *s, const struct strs *sort)
{
    CLEANUP(buf_done) struct buf order;
    buf_init(&order, LIST_MAX);
    size_t n = 0;
    for (size_t i = 0; i < sort->n; i++) {
        for (str rest = sort->at[i]; rest.at; n++)
            TRY(sort_add(s, &order, n, name_next(&s->types, &rest, true)));
    }
    if (n)
        tie_add(s, &order);
    if (order.failed)
        return &err_no_memory;
    s->order = n ? str_copy(s->call->mem, buf_str(&order)) : (str){0};
    return NULL;
}

static err shown_read(struct selection *s, const struct strs *columns)
{
    struct columns *shown = &s->shown;
    *shown = (struct columns){arena_array(s->call->mem, s->types.n + 1, sizeof(struct column)), 0};
    if (!shown->at)
        return &err_no_memory;
    for (size_t i = 0; i < columns->n; i++) {
        for (str rest = columns->at[i]; rest.at; shown->n++) {
            struct column column;
            TRY(column_named(s, "columns", name_next(&s->types, &rest, false), &column));
            if (columns_find(shown, column.column_name) >= 0)
                return field_err(s->call->mem,
                                 "columns",
                                 "\"%.*s\" is there twice.",
                                 STR_ARGS(column.column_name));
            shown->at[shown->n] = column;
        }
    }
    return NULL;
}

/* A cursor belongs to one order of one set of rows. */
static str cursor_of(struct call *call, const struct meta *meta, const struct rows_ask *ask)
{
    str of = str_fmt(call->mem, "rows %lld", (long long)meta->id);
    for (size_t i = 0; i < ask->filter.n; i++)
        of = str_fmt(call->mem, "%.*s\nfilter %.*s", STR_ARGS(of), STR_ARGS(ask->filter.at[i]));
    for (size_t i = 0; i < ask->sort.n; i++)
        of = str_fmt(call->mem, "%.*s\nsort %.*s", STR_ARGS(of), STR_ARGS(ask->sort.at[i]));
    return of;
}

err selection_make(struct call *call, const struct meta *meta, const struct rows_ask *ask,
                   struct selection *out)
{
    *out = (struct selection){.call = call, .object = &meta->object};
    /* DuckDB's own types are finer than those we say, but need not be known to sort. */
    out->types = meta->object.columns;
    if (ask->filter.n || ask->format == ROWS_PARQUET)
        TRY(meta_types(call, sql_text(call, SQL_MAIN ".%I", meta->object.name), &out->types));
    out->hidden = columns_find(&out->types, STR("rowid")) >= 0;
    out->shown = out->types;
    if (ask->columns.n)
        TRY(shown_read(out, &ask->columns));
    TRY(filters_sql(call, &out->types, &ask->filter, &out->where));
    TRY(sorts_sql(out, &ask->sort));
    out->of = cursor_of(call, meta, ask);
    return arena_failed(call->mem) ? &err_no_memory : NULL;
}

err selection_list(const struct selection *s, str *out)
{
    CLEANUP(buf_done) struct buf list;
    buf_init(&list, LIST_MAX);
    for (size_t i = 0; i < s->shown.n; i++)
        buf_add(&list,
                sql_text(s->call, "%S%I", i ? STR(", ") : STR(""), s->shown.at[i].column_name));
    if (list.failed)
        return &err_no_memory;
    *out = str_copy(s->call->mem, buf_str(&list));
    return arena_failed(s->call->mem) ? &err_no_memory : NULL;
}

static str table(const struct selection *s)
{
    return sql_text(s->call, SQL_MAIN ".%I", s->object->name);
}

static str ends_sql(const struct selection *s, int64_t from, int64_t limit)
{
    str end = STR("");
    if (limit > 0 || from > 0)
        end = sql_text(s->call, " LIMIT %D", limit > 0 ? limit : s->object->row_count);
    return from > 0 ? sql_text(s->call, "%S OFFSET %D", end, from) : end;
}

/*
 * All rows as they stand. A limit ends the reading early where a range would not, but only together
 * with a condition on the row's id, be it one that always holds.
 */
static str range_sql(const struct selection *s, str list, int64_t from, int64_t limit)
{
    if (s->hidden || (from == 0 && limit == 0))
        return sql_text(s->call, "SELECT %S FROM %S%S", list, table(s), ends_sql(s, from, limit));
    return sql_text(s->call,
                    "SELECT %S FROM %S WHERE rowid >= %D%S",
                    list,
                    table(s),
                    from,
                    ends_sql(s, 0, limit));
}

/* A limit with a large offset is a heap of as many rows; to number them all is several times as
 * fast. */
static str far_ids_sql(const struct selection *s, int64_t from, int64_t limit)
{
    return sql_text(s->call,
                    "SELECT rowid FROM (SELECT rowid, row_number() OVER (%S) AS %I FROM %S%S)"
                    " WHERE %I > %D AND %I <= %D",
                    s->order,
                    NUMBER,
                    table(s),
                    s->where,
                    NUMBER,
                    from,
                    NUMBER,
                    from + limit);
}

str selection_sql(const struct selection *s, str list, int64_t from, int64_t limit)
{
    if (!s->where.at && !s->order.at)
        return range_sql(s, list, from, limit);
    str ends = ends_sql(s, from, limit);
    if (!s->order.at || s->hidden || limit == 0)
        return sql_text(
            s->call, "SELECT %S FROM %S%S%S%S", list, table(s), s->where, s->order, ends);
    return sql_text(
        s->call,
        "WITH page AS MATERIALIZED (%S) SELECT %S FROM %S WHERE rowid IN (SELECT"
        " rowid FROM page)%S",
        from + limit > NEAR
            ? far_ids_sql(s, from, limit)
            : sql_text(s->call, "SELECT rowid FROM %S%S%S%S", table(s), s->where, s->order, ends),
        list,
        table(s),
        s->order);
}

err selection_count(const struct selection *s, int64_t *out)
{
    *out = s->object->row_count;
    if (!s->where.at)
        return NULL;
    return sql_number(s->call, out, "SELECT count(*) FROM %S%S", table(s), s->where);
}
