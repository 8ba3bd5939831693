/*
 * What no statement that the guard takes may have in its tree, said by other code than the guard's:
 * names that reach files, settings, catalogues or other sessions, tables that are not the team's.
 */
#ifndef TESTS_FUZZ_ALLOWED_H
#define TESTS_FUZZ_ALLOWED_H

#include <jansson.h>

#include "engine/worker/guard.h"
#include "fuzz/fuzz.h"

static const char *const own_names[] = {"t", "sales", "user"};

/* Beginnings of names. */
static const char *const never_called[] = {
    "read_",          "parquet_",     "sniff_",     "glob",        "getenv",
    "getvariable",    "current_set",  "nextval",    "currval",     "query",
    "duckdb_",        "pragma_",      "pg_",        "json_exec",   "enable_log",
    "disable_log",    "write_log",    "setseed",    "checkpoint",  "force_check",
    "load_aws",       "which_secret", "seq_scan",   "arrow_scan",  "pandas_scan",
    "attach",         "copy_",        "test_",      "repeat_row",  "summary",
    "in_search_path", "txid_",        "set_config", "add_parquet", "has_",
};

static bool begins_nocase(str s, str prefix)
{
    return str_eq_nocase(str_sub(s, 0, prefix.len), prefix);
}

static void function_check(const json_t *object, bool rewritten)
{
    str name = guard_member(object, "function_name"), schema = guard_member(object, "schema");
    for (size_t i = 0; i < LENGTH(never_called); i++)
        CHECK(!begins_nocase(name, str_of(never_called[i])));
    CHECK(rewritten || !str_eq_nocase(schema, STR("tdc")));
    CHECK(guard_member(object, "catalog").len == 0);
}

/* Is it a name that WITH gives, anywhere in the tree? */
static bool given_by_with(const json_t *value, str name)
{
    size_t i;
    const char *key;
    const json_t *item;
    if (str_eq_nocase(guard_member(value, "key"), name) ||
        str_eq_nocase(guard_member(value, "cte_name"), name))
        return true;
    bool given = false;
    json_object_foreach((json_t *)value, key, item) given = given || given_by_with(item, name);
    json_array_foreach(value, i, item) given = given || given_by_with(item, name);
    return given;
}

static void table_check(const json_t *root, const json_t *object)
{
    str name = guard_member(object, "table_name"), schema = guard_member(object, "schema_name");
    CHECK(guard_member(object, "catalog_name").len == 0);
    CHECK(schema.len == 0 || str_eq_nocase(schema, STR("main")));
    for (size_t i = 0; i < LENGTH(own_names); i++) {
        if (str_eq_nocase(name, str_of(own_names[i])))
            return;
    }
    CHECK(schema.len == 0 && given_by_with(root, name));
}

static void tree_allowed(const json_t *root, const json_t *value, bool rewritten)
{
    size_t i;
    const char *key;
    const json_t *item;
    str class = guard_member(value, "class"), type = guard_member(value, "type");
    if (str_eq(class, STR("FUNCTION")) || str_eq(class, STR("WINDOW")))
        function_check(value, rewritten);
    if (class.len == 0 && str_eq(type, STR("BASE_TABLE")))
        table_check(root, value);
    CHECK(!str_eq(class, STR("PARAMETER")) && !str_eq(guard_member(value, "id"), STR("POINTER")));
    CHECK(class.len || !str_eq(type, STR("SHOW_REF")));
    json_object_foreach((json_t *)value, key, item) tree_allowed(root, item, rewritten);
    json_array_foreach(value, i, item) tree_allowed(root, item, rewritten);
}

static void depends_allowed(const struct checked *checked)
{
    for (size_t i = 0; i < checked->depends_n; i++) {
        bool own = false;
        for (size_t j = 0; j < LENGTH(own_names); j++)
            own = own || str_eq(checked->depends[i], str_of(own_names[j]));
        CHECK(own);
    }
}

#endif
