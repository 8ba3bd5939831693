/* The watch: a thread that looks at the present while somebody listens. */
#include "admin/watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "admin/listener.h"
#include "base/log_tail.h"
#include "base/time.h"
#include "events/events.h"

#define LINES_MS 200
#define LOOK_US US_PER_S
#define LOOK_PART 20 /* at most one part in so many of the time is spent looking */
#define TURN_MEMORY ((size_t)32 << 20)
#define STATE_MAX ((size_t)8 << 20) /* bytes of a state as JSON */
#define LINE_MAX_BYTES ((size_t)64 << 10)
#define MEMORY_STEP (1 << 20) /* bytes: less is no change that is worth telling */

struct watch {
    struct admin *admin;
    struct log_tail *tail;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool started, stopping;
    struct link listeners;
    int64_t told; /* number of the last line that was taken */

    /* The thread's own. */
    int64_t next_us;      /* steady clock: when it looks again */
    struct frame *status; /* as it was last looked at; NULL: not yet */
    struct buf known;     /* what was in it, without what changes all the time */
};

struct watch *watch_new(struct admin *admin)
{
    struct watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        return NULL;
    watch->admin = admin;
    watch->tail = admin->options.log->tail;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&watch->changed, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&watch->lock, NULL);
    ring_init(&watch->listeners);
    return watch;
}

void watch_stop(struct watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    watch->stopping = true;
    bool started = watch->started;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
    if (!started)
        return;
    pthread_join(watch->thread, NULL);
    pthread_mutex_lock(&watch->lock);
    watch->started = false;
    pthread_mutex_unlock(&watch->lock);
}

void watch_free(struct watch *watch)
{
    if (!watch)
        return;
    watch_stop(watch);
    frame_unref(watch->status);
    buf_done(&watch->known);
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->lock);
    free(watch);
}

void watch_lock(struct watch *watch)
{
    pthread_mutex_lock(&watch->lock);
}

void watch_unlock(struct watch *watch)
{
    pthread_mutex_unlock(&watch->lock);
}

static struct listener *listener_of(struct link *link)
{
    return CONTAINER(link, struct listener, link);
}

static void line_tell(struct watch *watch, int64_t n, struct frame *frame)
{
    pthread_mutex_lock(&watch->lock);
    for (struct link *link = watch->listeners.next; link != &watch->listeners; link = link->next)
        listener_tell_line(listener_of(link), n, frame);
    watch->told = n;
    pthread_mutex_unlock(&watch->lock);
}

static struct frame *line_frame(const struct log_entry *entry)
{
    CLEANUP(buf_done) struct buf json;
    buf_init(&json, LINE_MAX_BYTES);
    fields_print(&json, log_entry_fields, entry);
    return json.failed ? NULL : frame_event(STR("log"), (str){0}, buf_str(&json));
}

static err lines_take(struct watch *watch, struct arena *mem)
{
    struct list list;
    pthread_mutex_lock(&watch->lock);
    int64_t told = watch->told;
    pthread_mutex_unlock(&watch->lock);
    if (log_tail_last(watch->tail) == told)
        return NULL;
    TRY(log_tail_read(watch->tail, mem, told, LOG_TAIL_LINES, &list));
    const struct log_entry *entries = list.at;
    for (size_t i = 0; i < list.n; i++) {
        struct frame *frame = line_frame(&entries[i]);
        line_tell(watch, entries[i].n, frame);
        frame_unref(frame);
    }
    return NULL;
}

/* To those who don't know it; after a change, to all. */
static void status_tell(struct watch *watch, bool changed)
{
    pthread_mutex_lock(&watch->lock);
    for (struct link *link = watch->listeners.next; link != &watch->listeners; link = link->next) {
        if (changed || !listener_of(link)->greeted)
            listener_tell_state(listener_of(link), watch->status);
    }
    pthread_mutex_unlock(&watch->lock);
}

static void steady_print(struct buf *out, struct state *state)
{
    struct process_state *processes = state->processes.at;
    struct query_state *queries = state->queries.at;
    state->server.memory_bytes /= MEMORY_STEP;
    for (size_t i = 0; i < state->processes.n; i++)
        processes[i].memory_bytes /= MEMORY_STEP;
    for (size_t i = 0; i < state->queries.n; i++)
        queries[i].seconds = 0;
    fields_print(out, admin_state_fields, state);
}

/* Keeps the state as a frame; *changed: it is another than before. */
static err status_make(struct watch *watch, struct arena *mem, bool *changed)
{
    struct state state = {0};
    CLEANUP(buf_done) struct buf json;
    CLEANUP(buf_done) struct buf steady;
    buf_init(&json, STATE_MAX);
    buf_init(&steady, STATE_MAX);
    TRY(state_look(watch->admin, mem, &state));
    fields_print(&json, admin_state_fields, &state);
    steady_print(&steady, &state);
    *changed = !str_eq(buf_str(&steady), buf_str(&watch->known)) || !watch->status;
    if (json.failed || steady.failed)
        return &err_no_memory;
    struct frame *frame = frame_event(STR("status"), (str){0}, buf_str(&json));
    if (!frame)
        return &err_no_memory;
    frame_unref(watch->status);
    watch->status = frame;
    struct buf known = watch->known;
    watch->known = steady;
    steady = known;
    return NULL;
}

static err look(struct watch *watch, struct arena *mem)
{
    bool changed = false;
    int64_t began = time_steady();
    if (began >= watch->next_us) {
        watch->next_us = began + LOOK_US;
        TRY(status_make(watch, mem, &changed));
        int64_t took = time_steady() - began;
        watch->next_us = began + (took * LOOK_PART > LOOK_US ? took * LOOK_PART : LOOK_US);
    }
    if (watch->status)
        status_tell(watch, changed);
    return NULL;
}

static void watch_turn(struct watch *watch)
{
    struct arena mem;
    arena_init(&mem, TURN_MEMORY);
    err e = lines_take(watch, &mem);
    err again = look(watch, &mem);
    e = e ? e : again;
    if (e)
        log_line(watch->admin->options.log,
                 LOG_ERROR,
                 "admin",
                 "the present can't be told: %.*s %.*s",
                 STR_ARGS(e->detail),
                 STR_ARGS(e->inside));
    arena_done(&mem);
}

/* With the lock held: until LINES_MS have passed, or somebody has joined. */
static void watch_pause(struct watch *watch)
{
    int64_t until = time_steady() + LINES_MS * 1000;
    struct timespec at = {.tv_sec = until / US_PER_S, .tv_nsec = until % US_PER_S * 1000};
    if (!watch->stopping)
        pthread_cond_timedwait(&watch->changed, &watch->lock, &at);
}

static void *watch_run(void *arg)
{
    struct watch *watch = arg;
    pthread_setname_np(pthread_self(), "watch");
    pthread_mutex_lock(&watch->lock);
    while (!watch->stopping) {
        if (!ring_first(&watch->listeners)) {
            pthread_cond_wait(&watch->changed, &watch->lock);
            continue;
        }
        pthread_mutex_unlock(&watch->lock);
        watch_turn(watch);
        pthread_mutex_lock(&watch->lock);
        watch_pause(watch);
    }
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

/* With the lock held. */
static bool thread_start(struct watch *watch)
{
    if (!watch->started && !watch->stopping)
        watch->started = pthread_create(&watch->thread, NULL, watch_run, watch) == 0;
    return watch->started && !watch->stopping;
}

bool watch_join(struct watch *watch, struct listener *listener)
{
    pthread_mutex_lock(&watch->lock);
    bool watched = thread_start(watch);
    if (watched) {
        listener->told = log_tail_last(watch->tail);
        if (!ring_first(&watch->listeners))
            watch->told = listener->told;
        link_last(&watch->listeners, &listener->link);
        pthread_cond_signal(&watch->changed);
    }
    pthread_mutex_unlock(&watch->lock);
    return watched;
}

err reply_watch(struct request *rq, struct watch *watch)
{
    struct listener *listener = listener_new(watch);
    err e = listener ? reply_stream(rq, &listener_calls, listener) : &err_no_memory;
    if (e)
        free(listener);
    return e;
}
