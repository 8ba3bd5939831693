/* The log: numbers without gaps, ranges, pages of it, trimming. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "base/embedded.h"
#include "events/feeds.h"
#include "store/migrations.h"
#include "unit/store/folder.h"

struct fixture {
    struct folder folder;
    struct arena mem;
    struct store *store;
    struct events *events;
    struct db db;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct embedded_file own[3] = {0};
    const struct embedded_file *all = embedded_files;
    for (size_t n = 0; all->path; all++) {
        if (strstr(all->path, "/0001_events."))
            own[n++] = *all;
    }
    folder_make(&f->folder);
    arena_init(&f->mem, 64 << 20);
    struct store_options options = {.path = f->folder.file};
    int applied;
    assert_ok(migrations_make(&f->mem, own, &options.migrations, &options.migration_count));
    assert_ok(store_open(&f->mem, &options, &f->store));
    assert_ok(store_migrate_up(f->store, &f->mem, &applied));
    struct events_options events = {.store = f->store, .keep_days = 30};
    assert_ok(events_open(&f->mem, &events, &f->events));
    f->db = (struct db){.store = f->store, .mem = &f->mem, .actor = STR("somebody")};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    events_close(f->events);
    store_close(f->store);
    folder_remove(&f->folder);
    arena_done(&f->mem);
    free(f);
    return 0;
}

static void append(struct fixture *f, const char *team, const char *type, str data)
{
    CLEANUP(tx_done) struct tx tx = {0};
    assert_ok(db_begin(&f->db, &tx));
    assert_ok(event_append_json(f->events, &tx, str_of(team), type, STR("x"), data));
    assert_ok(tx_commit(&tx));
}

static void range(struct fixture *f, const char *team, int64_t last, int64_t oldest)
{
    int64_t n, o;
    CLEANUP(tx_done) struct tx tx = {0};
    assert_ok(db_read(&f->db, &tx));
    assert_ok(events_range(&tx, str_of(team), &n, &o));
    assert_int_equal(n, last);
    assert_int_equal(o, oldest);
}

static struct list read_log(struct fixture *f, struct log_ask ask, int64_t from, int64_t upto)
{
    struct list list;
    int64_t f_, u;
    CLEANUP(tx_done) struct tx tx = {0};
    assert_ok(db_read(&f->db, &tx));
    assert_ok(log_read(&tx, &ask, &list, &f_, &u));
    assert_int_equal(f_, from);
    assert_int_equal(u, upto);
    return list;
}

static int64_t number(struct list list, size_t i)
{
    assert_true(i < list.n);
    return ((struct event *)list.at)[i].n;
}

struct thing {
    str name;
    int64_t n;
};

static const struct field thing_fields[] = {
    FIELD(struct thing, name, FIELD_STR), FIELD(struct thing, n, FIELD_INT), FIELD_LAST};

static void an_event_is_kept_as_it_was(void **state)
{
    struct fixture *f = *state;
    struct thing thing = {STR("a\"b"), 7};
    {
        CLEANUP(tx_done) struct tx tx = {0};
        assert_ok(db_begin(&f->db, &tx));
        assert_ok(event_append(
            f->events, &tx, STR("team"), "thing.made", STR("a"), thing_fields, &thing));
        assert_ok(tx_commit(&tx));
    }
    struct list list = read_log(
        f, (struct log_ask){.team = STR("team"), .before = 10, .limit = 5, .bytes = 100}, 0, 9);
    assert_int_equal(list.n, 1);
    const struct event *event = list.at;
    assert_true(event->at > 0);
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, 10000);
    event_print(&text, event);
    str printed = buf_str(&text);
    assert_true(str_starts(printed, STR("{\"n\": 1, \"at\": \"20")));
    assert_true(
        str_ends(printed,
                 STR("\"type\": \"thing.made\", \"subject\": \"a\", \"actor\": \"somebody\", "
                     "\"data\": {\"name\": \"a\\\"b\", \"n\": 7}}")));
}

static void what_is_undone_takes_no_number(void **state)
{
    struct fixture *f = *state;
    append(f, "team", "t", STR("{}"));
    {
        CLEANUP(tx_done) struct tx tx = {0};
        assert_ok(db_begin(&f->db, &tx));
        assert_ok(event_append_json(f->events, &tx, STR("team"), "t", STR("x"), STR("{}")));
    }
    range(f, "team", 1, 1);
    range(f, "other", 0, 1);
    append(f, "other", "t", STR("{}"));
    append(f, "team", "t", STR("{}"));
    range(f, "team", 2, 1);
    range(f, "other", 1, 1);
}

static void an_event_too_large_is_refused(void **state)
{
    struct fixture *f = *state;
    char *at = malloc(EVENT_DATA_MAX + 1);
    memset(at, ' ', EVENT_DATA_MAX + 1);
    CLEANUP(tx_done) struct tx tx = {0};
    assert_ok(db_begin(&f->db, &tx));
    assert_non_null(event_append_json(
        f->events, &tx, STR("team"), "t", STR("x"), (str){at, EVENT_DATA_MAX + 1}));
    free(at);
}

static void pages_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct log_ask ask = {.team = STR("team"), .before = 11, .limit = 3, .bytes = 1000};
    str forty = STR("{\"text\": \"                             \"}");
    for (int i = 1; i <= 10; i++)
        append(f, "team", i % 2 ? "odd" : "even", forty);
    struct list list = read_log(f, ask, 0, 3);
    assert_true(list.n == 3 && number(list, 0) == 1 && number(list, 2) == 3);
    ask.after = 8;
    list = read_log(f, ask, 8, 10);
    assert_true(list.n == 2 && number(list, 0) == 9);
    ask.after = 0;
    ask.backwards = true;
    list = read_log(f, ask, 7, 10);
    assert_true(list.n == 3 && number(list, 0) == 8 && number(list, 2) == 10);
    ask.bytes = 2 * forty.len;
    list = read_log(f, ask, 8, 10);
    assert_true(list.n == 2 && number(list, 0) == 9);
    ask.backwards = false;
    ask.bytes = 1;
    list = read_log(f, ask, 0, 1);
    assert_true(list.n == 1 && number(list, 0) == 1);
    ask.bytes = 1000;
    str even = STR("even");
    ask.types = (struct strs){&even, 1};
    list = read_log(f, ask, 0, 6);
    assert_true(list.n == 3 && number(list, 0) == 2 && number(list, 2) == 6);
    ask.after = 6;
    list = read_log(f, ask, 6, 10);
    assert_true(list.n == 2 && number(list, 1) == 10);
}

static void trimming_takes_the_oldest(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 5; i++)
        append(f, "team", "t", STR("{}"));
    append(f, "other", "t", STR("{}"));
    CLEANUP(tx_done) struct tx tx = {0};
    assert_ok(db_begin(&f->db, &tx));
    assert_ok(tx_run(&tx, "UPDATE events SET at = 1 WHERE team = 'team' AND n <= 3"));
    assert_ok(tx_commit(&tx));
    assert_ok(events_trim(f->events, &f->mem));
    range(f, "team", 5, 4);
    range(f, "other", 1, 1);
    assert_ok(db_begin(&f->db, &tx));
    assert_ok(tx_run(&tx, "UPDATE events SET at = 1"));
    assert_ok(tx_commit(&tx));
    assert_ok(events_trim(f->events, &f->mem));
    range(f, "team", 5, 6);
    append(f, "team", "t", STR("{}"));
    range(f, "team", 6, 6);
}

/* More than one trimming transaction takes. */
static void trimming_takes_all(void **state)
{
    struct fixture *f = *state;
    CLEANUP(tx_done) struct tx tx = {0};
    assert_ok(db_begin(&f->db, &tx));
    for (int i = 0; i < 2500; i++)
        assert_ok(event_append_json(NULL, &tx, STR("team"), "t", STR("x"), STR("{}")));
    assert_ok(tx_run(&tx, "UPDATE events SET at = 1 WHERE n <= 2400"));
    assert_ok(tx_commit(&tx));
    assert_ok(events_trim(f->events, &f->mem));
    range(f, "team", 2500, 2401);
}

/* A clock that was put back gives no event an earlier time than the one before it. */
static void time_does_not_go_back(void **state)
{
    struct fixture *f = *state;
    int64_t wrong;
    append(f, "team", "t", STR("{}"));
    CLEANUP(tx_done) struct tx tx = {0};
    assert_ok(db_begin(&f->db, &tx));
    assert_ok(tx_run(&tx, "UPDATE event_logs SET last_at = $1", A((int64_t)1 << 60)));
    assert_ok(tx_commit(&tx));
    append(f, "team", "t", STR("{}"));
    assert_ok(db_read(&f->db, &tx));
    assert_ok(tx_number(
        &tx, &wrong, "SELECT count(*) FROM events WHERE n = 2 AND at < $1", A((int64_t)1 << 60)));
    assert_int_equal(wrong, 0);
}

#define WRITERS 8
#define EACH 60

static void *writer_main(void *arg)
{
    struct fixture *f = arg;
    for (int i = 0; i < EACH; i++) {
        struct arena mem;
        arena_init(&mem, 1 << 20);
        struct db db = {.store = f->store, .mem = &mem, .actor = STR("test")};
        struct tx tx = {0};
        if (db_begin(&db, &tx) ||
            event_append_json(f->events, &tx, STR("team"), "t", STR("x"), STR("{}")))
            abort();
        /* Some think better of it. */
        if (i % 5 && tx_commit(&tx))
            abort();
        tx_done(&tx);
        arena_done(&mem);
    }
    return NULL;
}

static void many_writers_leave_no_gap(void **state)
{
    struct fixture *f = *state;
    pthread_t writers[WRITERS];
    int64_t n = WRITERS * EACH * 4 / 5, count;
    for (int i = 0; i < WRITERS; i++)
        pthread_create(&writers[i], NULL, writer_main, f);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    range(f, "team", n, 1);
    CLEANUP(tx_done) struct tx tx = {0};
    assert_ok(db_read(&f->db, &tx));
    assert_ok(tx_number(&tx, &count, "SELECT count(*) FROM events WHERE n BETWEEN 1 AND $1", A(n)));
    assert_int_equal(count, n);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(an_event_is_kept_as_it_was),
        CASE(what_is_undone_takes_no_number),
        CASE(an_event_too_large_is_refused),
        CASE(pages_are_bounded),
        CASE(trimming_takes_the_oldest),
        CASE(trimming_takes_all),
        CASE(time_does_not_go_back),
        CASE(many_writers_leave_no_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
