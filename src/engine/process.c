/* One engine process as the server sees it: its states and its sockets. */
#include "engine/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "engine/folders.h"
#include "engine/wire.h"

#define NURSERY_PAUSE_US US_PER_S /* between two starts of the nursery */

struct process *process_find(struct supervisor *supervisor, str team)
{
    struct process *process = supervisor->processes;
    while (process && !str_eq(str_of(process->team), team))
        process = process->next;
    return process;
}

void supervisor_changed(struct supervisor *supervisor)
{
    pthread_cond_broadcast(&supervisor->changed);
    uint64_t one = 1;
    /* It can only fail when the counter is full, and then the watcher is awake. */
    ssize_t n = write(supervisor->wake, &one, sizeof(one));
    (void)n;
}

static err nursery_ready(struct supervisor *supervisor, struct arena *mem)
{
    if (supervisor->nursery.fd >= 0)
        return NULL;
    if (time_steady() - supervisor->nursery_started_us < NURSERY_PAUSE_US)
        return err_busy(
            mem, 1, "engine_failed", "The engine has just failed and is being started again.");
    supervisor->nursery_started_us = time_steady();
    return nursery_start(mem, &supervisor->nursery_options, &supervisor->nursery);
}

static bool nursery_ask(struct supervisor *supervisor, enum nursery_kind kind,
                        const struct process *process, int passed)
{
    struct nursery_message message = {.kind = (int32_t)kind, .id = process->id};
    memcpy(message.team, process->team, sizeof(message.team));
    return supervisor->nursery.fd >= 0 &&
           wire_pass(supervisor->nursery.fd, &message, sizeof(message), passed);
}

/* Gives the nursery one end of the control socket, and keeps the other. */
static bool control_open(struct supervisor *supervisor, struct process *process)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    bool ok = fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 &&
              nursery_ask(supervisor, NURSERY_START, process, ends[1]);
    close(ends[1]);
    process->control = ends[0];
    if (!ok)
        close(ends[0]);
    return ok;
}

err process_start(struct supervisor *supervisor, struct arena *mem, str team)
{
    TRY(folder_make(mem, supervisor->nursery_options.teams_dir, team));
    TRY(nursery_ready(supervisor, mem));
    struct process *process = calloc(1, sizeof(*process));
    if (!process)
        return &err_no_memory;
    process->id = ++supervisor->next_id;
    process->refs = 1;
    process->started_us = time_now();
    process->used_us = process->looked_us = time_steady();
    memcpy(process->team, team.at, team.len);
    if (!control_open(supervisor, process)) {
        err e = err_busy(
            mem, 1, "engine_failed", "The engine can't start a process: %s.", strerror(errno));
        free(process);
        return e;
    }
    process->next = supervisor->processes;
    supervisor->processes = process;
    supervisor->count++;
    supervisor_changed(supervisor);
    return NULL;
}

void process_unref(struct process *process)
{
    if (process && --process->refs == 0)
        free(process);
}

static void idle_close(struct process *process)
{
    while (process->idle_count)
        close(process->idle[--process->idle_count]);
}

/* The socket is shut down, not closed, because the watcher may be polling it. */
void process_end(struct supervisor *supervisor, struct process *process)
{
    if (process->state == PROCESS_ENDING || process->state == PROCESS_ENDED)
        return;
    process->state = PROCESS_ENDING;
    process->ending_us = time_steady();
    shutdown(process->control, SHUT_RDWR);
    idle_close(process);
    supervisor_changed(supervisor);
}

void process_kill(struct supervisor *supervisor, struct process *process, const char *because)
{
    if (process->state == PROCESS_ENDED || process->kill_sent)
        return;
    process->killed = because;
    /* A nursery that can't be asked has gone, and its processes with it. */
    process->kill_sent = nursery_ask(supervisor, NURSERY_KILL, process, -1);
    log_line(supervisor->options.log,
             LOG_WARNING,
             "engine",
             "the process of team %s is killed because %s",
             process->team,
             because);
    process_end(supervisor, process);
    process->ending_us = time_steady();
}

static void ended_log(struct supervisor *supervisor, const struct process *process)
{
    bool clean = process->status_known && process->status == 0;
    if (clean || process->killed)
        return;
    if (process->status_known && WIFSIGNALED((int)process->status))
        log_line(supervisor->options.log,
                 LOG_WARNING,
                 "engine",
                 "the process of team %s (%lld) ended by signal %d",
                 process->team,
                 (long long)process->pid,
                 WTERMSIG((int)process->status));
    else
        log_line(supervisor->options.log,
                 LOG_WARNING,
                 "engine",
                 "the process of team %s (%lld) ended unasked%s%s",
                 process->team,
                 (long long)process->pid,
                 process->ready.inside[0] ? ": " : "",
                 process->ready.inside);
}

void process_ended(struct supervisor *supervisor, struct process *process, bool status_known,
                   int64_t status)
{
    struct process **at = &supervisor->processes;
    while (*at != process)
        at = &(*at)->next;
    *at = process->next;
    supervisor->count--;
    process->start_failed = !process->ready.ok;
    process->state = PROCESS_ENDED;
    process->status_known = status_known;
    process->status = status;
    close(process->control);
    idle_close(process);
    ended_log(supervisor, process);
    supervisor_changed(supervisor);
    process_unref(process);
}

int64_t process_cpu_us(int64_t pid)
{
    clockid_t clock;
    struct timespec used;
    if (pid <= 0 || clock_getcpuclockid((pid_t)pid, &clock) != 0 ||
        clock_gettime(clock, &used) != 0)
        return -1;
    return (int64_t)used.tv_sec * US_PER_S + used.tv_nsec / 1000;
}

int process_socket(struct process *process)
{
    if (process->idle_count)
        return process->idle[--process->idle_count];
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return -1;
    bool ok =
        fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 && wire_pass(process->control, "call", 4, ends[1]);
    close(ends[1]);
    if (ok)
        return ends[0];
    close(ends[0]);
    return -1;
}

bool process_free_for(const struct process *process, bool writes)
{
    /* One of the places is kept for a write, so that reads can't hold it up. */
    size_t readers = process->calls - (process->writing ? 1 : 0);
    return writes ? !process->writing : readers < CALLS_MAX - 1;
}

struct process *process_idlest(struct supervisor *supervisor)
{
    struct process *idlest = NULL;
    for (struct process *p = supervisor->processes; p; p = p->next) {
        bool idle = p->state == PROCESS_READY && p->calls == 0 && p->waiting == 0;
        if (idle && (!idlest || p->used_us < idlest->used_us))
            idlest = p;
    }
    return idlest;
}
