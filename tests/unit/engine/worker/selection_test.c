/* Rows that are asked for: what a filter makes of each type and of each wrong value, and that pages
 * of any order hold each row once. */
#include "unit/engine/worker/harness.h"

#include <jansson.h>

#include "engine/worker/filter.h"

static struct object object;

static struct strs strs_of(const char *const *texts)
{
    struct strs list = {arena_array(&harness.mem, 64, sizeof(str)), 0};
    while (texts[list.n]) {
        list.at[list.n] = str_of(texts[list.n]);
        list.n++;
    }
    return list;
}

#define TEXTS(...) strs_of((const char *const[]){__VA_ARGS__, NULL})

/* One column of every kind of type that a view can have. */
static void kinds_make(void)
{
    ok(load_text("base", LOAD_CREATE, FORMAT_CSV, "n\n1\n2\n3\n", COLUMNS("n", "int"), &object));
    struct refresh refresh = {
        .view = STR("kinds"),
        .sql = STR("SELECT n, CAST(n AS HUGEINT) AS huge, CAST(n AS DECIMAL(10, 2)) / 4 AS quarter,"
                   " CAST(n AS DECIMAL(6, 2)) + 0.25 AS dec, CAST(n AS FLOAT) / 2 AS half,"
                   " n % 2 = 0 AS even, 'Text ' || n AS word, [n, n] AS list, {'a': n} AS struct,"
                   " encode('x' || n) AS blob, CAST('{\"a\":' || n || '}' AS JSON) AS doc,"
                   " CAST('00000000-0000-4000-8000-00000000000' || n AS UUID) AS id,"
                   " DATE '2026-01-01' + n AS day, TIME '10:00:00' + to_seconds(n) AS clock,"
                   " TIMESTAMP '2026-01-01 00:00:00' + to_hours(n) AS at,"
                   " CASE WHEN n < 3 THEN n END AS some FROM base")};
    struct refreshed refreshed;
    ok(worker_refresh(&harness.call, &refresh, &refreshed));
    next_call();
}

static err kinds_rows(const char *filter, int64_t *count)
{
    struct rows_ask ask = {
        .name = STR("kinds"), .limit = 10, .filter = TEXTS(filter), .count = true};
    struct rows_page page;
    err e = worker_rows(&harness.call, &ask, &page);
    *count = e ? -1 : page.row_count;
    return e;
}

static void filters_know_each_type(void **state)
{
    static const struct {
        const char *filter;
        int64_t rows;
    } cases[] = {
        {"n:ge:2", 2},
        {"n:eq:1e0", 1},
        {"n:lt:2.0", 1},
        {"huge:gt:1", 2},
        {"huge:lt:170141183460469231731687303715884105727", 3},
        {"quarter:lt:0.6", 2},
        {"dec:eq:1.25", 1},
        {"dec:gt:1.249999999999999999999", 3},
        {"dec:lt:1.250000000000000000001", 1},
        {"half:eq:0.5", 1},
        {"even:eq:true", 1},
        {"even:ne:true", 2},
        {"word:eq:Text 2", 1},
        {"word:contains:EXT", 3},
        {"word:starts:t", 3},
        {"word:starts:ext", 0},
        {"word:contains:%", 0},
        {"word:contains:", 3},
        {"list:not_null", 3},
        {"struct:null", 0},
        {"blob:not_null", 3},
        {"doc:eq:{\"a\":2}", 1},
        {"doc:contains:\"A\":3", 1},
        {"id:eq:00000000-0000-4000-8000-000000000002", 1},
        {"id:contains:0003", 1},
        {"day:le:2026-01-03", 2},
        {"clock:gt:10:00:02", 1},
        {"at:ge:2026-01-01T02:00:00Z", 2},
        {"at:lt:2026-01-01 02:00", 1},
        {"some:null", 1},
        {"some:ne:1", 1},
    };
    (void)state;
    kinds_make();
    for (size_t i = 0; i < LENGTH(cases); i++) {
        int64_t count;
        ok(kinds_rows(cases[i].filter, &count));
        if (count != cases[i].rows)
            fail_msg("%s: %lld rows", cases[i].filter, (long long)count);
        next_call();
    }
}

static void what_does_not_fit_is_named(void **state)
{
    static const struct {
        const char *filter, *text;
    } cases[] = {
        {"n:eq:1.5", "\"1.5\" does not fit \"n\""},
        {"n:eq:1e-1x", "does not fit"},
        {"n:eq:''", "does not fit"},
        {"n:eq:1) OR (1=1", "does not fit"},
        {"huge:eq:1701411834604692317316873037158841057270", "does not fit"},
        {"dec:eq:99999999999999999999999999999999999999.5", "does not fit"},
        {"half:eq:half", "does not fit"},
        {"even:eq:2x", "does not fit"},
        {"id:eq:2", "does not fit"},
        {"day:eq:2026-02-30", "does not fit"},
        {"clock:eq:25:00", "does not fit"},
        {"at:eq:later", "does not fit"},
        {"list:eq:[1, 1]", "only null and not_null"},
        {"struct:gt:1", "only null and not_null"},
        {"blob:eq:x1", "only null and not_null"},
        {"day:contains:2026", "is for texts"},
        {"list:starts:[", "is for texts"},
        {"nope:eq:1", "There is no column \"nope\""},
        {":eq:1", "There is no column \"\""},
        {"n::1", "\"\" is not one of"},
        {"n:EQ:1", "\"EQ\" is not one of"},
    };
    (void)state;
    kinds_make();
    for (size_t i = 0; i < LENGTH(cases); i++) {
        int64_t count;
        err e = kinds_rows(cases[i].filter, &count);
        str said = e && e->status == 422 ? e->detail : STR("taken");
        if (!memmem(said.at, said.len, cases[i].text, strlen(cases[i].text)))
            fail_msg("%s: %.*s", cases[i].filter, STR_ARGS(said));
        next_call();
    }
}

/* All rows of an ask, page after page, as the numbers of their column i. */
static size_t walk(struct rows_ask ask, int64_t *out, size_t most)
{
    struct rows_page page;
    size_t n = 0;
    do {
        ok(worker_rows(&harness.call, &ask, &page));
        json_t *list = json_loadb(page.json.at, page.json.len, 0, NULL), *row;
        size_t i;
        assert_true(json_array_size(list) <= (size_t)ask.limit);
        json_array_foreach(list, i, row)
        {
            assert_true(n < most);
            out[n++] = json_integer_value(json_object_get(row, "i"));
        }
        json_decref(list);
        ask.after = page.next;
    } while (page.next.at);
    return n;
}

#define ROWS 3000

static void table_make(const char *name, const char *second)
{
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, 1 << 20);
    buf_fmt(&text, "i,%s\n", second);
    for (int i = 0; i < ROWS; i++)
        buf_fmt(&text, "%d,%d\n", i, i % 7 ? i % 5 : i % 3);
    buf_char(&text, 0);
    ok(load_text(
        name, LOAD_CREATE, FORMAT_CSV, text.at, COLUMNS("i", "int", second, "int"), &object));
    next_call();
}

static void pages_hold_each_row_once(void **state)
{
    static const char *const names[] = {"plain", "hiding"}, *const seconds[] = {"k", "rowid"};
    (void)state;
    for (size_t t = 0; t < LENGTH(names); t++) {
        table_make(names[t], seconds[t]);
        const char *sorts[] = {NULL, seconds[t], t ? "-rowid" : "-k"};
        for (size_t s = 0; s < LENGTH(sorts); s++) {
            static int64_t seen[ROWS];
            static bool found[ROWS];
            struct rows_ask ask = {
                .name = str_of(names[t]), .limit = 449, .filter = TEXTS("i:ge:100")};
            if (sorts[s])
                ask.sort = TEXTS(sorts[s]);
            size_t n = walk(ask, seen, ROWS);
            assert_int_equal(n, ROWS - 100);
            memset(found, 0, sizeof(found));
            for (size_t i = 0; i < n; i++) {
                assert_false(found[seen[i]]);
                found[seen[i]] = true;
            }
            next_call();
        }
    }
}

static void an_offset_is_where_the_pages_get_to(void **state)
{
    (void)state;
    static int64_t all[ROWS], rest[ROWS];
    table_make("plain", "k");
    struct rows_ask ask = {.name = STR("plain"), .limit = 500};
    for (int sorted = 0; sorted < 2; sorted++) {
        ask.sort = sorted ? TEXTS("-k,i") : (struct strs){0};
        ask.offset = 0;
        assert_int_equal(walk(ask, all, ROWS), ROWS);
        ask.offset = 1234;
        assert_int_equal(walk(ask, rest, ROWS), ROWS - 1234);
        assert_memory_equal(rest, all + 1234, (ROWS - 1234) * sizeof(*all));
        next_call();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(filters_know_each_type, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(
            what_does_not_fit_is_named, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(pages_hold_each_row_once, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(
            an_offset_is_where_the_pages_get_to, harness_setup, harness_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
