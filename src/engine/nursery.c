/* The server's side of the nursery: started with one socket, no secrets and no other descriptor. */
#include "engine/nursery.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVER 3 /* the descriptor that it looks for */
#define THREADS_MAX 16
#define END_MS 2000
#define ENVIRONMENT_MAX 8

/* The environment may hold secrets; the nursery gets none of it but what a sanitizer is told. The
 * linker binds all of DuckDB's functions once, rather than each anew in every process. */
static void environment(char **into)
{
    size_t n = 0;
    into[n++] = "TZ=UTC";
    into[n++] = "LD_BIND_NOW=1";
    for (char **entry = environ; *entry && n < ENVIRONMENT_MAX - 1; entry++) {
        str name = str_of(*entry);
        name = str_cut(&name, '=');
        if (str_ends(name, STR("SAN_OPTIONS")))
            into[n++] = *entry;
    }
    into[n] = NULL;
}

static int attributes_set(posix_spawnattr_t *attr)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int failed = posix_spawnattr_setsigmask(attr, &none);
    failed |= posix_spawnattr_setsigdefault(attr, &all);
    /* A group of its own: the terminal's Ctrl-C is the server's. */
    failed |= posix_spawnattr_setpgroup(attr, 0);
    failed |= posix_spawnattr_setflags(
        attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    return failed;
}

static int spawn(const struct nursery_options *options, char *const *argv, int socket, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    char *env[ENVIRONMENT_MAX];
    environment(env);
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed)
        return failed;
    failed = posix_spawnattr_init(&attr);
    if (!failed) {
        failed = attributes_set(&attr);
        failed = failed ? failed : posix_spawn_file_actions_adddup2(&actions, socket, SERVER);
        failed = failed ? failed : posix_spawn(pid, options->program, &actions, &attr, argv, env);
        posix_spawnattr_destroy(&attr);
    }
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static long threads_count(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : cores;
}

err nursery_start(struct arena *mem, const struct nursery_options *options, struct nursery *nursery)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return err_internal(mem, "socketpair: %s", strerror(errno));
    char *argv[] = {str_c(mem, str_of(options->program)),
                    str_c(mem, str_of(options->teams_dir)),
                    str_c(mem, str_fmt(mem, "%lld", (long long)options->memory_max)),
                    str_c(mem, str_fmt(mem, "%lld", (long long)options->keep_us)),
                    str_c(mem, str_fmt(mem, "%ld", threads_count())),
                    NULL};
    pid_t pid = 0;
    int failed = arena_failed(mem) ? ENOMEM : spawn(options, argv, ends[1], &pid);
    close(ends[1]);
    if (!failed && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0) {
        *nursery = (struct nursery){.fd = ends[0], .pid = pid};
        return NULL;
    }
    close(ends[0]);
    *nursery = (struct nursery){.fd = -1};
    return err_internal(
        mem, "the engine's program %s can't be started: %s", options->program, strerror(failed));
}

void nursery_end(struct nursery *nursery)
{
    if (nursery->fd < 0)
        return;
    close(nursery->fd);
    int process = (int)syscall(SYS_pidfd_open, (pid_t)nursery->pid, 0);
    struct pollfd ended = {.fd = process, .events = POLLIN};
    if (process < 0 || poll(&ended, 1, END_MS) != 1)
        kill((pid_t)nursery->pid, SIGKILL);
    while (waitpid((pid_t)nursery->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    if (process >= 0)
        close(process);
    *nursery = (struct nursery){.fd = -1};
}
