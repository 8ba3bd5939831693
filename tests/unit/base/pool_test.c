/* The pool runs everything it took, refuses what is too much, and ends in peace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "base/pool.h"
#include "base/str.h"

struct item {
    struct pool_work work;
    atomic_int *ran;
    pthread_mutex_t *hold;
};

static void item_run(struct pool_work *work)
{
    struct item *item = (struct item *)work;
    if (item->hold) {
        pthread_mutex_lock(item->hold);
        pthread_mutex_unlock(item->hold);
    }
    atomic_fetch_add(item->ran, 1);
}

static void runs_all_it_took(void **state)
{
    (void)state;
    static struct item items[1000];
    atomic_int ran = 0;
    struct pool *pool = pool_new("test", 4, 1000);
    assert_non_null(pool);
    for (size_t i = 0; i < LENGTH(items); i++) {
        items[i] = (struct item){.work.run = item_run, .ran = &ran};
        assert_true(pool_submit(pool, &items[i].work));
    }
    pool_free(pool);
    assert_int_equal(ran, LENGTH(items));
}

static void refuses_what_is_too_much(void **state)
{
    (void)state;
    pthread_mutex_t hold = PTHREAD_MUTEX_INITIALIZER;
    struct item items[8];
    atomic_int ran = 0;
    int taken = 0;
    struct pool *pool = pool_new("test", 1, 3);
    pthread_mutex_lock(&hold);
    for (size_t i = 0; i < LENGTH(items); i++) {
        items[i] = (struct item){.work.run = item_run, .ran = &ran, .hold = &hold};
        taken += pool_submit(pool, &items[i].work);
    }
    assert_in_range(
        taken, 3, 4); /* the queue, and the one that runs if it has been taken up by then */
    pthread_mutex_unlock(&hold);
    pool_free(pool);
    assert_int_equal(ran, taken);
}

struct waiter {
    struct pool_work work;
    pthread_barrier_t *all;
};

static void waiter_run(struct pool_work *work)
{
    struct waiter *waiter = (struct waiter *)work;
    pool_wait_begin();
    pool_wait_begin();
    pool_wait_end();
    pthread_barrier_wait(waiter->all);
    pthread_barrier_wait(waiter->all); /* the piece is not used after it */
    pool_wait_end();
}

/* Threads that wait for each other: all of them come to run, although one at work is enough. */
static void goes_on_while_some_wait(void **state)
{
    (void)state;
    struct waiter waiters[8];
    pthread_barrier_t all;
    pthread_barrier_init(&all, NULL, LENGTH(waiters) + 1);
    struct pool *pool = pool_new("test", LENGTH(waiters), 100);
    assert_non_null(pool);
    pool_wake_most(pool, 1);
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < LENGTH(waiters); i++) {
            waiters[i] = (struct waiter){.work.run = waiter_run, .all = &all};
            assert_true(pool_submit(pool, &waiters[i].work));
        }
        pthread_barrier_wait(&all);
        pthread_barrier_wait(&all);
    }
    pool_free(pool);
    pthread_barrier_destroy(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_all_it_took),
        cmocka_unit_test(refuses_what_is_too_much),
        cmocka_unit_test(goes_on_while_some_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
