/* The roll of the calls under way: who is on it, what is told of a call, and what cancels one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/time.h"
#include "engine/roll.h"

static struct arena mem;
static struct roll roll;

static int setup(void **state)
{
    (void)state;
    arena_init(&mem, 64 << 20);
    roll_init(&roll);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    roll_done(&roll);
    arena_done(&mem);
    return 0;
}

static size_t calls(struct engine_call **out)
{
    size_t n = 0;
    assert_null(roll_calls(&roll, &mem, out, &n));
    return n;
}

static struct roll_call made(const char *subject)
{
    return (struct roll_call){.team = STR("team"), .kind = STR("rows"), .subject = str_of(subject)};
}

static void calls_come_and_go(void **state)
{
    (void)state;
    struct engine_call *at;
    struct roll_call one = made("one"), two = made("two"), three = made("three");
    assert_int_equal(calls(&at), 0);
    roll_enter(&roll, &one);
    roll_enter(&roll, &two);
    roll_enter(&roll, &three);
    assert_int_equal(calls(&at), 3);
    assert_true(str_eq(at[0].subject, STR("one")) && str_eq(at[2].subject, STR("three")));
    assert_true(at[0].id < at[1].id && at[1].id < at[2].id);
    assert_true(at[0].is_waiting && at[0].took_us >= 0 && at[0].started_us > 0);
    assert_true(str_eq(at[0].team, STR("team")) && str_eq(at[0].kind, STR("rows")));
    assert_null(at[0].sql.at);
    atomic_store(&two.running, true);
    roll_leave(&roll, &one);
    assert_int_equal(calls(&at), 2);
    assert_true(str_eq(at[0].subject, STR("two")) && !at[0].is_waiting && at[1].is_waiting);
    roll_leave(&roll, &three);
    roll_leave(&roll, &two);
    assert_int_equal(calls(&at), 0);
}

static void a_long_query_is_cut_between_characters(void **state)
{
    (void)state;
    static char sql[2 * ROLL_SQL_MAX];
    struct engine_call *at;
    for (size_t i = 0; i + 2 < sizeof(sql); i += 2)
        memcpy(sql + 1 + i, "\xC3\xA4", 2);
    sql[0] = '-'; /* so that the limit falls into a character */
    struct roll_call call = made("view");
    call.sql = str_of(sql);
    roll_enter(&roll, &call);
    assert_int_equal(calls(&at), 1);
    assert_int_equal(at[0].sql.len, ROLL_SQL_MAX - 1);
    assert_true(str_utf8_ok(at[0].sql));
    roll_leave(&roll, &call);

    sql[ROLL_SQL_MAX - 1] = '\0';
    call.sql = str_of(sql);
    roll_enter(&roll, &call);
    assert_int_equal(calls(&at), 1);
    assert_int_equal(at[0].sql.len, ROLL_SQL_MAX - 1);
    roll_leave(&roll, &call);
}

static void cancelling_marks_the_one_call(void **state)
{
    (void)state;
    struct engine_call told = {0};
    struct roll_call one = made("one"), two = made("two");
    roll_enter(&roll, &one);
    roll_enter(&roll, &two);
    assert_false(roll_cancel(&roll, two.id + 1, &mem, &told));
    assert_false(roll_cancel(&roll, 0, &mem, &told));
    assert_false(atomic_load(&one.cancelled) || atomic_load(&two.cancelled));
    assert_true(roll_cancel(&roll, two.id, &mem, &told));
    assert_true(str_eq(told.subject, STR("two")));
    assert_true(!atomic_load(&one.cancelled) && atomic_load(&two.cancelled));
    assert_true(roll_cancel(&roll, two.id, &mem, &told)); /* it has not left yet */
    roll_leave(&roll, &two);
    assert_false(roll_cancel(&roll, two.id, &mem, &told));
    roll_leave(&roll, &one);
    err e = roll_cancelled(&mem);
    assert_int_equal(e->status, 409);
    assert_true(err_is(e, "query_cancelled"));
}

/* An id of the run before does not name a call of this one. */
static void ids_are_not_used_again(void **state)
{
    (void)state;
    struct roll_call one = made("one"), two = made("two");
    roll_enter(&roll, &one);
    roll_leave(&roll, &one);
    roll_done(&roll);
    roll_init(&roll);
    roll_enter(&roll, &two);
    assert_true(two.id > one.id);
    assert_true(two.id < ((int64_t)1 << 53)); /* a number of JavaScript */
    roll_leave(&roll, &two);
}

#define THREADS 4
#define CALLS_EACH 20000

static atomic_int calling;

static void *caller_run(void *arg)
{
    (void)arg;
    for (int i = 0; i < CALLS_EACH; i++) {
        char sql[] = "SELECT 1";
        struct roll_call call = made("thing");
        call.sql = str_of(sql);
        roll_enter(&roll, &call);
        atomic_store(&call.running, true);
        roll_leave(&roll, &call);
        memset(sql, 'x', sizeof(sql)); /* nobody looks at it any more */
    }
    atomic_fetch_sub(&calling, 1);
    return NULL;
}

static void many_call_while_one_looks(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct engine_call *at, told;
    atomic_store(&calling, THREADS);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, caller_run, NULL), 0);
    while (atomic_load(&calling)) {
        size_t n = calls(&at);
        assert_in_range(n, 0, THREADS);
        for (size_t i = 0; i < n; i++) {
            assert_true(str_eq(at[i].sql, STR("SELECT 1")));
            (void)roll_cancel(&roll, at[i].id, &mem, &told);
        }
        arena_done(&mem);
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(calls(&at), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(calls_come_and_go, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_query_is_cut_between_characters, setup, teardown),
        cmocka_unit_test_setup_teardown(cancelling_marks_the_one_call, setup, teardown),
        cmocka_unit_test_setup_teardown(ids_are_not_used_again, setup, teardown),
        cmocka_unit_test_setup_teardown(many_call_while_one_looks, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
