/*
 * An engine without its guard, and without the lock on DuckDB's settings: what the sandbox alone
 * holds back. Linked in the place of guard.c for the attack's own engine, never for the program.
 *
 * A query is run whole, whatever is in it, outside of the read-only transaction; its answer comes
 * back as one text. "breakout ..." is no SQL: it runs what taken-over code would try.
 */
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>

#include "attack/breakout.h"
#include "engine/worker/guard.h"

#define TOLD_MAX (256 * 1024)
#define ROWS_MAX 200
#define THREADS_MAX 2000
#define FDS_MAX 4096

extern char **environ;

/* The linker sends duckdb_query here: the two settings that shut DuckDB in are left out. */
duckdb_state __real_duckdb_query(duckdb_connection connection, const char *sql,
                                 duckdb_result *result);
duckdb_state __wrap_duckdb_query(duckdb_connection connection, const char *sql,
                                 duckdb_result *result);
duckdb_state __wrap_duckdb_query(duckdb_connection connection, const char *sql,
                                 duckdb_result *result)
{
    bool shuts = strstr(sql, "SET lock_configuration = true") != NULL;
    return __real_duckdb_query(connection, shuts ? "SELECT 1" : sql, result);
}

err guard_refuse(struct call *call, str sql, int64_t position, str text)
{
    (void)sql, (void)position;
    return err_new(call->mem, 422, "invalid_query", "%.*s", STR_ARGS(text));
}

err guard_failure(struct call *call, str sql, const struct sql_failure *failure)
{
    return guard_refuse(call, sql, -1, failure->message);
}

/* ---- taken over ---- */

static void tell_attempts(struct buf *told, const struct breakout *b)
{
    for (size_t i = 0; i < LENGTH(breakout_attempts); i++) {
        int outcome = breakout_attempts[i].try(b);
        buf_fmt(told,
                "%s %s\n",
                breakout_attempts[i].name,
                !outcome                    ? "done"
                : breakout_refused(outcome) ? "refused"
                                            : strerror(outcome));
    }
}

/* Its own words and descriptors: what a process that is taken over holds in its hands. */
static void tell_belongings(struct buf *told)
{
    for (char **entry = environ; *entry; entry++)
        buf_fmt(told, "environment %s\n", *entry);
    for (int fd = 0; fd < FDS_MAX; fd++) {
        struct stat info;
        char path[64], target[256] = "";
        if (fstat(fd, &info) != 0)
            continue;
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        ssize_t n = readlink(path, target, sizeof(target) - 1);
        buf_fmt(told,
                "descriptor %d %s %s\n",
                fd,
                S_ISSOCK(info.st_mode)  ? "socket"
                : S_ISREG(info.st_mode) ? "file"
                                        : "other",
                n > 0 ? target : "-");
    }
    buf_fmt(told, "user %d capabilities %d\n", (int)getuid(), prctl(PR_CAPBSET_READ, 0));
}

/* What no filter of system calls takes away: names and sizes of files whose path is known. */
static void tell_stat(struct buf *told, const struct breakout *b)
{
    struct stat info;
    int found = stat(b->outside, &info);
    buf_fmt(told, "stat %s %lld\n", found == 0 ? "done" : "refused", (long long)info.st_size);
}

static void *thread_wait(void *arg)
{
    (void)arg;
    for (;;)
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    return NULL;
}

/* Until there is no more, and gives it back. */
static void take_memory(struct buf *told)
{
    struct piece {
        struct piece *next;
        char room[(1 << 20) - sizeof(void *)];
    } *pieces = NULL;
    size_t taken = 0;
    for (struct piece *one; (one = malloc(sizeof(*one))) != NULL; taken++) {
        one->next = pieces;
        pieces = one;
    }
    while (pieces) {
        struct piece *next = pieces->next;
        free(pieces);
        pieces = next;
    }
    buf_fmt(told, "memory %zu MB\n", taken);
}

static void take_descriptors(struct buf *told)
{
    static int taken[FDS_MAX];
    size_t n = 0;
    while (n < FDS_MAX && (taken[n] = fcntl(3, F_DUPFD, 0)) >= 0)
        n++;
    for (size_t i = 0; i < n; i++)
        close(taken[i]);
    buf_fmt(told, "descriptors %zu\n", n);
}

static void take_threads(void)
{
    pthread_t thread;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 65536);
    for (int i = 0; i < THREADS_MAX && pthread_create(&thread, &attr, thread_wait, NULL) == 0; i++)
        ;
    thread_wait(NULL);
}

static _Noreturn void turn_in_circles(void)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    for (volatile unsigned long i = 0;; i++)
        ;
}

static void play(const struct breakout *b, str what, struct buf *told)
{
    if (str_eq(what, STR("attempts")))
        tell_attempts(told, b);
    else if (str_eq(what, STR("belongings")))
        tell_belongings(told);
    else if (str_eq(what, STR("stat")))
        tell_stat(told, b);
    else if (str_eq(what, STR("memory")))
        take_memory(told);
    else if (str_eq(what, STR("descriptors")))
        take_descriptors(told);
    else if (str_eq(what, STR("threads")))
        take_threads();
    else if (str_eq(what, STR("circles")))
        turn_in_circles();
    else if (str_eq(what, STR("hide"))) {
        close_range(3, ~0U, 0);
        for (int fd = 3; fd < 512; fd++)
            close(fd);
        turn_in_circles();
    } else if (str_eq(what, STR("abort"))) {
        abort();
    } else if (str_eq(what, STR("fault"))) {
        volatile int *volatile nowhere = (volatile int *)8;
        *nowhere = 1;
    }
}

/* "breakout WHAT OTHER_DIR OUTSIDE" */
static err breakout(struct call *call, str words, struct buf *told)
{
    str rest = str_sub(words, strlen("breakout "), words.len);
    str what = str_cut(&rest, ' '), other = str_cut(&rest, ' ');
    str team = str_sub(str_of(call->tmp_dir), 0, strlen(call->tmp_dir) - strlen("/tmp"));
    struct breakout b = {.team_dir = str_c(call->mem, str_copy(call->mem, team)),
                         .other_dir = str_c(call->mem, str_copy(call->mem, other)),
                         .outside = str_c(call->mem, str_copy(call->mem, rest))};
    if (arena_failed(call->mem))
        return &err_no_memory;
    play(&b, what, told);
    return NULL;
}

/* ---- SQL, as it is ---- */

static void tell_rows(struct buf *told, duckdb_result *result)
{
    idx_t columns = duckdb_column_count(result), rows = duckdb_row_count(result);
    for (idx_t row = 0; row < rows && row < ROWS_MAX; row++) {
        for (idx_t column = 0; column < columns; column++) {
            char *text = duckdb_value_varchar(result, column, row);
            buf_fmt(told, "%.2000s\t", text ? text : "NULL");
            duckdb_free(text);
        }
        buf_char(told, '\n');
    }
}

static err run(struct call *call, str sql, struct buf *told)
{
    CLEANUP(sql_result_done) struct sql_result result = {0};
    struct sql_failure failure;
    duckdb_query(call->connection, "COMMIT", NULL);
    TRY(sql_try_query(call, sql, &result, &failure));
    if (failure.message.at)
        return guard_failure(call, sql, &failure);
    tell_rows(told, &result.result);
    return NULL;
}

err guard_check(struct call *call, str sql, struct guarded *out)
{
    CLEANUP(buf_done) struct buf told;
    buf_init(&told, TOLD_MAX);
    TRY(str_starts(sql, STR("breakout ")) ? breakout(call, sql, &told) : run(call, sql, &told));
    struct column *column = arena_array(call->mem, 1, sizeof(*column));
    if (!column)
        return &err_no_memory;
    *column = (struct column){STR("told"), STR("text")};
    *out = (struct guarded){.sql = sql_text(call, "SELECT %L AS told", buf_str(&told)),
                            .checked.columns = {column, 1}};
    return arena_failed(call->mem) ? &err_no_memory : NULL;
}
