/*
 * The engine with its real executable: processes that start, share, time out, hog, die and end.
 *
 * ENGINE_PROGRAM names the executable (default: build/tinydevcrm-engine).
 */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "engine/engine.h"

#define MEM ((size_t)8 * 1024 * 1024)
#define LIMIT_MS 20000
#define WAIT_US (20 * US_PER_S)
#define BUSY_TICKS 20

#define TEAM "00000000-0000-4000-8000-000000000001"
#define OTHER "00000000-0000-4000-8000-000000000002"

#define QUICK "SELECT 6 * 7 AS n"
#define LONG "SELECT count(*) AS n FROM range(100000000000)"
/* One call of one function: DuckDB does not look whether it is interrupted in between. */
#define STUBBORN "SELECT levenshtein(repeat('a', 100000), repeat('b', 100000)) AS n"
#define HOG "SELECT length(string_agg(repeat('x', 1000), '')) AS n FROM range(10000000)"

struct fixture {
    char data_dir[64];
    struct engine *engine;
};

static struct engine_options options_of(const struct fixture *fixture)
{
    const char *program = getenv("ENGINE_PROGRAM");
    return (struct engine_options){.program = program ? program : "build/tinydevcrm-engine",
                                   .data_dir = fixture->data_dir,
                                   .processes_max = 4,
                                   .memory_max = (int64_t)512 * 1024 * 1024,
                                   .idle_ms = 600000,
                                   .keep_us = US_PER_S};
}

static void engine_begin(struct fixture *fixture, const struct engine_options *options)
{
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, MEM);
    err e = engine_open(&mem, options, &fixture->engine);
    if (e)
        fail_msg("engine_open: %.*s", STR_ARGS(e->inside.at ? e->inside : e->detail));
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    if (!fixture)
        return -1;
    strcpy(fixture->data_dir, "/tmp/engine_test_XXXXXX");
    *state = fixture;
    return mkdtemp(fixture->data_dir) ? 0 : -1;
}

static int entry_remove(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info, (void)type, (void)place;
    return remove(path);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    engine_close(fixture->engine);
    nftw(fixture->data_dir, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
    free(fixture);
    return 0;
}

static void begin(struct fixture *fixture)
{
    struct engine_options options = options_of(fixture);
    engine_begin(fixture, &options);
}

/* A call on a thread of its own, and what came of it. */
struct caller {
    struct engine *engine;
    const char *team, *sql;
    bool writes;
    int64_t limit_ms;
    atomic_bool gone;
    pthread_t thread;
    struct arena mem;
    err failed;
    str json;
    int64_t took_us;
};

static void call(struct caller *caller)
{
    arena_init(&caller->mem, MEM);
    struct ask ask = {.engine = caller->engine,
                      .mem = &caller->mem,
                      .team = str_of(caller->team),
                      .limit_ms = caller->limit_ms ? caller->limit_ms : LIMIT_MS,
                      .gone = &caller->gone};
    struct queried queried = {0};
    struct refreshed refreshed = {0};
    struct refresh refresh = {.view = STR("v"), .sql = str_of(caller->sql)};
    int64_t start = time_steady();
    caller->failed = caller->writes ? engine_refresh(&ask, &refresh, &refreshed)
                                    : engine_query(&ask, str_of(caller->sql), 10, &queried);
    caller->took_us = time_steady() - start;
    caller->json = queried.json;
}

static void *caller_run(void *arg)
{
    call(arg);
    return NULL;
}

static void caller_start(struct caller *caller)
{
    assert_int_equal(pthread_create(&caller->thread, NULL, caller_run, caller), 0);
}

static void caller_join(struct caller *caller)
{
    assert_int_equal(pthread_join(caller->thread, NULL), 0);
}

static void caller_done(struct caller *caller)
{
    arena_done(&caller->mem);
}

static void failed_with(const struct caller *caller, const char *code, const char *part)
{
    if (!caller->failed)
        fail_msg("succeeded, not %s", code);
    char *detail = strndup(caller->failed->detail.at, caller->failed->detail.len);
    assert_non_null(detail);
    bool same = strcmp(caller->failed->code, code) == 0 && strstr(detail, part);
    if (!same)
        fail_msg("%s: %s (not %s: %s)", caller->failed->code, detail, code, part);
    free(detail);
}

static void answers(struct fixture *fixture, const char *team)
{
    CLEANUP(caller_done)
    struct caller caller = {.engine = fixture->engine, .team = team, .sql = QUICK};
    call(&caller);
    if (caller.failed)
        fail_msg("%s: %.*s %.*s",
                 caller.failed->code,
                 STR_ARGS(caller.failed->detail),
                 STR_ARGS(caller.failed->inside));
    assert_true(caller.json.at && memmem(caller.json.at, caller.json.len, "42", 2));
}

/* The process of a team (or, NULL, of any); false: there is none. */
static bool process_of(struct fixture *fixture, const char *team, struct engine_process *out)
{
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, MEM);
    struct engine_process *at;
    size_t n;
    assert_null(engine_processes(fixture->engine, &mem, &at, &n));
    for (size_t i = 0; i < n; i++) {
        if (!team || str_eq(at[i].team, str_of(team))) {
            *out = at[i];
            return true;
        }
    }
    return false;
}

static size_t process_count(struct fixture *fixture)
{
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, MEM);
    struct engine_process *at;
    size_t n;
    assert_null(engine_processes(fixture->engine, &mem, &at, &n));
    return n;
}

static bool has_call(struct fixture *fixture)
{
    struct engine_process process;
    return process_of(fixture, TEAM, &process) && process.pid > 0 && process.calls == 1;
}

static bool has_none(struct fixture *fixture)
{
    return process_count(fixture) == 0;
}

static void wait_until(bool (*holds)(struct fixture *fixture), struct fixture *fixture)
{
    int64_t end_us = time_steady() + WAIT_US;
    while (!holds(fixture)) {
        assert_true(time_steady() < end_us);
        poll(NULL, 0, 1);
    }
}

static bool is_gone(int64_t pid)
{
    return kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

static void wait_gone(int64_t pid)
{
    int64_t end_us = time_steady() + WAIT_US;
    while (!is_gone(pid)) {
        assert_true(time_steady() < end_us);
        poll(NULL, 0, 1);
    }
}

/* What it has used of the processor in its own code, in the kernel's ticks of 10 ms. */
static int64_t ticks_of(int64_t pid)
{
    char path[64], text[1024] = "";
    snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
    fclose(file);
    long long ticks = 0;
    const char *behind = strrchr(text, ')'); /* of its name */
    assert_non_null(behind);
    assert_int_equal(sscanf(behind, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld", &ticks),
                     1);
    return ticks;
}

static void wait_busy(int64_t pid, int64_t before)
{
    int64_t end_us = time_steady() + WAIT_US;
    while (ticks_of(pid) < before + BUSY_TICKS) {
        assert_true(time_steady() < end_us);
        poll(NULL, 0, 1);
    }
}

static int64_t pid_of(struct fixture *fixture, const char *team)
{
    struct engine_process process = {0};
    assert_true(process_of(fixture, team, &process));
    return process.pid;
}

static void starts_when_asked(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    assert_int_equal(process_count(fixture), 0);
    answers(fixture, TEAM);
    assert_int_equal(process_count(fixture), 1);
    int64_t pid = pid_of(fixture, TEAM);
    answers(fixture, TEAM);
    assert_int_equal(pid_of(fixture, TEAM), pid);
    struct engine_process process;
    assert_true(process_of(fixture, TEAM, &process));
    assert_true(process.memory_bytes > 0 && process.calls == 0 && process.started_us > 0);
}

static void a_wrong_program_is_told(void **state)
{
    struct fixture *fixture = *state;
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, MEM);
    struct engine_options options = options_of(fixture);
    options.program = "/nowhere/tinydevcrm-engine";
    err e = engine_open(&mem, &options, &fixture->engine);
    assert_non_null(e);
    assert_true(memmem(e->inside.at, e->inside.len, "/nowhere", 8) != NULL);
    assert_null(fixture->engine);
}

static void a_team_is_a_uuid(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    CLEANUP(caller_done)
    struct caller caller = {.engine = fixture->engine, .team = "../../etc", .sql = QUICK};
    call(&caller);
    assert_non_null(caller.failed);
    assert_int_equal(caller.failed->status, 500);
}

/* The line of /proc/<pid>/status that begins with `name`, its value as a number of base `base`. */
static unsigned long long status_of(int64_t pid, const char *name, int base)
{
    char path[64], line[256];
    snprintf(path, sizeof(path), "/proc/%lld/status", (long long)pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        if (strncmp(line, name, strlen(name)) == 0) {
            fclose(file);
            return strtoull(line + strlen(name), NULL, base);
        }
    }
    fclose(file);
    fail_msg("%s has no %s", path, name);
    return 0;
}

static void it_stands_behind_walls(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    answers(fixture, TEAM);
    int64_t pid = pid_of(fixture, TEAM);
    assert_int_equal(status_of(pid, "Seccomp:", 10), 2);
    assert_int_equal(status_of(pid, "NoNewPrivs:", 10), 1);
    assert_int_equal(status_of(pid, "CapEff:", 16), 0);
    assert_int_equal(status_of(pid, "CapPrm:", 16), 0);
}

static void a_killed_process_fails_its_call_only(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    CLEANUP(caller_done)
    struct caller caller = {.engine = fixture->engine, .team = TEAM, .sql = LONG};
    caller_start(&caller);
    wait_until(has_call, fixture);
    kill((pid_t)pid_of(fixture, TEAM), SIGKILL);
    caller_join(&caller);
    failed_with(&caller, "engine_failed", "signal 9");
    assert_int_equal(caller.failed->status, 503);
    assert_true(caller.failed->retry_after_s > 0);
    answers(fixture, TEAM);
}

static void a_query_over_its_limit_is_interrupted(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    answers(fixture, TEAM);
    int64_t pid = pid_of(fixture, TEAM);
    CLEANUP(caller_done)
    struct caller caller = {.engine = fixture->engine, .team = TEAM, .sql = LONG, .limit_ms = 250};
    call(&caller);
    failed_with(&caller, "query_timeout", "0.25 seconds");
    assert_int_equal(caller.failed->status, 504);
    assert_true(caller.took_us >= 250000);
    answers(fixture, TEAM);
    assert_int_equal(pid_of(fixture, TEAM), pid);
}

static void what_can_not_be_interrupted_is_killed(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    answers(fixture, TEAM);
    int64_t pid = pid_of(fixture, TEAM);
    CLEANUP(caller_done)
    struct caller caller = {
        .engine = fixture->engine, .team = TEAM, .sql = STUBBORN, .limit_ms = 200};
    call(&caller);
    failed_with(&caller, "query_timeout", "0.2 seconds");
    answers(fixture, TEAM);
    assert_int_not_equal(pid_of(fixture, TEAM), pid);
    wait_gone(pid);
}

static void a_client_that_leaves_stops_its_query(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    CLEANUP(caller_done)
    struct caller caller = {.engine = fixture->engine, .team = TEAM, .sql = LONG};
    caller_start(&caller);
    wait_until(has_call, fixture);
    atomic_store(&caller.gone, true);
    caller_join(&caller);
    failed_with(&caller, "client_gone", "");
    assert_true(caller.took_us < LIMIT_MS * 1000 / 2);
    answers(fixture, TEAM);
}

/* The id of the call that is waiting, or of the one that is at work; 0: there is none yet. */
static int64_t call_of(struct fixture *fixture, bool waiting, struct engine_call *out)
{
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, MEM);
    struct engine_call *at;
    size_t n;
    assert_null(engine_calls(fixture->engine, &mem, &at, &n));
    for (size_t i = 0; i < n; i++) {
        if (at[i].is_waiting != waiting)
            continue;
        *out = at[i];
        assert_true(str_eq(at[i].team, STR(TEAM)) && str_starts(at[i].sql, STR("SELECT")));
        assert_true(str_eq(at[i].kind, at[i].subject.at ? STR("refresh") : STR("query")));
        assert_true(at[i].took_us >= 0 && at[i].started_us <= time_now());
        return at[i].id;
    }
    return 0;
}

static bool at_work(struct fixture *fixture)
{
    struct engine_call seen;
    return call_of(fixture, false, &seen) != 0;
}

static bool in_waiting(struct fixture *fixture)
{
    struct engine_call seen;
    return call_of(fixture, true, &seen) != 0;
}

static void cancel(struct fixture *fixture, bool waiting)
{
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, MEM);
    struct engine_call seen, told;
    int64_t id = call_of(fixture, waiting, &seen);
    assert_false(engine_cancel(fixture->engine, &mem, id + 1000, &told));
    assert_true(engine_cancel(fixture->engine, &mem, id, &told));
    assert_int_equal(told.id, id);
}

static void a_cancelled_query_stops(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    answers(fixture, TEAM);
    int64_t pid = pid_of(fixture, TEAM);
    assert_false(at_work(fixture) || in_waiting(fixture));
    CLEANUP(caller_done)
    struct caller caller = {.engine = fixture->engine, .team = TEAM, .sql = LONG};
    caller_start(&caller);
    wait_until(at_work, fixture);
    cancel(fixture, false);
    caller_join(&caller);
    failed_with(&caller, "query_cancelled", "cancelled");
    assert_int_equal(caller.failed->status, 409);
    assert_int_equal(caller.failed->retry_after_s, 0);
    assert_true(caller.took_us < LIMIT_MS * 1000 / 2);
    assert_false(at_work(fixture) || in_waiting(fixture));
    answers(fixture, TEAM);
    assert_int_equal(pid_of(fixture, TEAM), pid);
}

static void a_cancelled_query_that_goes_on_is_killed(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    answers(fixture, TEAM);
    int64_t pid = pid_of(fixture, TEAM);
    CLEANUP(caller_done)
    struct caller caller = {
        .engine = fixture->engine, .team = TEAM, .sql = STUBBORN, .limit_ms = 600000};
    int64_t used = ticks_of(pid);
    caller_start(&caller);
    wait_until(at_work, fixture);
    wait_busy(pid, used); /* before it is stubborn it could be interrupted, and would live on */
    cancel(fixture, false);
    caller_join(&caller);
    failed_with(&caller, "query_cancelled", "");
    wait_gone(pid);
    answers(fixture, TEAM);
}

/* The one that is at work is a change as well: it is not touched, and then cancelled it is undone.
 */
static void a_cancelled_change_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    CLEANUP(caller_done)
    struct caller made = {.engine = fixture->engine, .team = TEAM, .sql = QUICK, .writes = true};
    call(&made);
    assert_null(made.failed);
    CLEANUP(caller_done)
    struct caller first = {.engine = fixture->engine, .team = TEAM, .sql = LONG, .writes = true};
    CLEANUP(caller_done) struct caller second = first;
    caller_start(&first);
    wait_until(at_work, fixture);
    caller_start(&second);
    wait_until(in_waiting, fixture);
    cancel(fixture, true);
    caller_join(&second);
    failed_with(&second, "query_cancelled", "");
    assert_true(at_work(fixture));
    cancel(fixture, false);
    caller_join(&first);
    failed_with(&first, "query_cancelled", "");
    CLEANUP(caller_done)
    struct caller read = {
        .engine = fixture->engine, .team = TEAM, .sql = "SELECT n FROM v WHERE n = 42"};
    call(&read);
    assert_null(read.failed);
    assert_true(memmem(read.json.at, read.json.len, "42", 2) != NULL);
}

static void a_hog_is_stopped(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    CLEANUP(caller_done)
    struct caller caller = {.engine = fixture->engine, .team = TEAM, .sql = HOG};
    call(&caller);
    failed_with(&caller, "query_memory", "512 MB");
    assert_int_equal(caller.failed->status, 422);
    answers(fixture, TEAM);
}

/* Under a sanitizer, running off a stack is the sanitizer's to tell, and what it adds to memory is
 * none of the query's. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static void what_nests_too_deeply_is_stopped(void **state)
{
    struct fixture *fixture = *state;
    static const char *const statements[] = {
        "SELECT json_structure(repeat('[', 1000000) || repeat(']', 1000000)) AS a",
        "SELECT json_contains(repeat('[', 1000000) || repeat(']', 1000000), '1') AS a",
        "SELECT from_json('[1]', repeat('[', 20000) || '\"INT\"' || repeat(']', 20000)) AS a",
    };
    begin(fixture);
    for (size_t i = 0; i < LENGTH(statements); i++) {
        CLEANUP(caller_done)
        struct caller caller = {.engine = fixture->engine, .team = TEAM, .sql = statements[i]};
        call(&caller);
        failed_with(&caller, "query_depth", "nested more deeply");
        answers(fixture, TEAM);
    }
}

/* The database of the process is broken by it, and must not meet the next call. */
static void memory_that_breaks_the_database_is_a_limit_too(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    CLEANUP(caller_done)
    struct caller caller = {
        .engine = fixture->engine,
        .team = TEAM,
        .sql = "SELECT reservoir_quantile(range, 0.5, 2147483647) AS a FROM range(10)"};
    call(&caller);
    failed_with(&caller, "query_memory", "512 MB");
    answers(fixture, TEAM);
}

/* Thirty tables in WITH, each made of two of the one before: what the planner is interrupted in
 * stays with the process. */
static void a_process_worn_out_by_a_query_is_replaced(void **state)
{
    struct fixture *fixture = *state;
    char sql[4096] = "WITH a0 AS (SELECT range AS n FROM range(10))";
    for (int i = 0; i < 30; i++) {
        size_t len = strlen(sql);
        snprintf(sql + len,
                 sizeof(sql) - len,
                 ", a%d AS (SELECT x.n FROM a%d AS x, a%d AS y)",
                 i + 1,
                 i,
                 i);
    }
    strcat(sql, " SELECT * FROM a30");
    begin(fixture);
    answers(fixture, TEAM);
    int64_t pid = pid_of(fixture, TEAM);
    for (int i = 0; i < 5 && pid_of(fixture, TEAM) == pid; i++) {
        CLEANUP(caller_done)
        struct caller caller = {
            .engine = fixture->engine, .team = TEAM, .sql = sql, .limit_ms = 1000};
        call(&caller);
        assert_non_null(caller.failed);
        assert_true(caller.failed->status == 504 || caller.failed->status == 422);
        answers(fixture, TEAM);
    }
    assert_int_not_equal(pid_of(fixture, TEAM), pid);
    wait_gone(pid);
}
#endif

#define TEAMS 20
#define CALLERS 4

struct round {
    struct fixture *fixture;
    int first;
    size_t most;
    err failed;
    struct arena mem;
    pthread_t thread;
};

/* Each of the callers goes through all teams, from a different one on. */
static void *round_run(void *arg)
{
    struct round *round = arg;
    for (int i = 0; i < TEAMS && !round->failed; i++) {
        char team[40];
        snprintf(team,
                 sizeof(team),
                 "00000000-0000-4000-8000-0000000000%02d",
                 (round->first + i) % TEAMS);
        struct caller caller = {.engine = round->fixture->engine, .team = team, .sql = QUICK};
        call(&caller);
        size_t count = process_count(round->fixture);
        round->most = count > round->most ? count : round->most;
        round->failed = err_copy(&round->mem, caller.failed);
        caller_done(&caller);
    }
    return NULL;
}

static void twenty_teams_share_four_places(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    struct round rounds[CALLERS] = {0};
    for (int i = 0; i < CALLERS; i++) {
        rounds[i] = (struct round){.fixture = fixture, .first = i * (TEAMS / CALLERS)};
        arena_init(&rounds[i].mem, MEM);
        assert_int_equal(pthread_create(&rounds[i].thread, NULL, round_run, &rounds[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++) {
        assert_int_equal(pthread_join(rounds[i].thread, NULL), 0);
        if (rounds[i].failed)
            fail_msg("%s: %.*s", rounds[i].failed->code, STR_ARGS(rounds[i].failed->detail));
        assert_in_range(rounds[i].most, 1, 4);
        arena_done(&rounds[i].mem);
    }
}

static void no_place_is_busy(void **state)
{
    struct fixture *fixture = *state;
    struct engine_options options = options_of(fixture);
    options.processes_max = 1;
    engine_begin(fixture, &options);
    CLEANUP(caller_done)
    struct caller holder = {.engine = fixture->engine, .team = TEAM, .sql = LONG};
    caller_start(&holder);
    wait_until(has_call, fixture);
    CLEANUP(caller_done)
    struct caller other = {.engine = fixture->engine, .team = OTHER, .sql = QUICK, .limit_ms = 100};
    call(&other);
    failed_with(&other, "engine_busy", "at work");
    assert_true(other.failed->retry_after_s > 0);
    atomic_store(&holder.gone, true);
    caller_join(&holder);
    answers(fixture, OTHER);
}

#define WRITERS 12

static void writes_wait_for_their_turn(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    CLEANUP(caller_done)
    struct caller holder = {.engine = fixture->engine, .team = TEAM, .sql = LONG, .writes = true};
    caller_start(&holder);
    wait_until(has_call, fixture);
    struct caller writers[WRITERS] = {0};
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct caller){
            .engine = fixture->engine, .team = TEAM, .sql = QUICK, .writes = true, .limit_ms = 300};
        caller_start(&writers[i]);
    }
    answers(fixture, TEAM); /* a read does not wait for a write */
    size_t at_once = 0;
    for (int i = 0; i < WRITERS; i++) {
        caller_join(&writers[i]);
        failed_with(&writers[i], "engine_busy", "");
        at_once +=
            memmem(writers[i].failed->detail.at, writers[i].failed->detail.len, "waiting", 7) !=
            NULL;
        caller_done(&writers[i]);
    }
    assert_true(at_once > 0 && at_once < WRITERS);
    atomic_store(&holder.gone, true);
    caller_join(&holder);
    failed_with(&holder, "client_gone", "");
    CLEANUP(caller_done)
    struct caller next = {.engine = fixture->engine, .team = TEAM, .sql = QUICK, .writes = true};
    call(&next);
    assert_null(next.failed);
}

static void idle_processes_end(void **state)
{
    struct fixture *fixture = *state;
    struct engine_options options = options_of(fixture);
    options.idle_ms = 50;
    engine_begin(fixture, &options);
    answers(fixture, TEAM);
    answers(fixture, OTHER);
    wait_until(has_none, fixture);
    answers(fixture, TEAM);
}

static void progress_note(void *arg, const struct progress *progress)
{
    assert_in_range(progress->millionths, 0, 1000000);
    *(int64_t *)arg = progress->rows;
}

/* A CSV of `rows` rows, as an upload leaves it in the team's folder. */
static void csv_write(const struct ask *ask, int rows, char **path)
{
    assert_null(engine_tmp_path(ask, path));
    FILE *file = fopen(*path, "we");
    assert_non_null(file);
    fputs("id,name\n", file);
    for (int i = 0; i < rows; i++)
        fprintf(file, "%d,row %d\n", i, i);
    assert_int_equal(fclose(file), 0);
}

static void load_thousand(const struct ask *ask)
{
    char *path;
    int64_t told = 0, added = 0;
    csv_write(ask, 1000, &path);
    struct load load = {
        .table = STR("t"), .path = path, .progress = progress_note, .progress_arg = &told};
    struct object table = {0};
    err e = engine_load(ask, &load, &table, &added);
    if (e)
        fail_msg("%s: %.*s %.*s", e->code, STR_ARGS(e->detail), STR_ARGS(e->inside));
    assert_int_equal(added, 1000);
    assert_int_equal(table.version, 1);
    assert_true(told <= 1000);
    assert_int_equal(unlink(path), 0);
}

/* The walls leave the team's tmp/ open both ways: a file comes in, and one goes out again. */
static void rows_leave_as_files(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, MEM);
    struct ask ask = {
        .engine = fixture->engine, .mem = &mem, .team = STR(TEAM), .limit_ms = LIMIT_MS};
    load_thousand(&ask);
    static const enum rows_format formats[] = {ROWS_CSV, ROWS_PARQUET};
    for (size_t i = 0; i < LENGTH(formats); i++) {
        struct rows_page page = {0};
        err e =
            engine_rows(&ask, &(struct rows_ask){.name = STR("t"), .format = formats[i]}, &page);
        if (e)
            fail_msg("%s: %.*s %.*s", e->code, STR_ARGS(e->detail), STR_ARGS(e->inside));
        struct stat file;
        assert_non_null(page.path);
        assert_int_equal(stat(page.path, &file), 0);
        assert_true(file.st_size > 1000);
        assert_int_equal(unlink(page.path), 0);
    }
}

static void what_was_loaded_outlives_a_kill(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, MEM);
    struct ask ask = {
        .engine = fixture->engine, .mem = &mem, .team = STR(TEAM), .limit_ms = LIMIT_MS};
    load_thousand(&ask);
    int64_t pid = pid_of(fixture, TEAM);
    kill((pid_t)pid, SIGKILL);
    wait_until(has_none, fixture);
    struct queried queried = {0};
    assert_null(engine_query(&ask, STR("SELECT count(*) AS n FROM t"), 10, &queried));
    assert_non_null(memmem(queried.json.at, queried.json.len, "1000", 4));
}

static int64_t parent_of(int64_t pid)
{
    return (int64_t)status_of(pid, "PPid:", 10);
}

static void a_dead_nursery_is_replaced(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    answers(fixture, TEAM);
    int64_t pid = pid_of(fixture, TEAM), nursery = parent_of(pid);
    assert_int_not_equal(nursery, getpid());
    kill((pid_t)nursery, SIGKILL);
    wait_gone(nursery);
    wait_gone(pid);
    int64_t end_us = time_steady() + WAIT_US;
    bool again = false;
    while (!again && time_steady() < end_us) {
        struct caller caller = {.engine = fixture->engine, .team = TEAM, .sql = QUICK};
        call(&caller);
        again = !caller.failed;
        if (!again)
            failed_with(&caller, "engine_failed", "");
        caller_done(&caller);
    }
    assert_true(again);
}

static void closing_leaves_nothing_running(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    answers(fixture, TEAM);
    answers(fixture, OTHER);
    int64_t one = pid_of(fixture, TEAM), two = pid_of(fixture, OTHER), nursery = parent_of(one);
    engine_close(fixture->engine);
    fixture->engine = NULL;
    assert_true(is_gone(one));
    assert_true(is_gone(two));
    assert_true(is_gone(nursery));
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* A server of its own, at work on a query: tells its processes' pids, then waits for its end. */
static void server_play(struct fixture *fixture, int tell)
{
    begin(fixture);
    struct caller caller = {
        .engine = fixture->engine, .team = TEAM, .sql = LONG, .limit_ms = 600000};
    caller_start(&caller);
    wait_until(has_call, fixture);
    int64_t pids[2] = {pid_of(fixture, TEAM)};
    pids[1] = parent_of(pids[0]);
    if (write(tell, pids, sizeof(pids)) != (ssize_t)sizeof(pids))
        _exit(1);
    caller_join(&caller);
    _exit(1);
}

static void nothing_outlives_a_killed_server(void **state)
{
    struct fixture *fixture = *state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t server = fork();
    assert_true(server >= 0);
    if (server == 0)
        server_play(fixture, ends[1]);
    close(ends[1]);
    int64_t pids[2] = {0};
    assert_int_equal(read(ends[0], pids, sizeof(pids)), sizeof(pids));
    close(ends[0]);
    assert_int_equal(kill(server, SIGKILL), 0);
    assert_int_equal(waitpid(server, NULL, 0), server);
    wait_gone(pids[0]);
    wait_gone(pids[1]);
    begin(fixture);
    answers(fixture, TEAM);
}

static void a_start_sweeps_what_was_left(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, MEM);
    struct ask ask = {
        .engine = fixture->engine, .mem = &mem, .team = STR(TEAM), .limit_ms = LIMIT_MS};
    char *path;
    csv_write(&ask, 1, &path);
    assert_int_equal(access(path, F_OK), 0);
    engine_close(fixture->engine);
    begin(fixture);
    assert_int_not_equal(access(path, F_OK), 0);
}

#define ENGINE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(starts_when_asked),
        ENGINE_TEST(a_wrong_program_is_told),
        ENGINE_TEST(a_team_is_a_uuid),
        ENGINE_TEST(it_stands_behind_walls),
        ENGINE_TEST(a_killed_process_fails_its_call_only),
        ENGINE_TEST(a_query_over_its_limit_is_interrupted),
        ENGINE_TEST(what_can_not_be_interrupted_is_killed),
        ENGINE_TEST(a_client_that_leaves_stops_its_query),
        ENGINE_TEST(a_cancelled_query_stops),
        ENGINE_TEST(a_cancelled_query_that_goes_on_is_killed),
        ENGINE_TEST(a_cancelled_change_changes_nothing),
        ENGINE_TEST(a_hog_is_stopped),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        ENGINE_TEST(what_nests_too_deeply_is_stopped),
        ENGINE_TEST(memory_that_breaks_the_database_is_a_limit_too),
        ENGINE_TEST(a_process_worn_out_by_a_query_is_replaced),
#endif
        ENGINE_TEST(twenty_teams_share_four_places),
        ENGINE_TEST(no_place_is_busy),
        ENGINE_TEST(writes_wait_for_their_turn),
        ENGINE_TEST(idle_processes_end),
        ENGINE_TEST(rows_leave_as_files),
        ENGINE_TEST(what_was_loaded_outlives_a_kill),
        ENGINE_TEST(a_dead_nursery_is_replaced),
        ENGINE_TEST(closing_leaves_nothing_running),
        ENGINE_TEST(nothing_outlives_a_killed_server),
        ENGINE_TEST(a_start_sweeps_what_was_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
