/*
 * Open answers of text/event-stream.
 *
 * A stream is made by the handler, opened on the loop, and over when it was ended or its exchange
 * is gone. Its owner hears of the end by a post, so that no owner is freed inside a call it makes.
 */
#include "http/stream.h"

#include <stdlib.h>
#include <string.h>

#include "http/asking.h"

#define STUCK_MOST 3 /* silences in which nothing could be written */

struct stream {
    struct exchange *exchange; /* NULL: not open, or over */
    struct loop *loop;
    const struct stream_owner *calls;
    void *owner;
    struct link link;  /* of loop.streams */
    struct wait quiet; /* until the next keep-alive */
    struct loop_post post;
    char *session; /* NULL: none */
    bool refused;
    uint8_t stuck;
};

#define SPACES_64 "                                                                "
#define SPACES_512 SPACES_64 SPACES_64 SPACES_64 SPACES_64 SPACES_64 SPACES_64 SPACES_64 SPACES_64

/* Padding, because some proxies and browsers hold the first 2 KB back. */
static const char opening[] = ":" SPACES_512 SPACES_512 SPACES_512 SPACES_512 "\n\n"
                              "event: stream-open\ndata:\n\n";
static const char keep_alive[] = "event: keep-alive\ndata:\n\n";
static const char come_back[] = "retry: 1000\n\n";

err reply_stream(struct request *rq, const struct stream_owner *calls, void *owner)
{
    struct asking *ask = rq->exchange->ask;
    struct stream *stream = calloc(1, sizeof(*stream));
    if (!stream)
        return &err_no_memory;
    stream->session = rq->session.len ? strndup(rq->session.at, rq->session.len) : NULL;
    if ((rq->session.len && !stream->session) || arena_failed(rq->mem)) {
        free(stream->session);
        free(stream);
        return &err_no_memory;
    }
    stream->loop = rq->exchange->loop;
    stream->calls = calls;
    stream->owner = owner;
    reply_header(rq, "Cache-Control", STR("no-cache, no-store"));
    reply_header(rq, "X-Accel-Buffering", STR("no"));
    ask->answer.kind = ANSWER_STREAM;
    ask->answer.status = 200;
    ask->answer.content_type = "text/event-stream; charset=utf-8";
    ask->answer.stream = stream;
    return NULL;
}

static void stream_closed(struct loop *loop, struct loop_post *post)
{
    (void)loop;
    struct stream *stream = CONTAINER(post, struct stream, post);
    stream->calls->closed(stream, stream->owner);
    free(stream->session);
    free(stream);
}

void stream_drop(struct stream *stream)
{
    stream->exchange = NULL;
    stream->post.run = stream_closed;
    loop_post(stream->loop, &stream->post);
}

void stream_gone(struct stream *stream)
{
    link_off(&stream->link);
    wait_stop(&stream->quiet);
    atomic_fetch_sub(&stream->loop->server->streams, 1);
    stream_drop(stream);
}

static bool stream_full(const struct stream *stream)
{
    const struct transport *calls = stream->exchange->calls;
    return calls->queued(stream->exchange->transport) >= STREAM_FRAMES_MAX ||
           calls->queued_bytes(stream->exchange->transport) >= STREAM_BYTES_MAX;
}

static size_t stream_queued(const struct stream *stream)
{
    return stream->exchange->calls->queued(stream->exchange->transport);
}

static void stream_abort(struct stream *stream)
{
    struct exchange *exchange = stream->exchange;
    const struct transport *calls = exchange->calls;
    void *transport = exchange->transport;
    exchange_free(exchange);
    stream_gone(stream);
    calls->abort(transport);
}

static void stream_silent(struct wait *wait);

static void stream_put(struct stream *stream, struct frame *frame)
{
    stream->exchange->calls->body(stream->exchange->transport, frame);
    wait_start(stream->loop, WAIT_KEEP_ALIVE, &stream->quiet, stream_silent);
}

static bool stream_put_view(struct stream *stream, str bytes)
{
    struct frame *frame = frame_view(bytes);
    if (frame)
        stream_put(stream, frame);
    frame_unref(frame);
    return frame != NULL;
}

/* A transport drops a connection that takes nothing; a stream of several on one it may not. */
static void stream_silent(struct wait *wait)
{
    struct stream *stream = CONTAINER(wait, struct stream, quiet);
    if (stream_queued(stream) == 0) {
        stream->stuck = 0;
        if (!stream_put_view(stream, (str){keep_alive, sizeof(keep_alive) - 1}))
            stream_abort(stream);
    } else if (++stream->stuck == STUCK_MOST) {
        stream_abort(stream);
    } else {
        wait_start(stream->loop, WAIT_KEEP_ALIVE, wait, stream_silent);
    }
}

static bool session_ended(const struct loop *loop, const char *session)
{
    for (size_t i = 0; session && i < ENDED_SESSIONS; i++) {
        if (loop->ended[i] && strcmp(loop->ended[i], session) == 0)
            return true;
    }
    return false;
}

void stream_open(struct exchange *exchange, struct stream *stream)
{
    struct loop *loop = stream->loop;
    stream->exchange = exchange;
    link_last(&loop->streams, &stream->link);
    atomic_fetch_add(&loop->server->streams, 1);
    if (!stream_put_view(stream, (str){opening, sizeof(opening) - 1})) {
        stream_abort(stream);
        return;
    }
    if (session_ended(loop, stream->session)) {
        stream_end(stream, NULL);
        return;
    }
    stream->calls->opened(stream, stream->owner);
    if (loop->stopping && stream->exchange)
        stream_stop(stream);
}

bool stream_send(struct stream *stream, struct frame *frame)
{
    if (!stream->exchange)
        return false;
    if (stream_full(stream)) {
        stream->refused = true;
        return false;
    }
    stream_put(stream, frame);
    return true;
}

void stream_end(struct stream *stream, struct frame *last)
{
    struct exchange *exchange = stream->exchange;
    if (!exchange)
        return;
    const struct transport *calls = exchange->calls;
    void *transport = exchange->transport;
    if (last)
        calls->body(transport, last);
    exchange_free(exchange);
    stream_gone(stream);
    calls->end(transport);
}

void stream_stop(struct stream *stream)
{
    struct frame *frame = frame_view((str){come_back, sizeof(come_back) - 1});
    stream_end(stream, frame);
    frame_unref(frame);
}

void stream_drained(struct stream *stream)
{
    stream->stuck = 0;
    if (!stream->refused)
        return;
    stream->refused = false;
    stream->calls->drained(stream, stream->owner);
}

struct loop *stream_loop(const struct stream *stream)
{
    return stream->loop;
}

/* What tells one loop that a session has ended. */
struct session_end {
    struct loop_post post;
    char session[];
};

static void session_end_run(struct loop *loop, struct loop_post *post)
{
    struct session_end *end = CONTAINER(post, struct session_end, post);
    char **place = &loop->ended[loop->ended_next++ % ENDED_SESSIONS];
    free(*place);
    *place = strdup(end->session);
    struct link *next;
    for (struct link *link = loop->streams.next; link != &loop->streams; link = next) {
        next = link->next;
        struct stream *stream = CONTAINER(link, struct stream, link);
        if (stream->session && strcmp(stream->session, end->session) == 0)
            stream_end(stream, NULL);
    }
    free(end);
}

void server_end_session(struct server *server, str session)
{
    for (size_t i = 0; session.len && i < server->loop_count; i++) {
        struct session_end *end = calloc(1, sizeof(*end) + session.len + 1);
        if (!end) {
            log_line(server->log, LOG_ERROR, "http", "no memory to close a session's streams");
            return;
        }
        memcpy(end->session, session.at, session.len);
        end->post.run = session_end_run;
        loop_post(&server->loops[i], &end->post);
    }
}

size_t server_stream_count(struct server *server)
{
    return atomic_load(&server->streams);
}

void streams_forget(struct loop *loop)
{
    for (size_t i = 0; i < ENDED_SESSIONS; i++) {
        free(loop->ended[i]);
        loop->ended[i] = NULL;
    }
}
