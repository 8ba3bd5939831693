/* Lanes: who goes, who waits, in which order, and that nothing is left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/lanes.h"

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool shut;
    size_t under_way, ended;
    char order[4096]; /* the owners, as they began */
    size_t begun;
};

struct item {
    struct lane_work work;
    char owner;
};

static struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void item_run(struct lane_work *work)
{
    struct item *item = (struct item *)work;
    pthread_mutex_lock(&gate.lock);
    gate.order[gate.begun++ % sizeof(gate.order)] = item->owner;
    gate.under_way++;
    pthread_cond_broadcast(&gate.changed);
    while (gate.shut)
        pthread_cond_wait(&gate.changed, &gate.lock);
    gate.under_way--;
    gate.ended++;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

static void await(const size_t *count, size_t n)
{
    pthread_mutex_lock(&gate.lock);
    while (*count < n)
        pthread_cond_wait(&gate.changed, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
}

static void gate_set(bool shut)
{
    pthread_mutex_lock(&gate.lock);
    gate.shut = shut;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

static struct pool *pool;
static struct lanes *lanes;

static void make(size_t places, size_t width, size_t waiting_max)
{
    pool = pool_new("test", places, places);
    assert_non_null(pool);
    lanes = lanes_new(&(struct lanes_options){pool, places, width, waiting_max});
    assert_non_null(lanes);
    gate.begun = gate.ended = gate.under_way = 0;
}

static void finish(void)
{
    gate_set(false);
    pool_free(pool);
    lanes_free(lanes);
    assert_int_equal(gate.under_way, 0);
}

/* How many were taken. */
static size_t submit(struct item *items, size_t n, char owner)
{
    size_t taken = 0;
    for (size_t i = 0; i < n; i++) {
        items[i] = (struct item){.work.run = item_run, .owner = owner};
        taken += lanes_submit(lanes, (str){&owner, 1}, &items[i].work);
    }
    return taken;
}

static void one_has_half_and_there_is_a_place_for_the_next(void **state)
{
    (void)state;
    static struct item a[20], b[20], c[20], d[20];
    make(16, 16, 1000);
    gate_set(true);
    assert_int_equal(submit(a, 20, 'a'), 20);
    await(&gate.under_way, 8);
    assert_int_equal(submit(b, 20, 'b'), 20);
    await(&gate.under_way, 12);
    assert_int_equal(submit(c, 20, 'c'), 20);
    await(&gate.under_way, 14);
    assert_int_equal(submit(d, 1, 'd'), 1);
    await(&gate.under_way, 15);
    assert_memory_equal(gate.order, "aaaaaaaabbbbccd", 15);
    finish();
    assert_int_equal(gate.ended, 61);
}

static void one_after_another_and_in_turns(void **state)
{
    (void)state;
    static struct item a[6], b[3], c[1];
    make(2, 1, 1000);
    gate_set(true);
    submit(a, 6, 'a');
    await(&gate.under_way, 1);
    submit(b, 3, 'b');
    await(&gate.under_way, 2);
    submit(c, 1, 'c');
    gate_set(false);
    await(&gate.ended, 10);
    assert_in_range((size_t)(strchr(gate.order, 'c') - gate.order), 2, 4);
    finish();
}

static void half_of_the_waiting_room(void **state)
{
    (void)state;
    static struct item a[20], b[20];
    make(1, 1, 10);
    gate_set(true);
    assert_int_equal(submit(a, 20, 'a'), 6); /* one goes, five wait */
    await(&gate.under_way, 1);
    assert_int_equal(submit(b, 20, 'b'), 3);
    finish();
    assert_int_equal(gate.ended, 9);
}

static void what_waits_is_run_by_a_pool_that_ends(void **state)
{
    (void)state;
    static struct item a[1000];
    make(1, 1, 5000);
    gate_set(true);
    assert_int_equal(submit(a, 1000, 'a'), 1000);
    await(&gate.under_way, 1);
    finish();
    assert_int_equal(gate.ended, 1000);
}

static void a_key_that_is_too_long(void **state)
{
    (void)state;
    struct item item = {.work.run = item_run};
    char key[LANE_KEY_MAX + 1] = {0};
    make(1, 1, 10);
    assert_false(lanes_submit(lanes, (str){key, sizeof(key)}, &item.work));
    assert_true(lanes_run(lanes, (str){key, sizeof(key) - 1}, &item.work)); /* here and now */
    assert_int_equal(gate.ended, 1);
    finish();
}

/* Many owners from many threads: everything is run once. */
static void *stir(void *arg)
{
    struct item *items = arg;
    for (size_t i = 0; i < 2000; i++) {
        char owner = (char)('a' + i % 23);
        items[i] = (struct item){.work.run = item_run, .owner = owner};
        bool taken = i % 3 ? lanes_submit(lanes, (str){&owner, 1}, &items[i].work)
                           : lanes_run(lanes, (str){&owner, 1}, &items[i].work);
        assert_true(taken);
    }
    return NULL;
}

static void from_many_threads(void **state)
{
    (void)state;
    static struct item items[4][2000];
    pthread_t threads[4];
    make(4, 2, 100000);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, stir, items[i]), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    finish();
    assert_int_equal(gate.ended, 8000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_has_half_and_there_is_a_place_for_the_next),
        cmocka_unit_test(one_after_another_and_in_turns),
        cmocka_unit_test(half_of_the_waiting_room),
        cmocka_unit_test(what_waits_is_run_by_a_pool_that_ends),
        cmocka_unit_test(a_key_that_is_too_long),
        cmocka_unit_test(from_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
