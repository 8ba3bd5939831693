/*
 * The guard of SQL without DuckDB: the first byte says whether the rest is SQL for the lexer, JSON
 * for the walker of trees, or bytes of which a tree is put together from the words that trees have.
 *
 * Tokens are found in order and none is lost; a tree that is taken has nothing in it that may not
 * be, wherever it hides.
 */
#include "fuzz/allowed.h"

#include "engine/worker/lex.h"
#include "engine/worker/types.h"
#include "engine/worker/wording.h"

/* The process's side of an operation, of which the guard needs this alone. */
bool call_cancelled(const struct call *call)
{
    (void)call;
    return false;
}

#define MEMORY ((size_t)16 << 20)
#define DEPTH_MOST 60

static const char *const keys[] = {
    "type",           "class",          "id",          "function_name", "schema",      "catalog",
    "children",       "cte_map",        "map",         "key",           "value",       "node",
    "from_table",     "table_name",     "schema_name", "catalog_name",  "function",    "sample",
    "seed",           "pivots",         "pivot_enum",  "type_info",     "right",       "left",
    "child",          "user_type_name", "cte_name",    "column_names",  "select_list", "at_clause",
    "query_location", "where_clause",   "modifiers",   "expression",    "query"};
static const char *const texts[] = {"SELECT_NODE", "BASE_TABLE", "TABLE_FUNCTION",
                                    "FUNCTION",    "WINDOW",     "RECURSIVE_CTE_NODE",
                                    "CTE_NODE",    "PIVOT",      "USER",
                                    "COLUMN_REF",  "CONSTANT",   "PARAMETER",
                                    "SHOW_REF",    "COLLATE",    "STAR",
                                    "SUBQUERY",    "JOIN",       "SET_OPERATION_NODE",
                                    "read_csv",    "getenv",     "sum",
                                    "date_part",   "second",     "now",
                                    "range",       "unnest",     "t",
                                    "sales",       "x",          "main",
                                    "tdc",         "system",     "duckdb_tables",
                                    "query_table", "json",       "VARCHAR",
                                    "POINTER",     "DECIMAL",    "READ_CSV",
                                    "current_user"};

static void tokens_check(str sql)
{
    struct lexer lexer = {sql, 0};
    size_t at = 0;
    for (;;) {
        struct token t = lex_next(&lexer);
        if (t.kind == TOKEN_END)
            break;
        CHECK(t.text.len > 0 && lexer.at > at && lexer.at <= sql.len);
        CHECK(t.text.at + t.text.len == sql.at + lexer.at && t.text.at >= sql.at + at);
        CHECK(t.kind != TOKEN_MARK || t.text.len == 1);
        at = lexer.at;
    }
    CHECK(lexer.at == sql.len);
}

static void text_check(struct arena *mem, str sql)
{
    struct call call = {.mem = mem};
    tokens_check(sql);
    str statement = lex_statement(sql);
    CHECK(statement.at == sql.at && statement.len <= sql.len);
    CHECK(str_eq(lex_statement(statement), statement));
    for (size_t i = 0; i < 8; i++)
        CHECK(!lex_depth_ok(sql, i, i) || lex_depth_ok(sql, i + 1, i + 1));
    str plain = wording_plain(&call, sql);
    CHECK(str_find(plain, '\n') < 0 || plain.len >= 4096);
    type_name(mem, sql);
    err e = guard_refuse(&call, sql, (int64_t)(sql.len / 2), sql);
    CHECK(e->status == 422 && err_is(e, "invalid_query"));
}

/* One value of as many bytes as it takes. */
static void value_print(struct buf *json, str *rest, size_t depth)
{
    unsigned char c = rest->len ? (unsigned char)rest->at[0] : 5;
    *rest = str_sub(*rest, 1, rest->len);
    unsigned kind = depth > DEPTH_MOST ? 4 : c % 6, n = c / 6;
    unsigned char next = rest->len ? (unsigned char)rest->at[0] : 0;
    switch (kind) {
    case 0:
    case 1:
        buf_char(json, '{');
        for (unsigned i = 0; i < n % 8; i++) {
            next = rest->len ? (unsigned char)rest->at[0] : 0;
            *rest = str_sub(*rest, 1, rest->len);
            buf_fmt(json, "%s\"%s\":", i ? "," : "", keys[next % LENGTH(keys)]);
            value_print(json, rest, depth + 1);
        }
        buf_char(json, '}');
        break;
    case 2:
        buf_char(json, '[');
        for (unsigned i = 0; i < n % 5; i++) {
            buf_add(json, i ? STR(",") : STR(""));
            value_print(json, rest, depth + 1);
        }
        buf_char(json, ']');
        break;
    case 3:
        *rest = str_sub(*rest, 1, rest->len);
        buf_fmt(json, "\"%s\"", texts[next % LENGTH(texts)]);
        break;
    case 4:
        buf_fmt(json, "%u", n);
        break;
    default:
        buf_add(json, n % 3 == 0 ? STR("null") : n % 3 == 1 ? STR("true") : STR("\"\""));
    }
}

static void tree_of_words(struct buf *json, str bytes)
{
    buf_add(json, STR("{\"error\":false,\"statements\":["));
    value_print(json, &bytes, 0);
    buf_add(json, STR("]}"));
}

/* What the parser says that it could not do may be a fault of memory or of files as well. */
static bool parser_failed(str json)
{
    json_t *root = json_loadb(json.at, json.len, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
    bool failed = root && !json_is_false(json_object_get(root, "error"));
    json_decref(root);
    return failed;
}

static void tree_try(struct arena *mem, str sql, str json)
{
    struct call call = {.mem = mem};
    struct object objects[LENGTH(own_names)] = {0};
    for (size_t i = 0; i < LENGTH(own_names); i++)
        objects[i].name = str_of(own_names[i]);
    struct objects own = {objects, LENGTH(own_names)};
    struct checked checked = {0};
    struct tree tree = {.call = &call, .sql = sql, .own = &own, .out = &checked};
    err e = tree_check(&tree, json);
    if (e) {
        CHECK((e->status == 422 && err_is(e, "invalid_query")) || parser_failed(json));
        return;
    }
    depends_allowed(&checked);
    for (size_t i = 0; i < tree.seconds_n; i++)
        CHECK(tree.seconds[i] <= SQL_TEXT_MAX);
    json_t *root = json_loadb(json.at, json.len, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
    const json_t *statement = json_array_get(json_object_get(root, "statements"), 0);
    tree_allowed(statement, statement, false);
    json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *copy = exact_copy((str){(const char *)data + 1, size - 1});
    str rest = {copy, size - 1}, sql = STR("SELECT date_part('second', x),\n getenv(1) FROM t");
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, MEMORY);
    CLEANUP(buf_done) struct buf json;
    buf_init(&json, MEMORY);
    if (data[0] % 3 == 0) {
        text_check(&mem, rest);
    } else if (data[0] % 3 == 1) {
        tree_try(&mem, sql, rest);
    } else {
        tree_of_words(&json, rest);
        tree_try(&mem, sql, buf_str(&json));
    }
    free(copy);
    return 0;
}
