/* A team's process: walls first, then the team's file, then calls. */
#include "engine/worker/child.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "engine/messages.h"
#include "engine/wire.h"
#include "engine/worker/calls.h"
#include "engine/worker/sandbox.h"

#define CONTROL 3
#define DESCRIPTORS_MOST 4096 /* that the nursery may have, with one a child */
#define START_MEMORY ((size_t)4 * 1024 * 1024)
#define LOCK_WAIT_US (3 * US_PER_S)
#define LOCK_RETRY_NS (10 * 1000 * 1000)

struct child {
    const struct settings *settings;
    struct instance *instance;
    struct arena mem;
    char *team_dir, *tmp_dir, *spill_dir;
};

/* Some sandboxes around containers refuse close_range. */
static void descriptors_close(void)
{
    if (close_range(CONTROL + 1, ~0U, 0) == 0)
        return;
    for (int fd = CONTROL + 1; fd < DESCRIPTORS_MOST; fd++)
        close(fd);
}

/* Leaves standard input and output alone but empty, keeps standard error for last words, and closes
 * all the rest. */
static bool descriptors_keep(int control)
{
    int none = open("/dev/null", O_RDWR);
    bool ok = none >= 0 && dup2(none, 0) >= 0 && dup2(none, 1) >= 0 && dup2(control, CONTROL) >= 0;
    descriptors_close();
    return ok;
}

/* What a process that was killed had moved out of its memory. */
static void spill_sweep(const char *spill_dir)
{
    DIR *dir = opendir(spill_dir);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir)
        closedir(dir);
}

/* A path as the inside of an SQL literal. */
static str quoted(struct arena *mem, const char *path)
{
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, 2 * 4096);
    for (; *path; path++) {
        if (*path == '\'')
            buf_char(&b, '\'');
        buf_char(&b, *path);
    }
    return b.failed ? (str){0} : str_copy(mem, buf_str(&b));
}

static err run(struct child *child, str sql)
{
    if (!sql.at)
        return &err_no_memory;
    duckdb_result result;
    err e = NULL;
    if (duckdb_query(child->instance->connection, sql.at, &result) != DuckDBSuccess)
        e = err_internal(&child->mem, "%s", duckdb_result_error(&result));
    duckdb_destroy_result(&result);
    return e;
}

static bool path_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return synced;
}

/*
 * A new team's file is made under another name and renamed when it is whole and on disk: a process
 * that is killed while DuckDB writes the first blocks leaves nothing that a later one takes for the
 * team's file.
 */
static err file_make(struct child *child)
{
    struct arena *mem = &child->mem;
    str dir = str_of(child->team_dir), sql_dir = quoted(mem, child->team_dir);
    char *file = str_c(mem, str_fmt(mem, "%.*s/engine.duckdb", STR_ARGS(dir)));
    char *made = str_c(mem, str_fmt(mem, "%s.new", file));
    if (arena_failed(mem))
        return &err_no_memory;
    if (access(file, F_OK) == 0)
        return NULL;
    unlink(made);
    unlink(str_c(mem, str_fmt(mem, "%s.wal", made)));
    TRY(run(child, str_fmt(mem, "ATTACH '%.*s/engine.duckdb.new' AS made", STR_ARGS(sql_dir))));
    TRY(run(child, STR("CHECKPOINT made; DETACH made")));
    if (!path_sync(made) || rename(made, file) != 0 || !path_sync(child->team_dir))
        return err_internal(mem, "%s can't be made: %m", file);
    return NULL;
}

/* The process before this one may have been killed a moment ago, and still hold the file. */
static err attach(struct child *child)
{
    TRY(file_make(child));
    str dir = quoted(&child->mem, child->team_dir);
    str sql = str_fmt(&child->mem, "ATTACH '%.*s/engine.duckdb' AS " TEAM_CATALOG, STR_ARGS(dir));
    int64_t end_us = time_steady() + LOCK_WAIT_US;
    err e = run(child, sql);
    while (e && e->inside.at && strstr(e->inside.at, "Could not set lock") &&
           time_steady() < end_us) {
        nanosleep(&(struct timespec){.tv_nsec = LOCK_RETRY_NS}, NULL);
        e = run(child, sql);
    }
    TRY(e);
    return run(child, STR("USE " TEAM_CATALOG));
}

/* The settings that are the same for every team are the nursery's. */
static err lock(struct child *child)
{
    str tmp = quoted(&child->mem, child->tmp_dir), spill = quoted(&child->mem, child->spill_dir);
    return run(child,
               str_fmt(&child->mem,
                       "SET temp_directory = '%.*s';"
                       "SET allowed_directories = ['%.*s/'];"
                       "SET enable_external_access = false;"
                       "SET lock_configuration = true",
                       STR_ARGS(spill),
                       STR_ARGS(tmp)));
}

static err start(struct child *child, const struct calls_options *options)
{
    const char *failed = sandbox_enter(child->team_dir, child->settings->memory_max);
    if (failed)
        return err_internal(&child->mem, "the sandbox can't be entered: %s", failed);
    spill_sweep(child->spill_dir);
    TRY(attach(child));
    TRY(calls_prepare(options, child->instance->connection, &child->mem));
    return lock(child);
}

static void text_copy(char *into, size_t size, str text)
{
    snprintf(into, size, "%.*s", STR_ARGS(text));
}

static bool ready_tell(err e)
{
    struct ready_message message = {.ok = !e, .status = e ? e->status : 0};
    if (e) {
        text_copy(message.code, sizeof(message.code), str_of(e->code));
        text_copy(message.detail, sizeof(message.detail), e->detail);
        text_copy(message.inside, sizeof(message.inside), e->inside);
    }
    return wire_pass(CONTROL, &message, sizeof(message), -1);
}

static void signals_set(void)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};
    for (size_t i = 0; i < LENGTH(ignored); i++)
        signal(ignored[i], SIG_IGN);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn void child_run(const struct settings *settings, struct instance *instance,
                         const char *team, int control, int64_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signals_set();
    if (getppid() != parent || !descriptors_keep(control))
        _exit(1);
    struct child child = {.settings = settings, .instance = instance};
    arena_init(&child.mem, START_MEMORY);
    child.team_dir = str_c(&child.mem, str_fmt(&child.mem, "%s/%s", settings->teams_dir, team));
    child.tmp_dir = str_c(&child.mem, str_fmt(&child.mem, "%s/tmp", child.team_dir));
    child.spill_dir = str_c(&child.mem, str_fmt(&child.mem, "%s/spill", child.team_dir));
    char *log_path = str_c(&child.mem, str_fmt(&child.mem, "%s/engine.duckdb.wal", child.team_dir));
    struct calls_options options = {.database = instance->database,
                                    .control = CONTROL,
                                    .threads = settings->threads,
                                    .tmp_dir = child.tmp_dir,
                                    .log_path = log_path,
                                    .keep_us = settings->keep_us,
                                    .memory_max = settings->memory_max};
    err e = start(&child, &options);
    if (!ready_tell(e) || e)
        _exit(1);
    duckdb_disconnect(&instance->connection);
    calls_serve(&options);
    _exit(0);
}
