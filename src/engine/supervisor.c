/* The supervisor: who may call which process, and what became of one that has ended. */
#include "engine/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/proc.h"
#include "base/time.h"
#include "engine/process.h"
#include "engine/roll.h"

#define PROCESSES_MOST 4096
#define TEAM_WAITING_MAX 8   /* calls of one team that wait for their turn */
#define PLACE_WAITING_MAX 64 /* calls that wait for a place among the processes */
#define WAIT_MOST_MS 30000   /* for a turn, however long the call itself may take */
#define TURN_MS 50           /* after which a waiting call looks whether its client is there */
#define OUTCOME_US (3 * US_PER_S)

/* A call that waits: for `process`, or for a place when that is NULL and `placeless` set. */
struct waiter {
    const struct ask *ask;
    const atomic_bool *cancelled;
    bool writes, placeless;
    struct process *process;
    bool starting; /* `process` was starting when the wait for it began: its failure is this call's
                      as well */
    int64_t end_us;
};

static bool parts_init(struct supervisor *supervisor)
{
    pthread_condattr_t attr;
    size_t polls = WATCH_FIRST + (size_t)supervisor->options.processes_max;
    supervisor->polls = calloc(polls, sizeof(struct pollfd));
    supervisor->poll_ids = calloc(polls, sizeof(int64_t));
    supervisor->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&supervisor->lock, NULL);
    pthread_cond_init(&supervisor->changed, &attr);
    pthread_condattr_destroy(&attr);
    return supervisor->polls && supervisor->poll_ids && supervisor->wake >= 0;
}

static err supervisor_start(struct supervisor *supervisor, struct arena *mem)
{
    if (!parts_init(supervisor))
        return &err_no_memory;
    TRY(nursery_start(mem, &supervisor->nursery_options, &supervisor->nursery));
    supervisor->nursery_started_us = time_steady();
    int failed = pthread_create(&supervisor->watcher, NULL, watcher_run, supervisor);
    supervisor->watcher_started = !failed;
    return failed ? err_internal(mem, "the engine's watcher: %s", strerror(failed)) : NULL;
}

err supervisor_new(struct arena *mem, const struct engine_options *options, const char *teams_dir,
                   struct supervisor **out)
{
    if (options->processes_max < 1 || options->processes_max > PROCESSES_MOST)
        return err_internal(mem, "the engine takes 1 to %d processes", PROCESSES_MOST);
    struct supervisor *supervisor = calloc(1, sizeof(*supervisor));
    if (!supervisor)
        return &err_no_memory;
    supervisor->options = *options;
    supervisor->nursery_options = (struct nursery_options){.program = options->program,
                                                           .teams_dir = teams_dir,
                                                           .memory_max = options->memory_max,
                                                           .keep_us = options->keep_us};
    supervisor->nursery = (struct nursery){.fd = -1};
    err e = supervisor_start(supervisor, mem);
    if (e)
        supervisor_free(supervisor);
    else
        *out = supervisor;
    return e;
}

void supervisor_free(struct supervisor *supervisor)
{
    if (!supervisor)
        return;
    pthread_mutex_lock(&supervisor->lock);
    supervisor->closing = true;
    for (struct process *p = supervisor->processes; p; p = p->next)
        process_end(supervisor, p);
    supervisor_changed(supervisor);
    pthread_mutex_unlock(&supervisor->lock);
    if (supervisor->watcher_started)
        pthread_join(supervisor->watcher, NULL);
    nursery_end(&supervisor->nursery);
    pthread_cond_destroy(&supervisor->changed);
    pthread_mutex_destroy(&supervisor->lock);
    if (supervisor->wake >= 0)
        close(supervisor->wake);
    free(supervisor->polls);
    free(supervisor->poll_ids);
    free(supervisor);
}

static void waiter_leave(struct supervisor *supervisor, struct waiter *waiter)
{
    if (waiter->process) {
        waiter->process->waiting--;
        process_unref(waiter->process);
    }
    if (waiter->placeless)
        supervisor->waiting--;
    waiter->process = NULL;
    waiter->placeless = false;
}

/* Waits behind `process`, or for a place (NULL). */
static err waiter_join(struct supervisor *supervisor, struct waiter *waiter,
                       struct process *process)
{
    if (process ? waiter->process == process : waiter->placeless)
        return NULL;
    waiter_leave(supervisor, waiter);
    if (process && process->waiting >= TEAM_WAITING_MAX)
        return err_busy(waiter->ask->mem,
                        1,
                        "engine_busy",
                        "%d calls of this team are waiting for their turn already.",
                        TEAM_WAITING_MAX);
    if (!process && supervisor->waiting >= PLACE_WAITING_MAX)
        return err_busy(waiter->ask->mem, 1, "engine_busy", "All engine processes are at work.");
    if (process) {
        process->waiting++;
        process->refs++;
        waiter->process = process;
        waiter->starting = process->state == PROCESS_STARTING;
    } else {
        supervisor->waiting++;
        waiter->placeless = true;
    }
    return NULL;
}

static err waited_enough(const struct waiter *waiter)
{
    struct arena *mem = waiter->ask->mem;
    const struct process *process = waiter->process;
    if (!process)
        return err_busy(mem, 2, "engine_busy", "All engine processes are at work.");
    if (process->state != PROCESS_READY)
        return err_busy(
            mem, 2, "engine_busy", "The engine process of this team is still starting.");
    if (waiter->writes)
        return err_busy(mem, 2, "engine_busy", "Another change of this team's data is under way.");
    return err_busy(mem, 2, "engine_busy", "Too many queries of this team are under way.");
}

/* One turn of waiting: until something changes, 50 ms pass, or it is enough. */
static err waiter_turn(struct supervisor *supervisor, struct waiter *waiter)
{
    const struct ask *ask = waiter->ask;
    if (ask->gone && atomic_load(ask->gone))
        return err_new(ask->mem, 499, "client_gone", "The client has left.");
    if (atomic_load(waiter->cancelled))
        return roll_cancelled(ask->mem);
    int64_t now = time_steady();
    if (now >= waiter->end_us)
        return waited_enough(waiter);
    int64_t until = now + TURN_MS * 1000;
    until = until < waiter->end_us ? until : waiter->end_us;
    struct timespec at = {.tv_sec = until / US_PER_S, .tv_nsec = until % US_PER_S * 1000};
    pthread_cond_timedwait(&supervisor->changed, &supervisor->lock, &at);
    return NULL;
}

static str outcome_text(struct arena *mem, const struct process *process)
{
    if (process->killed)
        return str_fmt(mem, "was stopped because %s", process->killed);
    int status = (int)process->status;
    if (process->status_known && WIFSIGNALED(status)) {
        int number = WTERMSIG(status);
        return str_fmt(mem,
                       "ended by signal %d (%s%s)",
                       number,
                       strsignal(number),
                       number == SIGKILL ? "; the machine may be out of memory" : "");
    }
    if (process->status_known)
        return str_fmt(mem, "ended with status %d", WEXITSTATUS(status));
    return STR("has ended");
}

static err outcome(struct arena *mem, const struct process *process)
{
    str text = outcome_text(mem, process);
    return err_busy(
        mem,
        1,
        "engine_failed",
        "The engine process %.*s while it worked on this; the next request gets a new one.",
        STR_ARGS(text));
}

static err start_failure(struct arena *mem, const struct process *process)
{
    const struct ready_message *ready = &process->ready;
    str text = outcome_text(mem, process);
    struct err e = {.status = 503,
                    .code = "engine_failed",
                    .detail = STR("The engine process of this team could not start."),
                    .inside = ready->inside[0] ? str_of(ready->inside) : text,
                    .retry_after_s = 1};
    if (ready->code[0] && ready->status >= 400 && ready->status < 500) {
        e.status = ready->status;
        e.code = ready->code;
        e.detail = str_of(ready->detail);
    }
    return err_copy(mem, &e);
}

static err lease_make(struct supervisor *supervisor, struct waiter *waiter, struct process *process,
                      struct lease *lease)
{
    int fd = process_socket(process);
    if (fd < 0) {
        process_kill(supervisor, process, "it takes no more calls");
        return NULL;
    }
    process->calls++;
    process->refs++;
    process->writing = process->writing || waiter->writes;
    *lease = (struct lease){.process = process, .fd = fd, .writes = waiter->writes};
    return NULL;
}

/* Makes room for a call that has joined those that wait for a place: one process ends for each of
 * them, and no more. */
static void place_make(struct supervisor *supervisor)
{
    size_t ending = 0;
    for (struct process *p = supervisor->processes; p; p = p->next)
        ending += p->state == PROCESS_ENDING;
    struct process *idlest = ending < supervisor->waiting ? process_idlest(supervisor) : NULL;
    if (idlest)
        process_end(supervisor, idlest);
}

/* One step towards a lease: takes it, or starts something, or waits a turn. */
static err take_step(struct supervisor *supervisor, struct waiter *waiter, struct lease *lease)
{
    const struct ask *ask = waiter->ask;
    if (supervisor_interrupted(supervisor))
        return supervisor_stopping(ask->mem);
    if (waiter->process && waiter->starting && waiter->process->start_failed)
        return start_failure(ask->mem, waiter->process);
    struct process *process = process_find(supervisor, ask->team);
    if (process && process->state == PROCESS_READY && process_free_for(process, waiter->writes))
        return lease_make(supervisor, waiter, process, lease);
    if (!process && supervisor->count < (size_t)supervisor->options.processes_max)
        return process_start(supervisor, ask->mem, ask->team);
    TRY(waiter_join(supervisor, waiter, process));
    if (!process)
        place_make(supervisor);
    return waiter_turn(supervisor, waiter);
}

void supervisor_interrupt(struct supervisor *supervisor)
{
    atomic_store(&supervisor->interrupted, true);
}

bool supervisor_interrupted(const struct supervisor *supervisor)
{
    return atomic_load(&supervisor->interrupted);
}

err supervisor_stopping(struct arena *mem)
{
    return err_busy(mem, 1, "stopping", "The server is stopping. Please ask again.");
}

err supervisor_take(struct supervisor *supervisor, const struct ask *ask, bool writes,
                    const atomic_bool *cancelled, struct lease *lease)
{
    int64_t wait_ms = ask->limit_ms < WAIT_MOST_MS ? ask->limit_ms : WAIT_MOST_MS;
    struct waiter waiter = {.ask = ask,
                            .cancelled = cancelled,
                            .writes = writes,
                            .end_us = time_steady() + wait_ms * 1000};
    err e = NULL;
    *lease = (struct lease){.fd = -1};
    pthread_mutex_lock(&supervisor->lock);
    while (!e && !lease->process)
        e = take_step(supervisor, &waiter, lease);
    waiter_leave(supervisor, &waiter);
    pthread_mutex_unlock(&supervisor->lock);
    return e;
}

/* Sanitizers take addresses as they like, and the process has no cap on them then. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_CAPPED false
#else
#define MEMORY_CAPPED true
#endif

/*
 * What a call went over a limit with may stay with the process, in pieces between what is in use,
 * or unused where another thread does not find it. The calls after it are to have all that one may
 * take, three quarters.
 */
static bool wears_out(const struct supervisor *supervisor, const struct lease *lease)
{
    return MEMORY_CAPPED && lease->strained &&
           proc_data(lease->process->pid) > supervisor->options.memory_max / 4;
}

void supervisor_give(struct supervisor *supervisor, struct lease *lease, bool reusable)
{
    struct process *process = lease->process;
    pthread_mutex_lock(&supervisor->lock);
    process->calls--;
    process->writing = process->writing && !lease->writes;
    process->worn = process->worn || wears_out(supervisor, lease);
    process->used_us = time_steady();
    if (process->worn && process->calls == 0)
        process_end(supervisor, process);
    if (reusable && process->state == PROCESS_READY && process->idle_count < CALLS_MAX)
        process->idle[process->idle_count++] = lease->fd;
    else
        close(lease->fd);
    supervisor_changed(supervisor);
    process_unref(process);
    pthread_mutex_unlock(&supervisor->lock);
    *lease = (struct lease){.fd = -1};
}

int64_t supervisor_cpu_us(struct supervisor *supervisor, const struct lease *lease)
{
    pthread_mutex_lock(&supervisor->lock);
    int64_t pid = lease->process->pid; /* the nursery may tell it later than the process is ready */
    pthread_mutex_unlock(&supervisor->lock);
    return process_cpu_us(pid);
}

void supervisor_kill(struct supervisor *supervisor, const struct lease *lease, const char *because)
{
    pthread_mutex_lock(&supervisor->lock);
    process_kill(supervisor, lease->process, because);
    pthread_mutex_unlock(&supervisor->lock);
}

err supervisor_outcome(struct supervisor *supervisor, const struct lease *lease, struct arena *mem)
{
    struct process *process = lease->process;
    int64_t end_us = time_steady() + OUTCOME_US;
    struct timespec at = {.tv_sec = end_us / US_PER_S, .tv_nsec = end_us % US_PER_S * 1000};
    pthread_mutex_lock(&supervisor->lock);
    while (process->state != PROCESS_ENDED && time_steady() < end_us)
        pthread_cond_timedwait(&supervisor->changed, &supervisor->lock, &at);
    if (process->state != PROCESS_ENDED)
        process_kill(supervisor, process, "it closed its connection");
    err e = outcome(mem, process);
    pthread_mutex_unlock(&supervisor->lock);
    return e;
}

err supervisor_processes(struct supervisor *supervisor, struct arena *mem,
                         struct engine_process **out, size_t *n)
{
    pthread_mutex_lock(&supervisor->lock);
    *n = 0;
    *out = arena_array(mem, supervisor->count, sizeof(**out));
    for (struct process *p = supervisor->processes; p && *out; p = p->next)
        (*out)[(*n)++] = (struct engine_process){.team = str_copy(mem, str_of(p->team)),
                                                 .pid = p->pid,
                                                 .started_us = p->started_us,
                                                 .calls = (int64_t)p->calls};
    pthread_mutex_unlock(&supervisor->lock);
    if (arena_failed(mem))
        return &err_no_memory;
    for (size_t i = 0; i < *n; i++)
        (*out)[i].memory_bytes = proc_memory((*out)[i].pid);
    return NULL;
}
