/* Names and types: what is taken, what is refused, and into which normal form a type comes. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/engine.h"

#define CAP ((size_t)64 * 1024)

static void type_is(const char *type, const char *expected)
{
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, CAP);
    str normal = {0};
    err e = engine_type_check(&mem, "columns", str_of(type), &normal);
    if (e)
        fail_msg("%s: %.*s", type, STR_ARGS(e->errors));
    if (!str_eq(normal, str_of(expected)))
        fail_msg("%s: %.*s, not %s", type, STR_ARGS(normal), expected);
}

static void type_refused(const char *type)
{
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, CAP);
    str normal = {0};
    err e = engine_type_check(&mem, "columns", str_of(type), &normal);
    if (!e)
        fail_msg("%s was taken as %.*s", type, STR_ARGS(normal));
    assert_int_equal(e->status, 422);
    assert_true(str_starts(e->errors, STR("{\"columns\"")));
}

static void types_have_one_normal_form(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"int", "int"},
        {"INTEGER", "int"},
        {" Int4 ", "int"},
        {"int8", "bigint"},
        {"smallint", "smallint"},
        {"int2", "smallint"},
        {"float4", "real"},
        {"float", "double"},
        {"double  precision", "double"},
        {"DOUBLE\tPRECISION", "double"},
        {"float8", "double"},
        {"bool", "boolean"},
        {"text", "text"},
        {"varchar", "text"},
        {"varchar(256)", "varchar(256)"},
        {"character varying ( 12 )", "varchar(12)"},
        {"numeric", "numeric(18,3)"},
        {"decimal(10)", "numeric(10,0)"},
        {"numeric( 38 , 38 )", "numeric(38,38)"},
        {"date", "date"},
        {"time", "time"},
        {"time without time zone", "time"},
        {"timestamp", "timestamp"},
        {"timestamp with time zone", "timestamptz"},
        {"timestamptz", "timestamptz"},
        {"uuid", "uuid"},
        {"json", "json"},
        {"jsonb", "json"},
    };
    for (size_t i = 0; i < LENGTH(pairs); i++)
        type_is(pairs[i][0], pairs[i][1]);
}

static void other_types_are_refused(void **state)
{
    (void)state;
    static const char *const types[] = {
        "",
        " ",
        "(",
        ")",
        "()",
        "int(",
        "int)",
        "int()",
        "int(4)",
        "integers",
        "varchar()",
        "varchar(0)",
        "varchar(-1)",
        "varchar(10485761)",
        "varchar(99999999999999999999)",
        "varchar(1,2)",
        "varchar(a)",
        "numeric()",
        "numeric(0)",
        "numeric(39)",
        "numeric(3,4)",
        "numeric(3,)",
        "numeric(,3)",
        "numeric(3,1,1)",
        "numeric(3)x",
        "text); DROP TABLE t; --",
        "int; DROP TABLE t",
        "double  precision precision",
        "struct(a int)",
        "int[]",
        "blob",
        "timestamp with time zone with time zone",
    };
    for (size_t i = 0; i < LENGTH(types); i++)
        type_refused(types[i]);
}

static err name_check(struct arena *mem, const char *name)
{
    return engine_name_check(mem, "table_name", str_of(name));
}

static void names_are_taken(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, CAP);
    static const char *const names[] = {
        "t", "Table 1", "orders", "été", "t-1", "1st", "a.b", "selects"};
    for (size_t i = 0; i < LENGTH(names); i++)
        assert_null(name_check(&mem, names[i]));
    char longest[64] = {0};
    memset(longest, 'x', 63);
    assert_null(name_check(&mem, longest));
}

static void names_are_refused(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, CAP);
    char longer[301] = {0};
    memset(longer, 'x', 300);
    const char *const names[] = {"",      "a\"b", "a'b", "a`b",  "a\nb", "a\x7F", "a\xC2\x85",
                                 "\xFF",  " a",   "a ",  ".",    "..",   longer,  "Select",
                                 "table", "user", "all", "with", "asof", "window"};
    for (size_t i = 0; i < LENGTH(names); i++) {
        err e = name_check(&mem, names[i]);
        if (!e)
            fail_msg("\"%s\" was taken", names[i]);
        assert_int_equal(e->status, 422);
        assert_true(str_starts(e->errors, STR("{\"table_name\"")));
    }
    assert_non_null(engine_name_check(&mem, "table_name", (str){"a\0b", 3}));
    assert_non_null(engine_name_check(&mem, "table_name", (str){0}));
}

static void a_column_may_be_a_reserved_word(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, CAP);
    assert_null(engine_column_check(&mem, "columns", STR("order")));
    assert_non_null(engine_column_check(&mem, "columns", STR("a\"b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_have_one_normal_form),
        cmocka_unit_test(other_types_are_refused),
        cmocka_unit_test(names_are_taken),
        cmocka_unit_test(names_are_refused),
        cmocka_unit_test(a_column_may_be_a_reserved_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
