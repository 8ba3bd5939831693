/* Transactions: what they keep and undo, how rows are read, what errors mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cmocka.h>

#include <cmocka.h>

#include <cmocka.h>

#include <cmocka.h>

#include <cmocka.h>

#include <cmocka.h>

#include <sched.h>
#include <string.h>

#include "store/sqlite.h"
#include "unit/store/folder.h"

struct fixture {
    struct folder folder;
    struct arena mem;
    struct store *store;
    struct db db;
};

static const struct migration migrations[] = {
    {.number = 1,
     .name = "things",
     .up = {"CREATE TABLE things (name TEXT PRIMARY KEY NOT NULL, n BIGINT, ratio DOUBLE "
            "PRECISION, open BOOLEAN, tags TEXT, size BIGINT CHECK (size < 100));"
            "CREATE TABLE parts (thing TEXT NOT NULL REFERENCES things (name), n BIGINT);",
            216},
     .down = {"DROP TABLE parts; DROP TABLE things;", 36}},
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    folder_make(&f->folder);
    arena_init(&f->mem, 64 << 20);
    struct migration *list = arena_array(&f->mem, 1, sizeof(*list));
    *list = migrations[0];
    list->up.len = strlen(list->up.at);
    list->down.len = strlen(list->down.at);
    struct store_options options = {
        .path = f->folder.file, .migrations = list, .migration_count = 1};
    int applied;
    assert_ok(store_open(&f->mem, &options, &f->store));
    assert_ok(store_migrate_up(f->store, &f->mem, &applied));
    assert_int_equal(applied, 1);
    f->db = (struct db){.store = f->store, .mem = &f->mem, .actor = STR("test")};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    folder_remove(&f->folder);
    arena_done(&f->mem);
    free(f);
    return 0;
}

struct thing {
    str name;
    int64_t n, size;
    double ratio;
    bool open;
    struct strs tags;
};

static const struct field thing_row[] = {
    FIELD(struct thing, name, FIELD_STR),
    FIELD(struct thing, n, FIELD_INT),
    FIELD(struct thing, ratio, FIELD_REAL),
    FIELD(struct thing, open, FIELD_BOOL),
    FIELD(struct thing, tags, FIELD_STRS),
    FIELD(struct thing, size, FIELD_INT),
    FIELD_LAST,
};

static err thing_add(struct db *db, const char *name, int64_t n)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(db, &tx));
    TRY(tx_run(&tx, "INSERT INTO things (name, n) VALUES ($1, $2)", A(name), A(n)));
    return tx_commit(&tx);
}

static int64_t count(struct db *db)
{
    int64_t n;
    CLEANUP(tx_done) struct tx tx = {0};
    assert_ok(db_read(db, &tx));
    assert_ok(tx_number(&tx, &n, "SELECT count(*) FROM things"));
    return n;
}

static void values_come_back(void **state)
{
    struct fixture *f = *state;
    struct tx tx;
    struct thing thing = {0};
    assert_ok(db_begin(&f->db, &tx));
    /* Numbers of parameters count, not the order in which they occur. */
    assert_ok(tx_run(&tx,
                     "INSERT INTO things (tags, open, ratio, n, name) VALUES ($5, $4, $3, $2, $1)",
                     A(STR("a\"\xc3\xa4")),
                     A((int64_t)1 << 60),
                     A(0.1),
                     A((bool)true),
                     A("[\"x\", \"y\"]")));
    assert_int_equal(tx.changed, 1);
    assert_ok(tx_commit(&tx));
    assert_ok(db_read(&f->db, &tx));
    assert_ok(tx_one(&tx,
                     thing_row,
                     &thing,
                     "SELECT * FROM things WHERE n = $1 OR n = $1",
                     A((int64_t)1 << 60)));
    assert_ok(tx_commit(&tx));
    assert_true(str_eq(thing.name, STR("a\"\xc3\xa4")));
    assert_true(thing.n == (int64_t)1 << 60 && thing.ratio == 0.1 && thing.open);
    assert_int_equal(thing.size, 0);
    assert_int_equal(thing.tags.n, 2);
    assert_true(str_eq(thing.tags.at[1], STR("y")));
}

static void absent_is_null(void **state)
{
    struct fixture *f = *state;
    CLEANUP(tx_done) struct tx tx = {0};
    struct thing thing = {.n = 7, .ratio = 7, .open = true, .tags = {.n = 7}};
    assert_ok(db_begin(&f->db, &tx));
    assert_ok(tx_run(&tx, "INSERT INTO things (name, tags) VALUES ($1, $2)", A("x"), A((str){0})));
    assert_ok(tx_one(&tx, thing_row, &thing, "SELECT * FROM things WHERE tags IS NULL"));
    assert_true(thing.n == 0 && thing.ratio == 0 && !thing.open && thing.tags.n == 0);
    bool found = true;
    assert_ok(tx_find(&tx, thing_row, &thing, &found, "SELECT * FROM things WHERE name = ''"));
    assert_false(found);
    assert_true(
        err_is(tx_one(&tx, thing_row, &thing, "SELECT * FROM things WHERE name = $1", A("none")),
               "not_found"));
    assert_ok(tx_run(&tx, "DELETE FROM things"));
    assert_ok(tx_commit(&tx));
}

static void what_is_not_committed_is_undone(void **state)
{
    struct fixture *f = *state;
    {
        CLEANUP(tx_done) struct tx tx = {0};
        assert_ok(db_begin(&f->db, &tx));
        assert_ok(tx_run(&tx, "INSERT INTO things (name) VALUES ('a')"));
    }
    assert_int_equal(count(&f->db), 0);
    assert_ok(thing_add(&f->db, "a", 1));
    assert_int_equal(count(&f->db), 1);
}

static void a_reader_has_one_snapshot(void **state)
{
    struct fixture *f = *state;
    struct tx tx;
    int64_t n;
    assert_ok(db_read(&f->db, &tx));
    assert_ok(tx_number(&tx, &n, "SELECT count(*) FROM things"));
    assert_int_equal(n, 0);
    assert_ok(thing_add(&f->db, "a", 1));
    assert_ok(tx_number(&tx, &n, "SELECT count(*) FROM things"));
    assert_int_equal(n, 0);
    assert_ok(tx_end_durable(&tx));
    assert_int_equal(count(&f->db), 1);
}

static void a_kept_snapshot_is_never_old(void **state)
{
    struct fixture *f = *state;
    struct store_options options = {.path = f->folder.file};
    struct store *other;
    assert_int_equal(count(&f->db), 0);
    const struct store_conn *idle = f->store->readers.idle;
    assert_false(sqlite3_get_autocommit(idle->db));
    assert_int_equal(count(&f->db), 0);

    assert_ok(store_open(&f->mem, &options, &other));
    struct db elsewhere = {.store = other, .mem = &f->mem};
    assert_ok(thing_add(&elsewhere, "a", 1));
    assert_int_equal(count(&f->db), 1);
    store_close(other);

    assert_ok(thing_add(&f->db, "b", 2));
    assert_true(sqlite3_get_autocommit(idle->db));
    assert_int_equal(count(&f->db), 2);
}

static void a_failed_snapshot_is_not_kept(void **state)
{
    struct fixture *f = *state;
    struct tx tx;
    assert_ok(db_read(&f->db, &tx));
    assert_non_null(tx_run(&tx, "INSERT INTO things (name) VALUES ('a')"));
    tx_done(&tx);
    assert_true(sqlite3_get_autocommit(f->store->readers.idle->db));
    assert_int_equal(count(&f->db), 0);
}

#define PAGES 20

/* Two readers, of which one is idle for long. */
static void kept_snapshots_let_the_wal_begin_anew(void **state)
{
    struct fixture *f = *state;
    struct tx tx;
    char name[112];
    struct stat wal;
    store_close(f->store);
    struct store_options options = {.path = f->folder.file, .checkpoint_pages = PAGES};
    assert_ok(store_open(&f->mem, &options, &f->store));
    f->db.store = f->store;
    for (int i = 0; i < 40 * PAGES; i++) {
        snprintf(name, sizeof(name), "%d", i);
        assert_ok(db_read(&f->db, &tx));
        assert_int_equal(count(&f->db), i);
        assert_ok(tx_commit(&tx));
        assert_ok(thing_add(&f->db, name, i));
        assert_int_equal(count(&f->db), i + 1);
    }
    snprintf(name, sizeof(name), "%s-wal", f->folder.file);
    assert_return_code(stat(name, &wal), 0);
    assert_true(wal.st_size < 3 * PAGES * 4096);
}

static void a_reader_can_not_write(void **state)
{
    struct fixture *f = *state;
    CLEANUP(tx_done) struct tx tx = {0};
    assert_ok(db_read(&f->db, &tx));
    assert_int_equal(tx_run(&tx, "INSERT INTO things (name) VALUES ('a')")->status, 500);
}

static void a_failed_constraint_is_a_conflict(void **state)
{
    struct fixture *f = *state;
    assert_ok(thing_add(&f->db, "a", 1));
    err e = thing_add(&f->db, "a", 2);
    assert_true(err_is(e, "conflict"));
    assert_int_equal(e->status, 409);
    CLEANUP(tx_done) struct tx tx = {0};
    assert_ok(db_begin(&f->db, &tx));
    assert_true(err_is(tx_run(&tx, "INSERT INTO parts (thing) VALUES ('none')"), "conflict"));
    /* The transaction has failed as a whole. */
    assert_int_equal(tx_run(&tx, "INSERT INTO things (name) VALUES ('b')")->status, 500);
    assert_int_equal(tx_commit(&tx)->status, 500);
    assert_int_equal(count(&f->db), 1);
}

static void a_failed_check_is_our_fault(void **state)
{
    struct fixture *f = *state;
    CLEANUP(tx_done) struct tx tx = {0};
    assert_ok(db_begin(&f->db, &tx));
    err e = tx_run(&tx, "INSERT INTO things (name, size) VALUES ('a', 100)");
    assert_int_equal(e->status, 500);
    assert_true(e->inside.len > 0);
}

static void the_number_of_values_is_checked(void **state)
{
    struct fixture *f = *state;
    CLEANUP(tx_done) struct tx tx = {0};
    int64_t n;
    assert_ok(db_read(&f->db, &tx));
    assert_int_equal(tx_number(&tx, &n, "SELECT $1", A(1), A(2))->status, 500);
    tx_done(&tx);
    assert_ok(db_read(&f->db, &tx));
    assert_int_equal(tx_number(&tx, &n, "SELECT $2", A(1))->status, 500);
    tx_done(&tx);
    assert_ok(db_read(&f->db, &tx));
    assert_int_equal(tx_number(&tx, &n, "SELECT 1; SELECT 2")->status, 500);
    tx_done(&tx);
    assert_ok(db_read(&f->db, &tx));
    assert_ok(tx_number(&tx, &n, "SELECT $1 + $2", A(1), A(2)));
    assert_int_equal(n, 3);
}

static void a_column_needs_its_field(void **state)
{
    struct fixture *f = *state;
    CLEANUP(tx_done) struct tx tx = {0};
    struct thing thing = {0};
    assert_ok(thing_add(&f->db, "a", 1));
    assert_ok(db_read(&f->db, &tx));
    assert_int_equal(tx_one(&tx, thing_row, &thing, "SELECT n AS m FROM things")->status, 500);
    assert_int_equal(tx_one(&tx, thing_row, &thing, "SELECT name AS n FROM things")->status, 500);
    assert_ok(tx_one(&tx, thing_row, &thing, "SELECT n FROM things"));
    assert_int_equal(thing.n, 1);
}

static void lists_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct list list;
    for (int i = 0; i < 50; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%02d", i);
        assert_ok(thing_add(&f->db, name, i));
    }
    CLEANUP(tx_done) struct tx tx = {0};
    assert_ok(db_read(&f->db, &tx));
    assert_ok(tx_list(
        &tx, thing_row, sizeof(struct thing), 50, &list, "SELECT * FROM things ORDER BY name"));
    assert_int_equal(list.n, 50);
    for (int i = 0; i < 50; i++)
        assert_int_equal(((struct thing *)list.at)[i].n, i);
    assert_int_equal(
        tx_list(&tx, thing_row, sizeof(struct thing), 49, &list, "SELECT * FROM things")->status,
        500);
    assert_ok(tx_list(&tx,
                      thing_row,
                      sizeof(struct thing),
                      9,
                      &list,
                      "SELECT * FROM things WHERE n > $1",
                      A(50)));
    assert_int_equal(list.n, 0);
}

static void no_commit_without_memory(void **state)
{
    struct fixture *f = *state;
    struct arena small;
    arena_init(&small, 64 * 1024);
    struct db db = {.store = f->store, .mem = &small};
    struct tx tx;
    assert_ok(db_begin(&db, &tx));
    assert_ok(tx_run(&tx, "INSERT INTO things (name) VALUES ('a')"));
    assert_null(arena_alloc(&small, 1 << 20));
    assert_true(err_is(tx_commit(&tx), "out_of_memory"));
    arena_done(&small);
    assert_int_equal(count(&f->db), 0);
}

struct heard {
    int runs, drops, order[4], n;
};

struct hook {
    struct heard *heard;
    int which;
};

static void hook_run(void *arg)
{
    struct hook *hook = arg;
    hook->heard->order[hook->heard->n++] = hook->which;
    hook->heard->runs++;
}

static void hook_drop(void *arg)
{
    ((struct hook *)arg)->heard->drops++;
}

static void after_the_commit(void **state)
{
    struct fixture *f = *state;
    struct heard heard = {0};
    struct hook one = {&heard, 1}, two = {&heard, 2};
    struct tx tx;
    assert_ok(db_begin(&f->db, &tx));
    assert_ok(tx_after(&tx, hook_run, hook_drop, &one));
    assert_ok(tx_after(&tx, hook_run, hook_drop, &two));
    assert_ok(tx_run(&tx, "INSERT INTO things (name) VALUES ('a')"));
    assert_int_equal(heard.runs, 0);
    assert_ok(tx_commit(&tx));
    assert_int_equal(heard.runs, 2);
    assert_true(heard.order[0] == 1 && heard.order[1] == 2 && heard.drops == 0);
    assert_ok(db_begin(&f->db, &tx));
    assert_ok(tx_after(&tx, hook_run, hook_drop, &one));
    assert_ok(tx_after(&tx, hook_run, NULL, &two));
    tx_done(&tx);
    assert_true(heard.runs == 2 && heard.drops == 1);
}

static void writing_in_writing_is_refused(void **state)
{
    struct fixture *f = *state;
    CLEANUP(tx_done) struct tx tx = {0};
    struct tx second;
    assert_ok(db_begin(&f->db, &tx));
    assert_int_equal(db_begin(&f->db, &second)->status, 500);
}

/* More literals than a connection keeps: the oldest are pushed out, and come back. */
#define MANY(n) tx_number(&tx, &got, "SELECT " #n)
#define MANY_10(n)                                                                      \
    MANY(n##0), MANY(n##1), MANY(n##2), MANY(n##3), MANY(n##4), MANY(n##5), MANY(n##6), \
        MANY(n##7), MANY(n##8), MANY(n##9)
#define MANY_100(n)                                                                           \
    MANY_10(n##0), MANY_10(n##1), MANY_10(n##2), MANY_10(n##3), MANY_10(n##4), MANY_10(n##5), \
        MANY_10(n##6), MANY_10(n##7), MANY_10(n##8), MANY_10(n##9)

static void statements_are_pushed_out(void **state)
{
    struct fixture *f = *state;
    int64_t got;
    CLEANUP(tx_done) struct tx tx = {0};
    assert_ok(db_read(&f->db, &tx));
    for (int round = 0; round < 3; round++) {
        err all[] = {MANY_100(1), MANY_100(2), MANY_100(3), MANY_100(4)};
        for (size_t i = 0; i < LENGTH(all); i++)
            assert_ok(all[i]);
        assert_int_equal(got, 499);
    }
}

#define CROWD 48 /* more than there are connections */

static void *crowd_main(void *arg)
{
    struct fixture *f = arg;
    for (int i = 0; i < 40; i++) {
        struct arena mem;
        arena_init(&mem, 1 << 20);
        struct db db = {.store = f->store, .mem = &mem};
        struct tx tx = {0};
        int64_t n = -1;
        if (db_read(&db, &tx) || tx_number(&tx, &n, "SELECT count(*) FROM things"))
            abort();
        sched_yield(); /* keeps the connection */
        tx_done(&tx);
        arena_done(&mem);
        if (n != 1)
            return NULL;
    }
    return f;
}

static void readers_take_turns(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[CROWD];
    struct tx held[READERS_MAX];
    assert_ok(thing_add(&f->db, "a", 1));
    /* All connections are taken when the crowd comes. */
    for (int i = 0; i < READERS_MAX; i++)
        assert_ok(db_read(&f->db, &held[i]));
    for (int i = 0; i < CROWD; i++)
        pthread_create(&threads[i], NULL, crowd_main, f);
    for (int i = 0; i < READERS_MAX; i++)
        assert_ok(tx_commit(&held[i]));
    for (int i = 0; i < CROWD; i++) {
        void *done;
        pthread_join(threads[i], &done);
        assert_ptr_equal(done, f);
    }
    assert_true(f->store->readers.open <= READERS_MAX);
}

static void it_is_there_after_a_new_start(void **state)
{
    struct fixture *f = *state;
    struct store_options options = {.path = f->folder.file};
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%d", i);
        assert_ok(thing_add(&f->db, name, i));
        store_close(f->store);
        assert_ok(store_open(&f->mem, &options, &f->store));
        f->db.store = f->store;
        assert_int_equal(count(&f->db), i + 1);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(values_come_back),
        CASE(absent_is_null),
        CASE(what_is_not_committed_is_undone),
        CASE(a_reader_has_one_snapshot),
        CASE(a_kept_snapshot_is_never_old),
        CASE(a_failed_snapshot_is_not_kept),
        CASE(kept_snapshots_let_the_wal_begin_anew),
        CASE(a_reader_can_not_write),
        CASE(a_failed_constraint_is_a_conflict),
        CASE(a_failed_check_is_our_fault),
        CASE(the_number_of_values_is_checked),
        CASE(a_column_needs_its_field),
        CASE(lists_are_bounded),
        CASE(no_commit_without_memory),
        CASE(after_the_commit),
        CASE(writing_in_writing_is_refused),
        CASE(statements_are_pushed_out),
        CASE(readers_take_turns),
        CASE(it_is_there_after_a_new_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
