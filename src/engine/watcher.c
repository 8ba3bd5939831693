/* The watcher: hears from the nursery and from processes that start, and ends those that have been
 * idle or slow to end. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/time.h"
#include "engine/process.h"
#include "engine/wire.h"

#define END_US                                                                         \
    (5 * US_PER_S) /* that a process has for closing its database, before it is killed \
                    */
/* A start that has used less of the processor in so long than one part in so many has stopped. */
#define START_STILL_US (5 * US_PER_S)
#define START_STILL_PART 100
#define START_CPU_MOST_US (10 * US_PER_S) /* of processor time */
#define LOOK_MS 60000                     /* it looks around at least so often */

/* What one turn polls: the bell, the nursery, and the control socket of each process that has not
 * been heard of. */
struct watch {
    struct pollfd *polls;
    int64_t *ids; /* of the process of each entry */
    size_t n;
};

#define WATCH_WAKE 0
#define WATCH_NURSERY 1

/* There is room: the table holds at most processes_max. */
static void watch_fill(struct watch *watch, const struct supervisor *supervisor)
{
    watch->polls[WATCH_WAKE] = (struct pollfd){.fd = supervisor->wake, .events = POLLIN};
    watch->polls[WATCH_NURSERY] = (struct pollfd){.fd = supervisor->nursery.fd, .events = POLLIN};
    watch->n = WATCH_FIRST;
    for (struct process *p = supervisor->processes; p; p = p->next) {
        if (p->heard)
            continue;
        watch->ids[watch->n] = p->id;
        watch->polls[watch->n++] = (struct pollfd){.fd = p->control, .events = POLLIN};
    }
}

static struct process *process_by_id(struct supervisor *supervisor, int64_t id)
{
    struct process *process = supervisor->processes;
    while (process && process->id != id)
        process = process->next;
    return process;
}

/* The first message of a process; its socket's end means that the nursery will tell more. */
static void process_hear(struct supervisor *supervisor, struct process *process)
{
    struct ready_message ready;
    int passed;
    ptrdiff_t n = wire_take(process->control, &ready, sizeof(ready), &passed);
    if (passed >= 0)
        close(passed);
    if (n < 0 && errno == EAGAIN)
        return;
    process->heard = true;
    bool whole = n == (ptrdiff_t)sizeof(ready);
    if (whole) {
        ready.code[sizeof(ready.code) - 1] = '\0';
        ready.detail[sizeof(ready.detail) - 1] = '\0';
        ready.inside[sizeof(ready.inside) - 1] = '\0';
        process->ready = ready;
    }
    if (process->state != PROCESS_STARTING)
        return;
    /* An end without a word: why, the nursery will say. */
    process->start_failed = whole && !ready.ok;
    if (whole && ready.ok) {
        process->state = PROCESS_READY;
        process->used_us = time_steady();
    } else {
        process_end(supervisor, process);
    }
    supervisor_changed(supervisor);
}

static void missing_log(struct supervisor *supervisor, uint32_t missing)
{
    if (missing & MISSING_LANDLOCK)
        log_line(supervisor->options.log,
                 LOG_WARNING,
                 "engine",
                 "this kernel has no Landlock: engine processes are not confined to their files");
    if (missing & MISSING_SECCOMP)
        log_line(supervisor->options.log,
                 LOG_WARNING,
                 "engine",
                 "this kernel has no seccomp: engine processes may make any system call");
}

static void nursery_lost(struct supervisor *supervisor)
{
    log_line(supervisor->options.log, LOG_ERROR, "engine", "the engine's nursery has ended");
    nursery_end(&supervisor->nursery);
    while (supervisor->processes)
        process_ended(supervisor, supervisor->processes, false, 0);
}

static void nursery_message(struct supervisor *supervisor, const struct nursery_message *message)
{
    if (message->kind == NURSERY_HELLO)
        missing_log(supervisor, message->missing);
    struct process *process = process_by_id(supervisor, message->id);
    if (!process)
        return;
    if (message->kind == NURSERY_ENDED)
        process_ended(supervisor, process, true, message->status);
    if (message->kind == NURSERY_STARTED && message->pid > 0)
        process->pid = message->pid;
    else if (message->kind == NURSERY_STARTED)
        process_ended(supervisor, process, false, 0);
}

static void nursery_hear(struct supervisor *supervisor)
{
    struct nursery_message message;
    ptrdiff_t n;
    do {
        int passed;
        n = wire_take(supervisor->nursery.fd, &message, sizeof(message), &passed);
        if (passed >= 0)
            close(passed);
        if (n == (ptrdiff_t)sizeof(message))
            nursery_message(supervisor, &message);
    } while (n == (ptrdiff_t)sizeof(message));
    if (n >= 0 || errno != EAGAIN)
        nursery_lost(supervisor);
}

static void watch_hear(struct watch *watch, struct supervisor *supervisor)
{
    uint64_t rings;
    if (watch->polls[WATCH_WAKE].revents && read(supervisor->wake, &rings, sizeof(rings)) < 0)
        return;
    for (size_t i = WATCH_FIRST; i < watch->n; i++) {
        struct process *process =
            watch->polls[i].revents ? process_by_id(supervisor, watch->ids[i]) : NULL;
        if (process && !process->heard)
            process_hear(supervisor, process);
    }
    /* Another thread may have started a nursery since, but none ends one. */
    if (watch->polls[WATCH_NURSERY].revents)
        nursery_hear(supervisor);
}

/* When the process is due for what `due_us` says; 0: not at all. */
static int64_t process_due_us(const struct supervisor *supervisor, const struct process *process)
{
    if (process->state == PROCESS_ENDING && !process->kill_sent)
        return process->ending_us + END_US;
    if (process->state == PROCESS_STARTING)
        return process->looked_us + START_STILL_US;
    if (process->state == PROCESS_READY && process->calls == 0 && process->waiting == 0)
        return process->used_us + supervisor->options.idle_ms * 1000;
    return 0;
}

/* A start may take long, when much has to be made up for; but it is neither idle, nor without an
 * end (libseccomp goes round for ever when it gets no memory). When not even a process has come of
 * it, the nursery hangs. */
static void start_look(struct supervisor *supervisor, struct process *process, int64_t now)
{
    int64_t used_us = process_cpu_us(process->pid) - process->cpu_us;
    if (!process->pid)
        kill((pid_t)supervisor->nursery.pid, SIGKILL); /* its socket tells of it */
    else if (used_us < START_STILL_US / START_STILL_PART)
        process_kill(supervisor, process, "it hung while it started");
    else if (process->cpu_us + used_us > START_CPU_MOST_US)
        process_kill(supervisor, process, "its start came to no end");
    process->looked_us = now;
    process->cpu_us += used_us;
}

/* Ends what is due; returns the milliseconds until something is. */
static int processes_due(struct supervisor *supervisor)
{
    int64_t now = time_steady(), least = now + (int64_t)LOOK_MS * 1000;
    for (struct process *process = supervisor->processes; process; process = process->next) {
        int64_t due = process_due_us(supervisor, process);
        if (due && due <= now && process->state == PROCESS_ENDING)
            process_kill(supervisor, process, "it did not end when asked to");
        else if (due && due <= now && process->state == PROCESS_STARTING)
            start_look(supervisor, process, now);
        else if (due && due <= now)
            process_end(supervisor, process);
        due = process_due_us(supervisor, process);
        least = due && due < least ? due : least;
    }
    return least <= now ? 0 : (int)((least - now + 999) / 1000);
}

static void watch_turns(struct watch *watch, struct supervisor *supervisor)
{
    while (!supervisor->closing || supervisor->count) {
        int timeout_ms = processes_due(supervisor);
        watch_fill(watch, supervisor);
        pthread_mutex_unlock(&supervisor->lock);
        int ready = poll(watch->polls, watch->n, timeout_ms);
        pthread_mutex_lock(&supervisor->lock);
        if (ready > 0)
            watch_hear(watch, supervisor);
    }
}

void *watcher_run(void *arg)
{
    struct supervisor *supervisor = arg;
    struct watch watch = {.polls = supervisor->polls, .ids = supervisor->poll_ids};
    pthread_mutex_lock(&supervisor->lock);
    watch_turns(&watch, supervisor);
    pthread_mutex_unlock(&supervisor->lock);
    return NULL;
}
