/*
 * An engine program that misbehaves: the server loses the one call, never its footing.
 *
 * This test is its own engine program: started with the nursery's arguments it plays a nursery
 * whose processes do what the last letter of their team's id says.
 */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "engine/messages.h"

#define MEM ((size_t)8 * 1024 * 1024)
#define SERVER 3

/* ---- the program ---- */

static void ready_say(int control, bool ok)
{
    struct ready_message ready = {.ok = ok, .status = ok ? 0 : 507};
    strcpy(ready.code, ok ? "" : "disk_full");
    strcpy(ready.inside, ok ? "" : "no room at all");
    if (!wire_pass(control, &ready, sizeof(ready), -1))
        _exit(1);
}

static int call_take(int control)
{
    char message[8];
    int fd = -1;
    if (wire_take(control, message, sizeof(message), &fd) <= 0 || fd < 0)
        _exit(0);
    char request[4096];
    if (recv(fd, request, sizeof(request), 0) <= 0)
        _exit(1);
    return fd;
}

static void frame_say(int fd, enum wire_kind kind, void (*fill)(struct wire *w))
{
    struct buf frame;
    buf_init(&frame, 4096);
    wire_frame_begin(&frame);
    struct wire w = wire_writer(&frame);
    fill(&w);
    if (!wire_frame_end(&frame, kind) || !wire_send(fd, buf_str(&frame), -1))
        _exit(1);
    buf_done(&frame);
}

static void fill_garbage(struct wire *w)
{
    buf_add(w->out, STR("\xFF\xFF\xFF\x7F this is no answer"));
}

static void fill_foreign_path(struct wire *w)
{
    message_rows_page(w, &(struct rows_page){.path = "/etc/passwd"});
}

static void fill_status(struct wire *w)
{
    message_err(w, &(struct err){.status = 200, .code = "all_is_well"});
}

static void fill_progress(struct wire *w)
{
    message_progress(w, &(struct progress){.rows = -1, .millionths = INT64_MAX});
}

static _Noreturn void wait_for_end(int control)
{
    struct pollfd end = {.fd = control};
    poll(&end, 1, -1);
    _exit(0);
}

static _Noreturn void wait_for_ever(void)
{
    for (;;)
        pause();
}

static _Noreturn void play(char role, int control)
{
    if (role == '1')
        _exit(7);
    if (role == '2')
        ready_say(control, false);
    if (role == '2')
        wait_for_end(control);
    if (role == '3')
        wait_for_ever();
    ready_say(control, true);
    int fd = call_take(control);
    if (role == '4' && !wire_send(fd, STR("\xFF\xFF\xFF\xFF\x03"), -1))
        _exit(1);
    if (role == '5')
        frame_say(fd, WIRE_ANSWER, fill_garbage);
    if (role == '6')
        frame_say(fd, WIRE_ANSWER, fill_foreign_path);
    if (role == '7')
        frame_say(fd, WIRE_FAILURE, fill_status);
    if (role == '8')
        close(fd);
    if (role == '9') {
        for (int i = 0; i < 1000; i++)
            frame_say(fd, WIRE_PROGRESS, fill_progress);
        frame_say(fd, WIRE_CALL, fill_garbage);
    }
    wait_for_end(control);
}

static pid_t child_start(const struct nursery_message *asked, int control)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        play(asked->team[TEAM_MAX - 1], control);
    }
    close(control);
    struct nursery_message started = {.kind = NURSERY_STARTED, .id = asked->id, .pid = pid};
    if (!wire_pass(SERVER, &started, sizeof(started), -1))
        _exit(1);
    return pid;
}

/* One child at a time is enough. */
static int nursery_play(void)
{
    struct nursery_message asked;
    int64_t id = 0;
    int status, passed;
    pid_t child = 0;
    for (;;) {
        struct pollfd server = {.fd = SERVER, .events = POLLIN};
        int ready = poll(&server, 1, 5);
        pid_t pid = waitpid(-1, &status, WNOHANG);
        struct nursery_message ended = {
            .kind = NURSERY_ENDED, .id = id, .pid = pid, .status = status};
        if (pid > 0 && !wire_pass(SERVER, &ended, sizeof(ended), -1))
            return 1;
        if (ready < 1)
            continue;
        if (wire_take(SERVER, &asked, sizeof(asked), &passed) != (ptrdiff_t)sizeof(asked))
            return 0;
        if (asked.kind == NURSERY_START && asked.team[TEAM_MAX - 1] == '0')
            return 3;
        if (asked.kind == NURSERY_START)
            child = child_start(&asked, passed);
        id = asked.id;
        if (asked.kind == NURSERY_KILL)
            kill(child, SIGKILL);
    }
}

/* ---- the test ---- */

struct fixture {
    char data_dir[64];
    struct engine *engine;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    if (!fixture)
        return -1;
    *state = fixture;
    strcpy(fixture->data_dir, "/tmp/hostile_test_XXXXXX");
    struct engine_options options = {.program = "/proc/self/exe",
                                     .data_dir = mkdtemp(fixture->data_dir),
                                     .processes_max = 2,
                                     .memory_max = 1 << 20,
                                     .idle_ms = 600000,
                                     .keep_us = 1};
    struct arena mem;
    arena_init(&mem, MEM);
    err e = engine_open(&mem, &options, &fixture->engine);
    arena_done(&mem);
    return e ? -1 : 0;
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

static void rows_fail(struct fixture *fixture, char role, const char *code, const char *part)
{
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, MEM);
    char team[] = "00000000-0000-4000-8000-000000000000";
    team[TEAM_MAX - 1] = role;
    struct ask ask = {
        .engine = fixture->engine, .mem = &mem, .team = str_of(team), .limit_ms = 500};
    struct rows_page page = {0};
    err e = engine_rows(&ask, &(struct rows_ask){.name = STR("t"), .limit = 10}, &page);
    if (!e)
        fail_msg("role %c: no error", role);
    str text = e->inside.at ? e->inside : e->detail;
    if (strcmp(e->code, code) != 0 || !memmem(text.at, text.len, part, strlen(part)))
        fail_msg("role %c: %s: %.*s", role, e->code, STR_ARGS(text));
}

static void the_nursery_ends(void **state)
{
    rows_fail(*state, '0', "engine_failed", "has ended");
    rows_fail(*state, '0', "engine_failed", "being started again");
}

static void a_process_ends_at_once(void **state)
{
    rows_fail(*state, '1', "engine_failed", "status 7");
}

static void a_process_says_that_it_can_not_start(void **state)
{
    rows_fail(*state, '2', "engine_failed", "no room at all");
}

static void a_process_never_gets_ready(void **state)
{
    rows_fail(*state, '3', "engine_busy", "still starting");
}

static void an_answer_is_longer_than_any(void **state)
{
    rows_fail(*state, '4', "internal_error", "malformed answer");
}

static void an_answer_is_garbage(void **state)
{
    rows_fail(*state, '5', "internal_error", "malformed answer");
}

static void an_answer_names_a_foreign_file(void **state)
{
    rows_fail(*state, '6', "internal_error", "not its own");
}

static void a_failure_is_none(void **state)
{
    rows_fail(*state, '7', "internal_error", "malformed answer");
}

static void a_call_is_hung_up(void **state)
{
    rows_fail(*state, '8', "engine_failed", "closed its connection");
}

static void an_answer_is_a_question(void **state)
{
    rows_fail(*state, '9', "internal_error", "malformed answer");
}

#define HOSTILE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
    (void)argv;
    if (argc == 5)
        return nursery_play();
    const struct CMUnitTest tests[] = {
        HOSTILE_TEST(the_nursery_ends),
        HOSTILE_TEST(a_process_ends_at_once),
        HOSTILE_TEST(a_process_says_that_it_can_not_start),
        HOSTILE_TEST(a_process_never_gets_ready),
        HOSTILE_TEST(an_answer_is_longer_than_any),
        HOSTILE_TEST(an_answer_is_garbage),
        HOSTILE_TEST(an_answer_names_a_foreign_file),
        HOSTILE_TEST(a_failure_is_none),
        HOSTILE_TEST(a_call_is_hung_up),
        HOSTILE_TEST(an_answer_is_a_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
