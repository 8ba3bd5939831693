/*
 * Filters: "column:op:value", each a condition on a column in the column's own type.
 *
 * A name may have colons in it: of the places where one could end, the first that names a column
 * and is followed by an op counts. Values are never part of a statement's text but as quoted
 * literals, and are cast by DuckDB before anything is asked, so that one that does not fit is told
 * by name.
 */
#include "engine/worker/filter.h"

#include <string.h>

#include "engine/worker/meta.h"

#define FILTERS_MAX 32
#define SQL_MAX (1024 * 1024)
#define OPS "eq, ne, lt, le, gt, ge, contains, starts, null, not_null"

enum op {
    FILTER_EQ,
    FILTER_NE,
    FILTER_LT,
    FILTER_LE,
    FILTER_GT,
    FILTER_GE,
    FILTER_CONTAINS,
    FILTER_STARTS,
    FILTER_NULL,
    FILTER_NOT_NULL
};

static const struct {
    const char *name, *sql;
} ops[] = {
    [FILTER_EQ] = {"eq", "%S = %S"},
    [FILTER_NE] = {"ne", "%S <> %S"},
    [FILTER_LT] = {"lt", "%S < %S"},
    [FILTER_LE] = {"le", "%S <= %S"},
    [FILTER_GT] = {"gt", "%S > %S"},
    [FILTER_GE] = {"ge", "%S >= %S"},
    [FILTER_CONTAINS] = {"contains", "contains(lower(%S), lower(%S))"},
    [FILTER_STARTS] = {"starts", "starts_with(lower(%S), lower(%S))"},
    [FILTER_NULL] = {"null", "%S IS NULL"},
    [FILTER_NOT_NULL] = {"not_null", "%S IS NOT NULL"},
};

struct filter {
    str column, type; /* as the table has them */
    enum op op;
    str value; /* absent: none was given */
};

static int op_find(str name)
{
    for (size_t i = 0; i < LENGTH(ops); i++)
        if (str_eq(name, str_of(ops[i].name)))
            return (int)i;
    return -1;
}

static bool op_has_value(enum op op)
{
    return op != FILTER_NULL && op != FILTER_NOT_NULL;
}

static bool matches_texts(enum op op)
{
    return op == FILTER_CONTAINS || op == FILTER_STARTS;
}

/* What stands behind the colon at `colon` (or at the end). */
static bool filter_at(const struct columns *types, str text, size_t colon, struct filter *out)
{
    ptrdiff_t at = columns_find(types, str_sub(text, 0, colon));
    if (at < 0 || colon == text.len)
        return false;
    str rest = str_sub(text, colon + 1, text.len);
    int op = op_find(str_cut(&rest, ':'));
    if (op < 0)
        return false;
    *out = (struct filter){types->at[at].column_name, types->at[at].column_type, (enum op)op, rest};
    return true;
}

/* Which part of it is not known? */
static err filter_unknown(struct call *call, const struct columns *types, str text)
{
    str rest = text, column = str_cut(&rest, ':');
    if (columns_find(types, column) < 0)
        return field_err(
            call->mem, "filter", "There is no column \"%.*s\".", STR_ARGS(str_sub(column, 0, 200)));
    str op = str_cut(&rest, ':');
    return field_err(
        call->mem, "filter", "\"%.*s\" is not one of " OPS ".", STR_ARGS(str_sub(op, 0, 100)));
}

static err filter_read(struct call *call, const struct columns *types, str text, struct filter *out)
{
    size_t colon = 0;
    bool found = false;
    for (; colon < text.len && !found; colon++)
        found = text.at[colon] == ':' && filter_at(types, text, colon, out);
    if (!found)
        return filter_unknown(call, types, text);
    const char *op = ops[out->op].name;
    if (op_has_value(out->op) && !out->value.at)
        return field_err(call->mem, "filter", "\"%s\" needs a value behind another colon.", op);
    if (!op_has_value(out->op) && out->value.len)
        return field_err(call->mem, "filter", "\"%s\" takes no value.", op);
    return NULL;
}

static bool is_text(str type)
{
    return str_eq(type, STR("VARCHAR")) || str_eq(type, STR("JSON")) ||
           str_starts(type, STR("ENUM("));
}

static bool is_nested(str type)
{
    return str_ends(type, STR("]")) || str_starts(type, STR("STRUCT(")) ||
           str_starts(type, STR("MAP(")) || str_starts(type, STR("UNION("));
}

static bool is_whole(str type)
{
    return str_ends(type, STR("INT")) || str_eq(type, STR("INTEGER")) ||
           str_eq(type, STR("UINTEGER"));
}

/* Digits behind the point. */
static int64_t scale_of(str number)
{
    ptrdiff_t point = str_find(number, '.');
    int64_t digits = 0;
    for (size_t i = (size_t)(point + 1); point >= 0 && i < number.len; i++) {
        if (number.at[i] < '0' || number.at[i] > '9')
            break;
        digits++;
    }
    return digits;
}

/* What the value is cast to: the column's type, but that no digit behind the point is rounded off.
 */
static str value_type(struct call *call, const struct filter *filter)
{
    int64_t own = 0, given = scale_of(filter->value);
    str rest = filter->type;
    if (!str_starts(rest, STR("DECIMAL(")))
        return filter->type;
    str_cut(&rest, ',');
    str_i64(str_sub(rest, 0, rest.len - 1), &own);
    int64_t scale = given > own ? given : own;
    return sql_text(call, "DECIMAL(38, %D)", scale < 38 ? scale : 38);
}

/* True of a value that the cast gives a meaning of its own. */
static str fits_sql(struct call *call, const struct filter *filter)
{
    if (!op_has_value(filter->op) || matches_texts(filter->op) || is_text(filter->type))
        return STR("true");
    if (is_whole(filter->type))
        return sql_text(call,
                        "TRY_CAST(%L AS %S) IS NOT NULL AND NOT regexp_matches(%L, "
                        "'[.]0*[1-9]')",
                        filter->value,
                        filter->type,
                        filter->value);
    return sql_text(
        call, "TRY_CAST(%L AS %S) IS NOT NULL", filter->value, value_type(call, filter));
}

static err type_check(struct call *call, const struct filter *filter)
{
    const char *op = ops[filter->op].name;
    if (matches_texts(filter->op) && !is_text(filter->type) && !str_eq(filter->type, STR("UUID")))
        return field_err(call->mem,
                         "filter",
                         "\"%s\" is for texts, which \"%.*s\" does not have.",
                         op,
                         STR_ARGS(filter->column));
    bool opaque = is_nested(filter->type) || str_eq(filter->type, STR("BLOB"));
    if (opaque && op_has_value(filter->op))
        return field_err(call->mem,
                         "filter",
                         "Of \"%.*s\" only null and not_null can be asked.",
                         STR_ARGS(filter->column));
    return NULL;
}

static str condition(struct call *call, const struct filter *filter)
{
    const char *format = ops[filter->op].sql;
    bool text = matches_texts(filter->op) || is_text(filter->type);
    bool plain = !text || str_eq(filter->type, STR("VARCHAR"));
    str column = sql_text(call, plain ? "%I" : "CAST(%I AS VARCHAR)", filter->column);
    if (!op_has_value(filter->op))
        return sql_text(call, format, column);
    str value = text ? sql_text(call, "%L", filter->value)
                     : sql_text(call, "CAST(%L AS %S)", filter->value, value_type(call, filter));
    return sql_text(call, format, column, value);
}

/* All values at once. */
static err values_check(struct call *call, const struct filter *filters, size_t n)
{
    CLEANUP(buf_done) struct buf list;
    CLEANUP(sql_result_done) struct sql_result result = {0};
    struct sql_failure failure;
    buf_init(&list, SQL_MAX);
    for (size_t i = 0; i < n; i++)
        buf_add(&list,
                sql_text(call, "%S%S", i ? STR(", ") : STR(""), fits_sql(call, &filters[i])));
    if (list.failed)
        return &err_no_memory;
    TRY(sql_try_query(call, sql_text(call, "SELECT %S", buf_str(&list)), &result, &failure));
    for (size_t i = 0; i < n; i++) {
        if (!failure.message.at && sql_i64(&result, 0, i))
            continue;
        return field_err(call->mem,
                         "filter",
                         "\"%.*s\" does not fit \"%.*s\".",
                         STR_ARGS(str_sub(filters[i].value, 0, 100)),
                         STR_ARGS(filters[i].column));
    }
    return NULL;
}

err filters_sql(struct call *call, const struct columns *types, const struct strs *texts, str *out)
{
    struct filter filters[FILTERS_MAX];
    CLEANUP(buf_done) struct buf where;
    buf_init(&where, SQL_MAX);
    *out = (str){0};
    if (texts->n > FILTERS_MAX)
        return field_err(call->mem, "filter", "At most %d can be given.", FILTERS_MAX);
    if (!texts->n)
        return NULL;
    for (size_t i = 0; i < texts->n; i++) {
        TRY(filter_read(call, types, texts->at[i], &filters[i]));
        TRY(type_check(call, &filters[i]));
        buf_add(
            &where,
            sql_text(
                call, "%S(%S)", i ? STR(" AND ") : STR(" WHERE "), condition(call, &filters[i])));
    }
    TRY(values_check(call, filters, texts->n));
    if (where.failed)
        return &err_no_memory;
    *out = str_copy(call->mem, buf_str(&where));
    return arena_failed(call->mem) ? &err_no_memory : NULL;
}
