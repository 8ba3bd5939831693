/* One table of types. */
#include "engine/worker/types.h"

static const struct {
    const char *duckdb, *name;
} names[] = {
    {"BOOLEAN", "boolean"},
    {"TINYINT", "smallint"},
    {"SMALLINT", "smallint"},
    {"UTINYINT", "smallint"},
    {"INTEGER", "int"},
    {"USMALLINT", "int"},
    {"BIGINT", "bigint"},
    {"UINTEGER", "bigint"},
    {"UBIGINT", "numeric(20,0)"},
    {"HUGEINT", "numeric(38,0)"},
    {"UHUGEINT", "numeric(38,0)"},
    {"FLOAT", "real"},
    {"DOUBLE", "double"},
    {"VARCHAR", "text"},
    {"BLOB", "text"},
    {"INTERVAL", "text"},
    {"TIME WITH TIME ZONE", "text"},
    {"DATE", "date"},
    {"TIME", "time"},
    {"TIME_NS", "time"},
    {"TIMESTAMP", "timestamp"},
    {"TIMESTAMP_S", "timestamp"},
    {"TIMESTAMP_MS", "timestamp"},
    {"TIMESTAMP_NS", "timestamp"},
    {"TIMESTAMP WITH TIME ZONE", "timestamptz"},
    {"UUID", "uuid"},
    {"JSON", "json"},
    {"\"NULL\"", "int"},
};

/* Types that have no text of their own here, alone or inside another. */
static const char *const not_shown[] = {
    "BIT", "BIGNUM", "VARIANT", "GEOMETRY", "AGGREGATE_STATE", "POINTER", "TYPE"};

static bool has_not_shown(str type)
{
    for (size_t at = 0; at < type.len;) {
        size_t end = at;
        while (end < type.len && type.at[end] != '(' && type.at[end] != ')' &&
               type.at[end] != ',' && type.at[end] != ' ' && type.at[end] != '[')
            end++;
        for (size_t i = 0; i < LENGTH(not_shown); i++)
            if (str_eq(str_sub(type, at, end - at), str_of(not_shown[i])))
                return true;
        at = end + 1;
    }
    return false;
}

str type_name(struct arena *mem, str duckdb_type)
{
    for (size_t i = 0; i < LENGTH(names); i++)
        if (str_eq(duckdb_type, str_of(names[i].duckdb)))
            return str_of(names[i].name);
    if (str_ends(duckdb_type, STR(")")) && str_starts(duckdb_type, STR("ENUM(")))
        return STR("text");
    if (str_starts(duckdb_type, STR("DECIMAL(")) && str_ends(duckdb_type, STR(")")))
        return str_fmt(mem, "numeric%.*s", STR_ARGS(str_sub(duckdb_type, 7, duckdb_type.len)));
    if (has_not_shown(duckdb_type))
        return (str){0};
    if (str_ends(duckdb_type, STR("]")) || str_starts(duckdb_type, STR("STRUCT(")) ||
        str_starts(duckdb_type, STR("MAP(")) || str_starts(duckdb_type, STR("UNION(")))
        return STR("json");
    return (str){0};
}

bool type_is_integer(str name)
{
    return str_eq(name, STR("smallint")) || str_eq(name, STR("int")) || str_eq(name, STR("bigint"));
}

int64_t type_varchar_max(str name)
{
    int64_t most = 0;
    if (str_starts(name, STR("varchar(")) && str_i64(str_sub(name, 8, name.len - 9), &most))
        return most;
    return 0;
}

err types_described(struct call *call, struct sql_result *result, struct columns *out)
{
    size_t n = sql_rows(result);
    *out = (struct columns){arena_array(call->mem, n + 1, sizeof(struct column)), n};
    if (!out->at)
        return &err_no_memory;
    for (size_t i = 0; i < n; i++) {
        str name = sql_str(call, result, i, 0), type = sql_str(call, result, i, 1);
        out->at[i] = (struct column){name, type_name(call->mem, type)};
        if (!out->at[i].column_type.at)
            return err_new(
                call->mem,
                422,
                "invalid_query",
                "Column \"%.*s\" is of the type %.*s, which can't be shown: cast it to text.",
                STR_ARGS(name),
                STR_ARGS(type));
    }
    return arena_failed(call->mem) ? &err_no_memory : NULL;
}
