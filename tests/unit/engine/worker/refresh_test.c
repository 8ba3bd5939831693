/* Refreshes and their differences, held against a naive model; pages of rows and changes. */
#include "harness.h"

#include "engine/worker/guard.h"

static struct object object;

static err refresh_with(const char *sql, size_t changes_max, size_t rows_max, struct refreshed *out)
{
    struct refresh refresh = {
        .view = STR("v"), .sql = str_of(sql), .changes_max = changes_max, .rows_max = rows_max};
    err e = worker_refresh(&harness.call, &refresh, out);
    call_serial(&harness.call);
    return e;
}

static struct refreshed refresh(const char *sql)
{
    struct refreshed out;
    ok(refresh_with(sql, 0, 0, &out));
    return out;
}

static void replace(const char *text, struct columns columns)
{
    static int made;
    struct objects objects;
    ok(worker_objects(&harness.call, &objects));
    made = 0;
    for (size_t i = 0; i < objects.n; i++)
        made |= str_eq(objects.at[i].name, STR("t"));
    ok(load_text("t", made ? LOAD_REPLACE : LOAD_CREATE, FORMAT_CSV, text, columns, &object));
}

static str changes_json(int64_t after, int64_t limit, str *cursor)
{
    struct changes_ask ask = {.view = STR("v"), .after = after, .cursor = *cursor, .limit = limit};
    struct rows_page page;
    ok(worker_changes(&harness.call, &ask, &page));
    *cursor = page.next;
    return page.json;
}

static str changes_after(int64_t after)
{
    str cursor = {0};
    return changes_json(after, 1000, &cursor);
}

static void tells_the_difference(void **state)
{
    (void)state;
    struct columns columns = COLUMNS("a", "int", "b", "text");
    replace("a,b\n1,x\n2,y\n,\n", columns);
    struct refreshed r;
    ok(refresh_with("SELECT * FROM t", 10, 10, &r));
    assert_int_equal(r.view.version, 1);
    assert_int_equal(r.view.row_count, 3);
    assert_int_equal(r.added, 3);
    assert_int_equal(r.removed, 0);
    assert_false(r.reset);
    assert_true(r.duration_us > 0);
    assert_str(r.rows, "[{\"a\":1,\"b\":\"x\"},{\"a\":2,\"b\":\"y\"},{\"a\":null,\"b\":null}]");
    assert_has(r.changes, "{\"version\":1,\"change\":\"added\",\"row\":{\"a\":1,\"b\":\"x\"}}");

    r = refresh("SELECT * FROM t");
    assert_int_equal(r.view.version, 2);
    assert_int_equal(r.added + r.removed, 0);

    columns = COLUMNS("a", "int", "b", "text");
    replace("a,b\n,\n2,z\n1,x\n1,x\n", columns);
    ok(refresh_with("SELECT * FROM t", 10, 2, &r));
    assert_int_equal(r.view.version, 3);
    assert_int_equal(r.added, 2);
    assert_int_equal(r.removed, 1);
    assert_null(r.rows.at); /* four rows are more than asked for */
    assert_true(str_starts(
        r.changes, STR("[{\"version\":3,\"change\":\"removed\",\"row\":{\"a\":2,\"b\":\"y\"}},")));
    assert_has(changes_after(2),
               "{\"version\":3,\"change\":\"removed\",\"row\":{\"a\":2,\"b\":\"y\"}}");
    assert_str(changes_after(3), "[]");
    assert_has(changes_after(0),
               "{\"version\":1,\"change\":\"added\",\"row\":{\"a\":1,\"b\":\"x\"}}");

    ok(refresh_with("SELECT * FROM t WHERE a > 100", 3, 3, &r));
    assert_int_equal(r.removed, 4);
    assert_null(r.changes.at); /* four are more than asked for */
    assert_str(r.rows, "[]");
    ok(refresh_with("SELECT * FROM t WHERE a > 100", 3, 0, &r));
    assert_str(r.changes, "[]");
    assert_null(r.rows.at);
}

static void begins_anew_with_other_columns(void **state)
{
    (void)state;
    refresh("SELECT 1 AS a");
    struct refreshed r = refresh("SELECT 1 AS b");
    assert_true(r.reset);
    assert_int_equal(r.view.version, 2);
    assert_int_equal(r.added, 1);
    assert_int_equal(r.removed, 1);
    assert_str(r.view.columns.at[0].column_name, "b");
    struct changes_ask ask = {.view = STR("v"), .after = 1, .limit = 10};
    struct rows_page page;
    assert_true(err_is(worker_changes(&harness.call, &ask, &page), "changes_gone"));
    r = refresh("SELECT 1::utinyint AS b"); /* the same name for us, another type for DuckDB */
    assert_true(r.reset);
    r = refresh("SELECT 2::utinyint AS b");
    assert_false(r.reset);
    assert_str(changes_after(3),
               "[{\"version\":4,\"change\":\"removed\",\"row\":{\"b\":1}},"
               "{\"version\":4,\"change\":\"added\",\"row\":{\"b\":2}}]");
    ask.after = 9;
    assert_true(err_is(worker_changes(&harness.call, &ask, &page), "changes_gone"));
}

/* A counted multiset of small rows, and the difference between two of them. */
#define KEYS 5
#define WORDS 4

struct model {
    int64_t count[KEYS + 1][WORDS + 1]; /* the last of each is NULL */
};

static void model_make(struct model *model, struct buf *csv, unsigned *seed)
{
    static const char *const words[] = {"", "x", "y,z", "\xC3\xA9\"q"};
    *model = (struct model){0};
    buf_add(csv, STR("k,w\n"));
    for (int n = rand_r(seed) % 60; n > 0; n--) {
        int k = rand_r(seed) % (KEYS + 1), w = rand_r(seed) % (WORDS + 1);
        model->count[k][w]++;
        if (k < KEYS)
            buf_fmt(csv, "%d", k);
        buf_char(csv, ',');
        if (w < WORDS)
            buf_fmt(csv, "\"%s\"", w == 3 ? "\xC3\xA9\"\"q" : words[w]);
        buf_char(csv, '\n');
    }
    buf_char(csv, 0);
}

static void model_apply(struct model *model, str changes)
{
    json_t *list = json_loadb(changes.at, changes.len, 0, NULL);
    assert_non_null(list);
    bool added_seen = false;
    size_t i;
    json_t *change;
    json_array_foreach(list, i, change)
    {
        bool added = strcmp(json_string_value(json_object_get(change, "change")), "added") == 0;
        assert_true(added || !added_seen);
        added_seen |= added;
        json_t *row = json_object_get(change, "row"), *key = json_object_get(row, "k");
        const char *word = json_string_value(json_object_get(row, "w"));
        int k = json_is_null(key) ? KEYS : (int)json_integer_value(key);
        int w = !word ? WORDS : word[0] == 0 ? 0 : word[0] == 'x' ? 1 : word[0] == 'y' ? 2 : 3;
        model->count[k][w] += added ? 1 : -1;
    }
    json_decref(list);
}

static void agrees_with_a_naive_model(void **state)
{
    (void)state;
    unsigned seed = 7;
    struct model mine = {0}, start = {0};
    for (int round = 0; round < 60; round++) {
        CLEANUP(buf_done) struct buf text;
        buf_init(&text, 1 << 16);
        struct model next;
        model_make(&next, &text, &seed);
        replace(text.at, COLUMNS("k", "int", "w", "text"));
        struct refreshed r = refresh("SELECT * FROM t");
        int64_t added = 0, removed = 0;
        for (int k = 0; k <= KEYS; k++)
            for (int w = 0; w <= WORDS; w++) {
                int64_t change = next.count[k][w] - mine.count[k][w];
                added += change > 0 ? change : 0;
                removed += change < 0 ? -change : 0;
            }
        assert_int_equal(r.added, added);
        assert_int_equal(r.removed, removed);
        model_apply(&mine, changes_after(r.view.version - 1));
        assert_memory_equal(&mine, &next, sizeof(mine));
        /* And by pages of three, from the very beginning. */
        if (round % 10 == 9) {
            struct model again = start;
            str cursor = {0}, last = {0};
            do {
                last = changes_json(0, 3, &cursor);
                json_t *list = json_loadb(last.at, last.len, 0, NULL);
                assert_true(json_array_size(list) <= 3);
                size_t i;
                json_t *change;
                json_array_foreach(list, i, change)
                {
                    json_t *alone = json_pack("[O]", change);
                    char *one = json_dumps(alone, 0);
                    json_decref(alone);
                    model_apply(&again, str_of(one));
                    free(one);
                }
                json_decref(list);
            } while (cursor.at);
            assert_memory_equal(&again, &next, sizeof(again));
        }
        next_call();
    }
}

/* Rows that stay where they were, with some that change, come at the end or go from it; NULLs among
 * them, and more rows than the first ones that tell the order. */
static void compares_rows_side_by_side(void **state)
{
    (void)state;
    static const struct {
        const char *rows; /* of the numbers i from 0 on */
        int64_t added, removed, row_count;
    } steps[] = {
        {"range(50000)", 50000, 0, 50000},
        {"range(50000)", 0, 0, 50000},
        {"range(50003)", 3, 0, 50003},
        {"range(49999)", 0, 4, 49999},
        {"(SELECT if(i = 40000, -1, i) FROM range(49999) AS n(i))", 1, 1, 49999},
        {"(SELECT if(i = 40000, NULL, i) FROM range(50000) AS n(i))", 2, 1, 50000},
        {"(SELECT if(i > 49997, NULL, i) FROM range(50002) AS n(i))", 4, 2, 50002},
        {"(SELECT if(i > 49997, NULL, i) FROM range(50000) AS n(i))", 0, 2, 50000},
        {"(SELECT if(i > 49997, NULL, 49997 - i) FROM range(50000) AS n(i))", 0, 0, 50000},
        {"range(1, 50001)", 3, 3, 50000},
        {"(SELECT 1 + (i + 30000) % 50000 FROM range(50000) AS n(i))", 0, 0, 50000},
        {"(SELECT 1 + if(i < 40000, i, 89999 - i) FROM range(50000) AS n(i))", 0, 0, 50000},
        {"range(0)", 0, 50000, 0},
        {"range(0)", 0, 0, 0},
        {"(SELECT NULL FROM range(3))", 3, 0, 3},
        {"(SELECT NULL FROM range(5))", 2, 0, 5},
        {"(SELECT NULL FROM range(4))", 0, 1, 4},
    };
    for (size_t i = 0; i < LENGTH(steps); i++) {
        char sql[300];
        snprintf(
            sql,
            sizeof(sql),
            "SELECT CAST(i AS BIGINT) AS i, CAST('w' || i %% 9 AS VARCHAR) AS w FROM %s AS r(i)",
            steps[i].rows);
        struct refreshed r = refresh(sql);
        if (r.reset || r.added != steps[i].added || r.removed != steps[i].removed ||
            r.view.row_count != steps[i].row_count)
            fail_msg("%s: %lld added, %lld removed, %lld rows",
                     steps[i].rows,
                     (long long)r.added,
                     (long long)r.removed,
                     (long long)r.view.row_count);
        if (i == 4)
            assert_str(changes_after(4),
                       "[{\"version\":5,\"change\":\"removed\",\"row\":{\"i\":40000,\"w\":\"w4\"}},"
                       "{\"version\":5,\"change\":\"added\",\"row\":{\"i\":-1,\"w\":\"w-1\"}}]");
        next_call();
    }
}

/* Sums of doubles depend on the order of adding: the same data must give the same bits every time.
 */
static void gives_the_same_floating_sums(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, 64u << 20);
    buf_add(&text, STR("g,x\n"));
    unsigned seed = 3;
    for (int i = 0; i < 600000; i++)
        buf_fmt(&text, "%d,%.17g\n", rand_r(&seed) % 1000, (double)rand_r(&seed) / 7.0e5);
    buf_char(&text, 0);
    static const char sql[] =
        "SELECT g, sum(x) AS s, avg(x) AS a, stddev(x) AS d, count(*) AS n FROM t GROUP BY g";
    replace(text.at, COLUMNS("g", "int", "x", "double"));
    struct refreshed r = refresh(sql);
    assert_int_equal(r.view.row_count, 1000);
    for (int i = 0; i < 5; i++) {
        r = refresh(sql);
        assert_int_equal(r.added + r.removed, 0);
        next_call();
    }
    for (int i = 0; i < 3; i++) { /* the same file again, loaded by several cores */
        replace(text.at, COLUMNS("g", "int", "x", "double"));
        r = refresh(sql);
        if (r.added + r.removed)
            fail_msg("%lld rows changed after the same file was loaded again", (long long)r.added);
        next_call();
    }
    detach_file();
    attach_file();
    r = refresh(sql);
    assert_int_equal(r.added + r.removed, 0);
}

static void runs_on_all_cores_when_it_may(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        bool steady;
    } cases[] = {
        {"SELECT a, count(*) AS n, sum(a) AS s, avg(a) AS v, max(b) AS m FROM t GROUP BY a", true},
        {"SELECT a, b FROM t WHERE a > 1 UNION SELECT 1, 2.5", true},
        {"SELECT sum(c) AS s FROM t", true},
        {"SELECT sum(c) AS s FROM t WHERE now() IS NOT NULL", true},
        {"SELECT sum(b) AS s FROM t WHERE now() IS NOT NULL", false},
        {"SELECT sum(b) AS s FROM t", false},
        {"SELECT avg(a / 2) AS s FROM t", false},
        {"SELECT sum(a) OVER () AS s FROM t", false},
        {"SELECT first(a) AS s FROM t", false},
        {"SELECT list(a) AS s FROM t", false},
        {"SELECT a FROM t LIMIT 1", false},
        {"SELECT DISTINCT ON (a) a, b FROM t", false},
        {"SELECT (SELECT sum(b) FROM t) AS s FROM t", false},
        {"SELECT a FROM t WHERE b > (SELECT avg(b) FROM t)", false},
    };
    replace("a,b,c\n1,1.5,2.5\n", COLUMNS("a", "int", "b", "double", "c", "numeric(10,2)"));
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct guarded guarded;
        ok(guard_check(&harness.call, str_of(cases[i].sql), &guarded));
        if (guarded.steady != cases[i].steady)
            fail_msg("%s: steady is %d", cases[i].sql, guarded.steady);
        next_call();
    }
}

static void pages_through_rows(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, 1 << 20);
    buf_add(&text, STR("i,rowid\n"));
    for (int i = 0; i < 5000; i++)
        buf_fmt(&text, "%d,%d\n", i, -i);
    buf_char(&text, 0);
    static const char *const names[] = {"plain", "hiding"};
    ok(load_text(
        "hiding", LOAD_CREATE, FORMAT_CSV, text.at, COLUMNS("i", "int", "rowid", "int"), &object));
    memcpy(text.at, "i,other", 7);
    ok(load_text(
        "plain", LOAD_CREATE, FORMAT_CSV, text.at, COLUMNS("i", "int", "other", "int"), &object));
    for (size_t n = 0; n < LENGTH(names); n++) {
        struct rows_ask ask = {.name = str_of(names[n]), .limit = 777};
        struct rows_page page;
        int64_t next = 0;
        do {
            ok(worker_rows(&harness.call, &ask, &page));
            json_t *list = json_loadb(page.json.at, page.json.len, 0, NULL);
            size_t i;
            json_t *row;
            json_array_foreach(list, i, row)
                assert_int_equal(json_integer_value(json_object_get(row, "i")), next++);
            json_decref(list);
            ask.after = page.next;
        } while (page.next.at);
        assert_int_equal(next, 5000);
        next_call();
    }
    struct rows_ask ask = {.name = STR("plain"), .limit = 10};
    struct rows_page page;
    ok(worker_rows(&harness.call, &ask, &page));
    str cursor = page.next;
    for (size_t i = 0; i < cursor.len; i++) {
        str bent = str_copy(&harness.mem, cursor);
        ((char *)bent.at)[i] = bent.at[i] == '0' ? '1' : '0';
        ask.after = bent;
        err e = worker_rows(&harness.call, &ask, &page);
        if (!e || e->status != 400)
            fail_msg("a bent cursor is taken: %.*s", STR_ARGS(bent));
    }
    ask = (struct rows_ask){.name = STR("hiding"), .limit = 10, .after = cursor};
    assert_true(err_is(worker_rows(&harness.call, &ask, &page), "invalid_cursor"));
    ok(load_text("plain", LOAD_APPEND, FORMAT_CSV, "i,other\n1,1\n", INFERRED, &object));
    ask.name = STR("plain");
    assert_true(err_is(worker_rows(&harness.call, &ask, &page), "cursor_expired"));
    ask.name = STR("nowhere");
    assert_true(err_is(worker_rows(&harness.call, &ask, &page), "unknown_table"));
}

static str file_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *bytes = arena_alloc(&harness.mem, 1 << 20);
    size_t len = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return (str){bytes, len};
}

static void writes_files(void **state)
{
    (void)state;
    static const char text[] = "i,s\n1,\"a,\"\"b\"\"\"\n2,\"two\nlines\"\n3,\n4,\"\"\n";
    ok(load_text("t", LOAD_CREATE, FORMAT_CSV, text, COLUMNS("i", "int", "s", "text"), &object));
    struct rows_ask ask = {.name = STR("t"), .format = ROWS_CSV};
    struct rows_page page;
    ok(worker_rows(&harness.call, &ask, &page));
    assert_null(page.next.at);
    assert_str(file_read(page.path),
               "i,s\r\n1,\"a,\"\"b\"\"\"\r\n2,\"two\nlines\"\r\n3,\r\n4,\"\"\r\n");
    unlink(page.path);
    ask.limit = 2;
    ask.format = ROWS_PARQUET;
    ok(worker_rows(&harness.call, &ask, &page));
    assert_non_null(page.next.at);
    struct load load = {.table = STR("u"), .format = FORMAT_PARQUET, .path = page.path};
    int64_t added;
    ok(worker_load(&harness.call, &load, &object, &added));
    assert_int_equal(added, 2);
    unlink(page.path);
    ask.after = page.next;
    ask.format = ROWS_CSV;
    ok(worker_rows(&harness.call, &ask, &page));
    assert_str(file_read(page.path), "i,s\r\n3,\r\n4,\"\"\r\n");
    unlink(page.path);
    refresh("SELECT sum(i) AS h, [1, 2] AS l, {'a': 1} AS s, now() AS z FROM t");
    ask = (struct rows_ask){.name = STR("v"), .format = ROWS_PARQUET};
    ok(worker_rows(&harness.call, &ask, &page));
    load = (struct load){.table = STR("w"), .format = FORMAT_PARQUET, .path = page.path};
    ok(worker_load(&harness.call, &load, &object, &added));
    assert_str(object.columns.at[0].column_type, "numeric(38,0)");
    assert_str(query_rows("SELECT h, l, s FROM w"), "[{\"h\":\"10\",\"l\":[1,2],\"s\":{\"a\":1}}]");
    unlink(page.path);
}

static void forgets_what_is_old(void **state)
{
    (void)state;
    harness.call.keep_us = -1; /* everything is too old */
    refresh("SELECT 1 AS a");
    struct refreshed r = refresh("SELECT 2 AS a");
    struct changes_ask ask = {.view = STR("v"), .after = 1, .limit = 10};
    struct rows_page page;
    usleep(1000); /* the clock of what is kept counts microseconds */
    assert_true(err_is(worker_changes(&harness.call, &ask, &page), "changes_gone"));
    harness.call.keep_us = (int64_t)3600 * 1000000;
    r = refresh("SELECT 3 AS a");
    ask.after = 2;
    ok(worker_changes(&harness.call, &ask, &page));
    assert_str(page.json,
               "[{\"version\":3,\"change\":\"removed\",\"row\":{\"a\":2}},"
               "{\"version\":3,\"change\":\"added\",\"row\":{\"a\":3}}]");
    assert_int_equal(r.view.version, 3);
    str names[] = {STR("v")};
    ok(worker_drop(&harness.call, names, 1));
    assert_true(err_is(worker_changes(&harness.call, &ask, &page), "unknown_table"));
    r = refresh("SELECT 3 AS a");
    assert_int_equal(r.view.version, 1);
}

static void sees_what_only_reads_differently(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"SELECT INTERVAL '1 month' AS a", "SELECT INTERVAL '30 days' AS a"},
        {"SELECT 'a' COLLATE nocase AS a", "SELECT 'A' COLLATE nocase AS a"},
        {"SELECT 'a' COLLATE noaccent AS a", "SELECT '\xC3\xA1' COLLATE noaccent AS a"},
        {"SELECT {'x': NULL} AS a", "SELECT {'x': 1} AS a"},
        {"SELECT [1, NULL] AS a", "SELECT [1] AS a"},
        {"SELECT 'NaN'::double AS a", "SELECT 'Infinity'::double AS a"},
        {"SELECT 1.0 AS a UNION ALL SELECT 1.0", "SELECT 1.0 AS a"},
        {"SELECT '{\"a\":1}'::json AS a", "SELECT '{\"a\": 1}'::json AS a"},
    };
    for (size_t i = 0; i < LENGTH(pairs); i++) {
        str names[] = {STR("v")};
        ok(worker_drop(&harness.call, names, 1));
        refresh(pairs[i][0]);
        struct refreshed r = refresh(pairs[i][0]);
        if (r.added + r.removed)
            fail_msg("changes by itself: %s", pairs[i][0]);
        r = refresh(pairs[i][1]);
        if (r.added + r.removed == 0)
            fail_msg("not seen: %s", pairs[i][1]);
        next_call();
    }
}

/* A reader keeps the version that it began with, until it ends. */
static void readers_see_one_version(void **state)
{
    (void)state;
    duckdb_connection other;
    duckdb_result result;
    refresh("SELECT i FROM range(100000) AS r(i)");
    assert_int_equal(duckdb_connect(harness.database, &other), DuckDBSuccess);
    assert_int_equal(duckdb_query(other, "USE " TEAM_CATALOG "; BEGIN TRANSACTION READ ONLY", NULL),
                     DuckDBSuccess);
    assert_int_equal(duckdb_query(other, "SELECT count(*) FROM v", &result), DuckDBSuccess);
    duckdb_destroy_result(&result);
    for (int i = 1; i <= 3; i++) {
        char sql[100];
        snprintf(sql, sizeof(sql), "SELECT i + %d AS i, 'x' AS s FROM range(10) AS r(i)", i);
        refresh(sql);
        assert_int_equal(duckdb_query(other, "SELECT count(*) FROM v", &result), DuckDBSuccess);
        assert_int_equal(duckdb_value_int64(&result, 0, 0), 100000);
        duckdb_destroy_result(&result);
    }
    assert_int_equal(duckdb_query(other, "COMMIT", NULL), DuckDBSuccess);
    assert_int_equal(duckdb_query(other, "SELECT min(i) FROM v", &result), DuckDBSuccess);
    assert_int_equal(duckdb_value_int64(&result, 0, 0), 3);
    duckdb_destroy_result(&result);
    duckdb_disconnect(&other);
}

/* What can't be shown makes no view. */
static void refuses_what_can_not_be_read(void **state)
{
    (void)state;
    struct refreshed r;
    struct objects objects;
    char sql[1024] = "SELECT ";
    for (int i = 0; i < 80; i++)
        strcat(sql, "{'a': ");
    strcat(sql, "1");
    for (int i = 0; i < 80; i++)
        strcat(sql, "}");
    strcat(sql, " AS deep");
    err e = refresh_with(sql, 0, 0, &r);
    assert_non_null(e);
    assert_true(err_is(e, "invalid_query"));
    assert_has(e->detail, "\"deep\" is of a type that can't be shown");
    ok(worker_objects(&harness.call, &objects));
    assert_int_equal(objects.n, 0);
}

static void says_what_fails(void **state)
{
    (void)state;
    struct refreshed r;
    refresh("SELECT 1 AS a");
    err e = refresh_with("SELECT CAST('x' || 'y' AS INTEGER) AS a", 0, 0, &r);
    assert_non_null(e);
    assert_int_equal(e->status, 422);
    assert_has(e->detail, "Could not convert string 'xy'");
    next_call();
    e = refresh_with("SELECT a FROM v", 0, 0, &r);
    assert_has(e->detail, "can't read itself");
    ok(load_text("t", LOAD_CREATE, FORMAT_CSV, "a\n1\n", COLUMNS("a", "int"), &object));
    struct refresh refresh_t = {.view = STR("t"), .sql = STR("SELECT 1 AS a")};
    assert_true(err_is(worker_refresh(&harness.call, &refresh_t, &r), "name_taken"));
    struct changes_ask ask = {.view = STR("t"), .limit = 10};
    struct rows_page page;
    assert_int_equal(worker_changes(&harness.call, &ask, &page)->status, 404);
    struct objects objects;
    ok(worker_objects(&harness.call, &objects));
    assert_int_equal(objects.n, 2); /* and no table of new rows is left */
    assert_str(query_rows("SELECT * FROM v"), "[{\"a\":1}]");
}

static void limits_a_query(void **state)
{
    (void)state;
    struct queried queried;
    ok(worker_query(&harness.call, STR("SELECT i FROM range(10) AS r(i)"), 3, &queried));
    assert_str(queried.json, "[{\"i\":0},{\"i\":1},{\"i\":2}]");
    assert_true(queried.more);
    ok(worker_query(&harness.call, STR("SELECT i FROM range(3) AS r(i)"), 3, &queried));
    assert_false(queried.more);
    assert_str(queried.columns.at[0].column_type, "bigint");
    ok(worker_query(&harness.call, STR("SELECT i FROM range(100000000000) AS r(i)"), 3, &queried));
    assert_true(queried.more);
    err e = worker_query(
        &harness.call, STR("SELECT error('no ' || i) AS e FROM range(3) AS r(i)"), 3, &queried);
    assert_int_equal(e->status, 422);
    assert_str(e->detail, "no 0");
}

/* A difference is there, and the rows too, when the file is opened again without having been
 * closed. */
static void keeps_what_it_acknowledged(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        char sql[100];
        snprintf(sql, sizeof(sql), "SELECT i + %d AS i FROM range(200000) AS r(i)", i);
        refresh(sql);
        detach_file();
        attach_file();
        str rows = query_rows("SELECT min(i) AS a, count(*) AS n FROM v");
        snprintf(sql, sizeof(sql), "[{\"a\":%d,\"n\":200000}]", i);
        assert_str(rows, sql);
        if (i)
            assert_has(changes_after(i), "\"removed\"");
        next_call();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_the_difference, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(
            begins_anew_with_other_columns, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(agrees_with_a_naive_model, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(
            compares_rows_side_by_side, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(
            gives_the_same_floating_sums, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(
            runs_on_all_cores_when_it_may, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(pages_through_rows, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(writes_files, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(forgets_what_is_old, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(
            sees_what_only_reads_differently, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(readers_see_one_version, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(
            refuses_what_can_not_be_read, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(says_what_fails, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(limits_a_query, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(
            keeps_what_it_acknowledged, harness_setup, harness_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
