/* The guard: hostile texts are refused, ordinary ones are taken, and both for the right reason. */
#include "harness.h"

#include "engine/worker/guard.h"

static const char *const hostile[] = {
#include "hostile.inc"
};

static const char *const ordinary[] = {
#include "ordinary.inc"
};

static int tables_setup(void **state)
{
    if (harness_setup(state))
        return -1;
    struct object object;
    ok(load_text("t",
                 LOAD_CREATE,
                 FORMAT_CSV,
                 "SomeNumber,SomeString\n0,alfa\n1,bravo\n2,charlie\n3,delta\n",
                 COLUMNS("SomeNumber", "int", "SomeString", "varchar(256)"),
                 &object));
    ok(load_text("sales",
                 LOAD_CREATE,
                 FORMAT_CSV,
                 "id,day,region,amount,price,tags\n1,2026-01-01,north,5,1.5,\"{\"\"a\"\":[1,2]}\"\n"
                 "2,2026-01-02,south,7,2.5,\"{\"\"a\"\":[3]}\"\n3,2026-01-02,north,9,0.1,\n",
                 COLUMNS("id",
                         "int",
                         "day",
                         "date",
                         "region",
                         "text",
                         "amount",
                         "bigint",
                         "price",
                         "double",
                         "tags",
                         "json"),
                 &object));
    ok(load_text("user",
                 LOAD_CREATE,
                 FORMAT_CSV,
                 "user,order\n1,2\n",
                 COLUMNS("user", "int", "order", "int"),
                 &object));
    next_call();
    return 0;
}

static void refuses_hostile(void **state)
{
    (void)state;
    assert_true(LENGTH(hostile) >= 120);
    for (size_t i = 0; i < LENGTH(hostile); i++) {
        struct checked checked;
        struct queried queried;
        err e = worker_check(&harness.call, str_of(hostile[i]), &checked);
        if (!e)
            fail_msg("taken by check: %s", hostile[i]);
        if (e->status != 422 || !err_is(e, "invalid_query"))
            fail_msg("%d %s %.*s %.*s for: %s",
                     e->status,
                     e->code,
                     STR_ARGS(e->detail),
                     STR_ARGS(e->inside),
                     hostile[i]);
        if (memmem(e->detail.at, e->detail.len, "tdc", 3) ||
            memmem(e->detail.at, e->detail.len, "/tmp/tdc", 8))
            if (!strstr(hostile[i], "tdc"))
                fail_msg("tells too much: %.*s", STR_ARGS(e->detail));
        if (getenv("SHOW_REFUSALS"))
            printf("%-70s %.*s\n", hostile[i], STR_ARGS(e->detail));
        if (!worker_query(&harness.call, str_of(hostile[i]), 10, &queried))
            fail_msg("taken by query: %s", hostile[i]);
        next_call();
    }
}

static void takes_ordinary(void **state)
{
    (void)state;
    assert_true(LENGTH(ordinary) >= 60);
    for (size_t i = 0; i < LENGTH(ordinary); i++) {
        struct checked checked;
        struct queried queried;
        struct refreshed refreshed;
        err e = worker_check(&harness.call, str_of(ordinary[i]), &checked);
        if (e)
            fail_msg(
                "refused: %s\n%.*s %.*s", ordinary[i], STR_ARGS(e->detail), STR_ARGS(e->inside));
        e = worker_query(&harness.call, str_of(ordinary[i]), 100, &queried);
        if (e)
            fail_msg("does not run: %s\n%.*s %.*s",
                     ordinary[i],
                     STR_ARGS(e->detail),
                     STR_ARGS(e->inside));
        assert_int_equal(checked.columns.n, queried.columns.n);
        struct refresh refresh = {.view = STR("v"), .sql = str_of(ordinary[i])};
        e = worker_refresh(&harness.call, &refresh, &refreshed);
        call_serial(&harness.call);
        if (e)
            fail_msg("makes no view: %s\n%.*s %.*s",
                     ordinary[i],
                     STR_ARGS(e->detail),
                     STR_ARGS(e->inside));
        json_t *json = json_loadb(queried.json.at, queried.json.len, 0, NULL);
        if (!json)
            fail_msg("not JSON: %.*s", STR_ARGS(queried.json));
        json_decref(json);
        next_call();
    }
}

static err check(const char *sql, struct checked *checked)
{
    return worker_check(&harness.call, str_of(sql), checked);
}

static void says_where(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *says;
    } cases[] = {
        {"SELEC 1", "syntax error at or near \"SELEC\" (line 1, column 1)"},
        {"SELECT 1,\n  FROMM t x y", "(line 2, column"},
        {"SELECT * FROM sale",
         "There is no table or view named \"sale\". Did you mean \"sales\"? (line 1, column 15)"},
        {"SELECT\n nope FROM t", "\"nope\" not found"},
        {"SELECT\n nope FROM t", "(line 2, column 2)"},
        {"SELECT lenght(region) FROM sales",
         "The function \"lenght\" is not available. Did you mean \"length\"?"},
        {"SELECT 1; SELECT 2", "Only one statement"},
        {"", "There is no statement"},
        {" ; ", "There is no statement"},
        {"SELECT 1 AS a, 2 AS A", "Two columns are named \"A\""},
        {"SELECT 1 AS \" \"", "Column 1 has no name"},
        {"SELECT ? FROM t", "Parameters"},
        {"DROP TABLE t", "Only a statement that reads"},
        {"SHOW TABLES", "SHOW, DESCRIBE and SUMMARIZE"},
        {"SELECT '101'::BIT AS b", "cast it to text"},
        {"SELECT * FROM 'x.csv'", "There is no table or view named \"x.csv\""},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct checked checked;
        err e = check(cases[i].sql, &checked);
        assert_non_null(e);
        assert_int_equal(e->status, 422);
        assert_has(e->detail, cases[i].says);
        next_call();
    }
}

static void finds_depends_and_types(void **state)
{
    (void)state;
    struct checked checked;
    ok(check(
        "SELECT id, count(*) AS n, sum(amount) AS s, sum(price) AS p, max(tags) AS j, [id] AS l,"
        " CAST(1.5 AS DECIMAL(10,2)) AS d, INTERVAL 1 DAY AS i, TIMESTAMPTZ '2026-01-01 "
        "00:00:00+00' AS z"
        " FROM SALES GROUP BY id",
        &checked));
    static const char *const types[] = {"int",
                                        "bigint",
                                        "numeric(38,0)",
                                        "double",
                                        "json",
                                        "json",
                                        "numeric(10,2)",
                                        "text",
                                        "timestamptz"};
    assert_int_equal(checked.columns.n, LENGTH(types));
    for (size_t i = 0; i < LENGTH(types); i++)
        assert_str(checked.columns.at[i].column_type, types[i]);
    assert_int_equal(checked.depends_n, 1);
    assert_str(checked.depends[0], "sales");
    assert_false(checked.is_volatile);
    ok(check("WITH t AS (SELECT 1 AS a) SELECT * FROM t, main.t AS m, (SELECT * FROM sales) AS s",
             &checked));
    assert_int_equal(checked.depends_n, 2);
    ok(check("WITH t AS (SELECT 1 AS a) SELECT * FROM t", &checked));
    assert_int_equal(checked.depends_n, 0);
}

static void finds_clocks_and_dice(void **state)
{
    (void)state;
    static const char *const changing[] = {
        "SELECT now()",
        "SELECT current_date AS d",
        "SELECT CURRENT_TIMESTAMP",
        "SELECT localtimestamp AS l",
        "SELECT random()",
        "SELECT uuid()",
        "SELECT gen_random_uuid()",
        "SELECT today()",
        "SELECT get_current_timestamp()",
        "SELECT * FROM t WHERE \"SomeNumber\" < (SELECT random())",
        "SELECT * FROM t USING SAMPLE 2",
        "SELECT * FROM t TABLESAMPLE 10%",
        "WITH x AS (SELECT uuidv7() AS u) SELECT * FROM x",
        "SELECT list_transform([1], lambda x: x + random()) AS l",
        "SELECT age(TIMESTAMP '2020-01-01') AS a",
    };
    struct checked checked;
    for (size_t i = 0; i < LENGTH(changing); i++) {
        ok(check(changing[i], &checked));
        if (!checked.is_volatile)
            fail_msg("not seen as volatile: %s", changing[i]);
        next_call();
    }
    ok(check("SELECT * FROM t USING SAMPLE reservoir(2 ROWS) REPEATABLE (7)", &checked));
    assert_false(checked.is_volatile);
}

/* The sample view: its digit comes from the fraction of the second, which DuckDB alone would not
 * give. */
static void takes_the_fraction_of_seconds(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *rows;
    } cases[] = {
        {"SELECT EXTRACT(SECOND FROM TIMESTAMP '2026-01-01 10:20:30.123456') AS s",
         "[{\"s\":\"30.123456\"}]"},
        {"SELECT extract ( second /* now */\n from TIMESTAMP '2026-01-01 10:20:30.5') AS s",
         "[{\"s\":\"30.500000\"}]"},
        {"SELECT EXTRACT('second' FROM TIME '10:20:59.999999') AS s", "[{\"s\":\"59.999999\"}]"},
        {"SELECT date_part('second', TIMESTAMPTZ '2026-01-01 10:20:30.25+00') AS s",
         "[{\"s\":\"30.250000\"}]"},
        {"SELECT date_part('sec', TIMESTAMP '2026-01-01 10:20:01') AS s", "[{\"s\":\"1.000000\"}]"},
        {"SELECT CAST(EXTRACT(SECOND FROM TIMESTAMP '2026-01-01 00:00:07.654321') * 1000000 AS "
         "INTEGER) % 10 AS s",
         "[{\"s\":1}]"},
        {"SELECT EXTRACT(SECOND FROM TIMESTAMP '2026-01-01 00:00:09.5' - INTERVAL (EXTRACT(SECOND "
         "FROM TIME "
         "'00:00:02.5')) SECOND) AS s",
         NULL},
        {"SELECT EXTRACT(MINUTE FROM TIMESTAMP '2026-01-01 10:20:30.123456') AS m", "[{\"m\":20}]"},
        {"SELECT 'EXTRACT(SECOND FROM x)' AS e", "[{\"e\":\"EXTRACT(SECOND FROM x)\"}]"},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        str rows = query_rows(cases[i].sql);
        if (cases[i].rows)
            assert_str(rows, cases[i].rows);
        next_call();
    }
    unsigned digits = 0;
    for (int i = 0; i < 2000; i++) {
        str rows =
            query_rows("SELECT CAST( EXTRACT( SECOND FROM NOW()) * 1000000 AS INTEGER) % 10 AS d");
        digits |= 1u << (rows.at[6] - '0');
        next_call();
    }
    assert_true(__builtin_popcount(digits) >= 8);
    str rows = query_rows("SELECT * FROM t WHERE \"SomeNumber\" = CAST( EXTRACT( SECOND FROM "
                          "NOW()) * 1000000 AS INTEGER) % 10");
    assert_true(rows.len >= 2);
}

static void bounds_what_it_reads(void **state)
{
    (void)state;
    struct checked checked;
    static const struct {
        const char *before, *open, *middle, *close;
        size_t times;
    } shapes[] = {
        {"SELECT ", "(", "1", ")", 5000},
        {"SELECT ", "[", "1", "]", 3000},
        {"SELECT ", "NOT ", "1", "", 9000},
        {"SELECT 1", "+1", "", "", 20000},
        {"", "WITH a AS (", "SELECT 1", ") SELECT 1", 30},
        {"", "SELECT * FROM (", "SELECT 1", ")", 3000},
        {"SELECT 1", " UNION ALL SELECT 1", "", "", 3000},
        {"SELECT ", "CASE WHEN 1 THEN ", "1", " END", 2500},
        {"SELECT ", "-(", "1", ")", 5000},
        {"SELECT 1::int", "[]", "", "", 20000},
    };
    for (size_t i = 0; i < LENGTH(shapes); i++) {
        CLEANUP(buf_done) struct buf b;
        buf_init(&b, 1 << 20);
        buf_add(&b, str_of(shapes[i].before));
        for (size_t n = 0; n < shapes[i].times; n++)
            buf_add(&b, str_of(shapes[i].open));
        buf_add(&b, str_of(shapes[i].middle));
        for (size_t n = 0; n < shapes[i].times; n++)
            buf_add(&b, str_of(shapes[i].close));
        err e = worker_check(&harness.call, buf_str(&b), &checked);
        assert_non_null(e);
        assert_int_equal(e->status, 422);
        next_call();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_hostile),
        cmocka_unit_test(takes_ordinary),
        cmocka_unit_test(says_where),
        cmocka_unit_test(finds_depends_and_types),
        cmocka_unit_test(finds_clocks_and_dice),
        cmocka_unit_test(takes_the_fraction_of_seconds),
        cmocka_unit_test(bounds_what_it_reads),
    };
    return cmocka_run_group_tests(tests, tables_setup, harness_teardown);
}
