/*
 * The engine's executable: the nursery. One thread, an empty in-memory DuckDB, and a fork for each
 * team that is asked for.
 *
 * Started by the server with a socket as descriptor 3; never by hand. Loading DuckDB takes 35 ms
 * and 30 MB; a fork of a process that has done so takes 4 ms and shares its memory. It must stay
 * single-threaded: a fork copies one thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/messages.h"
#include "engine/wire.h"
#include "engine/worker/child.h"
#include "engine/worker/sandbox.h"

#define SERVER 3
#define CHILDREN_MAX 4096
#define MALLOC_ARENAS 4

#if defined(__SANITIZE_THREAD__)
/* DuckDB is not instrumented, and holds more locks at a time than the search for deadlocks can
 * count. A process that ends does not wait for its threads. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "detect_deadlocks=0:ignore_noninstrumented_modules=1:report_thread_leaks=0";
}
#endif

struct nursling {
    int64_t id;
    pid_t pid; /* 0: a free entry */
};

struct nursery {
    struct settings settings;
    struct instance instance;
    int signals;
    struct nursling *children; /* CHILDREN_MAX */
};

static bool tell(const struct nursery_message *message)
{
    return wire_pass(SERVER, message, sizeof(*message), -1);
}

static struct nursling *nursling_find(struct nursery *nursery, int64_t id)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        if (nursery->children[i].pid && nursery->children[i].id == id)
            return &nursery->children[i];
    }
    return NULL;
}

/* Forks into a free entry; the errno, or 0. */
static int child_fork(struct nursery *nursery, const struct nursery_message *asked, int control)
{
    struct nursling *entry = nursery->children;
    while (entry < nursery->children + CHILDREN_MAX && entry->pid)
        entry++;
    if (entry == nursery->children + CHILDREN_MAX)
        return EAGAIN;
    pid_t self = getpid();
    pid_t pid = fork();
    if (pid == 0)
        child_run(&nursery->settings, &nursery->instance, asked->team, control, self);
    if (pid < 0)
        return errno;
    *entry = (struct nursling){.id = asked->id, .pid = pid};
    return 0;
}

static bool child_start(struct nursery *nursery, const struct nursery_message *asked, int control)
{
    if (control < 0)
        return false;
    int failure = child_fork(nursery, asked, control);
    close(control);
    struct nursling *entry = failure ? NULL : nursling_find(nursery, asked->id);
    return tell(&(struct nursery_message){.kind = NURSERY_STARTED,
                                          .id = asked->id,
                                          .pid = entry ? entry->pid : -1,
                                          .status = failure});
}

/* A pid is only ever killed before it has been waited for, when it can't be another's. */
static void child_kill(struct nursery *nursery, int64_t id)
{
    struct nursling *entry = nursling_find(nursery, id);
    if (entry)
        kill(entry->pid, SIGKILL);
}

static bool children_reap(struct nursery *nursery)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct nursling *entry = nursery->children;
        while (entry < nursery->children + CHILDREN_MAX && entry->pid != pid)
            entry++;
        if (entry == nursery->children + CHILDREN_MAX)
            continue;
        entry->pid = 0;
        if (!tell(&(struct nursery_message){
                .kind = NURSERY_ENDED, .id = entry->id, .pid = pid, .status = status}))
            return false;
    }
    return true;
}

/* False: the server has gone, or does not speak as it should. */
static bool server_hear(struct nursery *nursery)
{
    struct nursery_message asked;
    int passed;
    ptrdiff_t n = wire_take(SERVER, &asked, sizeof(asked), &passed);
    if (n != (ptrdiff_t)sizeof(asked) || memchr(asked.team, 0, sizeof(asked.team)) == NULL)
        return false;
    if (asked.kind == NURSERY_START)
        return child_start(nursery, &asked, passed);
    if (asked.kind == NURSERY_KILL)
        child_kill(nursery, asked.id);
    return asked.kind == NURSERY_KILL && passed < 0;
}

static bool nursery_turn(struct nursery *nursery)
{
    struct pollfd polls[] = {{.fd = SERVER, .events = POLLIN},
                             {.fd = nursery->signals, .events = POLLIN}};
    if (poll(polls, LENGTH(polls), -1) < 0)
        return errno == EINTR;
    struct signalfd_siginfo told;
    if (polls[1].revents && read(nursery->signals, &told, sizeof(told)) > 0 &&
        !children_reap(nursery))
        return false;
    return !polls[0].revents || server_hear(nursery);
}

/* The settings that are the same for every team. Threads are counted as external ones, so DuckDB
 * starts none itself. */
static bool instance_open(struct nursery *nursery)
{
    struct instance *instance = &nursery->instance;
    char sql[1024];
    long long threads = nursery->settings.threads, memory_max = nursery->settings.memory_max;
    snprintf(sql,
             sizeof(sql),
             "SET threads = %lld; SET external_threads = %lld;"
             "SET memory_limit = '%lldB'; SET max_temp_directory_size = '%lldB';"
             "SET GLOBAL TimeZone = 'UTC';"
             "SET autoload_known_extensions = false; SET autoinstall_known_extensions = false;"
             "SET allow_community_extensions = false; SET allow_unsigned_extensions = false;"
             "SET allow_persistent_secrets = false",
             threads,
             threads,
             memory_max / 4 * 3,
             memory_max * 10);
    duckdb_config config = NULL;
    bool ok = duckdb_create_config(&config) == DuckDBSuccess &&
              duckdb_set_config(config, "threads", "1") == DuckDBSuccess &&
              duckdb_open_ext(NULL, &instance->database, config, NULL) == DuckDBSuccess &&
              duckdb_connect(instance->database, &instance->connection) == DuckDBSuccess;
    duckdb_destroy_config(&config);
    duckdb_result result;
    if (ok && duckdb_query(instance->connection, sql, &result) != DuckDBSuccess) {
        fprintf(stderr, "tinydevcrm-engine: %s\n", duckdb_result_error(&result));
        ok = false;
    }
    return ok;
}

/* A stop of the service reaches every process of it; the server then ends these in order. */
static bool signals_open(struct nursery *nursery)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    for (size_t i = 0; i < LENGTH(ignored); i++)
        signal(ignored[i], SIG_IGN);
    sigset_t child_ended;
    sigemptyset(&child_ended);
    sigaddset(&child_ended, SIGCHLD);
    sigprocmask(SIG_SETMASK, &child_ended, NULL);
    nursery->signals = signalfd(-1, &child_ended, SFD_CLOEXEC | SFD_NONBLOCK);
    return nursery->signals >= 0;
}

static bool settings_read(char **argv, struct settings *settings)
{
    settings->teams_dir = argv[1];
    return str_i64(str_of(argv[2]), &settings->memory_max) && settings->memory_max > 0 &&
           settings->memory_max < INT64_MAX / 10 && str_i64(str_of(argv[3]), &settings->keep_us) &&
           str_i64(str_of(argv[4]), &settings->threads) && settings->threads > 0 &&
           settings->threads <= 64;
}

int main(int argc, char **argv)
{
    static struct nursling children[CHILDREN_MAX];
    struct nursery nursery = {.children = children};
    if (argc != 5 || !settings_read(argv, &nursery.settings) || fcntl(SERVER, F_GETFD) < 0) {
        fputs("tinydevcrm-engine is started by tinydevcrm, not by hand.\n", stderr);
        return 2;
    }
    close_range(SERVER + 1, ~0U, 0);
    mallopt(M_ARENA_MAX, MALLOC_ARENAS);
    if (!signals_open(&nursery) || !instance_open(&nursery)) {
        fputs("tinydevcrm-engine can't start.\n", stderr);
        return 1;
    }
    bool on = tell(&(struct nursery_message){.kind = NURSERY_HELLO, .missing = sandbox_missing()});
    while (on)
        on = nursery_turn(&nursery);
    /* Its children die with it. */
    _exit(0);
}
