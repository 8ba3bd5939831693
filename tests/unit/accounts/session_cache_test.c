/* Good tokens in memory: found for a while, gone once dropped, and never back from an old read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "accounts/session_cache.h"

#define START 1000000

static struct session_cache *cache;

static int setup(void **state)
{
    (void)state;
    if (sodium_init() < 0)
        return -1;
    cache = session_cache_new();
    return cache ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    session_cache_free(cache);
    return 0;
}

static struct cached_session numbered(int n)
{
    struct cached_session session = {.is_superuser = n % 2, .expires = n};
    snprintf(session.id, sizeof(session.id), "0191a1b2-0000-7000-8000-%012d", n);
    snprintf(session.team, sizeof(session.team), "team %d", n);
    return session;
}

static str token_of(int n, char text[32])
{
    return (str){text, (size_t)snprintf(text, 32, "token %d", n)};
}

static void put(int n, uint64_t mark, int64_t now)
{
    char text[32];
    struct cached_session session = numbered(n);
    session_cache_put(cache, mark, token_of(n, text), &session, now);
}

static bool is_there(int n, int64_t now)
{
    char text[32];
    struct cached_session session = numbered(n), out;
    return session_cache_find(cache, token_of(n, text), now, &out) &&
           strcmp(out.id, session.id) == 0 && strcmp(out.team, session.team) == 0 &&
           out.expires == session.expires && out.is_superuser == session.is_superuser;
}

static void test_found(void **state)
{
    (void)state;
    assert_false(is_there(1, START));
    put(1, session_cache_mark(cache), START);
    assert_true(is_there(1, START));
    assert_false(is_there(2, START));
    assert_true(is_there(1, START + SESSION_CACHE_MS * 1000 - 1));
    assert_false(is_there(1, START + SESSION_CACHE_MS * 1000));
    put(1, session_cache_mark(cache), START + SESSION_CACHE_MS * 1000);
    assert_true(is_there(1, START + SESSION_CACHE_MS * 1000));
}

static void test_dropped(void **state)
{
    (void)state;
    struct cached_session session = numbered(1);
    put(1, session_cache_mark(cache), START);
    put(2, session_cache_mark(cache), START);
    session_cache_drop(cache, str_of(session.id));
    assert_false(is_there(1, START));
    assert_true(is_there(2, START));
}

/* A session has many tokens; all go with it. */
static void test_tokens_of_one(void **state)
{
    (void)state;
    struct cached_session session = numbered(1), out;
    static const char *const tokens[] = {"a", "b", "c"};
    for (size_t i = 0; i < LENGTH(tokens); i++)
        session_cache_put(cache, session_cache_mark(cache), str_of(tokens[i]), &session, START);
    for (size_t i = 0; i < LENGTH(tokens); i++)
        assert_true(session_cache_find(cache, str_of(tokens[i]), START, &out));
    session_cache_drop(cache, str_of(session.id));
    for (size_t i = 0; i < LENGTH(tokens); i++)
        assert_false(session_cache_find(cache, str_of(tokens[i]), START, &out));
}

/* Read while alive, ended by another thread, put: it must stay out. */
static void test_stale(void **state)
{
    (void)state;
    struct cached_session session = numbered(1);
    uint64_t mark = session_cache_mark(cache);
    session_cache_drop(cache, str_of(session.id));
    put(1, mark, START);
    assert_false(is_there(1, START));
}

static void test_bounded(void **state)
{
    (void)state;
    for (int n = 0; n < 50000; n++) {
        put(n, session_cache_mark(cache), START + n);
        assert_true(is_there(n, START + n));
    }
    int left = 0;
    for (int n = 0; n < 50000; n++)
        left += is_there(n, START + 50000);
    assert_in_range(left, 4000, 8192);
}

/* An "end" is a flag set before the drop; whoever reads the flag as alive may put. */
static atomic_bool ended[64];

static void *keep(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20000; i++) {
        uint64_t mark = session_cache_mark(cache);
        if (!atomic_load(&ended[i % 64]))
            put(i % 64, mark, START);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, keep, NULL), 0);
    for (int n = 0; n < 64; n++) {
        struct cached_session session = numbered(n);
        atomic_store(&ended[n], true);
        session_cache_drop(cache, str_of(session.id));
        assert_false(is_there(n, START));
    }
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (int n = 0; n < 64; n++)
        assert_false(is_there(n, START));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tokens_of_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stale, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
