/* How values look in JSON and CSV, type by type, and the small parts under it. */
#include "harness.h"

#include "engine/worker/cursor.h"
#include "engine/worker/functions.h"
#include "engine/worker/json_text.h"
#include "engine/worker/lex.h"

static const struct {
    const char *sql, *json;
} values[] = {
    {"NULL", "null"},
    {"true", "true"},
    {"(-128)::tinyint", "-128"},
    {"255::utinyint", "255"},
    {"(-32768)::smallint", "-32768"},
    {"65535::usmallint", "65535"},
    {"(-2147483648)::int", "-2147483648"},
    {"4294967295::uinteger", "4294967295"},
    {"9007199254740992", "9007199254740992"},
    {"9007199254740993", "\"9007199254740993\""},
    {"-9007199254740993", "\"-9007199254740993\""},
    {"18446744073709551615::ubigint", "\"18446744073709551615\""},
    {"1::ubigint", "\"1\""},
    {"170141183460469231731687303715884105727::hugeint",
     "\"170141183460469231731687303715884105727\""},
    {"(-170141183460469231731687303715884105728)::hugeint",
     "\"-170141183460469231731687303715884105728\""},
    {"0::hugeint", "\"0\""},
    {"340282366920938463463374607431768211455::uhugeint",
     "\"340282366920938463463374607431768211455\""},
    {"1.10::decimal(4,2)", "\"1.10\""},
    {"(-0.05)::decimal(4,2)", "\"-0.05\""},
    {"0::decimal(9,3)", "\"0.000\""},
    {"123456789.123::decimal(18,3)", "\"123456789.123\""},
    {"(-12345678901234567890123456789012345678)::decimal(38,0)",
     "\"-12345678901234567890123456789012345678\""},
    {"0.00000000000000000000000000000000000001::decimal(38,38)",
     "\"0.00000000000000000000000000000000000001\""},
    {"0.1::double", "0.1"},
    {"1e300::double", "1e+300"},
    {"(1/3)::double", "0.3333333333333333"},
    {"5e-324::double", "4.94065645841247e-324"},
    {"1::double", "1"},
    {"0.1::float", "0.1"},
    {"16777217::float", "16777216"},
    {"'NaN'::double", "\"NaN\""},
    {"'Infinity'::double", "\"Infinity\""},
    {"'-Infinity'::float", "\"-Infinity\""},
    {"'a\"b\\\n' || chr(1) || 'é'", "\"a\\\"b\\\\\\n\\u0001é\""},
    {"''", "\"\""},
    {"DATE '2026-02-28'", "\"2026-02-28\""},
    {"DATE '1970-01-01'", "\"1970-01-01\""},
    {"DATE '1969-12-31'", "\"1969-12-31\""},
    {"DATE '2000-02-29'", "\"2000-02-29\""},
    {"DATE '0001-01-01'", "\"0001-01-01\""},
    {"DATE '9999-12-31'", "\"9999-12-31\""},
    {"DATE '10000-01-01'", "\"+010000-01-01\""},
    {"DATE '0044-03-15 (BC)'", "\"-000043-03-15\""},
    {"'infinity'::date", "\"infinity\""},
    {"'-infinity'::timestamp", "\"-infinity\""},
    {"'infinity'::timestamptz", "\"infinity\""},
    {"TIME '23:59:59.999999'", "\"23:59:59.999999\""},
    {"TIME '00:00:00'", "\"00:00:00\""},
    {"'12:30:00+02'::timetz", "\"12:30:00+02:00\""},
    {"'12:30:00-03:30'::timetz", "\"12:30:00-03:30\""},
    {"TIMESTAMP '2026-01-01 01:02:03'", "\"2026-01-01T01:02:03\""},
    {"TIMESTAMP '1969-12-31 23:59:59.5'", "\"1969-12-31T23:59:59.500000\""},
    {"TIMESTAMPTZ '2026-01-01 01:02:03.000001+02'", "\"2025-12-31T23:02:03.000001Z\""},
    {"'2026-01-01 01:02:03'::timestamp_s", "\"2026-01-01T01:02:03\""},
    {"'2026-01-01 01:02:03.25'::timestamp_ms", "\"2026-01-01T01:02:03.250000\""},
    {"'2026-01-01 01:02:03.123456789'::timestamp_ns", "\"2026-01-01T01:02:03.123456789\""},
    {"INTERVAL '1 year 2 months -3 days 04:05:06.5'",
     "\"1 year 2 months -3 days 04:05:06.500000\""},
    {"INTERVAL '0 days'", "\"00:00:00\""},
    {"INTERVAL '-90 minutes'", "\"-01:30:00\""},
    {"'7F1C2A3B-0000-4000-8000-00000000000a'::uuid", "\"7f1c2a3b-0000-4000-8000-00000000000a\""},
    {"'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid", "\"ffffffff-ffff-ffff-ffff-ffffffffffff\""},
    {"'\\x00\\xFFabc'::blob", "\"AP9hYmM=\""},
    {"'a'::blob", "\"YQ==\""},
    {"''::blob", "\"\""},
    {"'b'::ENUM ('a', 'b')", "\"b\""},
    {"'{\"a\" : [1, 2.50, 12345678901234567890, \"x\\n\"]}'::json",
     "{\"a\":[1,2.50,12345678901234567890,\"x\\n\"]}"},
    {"'null'::json", "null"},
    {"'\"t\"'::json", "\"t\""},
    {"[1, NULL, 3]", "[1,null,3]"},
    {"[]::int[]", "[]"},
    {"[[1], [2, 3]]", "[[1],[2,3]]"},
    {"[1, 2]::int[2]", "[1,2]"},
    {"{'a': 1, 'b\"': [DATE '2026-01-01']}", "{\"a\":1,\"b\\\"\":[\"2026-01-01\"]}"},
    {"map {'k': 1, 'l': NULL}", "{\"k\":1,\"l\":null}"},
    {"map {1: 'x'}", "[{\"key\":1,\"value\":\"x\"}]"},
    {"union_value(n := 5)", "5"},
    {"'x'::union(n int, s varchar)", "\"x\""},
};

static void prints_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(values); i++) {
        char sql[512], want[512];
        snprintf(sql, sizeof(sql), "SELECT %s AS v", values[i].sql);
        snprintf(want, sizeof(want), "[{\"v\":%s}]", values[i].json);
        str json = query_rows(sql);
        if (!str_eq(json, str_of(want)))
            fail_msg("%s gives %.*s", values[i].sql, STR_ARGS(json));
        next_call();
    }
}

/* The same out of a table with more than one chunk, and NULLs between. */
static void prints_stored_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(values); i++) {
        char sql[700], want[600];
        snprintf(sql,
                 sizeof(sql),
                 "SELECT i, v FROM range(3001) AS r(i) LEFT JOIN (SELECT 0 AS k, %s AS v) AS x ON "
                 "i %% 2 = k ORDER BY i",
                 values[i].sql);
        struct refresh refresh = {.view = STR("v"), .sql = str_of(sql)};
        struct refreshed refreshed;
        ok(worker_refresh(&harness.call, &refresh, &refreshed));
        struct rows_ask ask = {.name = STR("v")};
        struct rows_page page;
        ok(worker_rows(&harness.call, &ask, &page));
        snprintf(
            want, sizeof(want), "{\"i\":2999,\"v\":null},{\"i\":3000,\"v\":%s}]", values[i].json);
        if (!str_ends(page.json, str_of(want)))
            fail_msg(
                "%s gives %.*s",
                values[i].sql,
                STR_ARGS(str_sub(page.json, page.json.len > 200 ? page.json.len - 200 : 0, 200)));
        next_call();
    }
}

/* What we write as CSV we read back as it was. */
static void reads_its_own_csv(void **state)
{
    (void)state;
    static const char sql[] =
        "SELECT 1 AS i, 'a;b,\"c\"' || chr(10) AS s, NULL AS n, '' AS e, DATE '2026-01-01' AS d,"
        " TIMESTAMPTZ '2026-01-01 00:00:00.5+01' AS z, 1.50::decimal(5,2) AS m, true AS b,"
        " '{\"a\": \"x,y\"}'::json AS j, 0.1::double AS f UNION ALL SELECT 2, ' x ', 5, 'q', NULL,"
        " NULL, NULL, NULL, NULL, 'NaN'";
    struct refresh refresh = {.view = STR("v"), .sql = STR("")};
    struct refreshed refreshed;
    refresh.sql = str_of(sql);
    ok(worker_refresh(&harness.call, &refresh, &refreshed));
    struct rows_ask ask = {.name = STR("v"), .format = ROWS_CSV};
    struct rows_page page;
    ok(worker_rows(&harness.call, &ask, &page));
    struct load load = {.table = STR("t"), .path = page.path, .columns = refreshed.view.columns};
    struct object object;
    int64_t added;
    ok(worker_load(&harness.call, &load, &object, &added));
    unlink(page.path);
    str before = query_rows("SELECT * FROM v ORDER BY i");
    assert_str(query_rows("SELECT * FROM t ORDER BY i"), str_c(&harness.mem, before));
}

static void checks_json_text(void **state)
{
    (void)state;
    static const char *const good[][2] = {
        {" [1, -2.5e+3 ,0] ", "[1,-2.5e+3,0]"},
        {"{}", "{}"},
        {"{\"a\" : {\"b\":[true,false,null]}}", "{\"a\":{\"b\":[true,false,null]}}"},
        {"\"\\u00e9\\\"\"", "\"\\u00e9\\\"\""},
        {"0", "0"},
        {"-0", "-0"},
    };
    static const char *const bad[] = {
        "",    "NaN",    "[1,]", "{\"a\":1,}", "{a:1}",       "01",   "1.",      "+1",
        "\"a", "\"\t\"", "[1",   "[1 2]",      "tru",         "1 1",  "\"\\x\"", ".5",
        "1e",  "-",      "[,1]", "{\"a\"}",    "\"\\u12g4\"", "[1]]", "'a'",     "Infinity"};
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < LENGTH(good); i++) {
        b.len = 0;
        assert_true(json_text_add(&b, str_of(good[i][0])));
        assert_str(buf_str(&b), good[i][1]);
    }
    b.len = 0;
    for (size_t i = 0; i < LENGTH(bad); i++) {
        if (json_text_add(&b, str_of(bad[i])))
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(b.len, 0);
    }
    for (int i = 0; i < 100000; i++)
        buf_char(&b, '[');
    str deep = str_copy(&harness.mem, buf_str(&b));
    assert_false(json_text_add(&b, deep));
}

static void cuts_sql(void **state)
{
    (void)state;
    static const char sql[] =
        "SELECT \"a\"\"b\", 'c''d', E'e\\'f', $x$ g $x$, $1 -- h\n /* i /* j */ k */ + l_1;";
    static const char *const tokens[] = {"SELECT",
                                         "\"a\"\"b\"",
                                         ",",
                                         "'c''d'",
                                         ",",
                                         "E'e\\'f'",
                                         ",",
                                         "$x$ g $x$",
                                         ",",
                                         "$",
                                         "1",
                                         "+",
                                         "l_1",
                                         ";"};
    struct lexer lexer = {str_of(sql), 0};
    for (size_t i = 0; i < LENGTH(tokens); i++)
        assert_str(lex_next(&lexer).text, tokens[i]);
    assert_int_equal(lex_next(&lexer).kind, TOKEN_END);
    assert_str(lex_statement(STR("SELECT 1 ; -- x\n;; /* y */")), "SELECT 1");
    assert_true(lex_depth_ok(STR("SELECT ((1)), '((((('"), 2, 1));
    assert_false(lex_depth_ok(STR("SELECT (((1)))"), 2, 1));
    assert_true(lex_depth_ok(STR("WITH a AS (SELECT 1), b AS (SELECT 2) SELECT 1"), 2, 1));
    assert_false(lex_depth_ok(STR("WITH a AS (WITH b AS (SELECT 1) SELECT 1) SELECT 1"), 9, 1));
}

static void knows_functions(void **state)
{
    (void)state;
    assert_true(function_allowed(STR("SUM")) && function_allowed(STR("+")) &&
                function_allowed(STR("zzz")) == false);
    assert_false(function_allowed(STR("read_csv")) || function_allowed(STR("nextval")) ||
                 function_allowed(STR("")));
    assert_true(function_makes_rows(STR("Range")) && !function_makes_rows(STR("read_csv")));
    assert_int_equal(name_distance(STR("kitten"), STR("sitting"), 5), 3);
    assert_int_equal(name_distance(STR(""), STR("ab"), 5), 2);
    assert_int_equal(name_distance(STR("abc"), STR("xyzuvw"), 2), 3);
    assert_str(function_like(STR("lenght")), "length");
    assert_null(function_like(STR("qqqqqqqqqq")).at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_json),
        cmocka_unit_test(prints_stored_values),
        cmocka_unit_test(reads_its_own_csv),
        cmocka_unit_test(checks_json_text),
        cmocka_unit_test(cuts_sql),
        cmocka_unit_test(knows_functions),
    };
    return cmocka_run_group_tests(tests, harness_setup, harness_teardown);
}
