/* The end of the log in memory: order, the oldest that give way, what is cut, many that write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/log_tail.h"
#include "base/time.h"

static struct arena mem;
static struct log_tail *tail;

static int setup(void **state)
{
    (void)state;
    arena_init(&mem, 64 << 20);
    tail = log_tail_new();
    return tail ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    log_tail_free(tail);
    arena_done(&mem);
    return 0;
}

static struct list entries(int64_t after, size_t limit)
{
    struct list list = {0};
    assert_null(log_tail_read(tail, &mem, after, limit, &list));
    return list;
}

static void is(str got, const char *wanted)
{
    if (!str_eq(got, str_of(wanted)))
        fail_msg("\"%.*s\" instead of \"%s\"", STR_ARGS(got), wanted);
}

static void numbers_add(int64_t n)
{
    char text[32];
    for (int64_t i = 0; i < n; i++) {
        snprintf(text, sizeof(text), "line %lld", (long long)(log_tail_last(tail) + 1));
        log_tail_add(tail, 1000 + i, "info", "test", text, NULL);
    }
}

static void an_empty_one_has_none(void **state)
{
    (void)state;
    assert_int_equal(log_tail_last(tail), 0);
    assert_int_equal(entries(0, 100).n, 0);
}

static void lines_come_as_they_were_logged(void **state)
{
    (void)state;
    const char *pairs[] = {"ms", "1.5", "path", "a \"b\"\n", "empty", "", NULL};
    log_tail_add(tail, 7, "warning", "http", "GET / 200", pairs);
    log_tail_add(tail, 8, "error", "main", "", NULL);
    struct list list = entries(0, 100);
    assert_int_equal(list.n, 2);
    const struct log_entry *first = list.at, *second = first + 1;
    assert_int_equal(first->n, 1);
    assert_int_equal(first->at, 7);
    is(first->level, "warning");
    is(first->area, "http");
    is(first->message, "GET / 200");
    is(first->fields, "{\"ms\": \"1.5\", \"path\": \"a \\\"b\\\"\\n\", \"empty\": \"\"}");
    assert_int_equal(second->n, 2);
    is(second->level, "error");
    is(second->message, "");
    is(second->fields, "{}");
}

static void the_newest_are_kept_oldest_first(void **state)
{
    (void)state;
    numbers_add(3 * LOG_TAIL_LINES + 7);
    struct list list = entries(0, 10 * LOG_TAIL_LINES);
    const struct log_entry *at = list.at;
    assert_int_equal(list.n, LOG_TAIL_LINES);
    for (size_t i = 0; i < list.n; i++)
        assert_int_equal(at[i].n, 2 * LOG_TAIL_LINES + 8 + (int64_t)i);
    is(at[list.n - 1].message, "line 1507");

    list = entries(0, 3);
    assert_int_equal(list.n, 3);
    assert_int_equal(((struct log_entry *)list.at)[0].n, log_tail_last(tail) - 2);
    list = entries(log_tail_last(tail) - 1, 100);
    assert_int_equal(list.n, 1);
    assert_int_equal(entries(log_tail_last(tail), 100).n, 0);
    assert_int_equal(entries(log_tail_last(tail) + 50, 100).n, 0);
}

static void a_long_line_is_cut(void **state)
{
    (void)state;
    static char text[3 * LOG_TAIL_BYTES];
    memset(text, 'x', sizeof(text) - 1);
    const char *pairs[] = {"name", "value", NULL};
    log_tail_add(tail, 1, "info", "test", text, pairs);
    const struct log_entry *entry = entries(0, 1).at;
    assert_in_range(entry->message.len, LOG_TAIL_BYTES - 20, LOG_TAIL_BYTES - 1);
    is(entry->fields, "{}");

    const char *late[] = {"a", "b", "long", text, "c", "d", NULL};
    log_tail_add(tail, 1, "info", "test", "short", late);
    entry = entries(0, 1).at;
    is(entry->message, "short");
    assert_true(str_starts(entry->fields, STR("{\"a\": \"b\", \"long\": \"xxxx")));
    assert_true(str_ends(entry->fields, STR("xxxx\"}")));

    /* A name without its value says nothing. */
    size_t room = LOG_TAIL_BYTES - sizeof("info") - sizeof("test") - sizeof("name");
    text[room - 1] = '\0';
    log_tail_add(tail, 1, "info", "test", text, pairs);
    entry = entries(0, 1).at;
    assert_int_equal(entry->message.len, room - 1);
    is(entry->fields, "{}");
}

static void what_is_below_the_level_is_not_kept(void **state)
{
    (void)state;
    struct log log = {
        .level = LOG_WARNING, .fd = open("/dev/null", O_WRONLY | O_CLOEXEC), .tail = tail};
    log_line(&log, LOG_INFO, "test", "no");
    log_line(&log, LOG_ERROR, "test", "yes, %d", 7);
    close(log.fd);
    struct list list = entries(0, 10);
    assert_int_equal(list.n, 1);
    const struct log_entry *entry = list.at;
    is(entry->message, "yes, 7");
    is(entry->level, "error");
    assert_in_range(
        (uintmax_t)entry->at, (uintmax_t)(time_now() - 60 * US_PER_S), (uintmax_t)time_now());
}

#define WRITERS 4
#define LINES_EACH 5000

static atomic_int writing;

static void *writer_run(void *arg)
{
    (void)arg;
    const char *pairs[] = {"name", "some value", NULL};
    for (int i = 0; i < LINES_EACH; i++)
        log_tail_add(tail, i, "info", "test", "some words", pairs);
    atomic_fetch_sub(&writing, 1);
    return NULL;
}

/* Whoever reads meanwhile gets whole lines in order. */
static void many_write_and_one_reads(void **state)
{
    (void)state;
    pthread_t writers[WRITERS];
    atomic_store(&writing, WRITERS);
    for (size_t i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&writers[i], NULL, writer_run, NULL), 0);
    int64_t after = 0;
    while (atomic_load(&writing)) {
        struct list list = entries(after, LOG_TAIL_LINES);
        const struct log_entry *at = list.at;
        for (size_t i = 0; i < list.n; i++) {
            assert_true(at[i].n > after);
            after = at[i].n;
            is(at[i].message, "some words");
            is(at[i].fields, "{\"name\": \"some value\"}");
        }
        arena_done(&mem);
    }
    for (size_t i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_join(writers[i], NULL), 0);
    assert_int_equal(log_tail_last(tail), WRITERS * LINES_EACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_one_has_none, setup, teardown),
        cmocka_unit_test_setup_teardown(lines_come_as_they_were_logged, setup, teardown),
        cmocka_unit_test_setup_teardown(the_newest_are_kept_oldest_first, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_line_is_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_below_the_level_is_not_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(many_write_and_one_reads, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
