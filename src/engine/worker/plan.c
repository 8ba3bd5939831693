/*
 * The bound plan of a user's SQL: what its names were bound to, and whether it minds the order of
 * its rows.
 *
 * The second wall behind tree.c: every source of rows is a table of the team or a function that may
 * make rows. And: a plan of nothing but scans, filters, joins, groups and exact aggregates gives
 * the same rows however the work is split between cores. Floating sums, windows, limits, first()
 * and the like do not, and run on one.
 */
#include <jansson.h>
#include <string.h>

#include "engine/worker/functions.h"
#include "engine/worker/guard.h"
#include "engine/worker/wording.h"

#define DEPTH_MAX 2000

struct plan {
    struct call *call;
    str sql;
    bool steady;
};

/* Operators whose answer may hang on the order in which rows arrive. */
static const char *const order_minding[] = {
    "LOGICAL_WINDOW",
    "LOGICAL_LIMIT",
    "LOGICAL_TOP_N",
    "LOGICAL_SAMPLE",
    "LOGICAL_ASOF_JOIN",
    "LOGICAL_POSITIONAL_JOIN",
    "LOGICAL_RECURSIVE_CTE",
    "LOGICAL_PIVOT",
};
/* What our own words and names without a table turn into, and must not. */
static const char *const server_functions[] = {
    "current_database",
    "current_schema",
    "current_schemas",
    "current_setting",
    "current_query",
    "nextval",
    "currval",
};

static bool is_float(const json_t *type)
{
    str id = guard_member(type, "id");
    return str_eq(id, STR("FLOAT")) || str_eq(id, STR("DOUBLE"));
}

static err check_source(struct plan *plan, const json_t *get)
{
    str name = guard_member(get, "name");
    const json_t *data = json_object_get(get, "function_data");
    if (str_eq(name, STR("seq_scan"))) {
        if (str_eq(guard_member(data, "catalog"), STR(TEAM_CATALOG)) &&
            str_eq(guard_member(data, "schema"), STR("main")))
            return NULL;
    } else if (function_makes_rows(name)) {
        return NULL;
    }
    return guard_refuse(
        plan->call, plan->sql, -1, STR("Only your own tables and views can be read."));
}

static void check_aggregate(struct plan *plan, const json_t *aggregate)
{
    bool floats = false;
    size_t i;
    const json_t *type;
    json_array_foreach(json_object_get(aggregate, "arguments"), i, type) floats |= is_float(type);
    if (!aggregate_is_steady(guard_member(aggregate, "name"), floats))
        plan->steady = false;
}

static err check_object(struct plan *plan, const json_t *object)
{
    str type = guard_member(object, "type"), class = guard_member(object, "expression_class");
    if (str_eq(type, STR("LOGICAL_GET")))
        TRY(check_source(plan, object));
    for (size_t i = 0; i < LENGTH(order_minding); i++)
        if (str_eq(type, str_of(order_minding[i])))
            plan->steady = false;
    if (str_eq(type, STR("LOGICAL_DISTINCT")) &&
        json_array_size(json_object_get(object, "distinct_targets")) &&
        str_eq(guard_member(object, "distinct_type"), STR("DISTINCT_ON")))
        plan->steady = false;
    if (str_eq(class, STR("BOUND_AGGREGATE")))
        check_aggregate(plan, object);
    if (!str_eq(class, STR("BOUND_FUNCTION")))
        return NULL;
    for (size_t i = 0; i < LENGTH(server_functions); i++)
        if (str_eq(guard_member(object, "name"), str_of(server_functions[i])))
            return guard_refuse(
                plan->call, plan->sql, -1, STR("The statement asks for what is not available."));
    return NULL;
}

static err walk_value(struct plan *plan, const json_t *value, size_t depth)
{
    if (depth > DEPTH_MAX)
        return guard_refuse(plan->call, plan->sql, -1, STR("The statement is nested too deeply."));
    if (json_is_object(value)) {
        TRY(check_object(plan, value));
        const char *key;
        const json_t *item;
        json_object_foreach((json_t *)value, key, item) TRY(walk_value(plan, item, depth + 1));
        return NULL;
    }
    size_t i;
    const json_t *item;
    json_array_foreach(value, i, item) TRY(walk_value(plan, item, depth + 1));
    return NULL;
}

static err plan_walk(struct plan *plan, const json_t *answer)
{
    if (json_is_false(json_object_get(answer, "error")))
        return walk_value(plan, json_object_get(answer, "plans"), 0);
    int64_t position = -1;
    str kind = guard_member(answer, "error_type"), text = guard_member(answer, "error_message");
    if (!str_i64(guard_member(answer, "position"), &position))
        position = -1;
    /* A plan that can't be written as JSON has been bound all the same, and tree.c has seen all of
     * it. */
    if (str_eq(kind, STR("serialization")) || str_eq(kind, STR("not implemented"))) {
        plan->steady = false;
        return NULL;
    }
    TRY(call_fault(plan->call, DUCKDB_ERROR_INVALID, str_c(plan->call->mem, text)));
    return guard_refuse(plan->call, plan->sql, position, wording_plain(plan->call, text));
}

err plan_check(struct call *call, str sql, bool *steady)
{
    CLEANUP(sql_result_done) struct sql_result result = {0};
    struct sql_failure failure;
    TRY(sql_try_query(
        call, sql_text(call, "SELECT json_serialize_plan(%L)", sql), &result, &failure));
    if (failure.message.at)
        return guard_failure(call, sql, &failure);
    str json = sql_str(call, &result, 0, 0);
    json_error_t error;
    json_t *answer = json_loadb(
        json.at ? json.at : "", json.len, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, &error);
    struct plan plan = {.call = call, .sql = sql, .steady = answer != NULL};
    err e = answer ? plan_walk(&plan, answer) : NULL;
    json_decref(answer);
    *steady = plan.steady;
    return e;
}
