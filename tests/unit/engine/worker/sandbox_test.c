/* The sandbox alone: whatever code inside of it tries is refused, and what DuckDB needs works. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <sys/wait.h>

#include "attack/breakout.h"
#include "base/str.h"
#include "engine/worker/sandbox.h"

#define MEMORY_MAX ((int64_t)256 << 20)

struct fixture {
    char root[64], team[96], other[96], outside[96];
};

static void file_make(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("secret", file);
    fclose(file);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    if (!f)
        return -1;
    *state = f;
    char path[160];
    strcpy(f->root, "/tmp/sandbox_test_XXXXXX");
    assert_non_null(mkdtemp(f->root));
    snprintf(f->team, sizeof(f->team), "%s/team", f->root);
    snprintf(f->other, sizeof(f->other), "%s/other", f->root);
    snprintf(f->outside, sizeof(f->outside), "%s/outside", f->root);
    file_make(f->outside);
    mkdir(f->team, 0700);
    mkdir(f->other, 0700);
    snprintf(path, sizeof(path), "%s/engine.duckdb", f->other);
    file_make(path);
    snprintf(path, sizeof(path), "%s/tmp", f->team);
    mkdir(path, 0700);
    snprintf(path, sizeof(path), "%s/tmp/planted", f->team);
    return symlink(f->outside, path);
}

static int entry_remove(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info, (void)type, (void)place;
    return remove(path);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    nftw(f->root, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

/* In a process of its own, with a socket as descriptor 3 as engine processes have one. */
static int inside(const struct fixture *f, int (*try)(const struct breakout *b))
{
    int ends[2], outcome = -1;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int told = fcntl(ends[1], F_DUPFD, 10), control = socket(AF_UNIX, SOCK_STREAM, 0);
        if (dup2(control, 3) != 3 || sandbox_enter(f->team, MEMORY_MAX))
            _exit(1);
        struct breakout b = {.team_dir = f->team, .other_dir = f->other, .outside = f->outside};
        outcome = try(&b);
        _exit(write(told, &outcome, sizeof(outcome)) == (ssize_t)sizeof(outcome) ? 0 : 1);
    }
    close(ends[1]);
    ssize_t n = read(ends[0], &outcome, sizeof(outcome));
    close(ends[0]);
    int status;
    waitpid(pid, &status, 0);
    return n == (ssize_t)sizeof(outcome) ? outcome : -1;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

static void refuses_every_attempt(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < LENGTH(breakout_attempts); i++) {
        /* The cap on addresses can't stand beside a sanitizer. */
        if (SANITIZED && strcmp(breakout_attempts[i].name, "memory_vast") == 0)
            continue;
        int outcome = inside(f, breakout_attempts[i].try);
        if (!breakout_refused(outcome))
            fail_msg("%s: %s", breakout_attempts[i].name, outcome ? strerror(outcome) : "done");
    }
    struct stat info;
    assert_int_equal(stat(f->outside, &info), 0);
    assert_int_equal(info.st_size, 6);
    assert_int_not_equal(access("/tmp/tinydevcrm-broken-out", F_OK), 0);
}

/* Without the sandbox the same attempts get somewhere, or they would show nothing. */
static void outside_of_it_they_work(void **state)
{
    struct fixture *f = *state;
    struct breakout b = {.team_dir = f->team, .other_dir = f->other, .outside = f->outside};
    int (*const harmless[])(const struct breakout *b) = {
        read_outside,     write_outside, path_outside,  read_passwords, list_root,
        list_teams,       list_other,    read_other,    write_other,    make_in_other,
        read_environment, move_out,      symlink_out,   symlink_follow, folder_outside,
        touch_outside,    memory_file,   parent_signal, socket_tcp,     socket_local,
        sockets_paired};
    for (size_t i = 0; i < LENGTH(harmless); i++)
        assert_int_equal(harmless[i](&b), 0);
}

static int work_as_usual(const struct breakout *b)
{
    char path[4096], moved[4096];
    snprintf(path, sizeof(path), "%s/tmp/file", b->team_dir);
    snprintf(moved, sizeof(moved), "%s/moved", b->team_dir);
    int outcome = file_open(path, O_RDWR | O_CREAT);
    if (!outcome)
        outcome = outcome_of(rename(path, moved));
    if (!outcome)
        outcome = outcome_of(unlink(moved));
    void *memory = malloc((size_t)64 << 20);
    outcome = outcome ? outcome : memory ? 0 : ENOMEM;
    free(memory);
    return outcome;
}

static void lets_the_engine_work(void **state)
{
    assert_int_equal(inside(*state, work_as_usual), 0);
}

int main(void)
{
    if (sandbox_missing())
        return 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(refuses_every_attempt, setup, teardown),
        cmocka_unit_test_setup_teardown(outside_of_it_they_work, setup, teardown),
        cmocka_unit_test_setup_teardown(lets_the_engine_work, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
