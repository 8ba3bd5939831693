/* Listeners of the present: their queues, and the way to their streams. */
#include "admin/listener.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events/events.h"

struct listener *listener_new(struct watch *watch)
{
    struct listener *listener = calloc(1, sizeof(*listener));
    if (listener)
        listener->watch = watch;
    return listener;
}

static void listener_free(struct listener *listener)
{
    for (size_t i = 0; i < listener->n; i++)
        frame_unref(listener->queue[i].frame);
    free(listener);
}

static struct frame *dropped_frame(int64_t lines)
{
    char data[48];
    snprintf(data, sizeof(data), "{\"lines\": %lld}", (long long)lines);
    return frame_event(STR("log-dropped"), (str){0}, str_of(data));
}

/* What is to be sent next, and the dropped lines that it tells of; NULL: nothing, or no memory. */
static struct frame *next_take(struct listener *listener, int64_t *dropped)
{
    watch_lock(listener->watch);
    struct frame *frame = listener->n ? frame_ref(listener->queue[0].frame) : NULL;
    *dropped = listener->n ? 0 : listener->dropped;
    watch_unlock(listener->watch);
    return frame || *dropped == 0 ? frame : dropped_frame(*dropped);
}

/* It may have given way to a newer state meanwhile, which is still to be sent. */
static void next_sent(struct listener *listener, struct frame *frame, int64_t dropped)
{
    watch_lock(listener->watch);
    listener->dropped -= dropped;
    if (listener->n && listener->queue[0].frame == frame) {
        frame_unref(frame);
        listener->n--;
        memmove(listener->queue, listener->queue + 1, listener->n * sizeof(listener->queue[0]));
    }
    watch_unlock(listener->watch);
}

static void listener_flush(struct listener *listener)
{
    int64_t dropped;
    struct frame *frame;
    while (listener->stream && (frame = next_take(listener, &dropped))) {
        bool sent = stream_send(listener->stream, frame);
        if (sent)
            next_sent(listener, frame, dropped);
        frame_unref(frame);
        if (!sent)
            return; /* full: `drained` follows */
    }
}

static void listener_posted(struct loop *loop, struct loop_post *post)
{
    (void)loop;
    struct listener *listener = CONTAINER(post, struct listener, post);
    watch_lock(listener->watch);
    listener->posted = false;
    bool closed = listener->closed;
    watch_unlock(listener->watch);
    if (closed)
        listener_free(listener);
    else
        listener_flush(listener);
}

static void listener_post(struct listener *listener)
{
    if (listener->posted)
        return;
    listener->posted = true;
    listener->post.run = listener_posted;
    loop_post(listener->loop, &listener->post);
}

static void queue_add(struct listener *listener, struct frame *frame, bool is_state)
{
    listener->queue[listener->n++] = (struct queued){frame_ref(frame), is_state};
}

void listener_tell_state(struct listener *listener, struct frame *state)
{
    struct queued *waits = NULL;
    for (size_t i = 0; i < listener->n && !waits; i++)
        waits = listener->queue[i].is_state ? &listener->queue[i] : NULL;
    if (waits) {
        frame_unref(waits->frame);
        waits->frame = frame_ref(state);
    } else {
        queue_add(listener, state, true);
    }
    listener->greeted = true;
    listener_post(listener);
}

void listener_tell_line(struct listener *listener, int64_t n, struct frame *line)
{
    if (n <= listener->told)
        return;
    listener->dropped += n - listener->told - 1;
    listener->told = n;
    /* One place is kept for a state. */
    if (!line || listener->dropped || listener->n >= LISTENER_QUEUE - 1)
        listener->dropped++;
    else
        queue_add(listener, line, false);
    listener_post(listener);
}

static void listener_opened(struct stream *stream, void *owner)
{
    struct listener *listener = owner;
    listener->stream = stream;
    listener->loop = stream_loop(stream);
    if (!watch_join(listener->watch, listener))
        stream_end(stream, NULL);
}

static void listener_drained(struct stream *stream, void *owner)
{
    (void)stream;
    listener_flush(owner);
}

static void listener_closed(struct stream *stream, void *owner)
{
    (void)stream;
    struct listener *listener = owner;
    listener->stream = NULL;
    watch_lock(listener->watch);
    link_off(&listener->link);
    listener->closed = true;
    bool posted = listener->posted;
    watch_unlock(listener->watch);
    if (!posted)
        listener_free(listener);
}

const struct stream_owner listener_calls = {
    .opened = listener_opened, .drained = listener_drained, .closed = listener_closed};
