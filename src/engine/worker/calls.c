/* The calls of an engine process: sockets, threads, interruption. */
#include "engine/worker/calls.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "engine/messages.h"
#include "engine/wire.h"
#include "engine/worker/dispatch.h"
#include "engine/worker/overflow.h"

#define STACK_SIZE ((size_t)8 * 1024 * 1024)
#define CALL_MEMORY \
    ((size_t)192 * 1024 * 1024) /* of a request, its results and its answer's texts */
#define INTERRUPT_MS 10
#define PROGRESS_US (US_PER_S / 10)
#define HELPERS_MAX 16
/* Of some ten refreshes: to read them anew takes as long as a checkpoint. */
#define LOG_LEFT_MAX (16 * 1024)

enum slot_state {
    SLOT_FREE,
    SLOT_IDLE,    /* its thread waits for a request */
    SLOT_RUNNING, /* its thread runs one */
    SLOT_ENDED,   /* its thread is about to end, and can be joined */
};

struct call_slot {
    struct calls *calls;
    int fd;
    enum slot_state state;        /* under calls->lock, as `connection` */
    duckdb_connection connection; /* NULL: none yet, or given up after a failure */
    atomic_bool cancelled;        /* the server has ended its side */
    int64_t progress_us;          /* when progress was told last */
    duckdb_task_state helping;    /* NULL: DuckDB runs on the calling thread alone */
    pthread_t helpers[HELPERS_MAX];
    size_t helper_count;
    pthread_t thread;
};

struct calls {
    struct calls_options options;
    pthread_mutex_t lock;
    struct call_slot slots[SLOTS_MAX];
};

static bool thread_start(pthread_t *thread, void *(*run)(void *), void *arg)
{
    pthread_attr_t attr;
    if (pthread_attr_init(&attr) != 0)
        return false;
    bool ok = pthread_attr_setstacksize(&attr, STACK_SIZE) == 0 &&
              pthread_attr_setguardsize(&attr, OVERFLOW_GUARD) == 0 &&
              pthread_create(thread, &attr, run, arg) == 0;
    pthread_attr_destroy(&attr);
    return ok;
}

bool call_cancelled(const struct call *call)
{
    return atomic_load(&call->slot->cancelled);
}

void call_progress(struct call *call, struct progress progress)
{
    struct call_slot *slot = call->slot;
    int64_t now = time_steady();
    if (slot->fd < 0 || now - slot->progress_us < PROGRESS_US)
        return;
    slot->progress_us = now;
    CLEANUP(buf_done) struct buf frame;
    buf_init(&frame, WIRE_HEAD + sizeof(progress));
    wire_frame_begin(&frame);
    struct wire w = wire_writer(&frame);
    message_progress(&w, &progress);
    /* A server that is gone is noticed by the main thread. */
    bool told = wire_frame_end(&frame, WIRE_PROGRESS) && wire_send(slot->fd, buf_str(&frame), -1);
    (void)told;
}

static void *helper_run(void *arg)
{
    const struct call_slot *slot = arg;
    struct overflow_room room;
    overflow_watch(&room, slot->fd);
    duckdb_execute_tasks_state(slot->helping);
    return NULL;
}

void call_parallel(struct call *call)
{
    struct call_slot *slot = call->slot;
    int64_t helpers = slot->calls->options.threads - 1;
    if (slot->helping || helpers < 1)
        return;
    slot->helping = duckdb_create_task_state(slot->calls->options.database);
    while (slot->helping && slot->helper_count < (size_t)helpers &&
           slot->helper_count < HELPERS_MAX &&
           thread_start(&slot->helpers[slot->helper_count], helper_run, slot))
        slot->helper_count++;
}

void call_serial(struct call *call)
{
    struct call_slot *slot = call->slot;
    if (!slot->helping)
        return;
    duckdb_finish_execution(slot->helping);
    for (size_t i = 0; i < slot->helper_count; i++)
        pthread_join(slot->helpers[i], NULL);
    duckdb_destroy_task_state(slot->helping);
    slot->helping = NULL;
    slot->helper_count = 0;
}

static bool connection_open(struct call_slot *slot)
{
    if (slot->connection)
        return true;
    duckdb_connection connection = NULL;
    bool ok = duckdb_connect(slot->calls->options.database, &connection) == DuckDBSuccess &&
              duckdb_query(connection, "USE " TEAM_CATALOG, NULL) == DuckDBSuccess;
    if (!ok)
        duckdb_disconnect(&connection);
    pthread_mutex_lock(&slot->calls->lock);
    slot->connection = connection;
    pthread_mutex_unlock(&slot->calls->lock);
    return ok;
}

/* After a failure, so that no half-done transaction and nothing temporary meets the next call. */
static void connection_drop(struct call_slot *slot)
{
    pthread_mutex_lock(&slot->calls->lock);
    duckdb_disconnect(&slot->connection);
    slot->connection = NULL;
    pthread_mutex_unlock(&slot->calls->lock);
}

static void slot_state_set(struct call_slot *slot, enum slot_state state)
{
    pthread_mutex_lock(&slot->calls->lock);
    slot->state = state;
    pthread_mutex_unlock(&slot->calls->lock);
}

/* False: the socket is of no more use. */
static bool slot_answer(struct call_slot *slot, struct arena *mem, str body)
{
    const struct calls_options *options = &slot->calls->options;
    CLEANUP(buf_done) struct buf frame;
    buf_init(&frame, WIRE_BODY_MAX + WIRE_HEAD);
    slot_state_set(slot, SLOT_RUNNING);
    if (!connection_open(slot))
        return false;
    struct call call = {.connection = slot->connection,
                        .mem = mem,
                        .tmp_dir = options->tmp_dir,
                        .keep_us = options->keep_us,
                        .memory_max = options->memory_max,
                        .slot = slot};
    bool ok = dispatch(&call, body, &frame);
    call_serial(&call);
    if (!ok)
        connection_drop(slot);
    slot_state_set(slot, SLOT_IDLE);
    return wire_send(slot->fd, buf_str(&frame), -1);
}

static bool slot_turn(struct call_slot *slot)
{
    struct arena mem;
    arena_init(&mem, CALL_MEMORY);
    struct wire_input in = {0};
    bool ok = wire_receive(slot->fd, &mem, &in) == WIRE_DONE && in.kind == WIRE_CALL &&
              slot_answer(slot, &mem, wire_body(&in));
    arena_done(&mem);
    return ok;
}

static void *slot_serve(void *arg)
{
    struct call_slot *slot = arg;
    struct overflow_room room;
    overflow_watch(&room, slot->fd);
    while (slot_turn(slot))
        ;
    connection_drop(slot);
    shutdown(slot->fd, SHUT_RDWR);
    slot_state_set(slot, SLOT_ENDED);
    return NULL;
}

/* Frees the slots whose threads have ended. */
static void slots_reap(struct calls *calls)
{
    pthread_mutex_lock(&calls->lock);
    for (size_t i = 0; i < SLOTS_MAX; i++) {
        struct call_slot *slot = &calls->slots[i];
        if (slot->state != SLOT_ENDED)
            continue;
        pthread_mutex_unlock(&calls->lock);
        pthread_join(slot->thread, NULL);
        pthread_mutex_lock(&calls->lock);
        close(slot->fd);
        slot->state = SLOT_FREE;
    }
    pthread_mutex_unlock(&calls->lock);
}

static bool slot_start(struct calls *calls, int fd)
{
    for (size_t i = 0; i < SLOTS_MAX; i++) {
        struct call_slot *slot = &calls->slots[i];
        if (slot->state != SLOT_FREE)
            continue;
        *slot = (struct call_slot){.calls = calls, .fd = fd, .state = SLOT_IDLE};
        if (thread_start(&slot->thread, slot_serve, slot))
            return true;
        slot->state = SLOT_FREE;
        return false;
    }
    return false;
}

/* A socket that finds no slot is closed, which the server sees. */
static void slot_open(struct calls *calls, int fd)
{
    slots_reap(calls);
    pthread_mutex_lock(&calls->lock);
    bool started = slot_start(calls, fd);
    pthread_mutex_unlock(&calls->lock);
    if (!started)
        close(fd);
}

/* Takes a new call socket; false: the server has ended this process. */
static bool control_take(struct calls *calls)
{
    char message[8];
    int fd;
    ptrdiff_t n = wire_take(calls->options.control, message, sizeof(message), &fd);
    if (n == 0)
        return false;
    if (fd >= 0)
        slot_open(calls, fd);
    return n > 0 || errno == EAGAIN;
}

/*
 * Interrupts what has been cancelled and still runs; true: to be done again soon. That goes for a
 * slot that is idle as well: its thread may be about to run a request that came before the server
 * ended its side.
 */
static bool calls_interrupt(struct calls *calls)
{
    bool again = false;
    pthread_mutex_lock(&calls->lock);
    for (size_t i = 0; i < SLOTS_MAX; i++) {
        struct call_slot *slot = &calls->slots[i];
        bool open = slot->state == SLOT_IDLE || slot->state == SLOT_RUNNING;
        if (!open || !atomic_load(&slot->cancelled))
            continue;
        again = true;
        if (slot->state == SLOT_RUNNING && slot->connection)
            duckdb_interrupt(slot->connection);
    }
    pthread_mutex_unlock(&calls->lock);
    return again;
}

/* Waits for something to happen; false: the process is to end. */
static bool calls_turn(struct calls *calls)
{
    struct pollfd polls[SLOTS_MAX + 1] = {{.fd = calls->options.control, .events = POLLIN}};
    pthread_mutex_lock(&calls->lock);
    for (size_t i = 0; i < SLOTS_MAX; i++) {
        struct call_slot *slot = &calls->slots[i];
        bool watched = (slot->state == SLOT_IDLE || slot->state == SLOT_RUNNING) &&
                       !atomic_load(&slot->cancelled);
        polls[i + 1] = (struct pollfd){.fd = watched ? slot->fd : -1, .events = POLLRDHUP};
    }
    pthread_mutex_unlock(&calls->lock);
    int timeout_ms = calls_interrupt(calls) ? INTERRUPT_MS : -1;
    if (poll(polls, SLOTS_MAX + 1, timeout_ms) < 0)
        return errno == EINTR;
    for (size_t i = 0; i < SLOTS_MAX; i++) {
        if (polls[i + 1].revents & (POLLRDHUP | POLLHUP | POLLERR))
            atomic_store(&calls->slots[i].cancelled, true);
    }
    return polls[0].revents == 0 || control_take(calls);
}

/* Is there so much in the log of the team's file that the next process would be long in reading it
 * anew? Writing it into the file costs several syncs. */
static bool log_is_long(const char *log_path)
{
    struct stat log;
    return stat(log_path, &log) == 0 && log.st_size > LOG_LEFT_MAX;
}

/*
 * The server ends a process only when no call is under way, so that all threads wait for requests
 * and stay there. Otherwise the server has died. Either way what was committed is on disk, in the
 * file or in its log, and nothing is taken apart that the process's end frees at once. The lock is
 * kept, so that nothing starts any more.
 */
static void calls_close(struct calls *calls)
{
    slots_reap(calls);
    pthread_mutex_lock(&calls->lock);
    for (size_t i = 0; i < SLOTS_MAX; i++) {
        if (calls->slots[i].state == SLOT_RUNNING)
            return;
    }
    duckdb_connection connection = NULL;
    if (log_is_long(calls->options.log_path) &&
        duckdb_connect(calls->options.database, &connection) == DuckDBSuccess)
        duckdb_query(connection, "CHECKPOINT " TEAM_CATALOG, NULL);
}

err calls_prepare(const struct calls_options *options, duckdb_connection connection,
                  struct arena *mem)
{
    struct calls calls = {.options = *options};
    struct call_slot slot = {.calls = &calls, .fd = -1};
    struct call call = {.connection = connection,
                        .mem = mem,
                        .tmp_dir = options->tmp_dir,
                        .keep_us = options->keep_us,
                        .memory_max = options->memory_max,
                        .slot = &slot};
    err e = worker_prepare(&call);
    call_serial(&call);
    return e;
}

void calls_serve(const struct calls_options *options)
{
    struct calls *calls = overflow_prepare() ? calloc(1, sizeof(*calls)) : NULL;
    if (!calls)
        return;
    calls->options = *options;
    pthread_mutex_init(&calls->lock, NULL);
    while (calls_turn(calls))
        ;
    calls_close(calls);
}
