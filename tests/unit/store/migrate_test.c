/* Migrations: their files, up and down, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cmocka.h>

#include <string.h>

#include "store/migrations.h"
#include "unit/store/folder.h"

struct fixture {
    struct folder folder;
    struct arena mem;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    folder_make(&f->folder);
    arena_init(&f->mem, 64 << 20);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    folder_remove(&f->folder);
    arena_done(&f->mem);
    free(f);
    return 0;
}

#define FILE_(path, text)                   \
    {                                       \
        path, text, text + sizeof(text) - 1 \
    }
#define ONE_UP FILE_("src/a/migrations/0001_one.up.sql", "CREATE TABLE one (n BIGINT);")
#define ONE_DOWN FILE_("src/a/migrations/0001_one.down.sql", "DROP TABLE one;")
#define TWO_UP FILE_("src/b/migrations/0002_two.up.sql", "CREATE TABLE two (n BIGINT);")
#define TWO_DOWN FILE_("src/b/migrations/0002_two.down.sql", "DROP TABLE two;")

static const struct embedded_file both[] = {
    TWO_UP, TWO_DOWN, ONE_DOWN, ONE_UP, FILE_("web/index.html", "<p>"), {0}};

static struct store *open_with(struct fixture *f, const char *file,
                               const struct migration *migrations, size_t n)
{
    struct store *store;
    struct store_options options = {.path = file, .migrations = migrations, .migration_count = n};
    assert_ok(store_open(&f->mem, &options, &store));
    return store;
}

static void files_become_a_list(void **state)
{
    struct fixture *f = *state;
    const struct migration *list;
    size_t n;
    assert_ok(migrations_make(&f->mem, both, &list, &n));
    assert_int_equal(n, 2);
    assert_true(list[0].number == 1 && list[1].number == 2);
    assert_string_equal(list[0].name, "one");
    assert_true(str_eq(list[1].up, STR("CREATE TABLE two (n BIGINT);")));
    assert_true(str_eq(list[1].down, STR("DROP TABLE two;")));
}

static void wrong_files_are_refused(void **state)
{
    struct fixture *f = *state;
    static const struct embedded_file wrong[][6] = {
        {TWO_UP, TWO_DOWN},
        {ONE_UP},
        {ONE_DOWN},
        {ONE_UP, ONE_DOWN, FILE_("src/b/migrations/0001_other.up.sql", "")},
        {ONE_UP, ONE_DOWN, FILE_("src/b/migrations/0001_one.up.sql", "")},
        {ONE_UP, ONE_DOWN, FILE_("src/b/migrations/2_two.up.sql", "")},
        {ONE_UP, ONE_DOWN, FILE_("src/b/migrations/0002.up.sql", "")},
        {ONE_UP, ONE_DOWN, FILE_("src/b/migrations/0002_two.sql", "")},
        {ONE_UP, ONE_DOWN, FILE_("src/b/migrations/0000_two.up.sql", "")},
        {ONE_UP, ONE_DOWN, FILE_("src/b/migrations/9999_two.up.sql", "")},
    };
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        const struct migration *list;
        size_t n;
        err e = migrations_make(&f->mem, wrong[i], &list, &n);
        assert_non_null(e);
        assert_true(e->inside.len > 0);
    }
}

static void up_and_down(void **state)
{
    struct fixture *f = *state;
    const struct migration *list;
    size_t n;
    int done, version;
    assert_ok(migrations_make(&f->mem, both, &list, &n));
    struct store *store = open_with(f, f->folder.file, list, n);
    assert_ok(store_version(store, &f->mem, &version));
    assert_int_equal(version, 0);
    assert_ok(store_migrate_up(store, &f->mem, &done));
    assert_int_equal(done, 2);
    assert_ok(store_migrate_up(store, &f->mem, &done));
    assert_int_equal(done, 0);
    assert_ok(store_migrate_down(store, &f->mem, &done));
    assert_int_equal(done, 2);
    assert_ok(store_version(store, &f->mem, &version));
    assert_int_equal(version, 1);
    assert_ok(store_migrate_down(store, &f->mem, &done));
    assert_ok(store_migrate_down(store, &f->mem, &done));
    assert_int_equal(done, 0);
    assert_ok(store_migrate_up(store, &f->mem, &done));
    assert_int_equal(done, 2);
    store_close(store);
}

static void what_is_not_ours_is_refused(void **state)
{
    struct fixture *f = *state;
    const struct migration *list;
    size_t n;
    int done;
    assert_ok(migrations_make(&f->mem, both, &list, &n));
    struct store *store = open_with(f, f->folder.file, list, n);
    assert_ok(store_migrate_up(store, &f->mem, &done));
    store_close(store);
    store = open_with(f, f->folder.file, list, 1);
    err e = store_migrate_up(store, &f->mem, &done);
    assert_non_null(strstr(str_c(&f->mem, e->inside), "newer"));
    assert_non_null(store_migrate_down(store, &f->mem, &done));
    store_close(store);
    struct migration edited[] = {list[0], list[1]};
    edited[0].up = STR("CREATE TABLE one (n BIGINT, m BIGINT)");
    store = open_with(f, f->folder.file, edited, 2);
    e = store_migrate_up(store, &f->mem, &done);
    assert_non_null(strstr(str_c(&f->mem, e->inside), "is not what it was"));
    store_close(store);
}

static void a_failing_one_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct migration list[] = {
        {1,
         "one",
         STR("CREATE TABLE one (n BIGINT);\n-- and\nCREATE TABLE one (n BIGINT)"),
         STR("")},
        {1,
         "one",
         STR("CREATE TABLE one (n BIGINT); COMMIT; CREATE TABLE two (n BIGINT)"),
         STR("")},
    };
    for (size_t i = 0; i < LENGTH(list); i++) {
        int done, version;
        char file[128];
        snprintf(file, sizeof(file), "%s/%zu", f->folder.path, i);
        struct store *store = open_with(f, file, &list[i], 1);
        err e = store_migrate_up(store, &f->mem, &done);
        assert_non_null(e);
        assert_non_null(strstr(str_c(&f->mem, e->inside), "migration 1, one"));
        assert_ok(store_version(store, &f->mem, &version));
        assert_int_equal(version, 0);
        store_close(store);
    }
}

struct schema {
    str sql;
};

static const struct field schema_row[] = {FIELD(struct schema, sql, FIELD_STR), FIELD_LAST};

static str schema_of(struct fixture *f, struct store *store)
{
    struct db db = {.store = store, .mem = &f->mem};
    struct tx tx;
    struct list list;
    str all = STR("");
    assert_ok(db_read(&db, &tx));
    assert_ok(tx_list(&tx,
                      schema_row,
                      sizeof(struct schema),
                      1000,
                      &list,
                      "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name"));
    assert_ok(tx_commit(&tx));
    for (size_t i = 0; i < list.n; i++)
        all = str_fmt(
            &f->mem, "%.*s%.*s\n", STR_ARGS(all), STR_ARGS(((struct schema *)list.at)[i].sql));
    return all;
}

/* The program's own: made at once, one after another, and after all the way down again, they are
 * the same. */
static void fresh_and_upgraded_are_identical(void **state)
{
    struct fixture *f = *state;
    const struct migration *list;
    size_t n;
    int done;
    char file[128];
    assert_ok(migrations_make(&f->mem, embedded_files, &list, &n));
    assert_true(n > 0);
    struct store *store = open_with(f, f->folder.file, list, n);
    assert_ok(store_migrate_up(store, &f->mem, &done));
    str fresh = schema_of(f, store);
    for (size_t i = 0; i < n; i++)
        assert_ok(store_migrate_down(store, &f->mem, &done));
    assert_int_equal(done, 1);
    assert_true(str_starts(schema_of(f, store), STR("CREATE TABLE migrations")));
    assert_int_equal(str_find(str_trim(schema_of(f, store)), '\n'), -1);
    assert_ok(store_migrate_up(store, &f->mem, &done));
    assert_true(str_eq(schema_of(f, store), fresh));
    store_close(store);
    snprintf(file, sizeof(file), "%s/stepwise", f->folder.path);
    for (size_t i = 1; i <= n; i++) {
        store = open_with(f, file, list, i);
        assert_ok(store_migrate_up(store, &f->mem, &done));
        assert_int_equal(done, 1);
        if (i == n)
            assert_true(str_eq(schema_of(f, store), fresh));
        store_close(store);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(files_become_a_list),
        CASE(wrong_files_are_refused),
        CASE(up_and_down),
        CASE(what_is_not_ours_is_refused),
        CASE(a_failing_one_leaves_nothing),
        CASE(fresh_and_upgraded_are_identical),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
