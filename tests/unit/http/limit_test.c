/* Token buckets: how many pass, when the next one does, and that memory and threads do no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "http/limit.h"

#define START (1000 * (int64_t)1000000)
#define S ((int64_t)1000000)

static int passed_of(struct limit *limit, str key, int64_t per_minute, int64_t now_us, int asked)
{
    int passed = 0, wait;
    for (int i = 0; i < asked; i++)
        passed += limit_take(limit, key, per_minute, now_us, &wait);
    return passed;
}

static void bucket_empties_and_fills(void **state)
{
    (void)state;
    struct limit *limit = limit_new(64);
    int wait = -1;
    assert_int_equal(passed_of(limit, STR("a"), 60, START, 100), 60);
    assert_false(limit_take(limit, STR("a"), 60, START, &wait));
    assert_int_equal(wait, 1);
    assert_int_equal(passed_of(limit, STR("a"), 60, START + S - 1, 10), 0);
    assert_int_equal(passed_of(limit, STR("a"), 60, START + S, 10), 1);
    assert_int_equal(passed_of(limit, STR("a"), 60, START + 11 * S, 100), 10);
    assert_int_equal(passed_of(limit, STR("a"), 60, START + 500 * S, 100), 60);
    assert_true(limit_take(limit, STR("b"), 60, START + 500 * S, &wait));
    assert_int_equal(wait, 0);
    limit_free(limit);
}

static void says_when_to_come_back(void **state)
{
    (void)state;
    struct limit *limit = limit_new(64);
    int wait;
    assert_true(limit_take(limit, STR("a"), 1, START, &wait));
    assert_false(limit_take(limit, STR("a"), 1, START, &wait));
    assert_int_equal(wait, 60);
    assert_false(limit_take(limit, STR("a"), 1, START + 30 * S + 1, &wait));
    assert_int_equal(wait, 30);
    assert_false(limit_take(limit, STR("a"), 1, START + 60 * S - 1, &wait));
    assert_int_equal(wait, 1);
    assert_true(limit_take(limit, STR("a"), 1, START + 60 * S, &wait));
    limit_free(limit);
}

static void off_and_extremes(void **state)
{
    (void)state;
    struct limit *limit = limit_new(0);
    assert_int_equal(passed_of(limit, STR("a"), 0, START, 1000), 1000);
    assert_int_equal(passed_of(limit, STR("a"), -1, START, 10), 10);
    assert_int_equal(passed_of(limit, STR("b"), INT64_MAX, START, 1000), 1000);
    assert_int_equal(passed_of(limit, STR("c"), 1000000, START, 1000), 1000);
    assert_int_equal(passed_of(limit, STR("seven"), 7, START, 100), 7);
    assert_int_equal(passed_of(limit, STR(""), 3, 0, 100), 3);
    limit_free(limit);
    limit_free(NULL);
}

static str number_key(int n, char out[sizeof(int)])
{
    memcpy(out, &n, sizeof n);
    return (str){out, sizeof n};
}

/* However many keys come, none is refused for another, and the emptiest buckets are the ones that
 * are kept. */
static void more_keys_than_places(void **state)
{
    (void)state;
    struct limit *limit = limit_new(8);
    char key[sizeof(int)];
    assert_int_equal(passed_of(limit, STR("greedy"), 60, START, 100), 60);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(passed_of(limit, number_key(i, key), 60, START, 1), 1);
    assert_int_equal(passed_of(limit, STR("greedy"), 60, START, 100), 0);
    limit_free(limit);
}

struct crowd {
    struct limit *limit;
    _Atomic int passed;
};

static void *crowd_ask(void *arg)
{
    struct crowd *crowd = arg;
    char key[sizeof(int)];
    for (int i = 0; i < 20000; i++) {
        int wait;
        if (limit_take(crowd->limit, STR("shared"), 5000, START, &wait))
            atomic_fetch_add(&crowd->passed, 1);
        (void)!limit_take(crowd->limit, number_key(i % 500, key), 10, START, &wait);
    }
    return NULL;
}

static void many_threads(void **state)
{
    (void)state;
    struct crowd crowd = {.limit = limit_new(4096)};
    pthread_t threads[4];
    for (size_t i = 0; i < LENGTH(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, crowd_ask, &crowd), 0);
    for (size_t i = 0; i < LENGTH(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(crowd.passed, 5000);
    limit_free(crowd.limit);
}

static bool same(const char *a, const char *b)
{
    char one[LIMIT_ADDRESS], two[LIMIT_ADDRESS];
    return str_eq(limit_address(str_of(a), one), limit_address(str_of(b), two));
}

static void addresses(void **state)
{
    (void)state;
    assert_true(same("127.0.0.1", "127.0.0.1"));
    assert_false(same("127.0.0.1", "127.0.0.2"));
    assert_true(same("::ffff:127.0.0.1", "127.0.0.1"));
    assert_false(same("::ffff:127.0.0.1", "::ffff:127.0.0.2"));
    assert_true(same("2001:db8:1:2::1", "2001:0DB8:1:2:ffff::9"));
    assert_true(same("2001:db8:1:2::1%eth0", "2001:db8:1:2::1"));
    assert_false(same("2001:db8:1:2::1", "2001:db8:1:3::1"));
    assert_false(same("unix", "other"));
    assert_true(same("unix", "unix"));
    assert_false(same("", "::"));
    assert_false(same("1.2.3.4:5", "1.2.3.4"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bucket_empties_and_fills),
        cmocka_unit_test(says_when_to_come_back),
        cmocka_unit_test(off_and_extremes),
        cmocka_unit_test(more_keys_than_places),
        cmocka_unit_test(many_threads),
        cmocka_unit_test(addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
