/* Failed sign-ins: free ones, growing waits, forgetting, and a table that stays bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>

#include "accounts/attempts.h"
#include "base/time.h"

#define START (1000 * US_PER_S)

static struct attempts *attempts;

static int setup(void **state)
{
    (void)state;
    if (sodium_init() < 0)
        return -1;
    attempts = attempts_new();
    return attempts ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    attempts_free(attempts);
    return 0;
}

static int attempt(int64_t now)
{
    return attempts_begin(attempts, STR("ada@example.com"), STR("127.0.0.1"), now);
}

static void test_waits(void **state)
{
    (void)state;
    int64_t now = START;
    for (int i = 0; i < ATTEMPTS_FREE; i++)
        assert_int_equal(attempt(now), 0);
    for (int wait_s = 1; wait_s < 2000; wait_s *= 2) {
        int want = wait_s < ATTEMPTS_WAIT_MAX_S ? wait_s : ATTEMPTS_WAIT_MAX_S;
        assert_int_equal(attempt(now), want);
        assert_int_equal(attempt(now + 1), want);
        assert_int_equal(attempt(now + want * US_PER_S - 1), 1);
        now += want * US_PER_S;
        assert_int_equal(attempt(now), 0);
    }
}

static void test_others(void **state)
{
    (void)state;
    for (int i = 0; i < ATTEMPTS_FREE; i++)
        assert_int_equal(attempt(START), 0);
    assert_int_equal(attempt(START), 1);
    assert_int_equal(attempts_begin(attempts, STR("bob@example.com"), STR("127.0.0.1"), START), 0);
    assert_int_equal(attempts_begin(attempts, STR("ada@example.com"), STR("127.0.0.2"), START), 0);
    assert_int_equal(attempts_begin(attempts, STR("ada@example.com1"), STR("27.0.0.1"), START), 0);
}

static void test_success(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < ATTEMPTS_FREE; i++)
            assert_int_equal(attempt(START), 0);
        attempts_succeeded(attempts, STR("ada@example.com"), STR("127.0.0.1"), START);
    }
    assert_int_equal(attempt(START), 0);
}

static void test_forgotten(void **state)
{
    (void)state;
    for (int i = 0; i < ATTEMPTS_FREE; i++)
        assert_int_equal(attempt(START), 0);
    int64_t later = START + ATTEMPTS_FORGET_S * US_PER_S;
    for (int i = 0; i < ATTEMPTS_FREE; i++)
        assert_int_equal(attempt(later), 0);
    assert_int_equal(attempt(later), 1);
}

static int numbered(const char *format, int i, bool is_account, int64_t now)
{
    char text[64];
    str who = {text, (size_t)snprintf(text, sizeof(text), format, i >> 8 & 255, i & 255)};
    return is_account ? attempts_begin(attempts, who, STR("127.0.0.1"), now)
                      : attempts_begin(attempts, STR("ada@example.com"), who, now);
}

/* One address, an account after the other; and one account, from address after address. */
static void test_many(void **state)
{
    (void)state;
    for (int i = 0; i < ATTEMPTS_ADDRESS_FREE; i++)
        assert_int_equal(numbered("u%d.%d@example.com", i, true, START), 0);
    assert_int_equal(numbered("u%d.%d@example.com", 999, true, START), 1);
    assert_int_equal(attempts_begin(attempts, STR("u999"), STR("127.0.0.2"), START), 0);
    for (int i = 0; i < ATTEMPTS_ACCOUNT_FREE; i++)
        assert_int_equal(numbered("10.0.%d.%d", i, false, START), 0);
    assert_int_equal(numbered("10.0.%d.%d", 999, false, START), 1);
    int64_t now = START;
    for (int i = 1000; i < 1100; i++) {
        int wait = numbered("10.0.%d.%d", i, false, now);
        assert_in_range(wait, 0, ATTEMPTS_MANY_WAIT_MAX_S);
        now += wait * US_PER_S;
    }
}

/* Who has signed in from there is not slowed by others, but by the own failures. */
static void test_known(void **state)
{
    (void)state;
    assert_int_equal(attempt(START), 0);
    attempts_succeeded(attempts, STR("ada@example.com"), STR("127.0.0.1"), START);
    for (int i = 0; i < 200; i++) {
        (void)numbered("10.0.%d.%d", i, false, START);
        (void)numbered("u%d.%d@example.com", i, true, START);
    }
    assert_int_not_equal(numbered("10.0.%d.%d", 999, false, START), 0);
    assert_int_not_equal(numbered("u%d.%d@example.com", 999, true, START), 0);
    for (int i = 0; i < ATTEMPTS_FREE; i++)
        assert_int_equal(attempt(START), 0);
    assert_int_equal(attempt(START), 1);
}

/* A success takes back its own attempt, not the failures before it. */
static void test_success_among_failures(void **state)
{
    (void)state;
    for (int i = 0; i < ATTEMPTS_ADDRESS_FREE - 1; i++)
        assert_int_equal(numbered("u%d.%d@example.com", i, true, START), 0);
    for (int i = 0; i < 10; i++) {
        str own = {"0123456789" + i, 1};
        assert_int_equal(attempts_begin(attempts, own, STR("127.0.0.1"), START), 0);
        attempts_succeeded(attempts, own, STR("127.0.0.1"), START);
    }
    assert_int_equal(numbered("u%d.%d@example.com", 500, true, START), 0);
    assert_int_equal(numbered("u%d.%d@example.com", 501, true, START), 1);
}

/* Far more keys than places: none is refused for the sake of another. */
static void test_bounded(void **state)
{
    (void)state;
    for (int i = 0; i < 200000; i++) {
        char text[32];
        str who = {text, (size_t)snprintf(text, sizeof(text), "%d", i)};
        assert_int_equal(attempts_begin(attempts, who, who, START + i), 0);
    }
}

static void *try_often(void *arg)
{
    size_t *allowed = arg;
    for (int i = 0; i < 1000; i++)
        *allowed += attempt(START) == 0;
    return NULL;
}

/* Guesses side by side get no more tries than one after another. */
static void test_side_by_side(void **state)
{
    (void)state;
    pthread_t threads[4];
    size_t allowed[4] = {0}, all = 0;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, try_often, &allowed[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        all += allowed[i];
    }
    assert_int_equal(all, ATTEMPTS_FREE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_success, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_known, setup, teardown),
        cmocka_unit_test_setup_teardown(test_success_among_failures, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_side_by_side, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
