/* Loads: by name, typed, all or nothing, with the places of what is wrong. */
#include "harness.h"

#define SAMPLE "SomeNumber,SomeString\n0,alfa\n1,bravo\n2,charlie\n"
#define DECLARED COLUMNS("SomeNumber", "int", "SomeString", "varchar(256)")

static struct object object;

static err csv(const char *table, const char *text, struct columns columns)
{
    return load_text(table, LOAD_CREATE, FORMAT_CSV, text, columns, &object);
}

static void drop(const char *name)
{
    str names[] = {str_of(name)};
    ok(worker_drop(&harness.call, names, 1));
}

static void loads_the_sample(void **state)
{
    (void)state;
    ok(csv("t", SAMPLE, DECLARED));
    assert_str(object.name, "t");
    assert_int_equal(object.row_count, 3);
    assert_int_equal(object.version, 1);
    assert_true(object.bytes > 0);
    assert_str(object.columns.at[1].column_type, "varchar(256)");
    assert_str(query_rows("SELECT * FROM t"),
               "[{\"SomeNumber\":0,\"SomeString\":\"alfa\"},{\"SomeNumber\":1,"
               "\"SomeString\":\"bravo\"},{\"SomeNumber\":2,\"SomeString\":\"charlie\"}]");
    struct objects objects;
    ok(worker_objects(&harness.call, &objects));
    assert_int_equal(objects.n, 1);
    assert_str(objects.at[0].columns.at[1].column_type, "varchar(256)");
    drop("t");
    ok(worker_objects(&harness.call, &objects));
    assert_int_equal(objects.n, 0);
}

/* Files that differ in form only. */
static void takes_other_forms(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "SomeString,SomeNumber\nalfa,0\nbravo,1\n",
        "SomeNumber;SomeString\n0;alfa\n1;bravo\n",
        "SomeNumber\tSomeString\n0\talfa\n1\tbravo\n",
        "SomeNumber|SomeString\r\n0|alfa\r\n1|bravo\r\n",
        "\xEF\xBB\xBFSomeNumber,SomeString\n0,alfa\n1,bravo",
        "\"SomeNumber\",\"SomeString\"\n0,\"alfa\"\n1,\"bravo\"\n",
        "somenumber,SOMESTRING\n0,alfa\n1,bravo\n",
        " SomeNumber , SomeString\n0,alfa\n1,bravo\n",
        "SomeNumber,SomeString\n\n0,alfa\n\n1,bravo\n\n",
    };
    for (size_t i = 0; i < LENGTH(forms); i++) {
        err e = csv("t", forms[i], DECLARED);
        if (e)
            fail_msg("form %zu: %.*s %.*s", i, STR_ARGS(e->detail), STR_ARGS(e->errors));
        assert_str(query_rows("SELECT * FROM t"),
                   "[{\"SomeNumber\":0,\"SomeString\":\"alfa\"},{\"SomeNumber\":1,\"SomeString\":"
                   "\"bravo\"}]");
        drop("t");
        next_call();
    }
    ok(csv("t", "a,b\n1,\"x,\"\"y\"\"\nz\"\n,\n,\"\"\n", COLUMNS("a", "int", "b", "text")));
    assert_str(
        query_rows("SELECT * FROM t"),
        "[{\"a\":1,\"b\":\"x,\\\"y\\\"\\nz\"},{\"a\":null,\"b\":null},{\"a\":null,\"b\":\"\"}]");
    drop("t");
}

static void takes_every_type(void **state)
{
    (void)state;
    static const char text[] =
        "i,b,s,r,d,n,o,v,t,a,m,p,z,u,j\n"
        "-1,9007199254740993,3,1.5,0.1,12.34,true,ab,,2026-02-28,10:20:30,2026-01-01 10:20:30.5,"
        "2026-01-01T10:00:00+02:00,7f1c2a3b-0000-4000-8000-000000000001,\"{\"\"a\"\": [1, 2]}\"\n";
    ok(csv("t",
           text,
           COLUMNS("i",
                   "int",
                   "b",
                   "bigint",
                   "s",
                   "smallint",
                   "r",
                   "real",
                   "d",
                   "double",
                   "n",
                   "numeric(10,2)",
                   "o",
                   "boolean",
                   "v",
                   "varchar(2)",
                   "t",
                   "text",
                   "a",
                   "date",
                   "m",
                   "time",
                   "p",
                   "timestamp",
                   "z",
                   "timestamptz",
                   "u",
                   "uuid",
                   "j",
                   "json")));
    assert_str(
        query_rows("SELECT * FROM t"),
        "[{\"i\":-1,\"b\":\"9007199254740993\",\"s\":3,\"r\":1.5,\"d\":0.1,\"n\":\"12.34\",\"o\":"
        "true,\"v\":\"ab\","
        "\"t\":null,\"a\":\"2026-02-28\",\"m\":\"10:20:30\",\"p\":\"2026-01-01T10:20:30.500000\","
        "\"z\":\"2026-01-01T08:00:00Z\",\"u\":\"7f1c2a3b-0000-4000-8000-000000000001\",\"j\":{"
        "\"a\":[1,2]}}]");
    drop("t");
}

/* No type lets a wrong value through, be it as NULL. */
static void refuses_wrong_values(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"int", "x"},
        {"int", "1.5"},
        {"int", "2147483648"},
        {"smallint", "40000"},
        {"bigint", "1e30"},
        {"real", "x"},
        {"double", "1,5"},
        {"numeric(5,2)", "12345"},
        {"boolean", "maybe"},
        {"varchar(3)", "abcd"},
        {"date", "2026-13-01"},
        {"date", "01/02/2026"},
        {"time", "25:00"},
        {"timestamp", "yesterday"},
        {"timestamptz", "2026-13-01"},
        {"timestamptz", "x"},
        {"uuid", "zz"},
        {"json", "{bad"},
        {"smallint", "0.5"},
        {"bigint", "3.25"},
    };
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        char text[200];
        snprintf(text, sizeof(text), "k,v\n1,\n2,\"%s\"\n", wrong[i][1]);
        err e = csv("t", text, COLUMNS("k", "int", "v", wrong[i][0]));
        if (!e)
            fail_msg("%s took %s: %.*s",
                     wrong[i][0],
                     wrong[i][1],
                     STR_ARGS(query_rows("SELECT * FROM t")));
        assert_int_equal(e->status, 422);
        assert_true(err_is(e, "invalid_file"));
        assert_has(e->errors, "\"line\":3");
        assert_has(e->errors, "\"column\":\"v\"");
        snprintf(text, sizeof(text), "\"value\":\"%s\"", wrong[i][1]);
        assert_has(e->errors, text);
        struct objects objects;
        ok(worker_objects(&harness.call, &objects));
        assert_int_equal(objects.n, 0);
        next_call();
    }
}

static void names_the_place_of_each_error(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says[3];
    } cases[] = {
        {"", {"zero bytes"}},
        {"\n", {"header is empty"}},
        {"a,a\n1,2\n", {"names \"a\" twice"}},
        {"a,,b\n1,2,3\n", {"column 2 of the header has no name"}},
        {"a\n1\n", {"\"column\":\"b\"", "the file has no such column"}},
        {"a,b,c\n1,2,3\n", {"\"column\":\"c\"", "the table has no such column"}},
        {"a,b\n1,2\n3\n4,5\n", {"\"line\":3", "fewer fields than the header"}},
        {"a,b\n1,2\n3,4,5\n", {"\"line\":3", "more fields than the header"}},
        {"a,b\n1,\"open\n2,x\n", {"\"line\":2", "quote that is never closed"}},
        {"a,b\n1,\xFF\n2,x\n", {"\"line\":2", "is not UTF-8 text"}},
        {"a,b\n1,x\n2,y\r\n3,z\n", {"\"line\":3", "ends otherwise"}},
        {"a,b\n1,\"two\nlines\"\nx,y\n", {"\"line\":4", "\"value\":\"x\"", "is not a valid int"}},
        {"a,b\n1,\"two\nlines\"\n\n1.5,y\n",
         {"\"line\":5", "\"value\":\"1.5\"", "is not a valid int"}},
        {"\xEF\xBB\xBF"
         "a,b\n1,2\nx,3\n",
         {"\"line\":3"}},
        {"\xEF\xBB\xBF"
         "a,b\n1\nx,3\n",
         {"\"line\":2"}},
        {"a,b\r\n1,2\r\n\r\nx,3\r\n", {"\"line\":4"}},
        {"\xFF\xFE"
         "a\0",
         {"UTF-16"}},
        {"a,\xE4\n1,2\n", {"not UTF-8"}},
        {"PAR1", {"Parquet"}},
        {"a,b\nx,1\n2,1\ny,1\n", {"\"line\":2", "\"line\":4", "2 errors"}},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        err e = csv("t", cases[i].text, COLUMNS("a", "int", "b", "text"));
        if (!e)
            fail_msg("taken: %s", cases[i].text);
        if (e->status != 422 || !err_is(e, "invalid_file"))
            fail_msg("%d %s [%.*s] for %s", e->status, e->code, STR_ARGS(e->inside), cases[i].text);
        str all = str_fmt(&harness.mem, "%.*s %.*s", STR_ARGS(e->detail), STR_ARGS(e->errors));
        for (size_t j = 0; j < 3 && cases[i].says[j]; j++)
            assert_has(all, cases[i].says[j]);
        if (memmem(all.at, all.len, harness.dir, strlen(harness.dir)))
            fail_msg("says a path: %.*s", STR_ARGS(all));
        if (e->errors.at) {
            json_t *json = json_loadb(e->errors.at, e->errors.len, 0, NULL);
            assert_true(json_is_array(json));
            json_decref(json);
        }
        next_call();
    }
}

static void names_a_hundred_errors_at_most(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, 1 << 20);
    buf_add(&b, STR("a,b\n"));
    for (int i = 0; i < 500; i++)
        buf_add(&b, i % 2 ? STR("x,1\n") : STR("1,1\n"));
    buf_char(&b, 0);
    err e = csv("t", b.at, COLUMNS("a", "int", "b", "text"));
    assert_non_null(e);
    json_t *json = json_loadb(e->errors.at, e->errors.len, 0, NULL);
    assert_int_equal(json_array_size(json), 100);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(json, 99), "line")),
                     2 * 100 + 1);
    json_decref(json);
}

/* Also when no types are declared, and the search for them is what fails. */
static void names_the_place_when_types_are_inferred(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says[2];
    } cases[] = {
        {"a,b\n1,caf\xE9\n", {"\"line\":2", "is not UTF-8 text"}},
        {"a,b\n1\n", {"\"line\":2", "fewer fields"}},
        {"a,b\n1,2\n\"3,4\n", {"\"line\":3", "never closed"}},
        {"a,\"b \"\"c\"\"\"\n1,2\n", {"\"line\":1", "can't contain quotes"}},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        err e = csv("t", cases[i].text, (struct columns){0});
        assert_non_null(e);
        assert_true(err_is(e, "invalid_file"));
        for (size_t j = 0; j < 2; j++)
            assert_has(e->errors, cases[i].says[j]);
        next_call();
    }
}

static void infers_types(void **state)
{
    (void)state;
    ok(csv("t",
           "i,b,d,o,a,p,s\n1,5000000000,1.5,true,2026-01-01,2026-01-01 "
           "00:00:00,x\n2,1,2,false,2026-01-02,"
           "2026-01-01 00:00:01,\n",
           INFERRED));
    static const char *const types[] = {
        "int", "bigint", "double", "boolean", "date", "timestamp", "text"};
    assert_int_equal(object.columns.n, LENGTH(types));
    for (size_t i = 0; i < LENGTH(types); i++)
        assert_str(object.columns.at[i].column_type, types[i]);
    drop("t");
    ok(csv("t", "a,b\n", INFERRED));
    assert_int_equal(object.row_count, 0);
    assert_str(object.columns.at[1].column_type, "text");
    drop("t");
    ok(csv("t", "single\n5\n6\n", INFERRED));
    assert_int_equal(object.row_count, 2);
    drop("t");
    /* What looks like a number for long may turn out not to be one. */
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, 1 << 20);
    buf_add(&b, STR("a\n"));
    for (int i = 0; i < 50000; i++)
        buf_add(&b, STR("1\n"));
    buf_add(&b, STR("end\n"));
    buf_char(&b, 0);
    ok(csv("t", b.at, INFERRED));
    assert_int_equal(object.row_count, 50001);
    assert_str(object.columns.at[0].column_type, "text");
    drop("t");
    /* Dates that could be read in two ways stay text. */
    ok(csv("t", "a\n01/02/2026\n13/02/2026\n", INFERRED));
    assert_str(object.columns.at[0].column_type, "text");
    drop("t");
    err e = csv("t", "a\"b,c\n1,2\n", INFERRED);
    assert_non_null(e);
    assert_int_equal(e->status, 422);
}

static void appends_and_replaces(void **state)
{
    (void)state;
    int64_t added = 0;
    ok(csv("t", SAMPLE, DECLARED));
    ok(load_text(
        "t", LOAD_APPEND, FORMAT_CSV, "SomeString,SomeNumber\ndelta,3\n", INFERRED, &object));
    assert_int_equal(object.version, 2);
    assert_int_equal(object.row_count, 4);
    err e = load_text("t",
                      LOAD_APPEND,
                      FORMAT_CSV,
                      "SomeString,SomeNumber\necho,4\nfoxtrot,x\n",
                      INFERRED,
                      &object);
    assert_non_null(e);
    assert_has(e->errors, "\"line\":3");
    next_call();
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, 4096);
    buf_add(&b, STR("SomeString,SomeNumber\n"));
    for (int i = 0; i < 257; i++)
        buf_add(&b, STR("\xC3\xA9"));
    buf_add(&b, STR(",1"));
    buf_char(&b, 0);
    e = load_text("t", LOAD_APPEND, FORMAT_CSV, b.at, INFERRED, &object);
    assert_non_null(e);
    assert_has(e->errors, "longer than 256 characters");
    assert_str(query_rows("SELECT count(*) AS n, sum(\"SomeNumber\") AS s FROM t"),
               "[{\"n\":4,\"s\":\"6\"}]");
    ok(load_text("t", LOAD_REPLACE, FORMAT_CSV, "SomeNumber,SomeString\n9,x\n", INFERRED, &object));
    assert_int_equal(object.version, 3);
    assert_int_equal(object.row_count, 1);
    e = load_text(
        "t", LOAD_REPLACE, FORMAT_CSV, "SomeNumber,SomeString\nbad,x\n", INFERRED, &object);
    assert_non_null(e);
    assert_str(query_rows("SELECT * FROM t"), "[{\"SomeNumber\":9,\"SomeString\":\"x\"}]");
    struct load load = {.table = STR("t"), .mode = LOAD_APPEND, .format = FORMAT_CSV};
    load.path = file_write("upload", SAMPLE, strlen(SAMPLE));
    ok(worker_load(&harness.call, &load, &object, &added));
    assert_int_equal(added, 3);
    assert_int_equal(object.row_count, 4);
    e = csv("T", SAMPLE, DECLARED);
    assert_true(err_is(e, "name_taken"));
    e = load_text("none", LOAD_APPEND, FORMAT_CSV, SAMPLE, INFERRED, &object);
    assert_int_equal(e->status, 404);
    ok(worker_fork(&harness.call, STR("t"), STR("copy"), &object));
    assert_int_equal(object.version, 1);
    assert_int_equal(object.row_count, 4);
    assert_str(object.columns.at[1].column_type, "varchar(256)");
    assert_true(err_is(worker_fork(&harness.call, STR("t"), STR("copy"), &object), "name_taken"));
    assert_true(
        err_is(worker_fork(&harness.call, STR("none"), STR("new"), &object), "unknown_table"));
    drop("t");
    drop("copy");
    drop("never was");
}

static void takes_json(void **state)
{
    (void)state;
    struct columns columns =
        COLUMNS("n", "int", "s", "varchar(3)", "j", "json", "t", "timestamptz");
    ok(load_text(
        "t",
        LOAD_CREATE,
        FORMAT_JSON,
        "[{\"n\": 1, \"s\": \"ab\", \"j\": {\"x\": [1, null]}, \"t\": \"2026-01-01T00:00:00Z\"},\n"
        " {\"n\": \"2\", \"j\": \"text\"}, {\"n\": null, \"j\": null, \"s\": "
        "\"\xC3\xA9\xC3\xA9\xC3\xA9\"}, {}]",
        columns,
        &object));
    assert_int_equal(object.row_count, 4);
    assert_str(query_rows("SELECT * FROM t"),
               "[{\"n\":1,\"s\":\"ab\",\"j\":{\"x\":[1,null]},\"t\":\"2026-01-01T00:00:00Z\"},"
               "{\"n\":2,\"s\":null,\"j\":\"text\",\"t\":null},{\"n\":null,\"s\":"
               "\"\xC3\xA9\xC3\xA9\xC3\xA9\",\"j\":null,"
               "\"t\":null},{\"n\":null,\"s\":null,\"j\":null,\"t\":null}]");
    static const struct {
        const char *text, *says[3];
    } cases[] = {
        {"[{\"n\":1},{\"n\":\"x\"}]", {"\"line\":2", "\"column\":\"n\"", "\"value\":\"x\""}},
        {"[{\"n\":1.5}]", {"\"line\":1", "\"value\":\"1.5\"", "is not a valid int"}},
        {"[{\"n\":true}]", {"\"line\":1", "\"value\":\"true\""}},
        {"[{\"s\":\"abcd\"}]", {"\"line\":1", "longer than 3"}},
        {"[{\"n\":1},{\"m\":1}]", {"\"line\":2", "\"column\":\"m\"", "no such column"}},
        {"[{\"n\":1},5]", {"\"line\":2", "not an object"}},
        {"[{\"n\":1},]", {NULL}},
        {"{\"n\":1}", {"not an array"}},
        {"[{\"n\":1", {"not an array"}},
        {"nonsense", {"not an array"}},
        {"", {"zero bytes"}},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        err e = load_text("t", LOAD_APPEND, FORMAT_JSON, cases[i].text, INFERRED, &object);
        if (!e) {
            assert_null(cases[i].says[0]);
            continue;
        }
        if (e->status != 422 || !err_is(e, "invalid_file"))
            fail_msg("%d %s [%.*s] for %s", e->status, e->code, STR_ARGS(e->inside), cases[i].text);
        str all = str_fmt(&harness.mem, "%.*s %.*s", STR_ARGS(e->detail), STR_ARGS(e->errors));
        for (size_t j = 0; j < 3 && cases[i].says[j]; j++)
            assert_has(all, cases[i].says[j]);
    }
    drop("t");
    ok(load_text("t",
                 LOAD_CREATE,
                 FORMAT_JSON,
                 "[{\"a\":1,\"b\":\"x\",\"c\":[1]},{\"a\":2,\"d\":1.5}]",
                 INFERRED,
                 &object));
    assert_str(
        query_rows("SELECT * FROM t"),
        "[{\"a\":1,\"b\":\"x\",\"c\":[1],\"d\":null},{\"a\":2,\"b\":null,\"c\":null,\"d\":1.5}]");
    drop("t");
}

static char *parquet_make(const char *select, size_t *len)
{
    char sql[1024], path[128];
    snprintf(path, sizeof(path), "%s/made.parquet", harness.dir);
    snprintf(sql, sizeof(sql), "COPY (%s) TO '%s' (FORMAT parquet)", select, path);
    run_sql(sql);
    FILE *file = fopen(path, "rb");
    char *bytes = arena_alloc(&harness.mem, 1 << 20);
    *len = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

static err parquet(const char *bytes, size_t len, struct columns columns)
{
    int64_t added;
    struct load load = {.table = STR("t"),
                        .format = FORMAT_PARQUET,
                        .path = file_write("upload", bytes, len),
                        .columns = columns};
    err e = worker_load(&harness.call, &load, &object, &added);
    call_serial(&harness.call);
    return e;
}

static void takes_parquet(void **state)
{
    (void)state;
    size_t len;
    char *bytes = parquet_make(
        "SELECT 'w' || i AS \"SomeString\", i AS \"SomeNumber\" FROM range(3) AS r(i)", &len);
    ok(parquet(bytes, len, DECLARED));
    assert_str(query_rows("SELECT * FROM t WHERE \"SomeNumber\" = 2"),
               "[{\"SomeNumber\":2,\"SomeString\":\"w2\"}]");
    drop("t");
    ok(parquet(bytes, len, INFERRED));
    assert_str(object.columns.at[0].column_type, "text");
    assert_str(object.columns.at[1].column_type, "bigint");
    drop("t");
    for (size_t cut = 0; cut < len; cut += 7) { /* cut off anywhere */
        err e = parquet(bytes, cut, DECLARED);
        assert_non_null(e);
        if (e->status != 422 || !err_is(e, "invalid_file"))
            fail_msg("%zu: %d %s %.*s", cut, e->status, e->code, STR_ARGS(e->inside));
        next_call();
        bytes = parquet_make(
            "SELECT 'w' || i AS \"SomeString\", i AS \"SomeNumber\" FROM range(3) AS r(i)", &len);
    }
    for (size_t at = len - 40; at < len - 4;
         at++) { /* a damaged footer: an error of ours, or rows, never a crash */
        char was = bytes[at];
        bytes[at] = (char)~was;
        err e = parquet(bytes, len, DECLARED);
        if (!e)
            drop("t");
        else if (e->status != 422)
            fail_msg("%zu: %d %s %.*s", at, e->status, e->code, STR_ARGS(e->inside));
        bytes[at] = was;
    }
    bytes = parquet_make("SELECT 1 AS \"SomeNumber\", 'a' AS other", &len);
    err e = parquet(bytes, len, DECLARED);
    assert_has(e->errors, "\"column\":\"SomeString\"");
    assert_has(e->errors, "\"column\":\"other\"");
    next_call();
    bytes = parquet_make("SELECT CASE i WHEN 2 THEN 1.5 ELSE i END AS \"SomeNumber\", 'a' AS "
                         "\"SomeString\" FROM range(4) AS r(i)",
                         &len);
    e = parquet(bytes, len, DECLARED);
    assert_non_null(e);
    assert_has(e->errors, "\"line\":3");
    assert_has(e->errors, "\"value\":\"1.5\"");
    next_call();
    bytes = parquet_make(
        "SELECT [1, 2] AS l, {'a': 1} AS s, 1::hugeint AS h, TIMESTAMP '2026-01-01' AS t", &len);
    ok(parquet(bytes, len, INFERRED));
    assert_str(query_rows("SELECT l, s, t FROM t"),
               "[{\"l\":[1,2],\"s\":{\"a\":1},\"t\":\"2026-01-01T00:00:00\"}]");
    drop("t");
}

static void keeps_what_was_there_when_stopped(void **state)
{
    (void)state;
    ok(csv("t", SAMPLE, DECLARED));
    harness.cancelled = true;
    err e =
        load_text("t", LOAD_REPLACE, FORMAT_CSV, "SomeNumber,SomeString\nx,y\n", INFERRED, &object);
    harness.cancelled = false;
    assert_non_null(e);
    assert_int_equal(e->status, 503);
    detach_file();
    attach_file();
    struct objects objects;
    ok(worker_objects(&harness.call, &objects));
    assert_int_equal(objects.n, 1);
    assert_str(query_rows("SELECT count(*) AS n FROM t"), "[{\"n\":3}]");
    drop("t");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(loads_the_sample, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(takes_other_forms, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(takes_every_type, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(refuses_wrong_values, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(
            names_the_place_of_each_error, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(
            names_a_hundred_errors_at_most, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(
            names_the_place_when_types_are_inferred, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(infers_types, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(appends_and_replaces, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(takes_json, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(takes_parquet, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(
            keeps_what_was_there_when_stopped, harness_setup, harness_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
