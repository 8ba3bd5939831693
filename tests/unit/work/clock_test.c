/* The clock: due on time, never twice at once, missed calls made up for once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "base/time.h"
#include "work/clock.h"

#define CALLS_MAX 256
#define PATIENCE_S 20
#define IDS 256

struct call {
    int64_t id, due, at;
};

/* What was called, and a gate that calls wait at while it is shut. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct call calls[CALLS_MAX];
    size_t n, under_way, most_under_way, ended, of_one;
    bool busy[IDS], overlapped, shut;
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static struct arena mem;
static struct log quiet = {.level = LOG_ERROR, .fd = 2};
static struct clock *under_test;
static struct zone *utc;

static void on_due(void *arg, int64_t id, int64_t due_us)
{
    assert_ptr_equal(arg, &seen);
    pthread_mutex_lock(&seen.lock);
    if (seen.n < CALLS_MAX)
        seen.calls[seen.n++] = (struct call){id, due_us, time_now()};
    seen.of_one += id == 1;
    seen.overlapped = seen.overlapped || seen.busy[id];
    seen.busy[id] = true;
    if (++seen.under_way > seen.most_under_way)
        seen.most_under_way = seen.under_way;
    pthread_cond_broadcast(&seen.changed);
    while (seen.shut)
        pthread_cond_wait(&seen.changed, &seen.lock);
    seen.busy[id] = false;
    seen.under_way--;
    seen.ended++;
    pthread_cond_broadcast(&seen.changed);
    pthread_mutex_unlock(&seen.lock);
}

static void gate(bool shut)
{
    pthread_mutex_lock(&seen.lock);
    seen.shut = shut;
    pthread_cond_broadcast(&seen.changed);
    pthread_mutex_unlock(&seen.lock);
}

/* Waits until `*count` has reached `n`. */
static void await(const size_t *count, size_t n)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&seen.lock);
    int late = 0;
    while (*count < n && !late)
        late = pthread_cond_timedwait(&seen.changed, &seen.lock, &until);
    size_t reached = *count;
    pthread_mutex_unlock(&seen.lock);
    if (reached < n)
        fail_msg("%zu instead of %zu after %d s", reached, n, PATIENCE_S);
}

static struct call call_of(size_t i)
{
    pthread_mutex_lock(&seen.lock);
    struct call call = seen.calls[i];
    pthread_mutex_unlock(&seen.lock);
    return call;
}

static struct cron parsed(const char *text)
{
    struct cron cron = {0};
    assert_null(cron_parse(&mem, str_of(text), &cron));
    return cron;
}

static void set_of(const char *owner, int64_t id, const char *schedule, int64_t last)
{
    struct cron cron = parsed(schedule);
    assert_null(clock_set(under_test, &mem, id, str_of(owner), &cron, utc, last));
}

/* Each its own owner's. */
static void set(int64_t id, const char *schedule, int64_t last)
{
    char owner[32];
    snprintf(owner, sizeof(owner), "%lld", (long long)id);
    set_of(owner, id, schedule, last);
}

static void clock_make(size_t runners)
{
    struct clock_options options = {.runners = runners, .log = &quiet, .due = on_due, .arg = &seen};
    assert_null(clock_new(&mem, &options, &under_test));
}

static int setup(void **state)
{
    (void)state;
    arena_init(&mem, 1 << 20);
    seen.n = seen.under_way = seen.most_under_way = seen.ended = seen.of_one = 0;
    seen.shut = seen.overlapped = false;
    assert_null(zone_load(&mem, STR("UTC"), &utc));
    clock_make(2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    gate(false);
    clock_free(under_test);
    assert_false(seen.overlapped);
    zone_unref(utc);
    arena_done(&mem);
    return 0;
}

static void start(void)
{
    assert_null(clock_start(under_test, &mem));
}

static void test_on_time(void **state)
{
    (void)state;
    start();
    set(1, "1 second", time_now());
    await(&seen.ended, 3);
    for (size_t i = 0; i < 3; i++) {
        struct call call = call_of(i);
        assert_int_equal(call.id, 1);
        assert_int_equal(call.due % US_PER_S, 0);
        assert_true(call.at >= call.due);
        assert_true(call.at - call.due < US_PER_S / 2);
        assert_true(i == 0 || call.due > call_of(i - 1).due);
    }
}

/* Hours of minutes passed while nobody looked: one call, for the latest. */
static void test_missed_once(void **state)
{
    (void)state;
    int64_t now = time_now(), minute = now / (60 * US_PER_S) * 60 * US_PER_S;
    set(7, "* * * * *", now - 5 * 3600 * US_PER_S);
    set(8, "0 0 1 * *", now - 400 * 86400 * US_PER_S);
    set(9, "30 seconds", 1);
    start();
    await(&seen.ended, 3);
    clock_stop(under_test);
    assert_int_equal(seen.n, 3);
    for (size_t i = 0; i < 3; i++) {
        struct call call = call_of(i);
        assert_true(call.due <= call.at);
        if (call.id == 7)
            assert_true(call.due == minute || call.due == minute + 60 * US_PER_S);
        if (call.id == 8)
            assert_in_range(call.at - call.due, 0, 31 * 86400 * US_PER_S);
        if (call.id == 9)
            assert_in_range(call.at - call.due, 0, 31 * US_PER_S);
    }
}

static void test_no_overlap(void **state)
{
    (void)state;
    gate(true);
    start();
    set(1, "1 second", time_now());
    await(&seen.n, 1);
    /* Another entry shows that two more seconds have passed for the clock. */
    set(2, "1 second", call_of(0).due + US_PER_S);
    await(&seen.n, 2);
    assert_int_equal(call_of(1).id, 2);
    gate(false);
    await(&seen.of_one, 2);
    clock_stop(under_test);
    /* What came due meanwhile was called for once, and no due time twice. */
    for (size_t i = 0; i < seen.n; i++) {
        for (size_t j = 0; j < i; j++)
            assert_false(seen.calls[i].id == seen.calls[j].id &&
                         seen.calls[i].due == seen.calls[j].due);
    }
}

/* More entries than runners: the rest waits, and all are called. */
static void test_queue(void **state)
{
    (void)state;
    gate(true);
    int64_t last = time_now() - 120 * US_PER_S;
    for (int64_t id = 0; id < 40; id++)
        set(id, "* * * * *", last);
    start();
    await(&seen.under_way, 2);
    gate(false);
    await(&seen.ended, 40);
    assert_true(seen.most_under_way <= 2);
    bool called[40] = {0};
    for (size_t i = 0; i < 40; i++)
        called[call_of(i).id] = true;
    for (size_t i = 0; i < 40; i++)
        assert_true(called[i]);
}

/* Twenty of one owner that take long: one at a time, and another's is called at once. */
static void test_owners(void **state)
{
    (void)state;
    gate(true);
    int64_t last = time_now() - 120 * US_PER_S;
    for (int64_t id = 0; id < 20; id++)
        set_of("busy", id, "* * * * *", last);
    start();
    await(&seen.under_way, 1);
    set_of("other", 100, "* * * * *", last);
    await(&seen.under_way, 2);
    assert_int_equal(call_of(1).id, 100);
    gate(false);
    await(&seen.ended, 21);
}

static void test_remove(void **state)
{
    (void)state;
    set(1, "1 second", time_now());
    assert_true(clock_next(under_test, 1) > 0);
    clock_remove(under_test, 1);
    clock_remove(under_test, 1);
    assert_int_equal(clock_next(under_test, 1), 0);
    gate(true);
    start();
    set(2, "1 second", time_now());
    await(&seen.n, 1);
    clock_remove(under_test, 2); /* while it is called */
    assert_int_equal(clock_next(under_test, 2), 0);
    gate(false);
    await(&seen.ended, 1);
    int64_t after = call_of(0).due;
    set(3, "1 second", after + US_PER_S);
    await(&seen.n, 2);
    clock_stop(under_test);
    for (size_t i = 0; i < seen.n; i++)
        assert_int_equal(seen.calls[i].id, i == 0 ? 2 : 3);
}

static void test_set_again(void **state)
{
    (void)state;
    int64_t now = time_now();
    set(1, "0 0 30 2 *", now);
    assert_int_equal(clock_next(under_test, 1), 0);
    set(1, "0 0 1 1 *", now);
    assert_true(clock_next(under_test, 1) > now);
    start();
    gate(true);
    set(1, "1 second", now);
    await(&seen.n, 1);
    set(1, "0 0 1 1 *", time_now()); /* while it is called */
    gate(false);
    await(&seen.ended, 1);
    struct cron yearly = parsed("0 0 1 1 *");
    assert_int_equal(clock_next(under_test, 1), cron_next(&yearly, utc, time_now()));
    clock_stop(under_test);
    assert_int_equal(seen.n, 1);
}

/* Removed and set again while its call is under way: still one at a time. */
static void test_remove_and_set(void **state)
{
    (void)state;
    gate(true);
    start();
    int64_t last = time_now() - 120 * US_PER_S;
    set(1, "* * * * *", last);
    await(&seen.n, 1);
    clock_remove(under_test, 1);
    set(1, "* * * * *", last);
    assert_true(clock_next(under_test, 1) > 0);
    gate(false);
    await(&seen.ended, 2);
    assert_int_equal(seen.most_under_way, 1);
}

/* A `last` far in the future is that of a clock that was set back: the schedule goes on from now.
 */
static void test_future(void **state)
{
    (void)state;
    int64_t now = time_now();
    set(1, "* * * * *", now + 86400 * US_PER_S);
    assert_in_range(clock_next(under_test, 1), now, now + 61 * US_PER_S);
    set(2, "1 second", now + 30 * US_PER_S);
    assert_true(clock_next(under_test, 2) > now + 30 * US_PER_S);
}

static void *open_gate(void *arg)
{
    (void)arg;
    gate(false);
    return NULL;
}

static void test_stop(void **state)
{
    (void)state;
    gate(true);
    start();
    int64_t last = time_now() - 120 * US_PER_S;
    for (int64_t id = 0; id < 5; id++)
        set(id, "* * * * *", last);
    await(&seen.n, 2);
    pthread_t opener;
    assert_int_equal(pthread_create(&opener, NULL, open_gate, NULL), 0);
    clock_stop(under_test);
    pthread_join(opener, NULL);
    assert_int_equal(seen.ended, seen.n);
    size_t n = seen.n;
    set(9, "* * * * *", last);
    clock_stop(under_test);
    assert_int_equal(seen.n, n);
}

/* Many entries set, moved and removed by several threads while they are due. */
static void *stir(void *arg)
{
    int64_t base = *(const int64_t *)arg;
    struct cron often = {.seconds = 1}, never = {.days = 1u << 30, .months = 1u << 2};
    struct arena own;
    arena_init(&own, 1 << 16);
    for (int64_t i = 0; i < 2000; i++) {
        int64_t id = base + i % 16;
        err e = clock_set(under_test,
                          &own,
                          id,
                          STR("stirred"),
                          i % 3 ? &often : &never,
                          utc,
                          time_now() - US_PER_S);
        assert_null(e);
        clock_next(under_test, id);
        if (i % 5 == 0)
            clock_remove(under_test, id);
    }
    for (int64_t i = 0; i < 16; i++)
        clock_remove(under_test, base + i);
    arena_done(&own);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    start();
    int64_t bases[] = {100, 108, 200};
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, stir, &bases[i]), 0);
    for (size_t i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    for (int64_t id = 100; id < 216; id++)
        clock_remove(under_test, id);
    set(1, "* * * * *", time_now() - 60 * US_PER_S);
    await(&seen.of_one, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_on_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_missed_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_overlap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_queue, setup, teardown),
        cmocka_unit_test_setup_teardown(test_owners, setup, teardown),
        cmocka_unit_test_setup_teardown(test_remove, setup, teardown),
        cmocka_unit_test_setup_teardown(test_set_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_remove_and_set, setup, teardown),
        cmocka_unit_test_setup_teardown(test_future, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
