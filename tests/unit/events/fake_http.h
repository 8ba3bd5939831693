/*
 * Loops and streams without a network, in the place of http/'s: a test sees each frame, and says
 * how much a stream takes.
 */
#ifndef UNIT_EVENTS_FAKE_HTTP_H
#define UNIT_EVENTS_FAKE_HTTP_H

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "events/feeds.h"

#define LOOPS 2

struct loop {
    pthread_mutex_t lock;
    pthread_cond_t posted;
    struct loop_post *first, **end;
    struct link waits;
    size_t index;
    bool stop;
    pthread_t thread;
};

struct server {
    struct loop loops[LOOPS];
};

static struct server fake;
static _Thread_local struct loop *open_on; /* where reply_stream opens its streams */

struct stream {
    struct loop *loop;
    const struct stream_owner *calls;
    void *owner;
    struct loop_post post;
    struct buf taken;  /* the bytes of all frames that were written */
    size_t room, held; /* frames it takes before it is full; 0: no limit */
    bool refused, over, closed;
    struct stream *next;
};

static _Thread_local struct stream *last_opened;

void loop_post(struct loop *loop, struct loop_post *post)
{
    pthread_mutex_lock(&loop->lock);
    post->next = NULL;
    *loop->end = post;
    loop->end = &post->next;
    pthread_cond_signal(&loop->posted);
    pthread_mutex_unlock(&loop->lock);
}

/* Runs one post; waits for it up to `ms`. False: none came, or the loop is to stop. */
static bool loop_step_within(struct loop *loop, int ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (until.tv_nsec / 1000000 + ms) / 1000;
    until.tv_nsec = (until.tv_nsec / 1000000 + ms) % 1000 * 1000000;
    pthread_mutex_lock(&loop->lock);
    int rc = 0;
    while (!loop->first && !loop->stop && rc == 0)
        rc = pthread_cond_timedwait(&loop->posted, &loop->lock, &until);
    struct loop_post *post = loop->first;
    if (post) {
        loop->first = post->next;
        if (!loop->first)
            loop->end = &loop->first;
    }
    pthread_mutex_unlock(&loop->lock);
    if (post)
        post->run(loop, post);
    return post != NULL;
}

static bool loop_step(struct loop *loop)
{
    return loop_step_within(loop, 20000);
}

static inline bool loop_idle(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    bool idle = !loop->first;
    pthread_mutex_unlock(&loop->lock);
    return idle;
}

void wait_start(struct loop *loop, enum wait_kind kind, struct wait *wait,
                void (*run)(struct wait *wait))
{
    (void)kind;
    wait->run = run;
    link_last(&loop->waits, &wait->link);
}

void wait_stop(struct wait *wait)
{
    link_off(&wait->link);
}

/* The time of all that waits on the loop is up. */
static inline void loop_pass(struct loop *loop)
{
    struct link due, *link;
    ring_take(&loop->waits, &due);
    while ((link = ring_first(&due))) {
        struct wait *wait = CONTAINER(link, struct wait, link);
        link_off(link);
        wait->run(wait);
    }
}

size_t server_loop_count(const struct server *server)
{
    (void)server;
    return LOOPS;
}

struct loop *server_loop(struct server *server, size_t i)
{
    return &server->loops[i];
}

size_t loop_index(const struct loop *loop)
{
    return loop->index;
}

struct loop *stream_loop(const struct stream *stream)
{
    return stream->loop;
}

static void fake_init(void)
{
    for (size_t i = 0; i < LOOPS; i++) {
        struct loop *loop = &fake.loops[i];
        *loop = (struct loop){.index = i};
        loop->end = &loop->first;
        ring_init(&loop->waits);
        pthread_mutex_init(&loop->lock, NULL);
        pthread_cond_init(&loop->posted, NULL);
    }
}

static void stream_run_opened(struct loop *loop, struct loop_post *post)
{
    (void)loop;
    struct stream *stream = CONTAINER(post, struct stream, post);
    stream->calls->opened(stream, stream->owner);
}

static void stream_run_closed(struct loop *loop, struct loop_post *post)
{
    (void)loop;
    struct stream *stream = CONTAINER(post, struct stream, post);
    stream->calls->closed(stream, stream->owner);
    stream->closed = true;
}

err reply_stream(struct request *rq, const struct stream_owner *calls, void *owner)
{
    (void)rq;
    struct stream *stream = calloc(1, sizeof(*stream));
    assert(stream);
    *stream = (struct stream){.loop = open_on, .calls = calls, .owner = owner};
    stream->post.run = stream_run_opened;
    buf_init(&stream->taken, 64 << 20);
    last_opened = stream;
    return NULL;
}

bool stream_send(struct stream *stream, struct frame *frame)
{
    if (stream->over)
        return false;
    if (stream->room && stream->held == stream->room) {
        stream->refused = true;
        return false;
    }
    stream->held++;
    buf_add(&stream->taken, frame_bytes(frame));
    return true;
}

void stream_end(struct stream *stream, struct frame *last)
{
    if (stream->over)
        return;
    stream->over = true;
    if (last)
        buf_add(&stream->taken, frame_bytes(last));
    stream->post.run = stream_run_closed;
    loop_post(stream->loop, &stream->post);
}

/* The client took all. On the loop. */
static inline void stream_drain(struct stream *stream)
{
    stream->held = 0;
    if (!stream->refused || stream->over)
        return;
    stream->refused = false;
    stream->calls->drained(stream, stream->owner);
}

static void stream_free(struct stream *stream)
{
    buf_done(&stream->taken);
    free(stream);
}

#endif
