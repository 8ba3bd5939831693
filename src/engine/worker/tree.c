/*
 * The parse tree of a user's SQL, held against lists of what is allowed.
 *
 * Every object of the JSON is visited, known or not: one with a "class" is an expression, one with
 * a textual "type" a part of a query, one with an "id" a type of data. What is on no list is
 * refused, so nothing can hide in a member that was not thought of. A table's name is looked up as
 * DuckDB does it: the WITH names in scope first (a recursive one only in its second half), then the
 * team's own.
 */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "engine/worker/functions.h"
#include "engine/worker/guard.h"
#include "engine/worker/lex.h"
#include "engine/worker/wording.h"

#define SECONDS_MAX 256  /* EXTRACTs in one statement */
#define DEPENDS_MAX 256  /* tables in one statement */
#define NODES_MAX 100000 /* objects and arrays of a tree */

struct scope { /* a name that WITH gave */
    const struct scope *outer;
    str name;
};

struct walk {
    struct tree *tree;
    const struct scope *scope;
    size_t *nodes;
};

/* Parts of a query: nodes, what stands in FROM, what stands behind, and the inside of types. */
static const char *const part_types[] = {
    "SELECT_NODE",
    "SET_OPERATION_NODE",
    "RECURSIVE_CTE_NODE",
    "CTE_NODE",
    "BASE_TABLE",
    "EMPTY",
    "EXPRESSION_LIST",
    "JOIN",
    "SUBQUERY",
    "TABLE_FUNCTION",
    "PIVOT",
    "LIMIT_MODIFIER",
    "LIMIT_PERCENT_MODIFIER",
    "ORDER_MODIFIER",
    "DISTINCT_MODIFIER",
    "ORDER_DEFAULT",
    "ASCENDING",
    "DESCENDING",
    "DECIMAL_TYPE_INFO",
    "LIST_TYPE_INFO",
    "ARRAY_TYPE_INFO",
    "STRUCT_TYPE_INFO",
    "ENUM_TYPE_INFO",
    "STRING_TYPE_INFO",
    "USER_TYPE_INFO",
};
static const char *const expression_classes[] = {
    "BETWEEN",
    "CASE",
    "CAST",
    "COLLATE",
    "COLUMN_REF",
    "COMPARISON",
    "CONJUNCTION",
    "CONSTANT",
    "FUNCTION",
    "LAMBDA",
    "LAMBDA_REF",
    "OPERATOR",
    "POSITIONAL_REFERENCE",
    "STAR",
    "SUBQUERY",
    "WINDOW",
};
static const char *const data_types[] = {
    "NULL",
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL",
    "VARCHAR",
    "CHAR",
    "BLOB",
    "DATE",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMP_S",
    "TIMESTAMP_MS",
    "TIMESTAMP_NS",
    "TIMESTAMP WITH TIME ZONE",
    "TIME WITH TIME ZONE",
    "INTERVAL",
    "UUID",
    "LIST",
    "ARRAY",
    "STRUCT",
    "MAP",
    "ENUM",
    "USER",
    "BIT",
    "UNION",
    "STRING_LITERAL",
    "INTEGER_LITERAL",
};
/* Columns that are functions of the server when no table has them. */
static const char *const server_words[] = {
    "current_catalog", "current_schema", "current_user", "current_role", "session_user"};
static const char *const second_words[] = {"second", "seconds", "sec", "secs", "s"};

static err walk_value(struct walk walk, const json_t *value);

static bool is_one_of(const char *const *list, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], text) == 0)
            return true;
    return false;
}

str guard_member(const struct json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_string(value) ? (str){json_string_value(value), json_string_length(value)}
                                 : STR("");
}

static int64_t place(const json_t *object)
{
    const json_t *value = json_object_get(object, "query_location");
    double at = json_is_real(value) ? json_real_value(value) : -1;
    return at >= 0 && at <= SQL_TEXT_MAX ? (int64_t)at : -1;
}

static err refuse(struct walk walk, const json_t *object, str text)
{
    return guard_refuse(walk.tree->call, walk.tree->sql, place(object), text);
}

static str named(struct walk walk, const char *format, str name)
{
    char text[256];
    snprintf(text, sizeof(text), format, (int)(name.len > 100 ? 100 : name.len), name.at);
    return str_copy(walk.tree->call->mem, str_of(text));
}

static bool in_scope(const struct scope *scope, str name)
{
    for (; scope; scope = scope->outer)
        if (str_eq_nocase(scope->name, name))
            return true;
    return false;
}

static err depend_on(struct walk walk, const json_t *object, str name)
{
    struct checked *out = walk.tree->out;
    for (size_t i = 0; i < out->depends_n; i++)
        if (str_eq(out->depends[i], name))
            return NULL;
    if (out->depends_n == DEPENDS_MAX)
        return refuse(walk, object, STR("The statement names too many tables."));
    out->depends[out->depends_n++] = name;
    return NULL;
}

static err table_unknown(struct walk walk, const json_t *object, str name)
{
    size_t best = 3;
    str like = {0};
    for (size_t i = 0; i < walk.tree->own->n; i++) {
        str own = walk.tree->own->at[i].name;
        size_t distance = name_distance(name, own, 2);
        if (distance < best && distance < name.len) {
            best = distance;
            like = own;
        }
    }
    str text = named(walk, "There is no table or view named \"%.*s\".", name);
    if (like.at)
        text = str_fmt(
            walk.tree->call->mem, "%.*s Did you mean \"%.*s\"?", STR_ARGS(text), STR_ARGS(like));
    return refuse(walk, object, text);
}

static err check_table(struct walk walk, const json_t *object)
{
    str schema = guard_member(object, "schema_name"), name = guard_member(object, "table_name");
    if (guard_member(object, "catalog_name").len ||
        (schema.len && !str_eq_nocase(schema, STR("main"))))
        return refuse(walk,
                      object,
                      named(walk,
                            "Only your own tables and views can be read, by their name alone: "
                            "\"%.*s\" is named with another schema or database.",
                            name));
    if (json_is_object(json_object_get(object, "at_clause")))
        return refuse(
            walk, object, STR("AT is not available: a table has no older versions to read."));
    if (!schema.len && in_scope(walk.scope, name))
        return NULL;
    for (size_t i = 0; i < walk.tree->own->n; i++)
        if (str_eq_nocase(walk.tree->own->at[i].name, name))
            return depend_on(walk, object, walk.tree->own->at[i].name);
    return table_unknown(walk, object, name);
}

static err check_function_name(struct walk walk, const json_t *object)
{
    str name = guard_member(object, "function_name"), schema = guard_member(object, "schema");
    if (str_eq(schema, STR("tdc")) && str_eq(name, STR("second")) && walk.tree->rewritten) {
        walk.tree->rewritten--;
        return NULL;
    }
    if (guard_member(object, "catalog").len || str_eq_nocase(schema, STR("tdc")) ||
        !function_allowed(name)) {
        str text = named(walk, "The function \"%.*s\" is not available.", name),
            like = function_like(name);
        if (like.at && !str_eq_nocase(like, name))
            text = str_fmt(walk.tree->call->mem,
                           "%.*s Did you mean \"%.*s\"?",
                           STR_ARGS(text),
                           STR_ARGS(like));
        return refuse(walk, object, text);
    }
    if (function_is_volatile(name))
        walk.tree->out->is_volatile = true;
    return NULL;
}

/* date_part('second', x), which EXTRACT(SECOND FROM x) is parsed to. */
static bool takes_seconds(const json_t *object)
{
    str name = guard_member(object, "function_name");
    if (!str_eq_nocase(name, STR("date_part")) && !str_eq_nocase(name, STR("datepart")))
        return false;
    const json_t *children = json_object_get(object, "children");
    const json_t *value = json_object_get(json_array_get(children, 0), "value");
    const json_t *text = json_object_get(value, "value");
    if (json_array_size(children) != 2 || !json_is_string(text))
        return false;
    for (size_t i = 0; i < LENGTH(second_words); i++)
        if (str_eq_nocase(str_of(json_string_value(text)), str_of(second_words[i])))
            return true;
    return false;
}

static err check_function(struct walk walk, const json_t *object)
{
    TRY(check_function_name(walk, object));
    struct tree *tree = walk.tree;
    if (!takes_seconds(object) || place(object) < 0)
        return NULL;
    if (tree->seconds_n == SECONDS_MAX)
        return refuse(walk, object, STR("The statement takes the seconds of too many times."));
    tree->seconds[tree->seconds_n++] = (size_t)place(object);
    return NULL;
}

static err check_column(struct walk walk, const json_t *object)
{
    const json_t *names = json_object_get(object, "column_names");
    const char *name = json_string_value(json_array_get(names, 0));
    if (json_array_size(names) != 1 || !name)
        return NULL;
    for (size_t i = 0; i < LENGTH(server_words); i++)
        if (str_eq_nocase(str_of(name), str_of(server_words[i])))
            return refuse(walk, object, named(walk, "\"%.*s\" is not available.", str_of(name)));
    if (function_is_volatile(str_of(name)) || strcasecmp(name, "localtime") == 0 ||
        strcasecmp(name, "localtimestamp") == 0 || strcasecmp(name, "current_time") == 0 ||
        strcasecmp(name, "current_timestamp") == 0)
        walk.tree->out->is_volatile = true;
    return NULL;
}

static err check_expression(struct walk walk, const json_t *object, const char *class)
{
    if (strcmp(class, "PARAMETER") == 0)
        return refuse(walk,
                      object,
                      STR("Parameters (? and $1) are not available: write the values themselves."));
    if (!is_one_of(expression_classes, LENGTH(expression_classes), class))
        return refuse(walk, object, STR("The statement has an expression that is not available."));
    walk.tree->collates |= strcmp(class, "COLLATE") == 0;
    if (strcmp(class, "FUNCTION") == 0)
        return check_function(walk, object);
    if (strcmp(class, "WINDOW") == 0)
        return check_function_name(walk, object);
    return strcmp(class, "COLUMN_REF") == 0 ? check_column(walk, object) : NULL;
}

static err check_type(struct walk walk, const json_t *object, const char *id)
{
    if (!is_one_of(data_types, LENGTH(data_types), id))
        return refuse(walk, object, named(walk, "The type \"%.*s\" is not available.", str_of(id)));
    if (strcmp(id, "USER"))
        return NULL;
    const json_t *info = json_object_get(object, "type_info");
    str name = guard_member(info, "user_type_name");
    if (guard_member(info, "catalog").len || guard_member(info, "schema").len ||
        !str_eq_nocase(name, STR("json")))
        return refuse(walk, object, named(walk, "There is no type named \"%.*s\".", name));
    return NULL;
}

static err check_part(struct walk walk, const json_t *object, const char *type)
{
    if (strcmp(type, "SHOW_REF") == 0)
        return refuse(walk, object, STR("SHOW, DESCRIBE and SUMMARIZE are not available."));
    if (!is_one_of(part_types, LENGTH(part_types), type))
        return refuse(walk, object, STR("The statement has a part that is not available."));
    if (strcmp(type, "BASE_TABLE") == 0)
        return check_table(walk, object);
    if (strcmp(type, "PIVOT") || !json_is_array(json_object_get(object, "pivots")))
        return NULL;
    size_t i;
    const json_t *pivot;
    json_array_foreach(json_object_get(object, "pivots"), i, pivot) if (
        guard_member(pivot, "pivot_enum")
            .len) return refuse(walk,
                                object,
                                STR("PIVOT needs its values listed: ON column IN (...)."));
    return NULL;
}

/* A sample without REPEATABLE is a throw of dice. */
static void check_sample(struct walk walk, const json_t *object)
{
    const json_t *sample = json_object_get(object, "sample");
    const json_t *seed = json_object_get(sample, "seed");
    if (json_is_object(sample) && !(json_is_real(seed) && json_real_value(seed) >= 0))
        walk.tree->out->is_volatile = true;
}

/* What the object is itself, whatever it is a member of. */
static err check_object(struct walk walk, const json_t *object)
{
    const char *type = json_string_value(json_object_get(object, "type"));
    const char *class = json_string_value(json_object_get(object, "class"));
    const char *id = json_string_value(json_object_get(object, "id"));
    if (class)
        TRY(check_expression(walk, object, class));
    else if (type)
        TRY(check_part(walk, object, type));
    check_sample(walk, object);
    return id ? check_type(walk, object, id) : NULL;
}

static err walk_members(struct walk walk, const json_t *object, const char *but,
                        const char *but_too)
{
    const char *key;
    const json_t *value;
    /* The cast: jansson's iteration wants an object it could change, and does not. */
    json_object_foreach((json_t *)object, key, value) if (strcmp(key, but) && strcmp(key, but_too))
        TRY(walk_value(walk, value));
    return NULL;
}

/* A function in FROM has a list of its own; its arguments are like any. */
static err walk_table_function(struct walk walk, const json_t *object)
{
    const json_t *function = json_object_get(object, "function");
    str name = guard_member(function, "function_name"), schema = guard_member(function, "schema");
    if (guard_member(function, "catalog").len || (schema.len && !str_eq(schema, STR("main"))) ||
        !function_makes_rows(name))
        return refuse(
            walk, object, named(walk, "The table function \"%.*s\" is not available.", name));
    const char *id = json_string_value(json_object_get(function, "id"));
    if (id)
        TRY(check_type(walk, function, id));
    TRY(walk_members(walk, function, "class", "class"));
    return walk_members(walk, object, "function", "function");
}

/* A query and its WITH names: each sees those before it, the query all; then they are out of scope
 * again. */
static err walk_query(struct walk walk, const json_t *object)
{
    const json_t *names = json_object_get(object, "cte_map"), *map = json_object_get(names, "map");
    size_t n = json_array_size(map);
    struct scope *scopes = arena_array(walk.tree->call->mem, n + 2, sizeof(*scopes));
    if (!scopes)
        return &err_no_memory;
    TRY(check_object(walk, names));
    TRY(n ? walk_members(walk, names, "map", "map") : walk_value(walk, names));
    for (size_t i = 0; i < n; i++) {
        const json_t *entry = json_array_get(map, i);
        TRY(walk_value(walk, entry));
        scopes[i] = (struct scope){walk.scope, guard_member(entry, "key")};
        walk.scope = &scopes[i];
    }
    if (str_eq(guard_member(object, "type"), STR("RECURSIVE_CTE_NODE"))) {
        TRY(walk_members(walk, object, "right", "cte_map"));
        scopes[n] = (struct scope){walk.scope, guard_member(object, "cte_name")};
        walk.scope = &scopes[n];
        return walk_value(walk, json_object_get(object, "right"));
    }
    if (str_eq(guard_member(object, "type"), STR("CTE_NODE"))) {
        TRY(walk_members(walk, object, "child", "cte_map"));
        scopes[n] = (struct scope){walk.scope, guard_member(object, "cte_name")};
        walk.scope = &scopes[n];
        return walk_value(walk, json_object_get(object, "child"));
    }
    return walk_members(walk, object, "cte_map", "cte_map");
}

static err walk_object(struct walk walk, const json_t *object)
{
    TRY(check_object(walk, object));
    if (!json_is_string(json_object_get(object, "class")) &&
        str_eq(guard_member(object, "type"), STR("TABLE_FUNCTION")))
        return walk_table_function(walk, object);
    if (json_object_get(object, "cte_map"))
        return walk_query(walk, object);
    return walk_members(walk, object, "", "");
}

static err walk_value(struct walk walk, const json_t *value)
{
    if (++*walk.nodes > NODES_MAX)
        return guard_refuse(
            walk.tree->call, walk.tree->sql, -1, STR("The statement is too large."));
    if (json_is_object(value))
        return walk_object(walk, value);
    size_t i;
    const json_t *item;
    json_array_foreach(value, i, item) TRY(walk_value(walk, item));
    return NULL;
}

static bool has_pivot(str sql)
{
    struct lexer lexer = {sql, 0};
    struct token t;
    while ((t = lex_next(&lexer)).kind != TOKEN_END)
        if (token_is(t, "pivot"))
            return true;
    return false;
}

/* The parser counts characters, where all after it counts bytes. */
static int64_t byte_of(str sql, int64_t character)
{
    size_t at = 0;
    for (; character > 0 && at < sql.len; character--) {
        size_t n = str_utf8_next(sql, at);
        at += n ? n : 1;
    }
    return character < 0 ? character : (int64_t)at;
}

static err check_failure(struct tree *tree, const json_t *answer)
{
    str kind = guard_member(answer, "error_type"), message = guard_member(answer, "error_message");
    int64_t position = -1;
    if (!str_i64(guard_member(answer, "position"), &position))
        position = -1;
    if (str_eq(kind, STR("not implemented")) && has_pivot(tree->sql))
        return guard_refuse(tree->call,
                            tree->sql,
                            -1,
                            STR("PIVOT needs its values listed, and to stand in FROM: SELECT * "
                                "FROM (PIVOT t ON a IN "
                                "('x', 'y') USING sum(b))."));
    if (str_eq(kind, STR("not implemented")))
        return guard_refuse(
            tree->call,
            tree->sql,
            -1,
            STR("Only a statement that reads is taken: SELECT, WITH, VALUES or TABLE."));
    TRY(call_fault(tree->call, DUCKDB_ERROR_INVALID, str_c(tree->call->mem, message)));
    return guard_refuse(
        tree->call, tree->sql, byte_of(tree->sql, position), wording_plain(tree->call, message));
}

static err tree_walk(struct tree *tree, const json_t *answer)
{
    if (!json_is_false(json_object_get(answer, "error")))
        return check_failure(tree, answer);
    const json_t *statements = json_object_get(answer, "statements");
    if (json_array_size(statements) == 0)
        return guard_refuse(tree->call, tree->sql, -1, STR("There is no statement in it."));
    if (json_array_size(statements) > 1)
        return guard_refuse(
            tree->call, tree->sql, -1, STR("Only one statement at a time is taken."));
    size_t nodes = 0;
    return walk_value((struct walk){.tree = tree, .nodes = &nodes}, json_array_get(statements, 0));
}

err tree_check(struct tree *tree, str json)
{
    struct arena *mem = tree->call->mem;
    tree->seconds = arena_array(mem, SECONDS_MAX, sizeof(size_t));
    tree->out->depends = arena_array(mem, DEPENDS_MAX, sizeof(str));
    if (!tree->seconds || !tree->out->depends)
        return &err_no_memory;
    tree->seconds_n = tree->out->depends_n = 0;
    json_error_t error;
    json_t *answer =
        json_loadb(json.at, json.len, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, &error);
    if (!answer)
        return guard_refuse(tree->call,
                            tree->sql,
                            -1,
                            STR("The statement is nested too deeply or has a number that "
                                "is too large."));
    err e = tree_walk(tree, answer);
    json_decref(answer);
    return e;
}
