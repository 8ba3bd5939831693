/*
 * SIGKILL at any moment: what was acknowledged is there afterwards, and nothing is half there.
 *
 * A child loads and refreshes without end and writes a number into a pipe after each answer; the
 * parent kills it after a while that differs from round to round, opens the file, and holds what it
 * finds against the last number.
 */
#include "harness.h"

#include <signal.h>
#include <sys/wait.h>

#define ROUNDS 12
#define ROWS 20000

struct ack {
    int64_t table, view;
};

/* All rows of version n of the table hold n; the view sums them up. */
static void load_version(int64_t n)
{
    static char text[ROWS * 12 + 16];
    size_t len = (size_t)sprintf(text, "n\n");
    for (int i = 0; i < ROWS; i++)
        len += (size_t)sprintf(text + len, "%lld\n", (long long)n);
    struct object object;
    ok(load_text(
        "t", n == 1 ? LOAD_CREATE : LOAD_REPLACE, FORMAT_CSV, text, COLUMNS("n", "int"), &object));
    assert_int_equal(object.version, n);
}

static int64_t refresh_version(void)
{
    struct refresh refresh = {.view = STR("v"),
                              .sql = STR("SELECT n, n + i AS m FROM t, range(3) AS r(i)")};
    struct refreshed refreshed;
    ok(worker_refresh(&harness.call, &refresh, &refreshed));
    return refreshed.view.version;
}

static void work(int acks, struct ack ack)
{
    for (;;) {
        load_version(++ack.table);
        if (write(acks, &ack, sizeof(ack)) != sizeof(ack))
            _exit(1);
        ack.view = refresh_version();
        if (write(acks, &ack, sizeof(ack)) != sizeof(ack))
            _exit(1);
        next_call();
    }
}

static struct ack round_run(struct ack last, int us)
{
    int acks[2];
    assert_int_equal(pipe(acks), 0);
    pid_t child = fork();
    if (child == 0) {
        close(acks[0]);
        attach_file();
        work(acks[1], last);
    }
    close(acks[1]);
    struct ack ack;
    /* The while begins with the first answer or the second, so that each round gets somewhere. */
    for (int i = 0; i <= us % 2; i++)
        if (read(acks[0], &ack, sizeof(ack)) == sizeof(ack))
            last = ack;
    usleep((useconds_t)us);
    kill(child, SIGKILL);
    while (read(acks[0], &ack, sizeof(ack)) == sizeof(ack))
        last = ack;
    close(acks[0]);
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return last;
}

/* Nothing is lost, and what may have been done besides is whole. */
static struct ack verify(struct ack last)
{
    struct objects objects;
    ok(worker_objects(&harness.call, &objects));
    struct ack found = {0};
    for (size_t i = 0; i < objects.n; i++)
        *(objects.at[i].is_view ? &found.view : &found.table) = objects.at[i].version;
    assert_true(found.table == last.table || found.table == last.table + 1);
    assert_true(found.view == last.view || found.view == last.view + 1);
    char sql[200];
    str rows = query_rows("SELECT min(n) AS a, max(n) AS b, count(*) AS c FROM t");
    snprintf(sql,
             sizeof(sql),
             "[{\"a\":%lld,\"b\":%lld,\"c\":%d}]",
             (long long)found.table,
             (long long)found.table,
             ROWS);
    assert_str(rows, sql);
    if (!found.view)
        return found;
    rows = query_rows("SELECT count(*) AS c, count(DISTINCT n) AS d FROM v");
    snprintf(sql, sizeof(sql), "[{\"c\":%d,\"d\":1}]", 3 * ROWS);
    assert_str(rows, sql);
    /* The differences, from nothing on, come to the rows that are there. */
    struct changes_ask ask = {.view = STR("v"), .after = found.view - 1, .limit = 1};
    struct rows_page page;
    ok(worker_changes(&harness.call, &ask, &page));
    assert_int_equal(page.version, found.view);
    return found;
}

static void survives_being_killed(void **state)
{
    (void)state;
    detach_file(); /* a process that forks may hold no instance with threads, and no file twice */
    struct ack last = {0};
    for (int round = 0; round < ROUNDS; round++) {
        last = round_run(last, 3000 + round * 7001 % 60000);
        attach_file();
        last = verify(last);
        next_call();
        detach_file();
    }
    assert_true(last.table >= ROUNDS && last.view >= ROUNDS / 2);
    attach_file();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(survives_being_killed, harness_setup, harness_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
