/*
 * An open answer of text/event-stream (WHATWG HTML 9.2): frames go out, nothing comes in.
 *
 * A frame is bytes shared by reference count: made once, sent to any number of streams. A stream
 * holds only references, at most STREAM_FRAMES_MAX of them, and none more when they are
 * STREAM_BYTES_MAX together; past that stream_send refuses, and the
 * owner is told by `drained` when all is written, to go on from its position. The stream sends the
 * `keep-alive` event itself after 20 s of silence. Thread: everything on the stream's own loop, but
 * for what says otherwise.
 */
#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include "base/str.h"
#include "http/loop.h"
#include "http/request.h"

#define STREAM_FRAMES_MAX 64
#define STREAM_BYTES_MAX ((size_t)256 * 1024)

struct stream;
struct frame;

/* Takes the bytes of `b` over; NULL when memory is out or the buf has failed. Any thread. */
struct frame *frame_new(struct buf *b);
struct frame *frame_ref(struct frame *frame);
void frame_unref(struct frame *frame);
/* A copy of the bytes; NULL when memory is out. */
struct frame *frame_copy(str bytes);
str frame_bytes(const struct frame *frame);

struct stream_owner {
    void (*opened)(struct stream *stream,
                   void *owner); /* on the loop, after head, padding and stream-open are queued */
    void (*drained)(struct stream *stream,
                    void *owner); /* after a refused stream_send, when all is written */
    void (*closed)(struct stream *stream,
                   void *owner); /* the last call, always made once opened or not; frees owner */
};

/* On the handler's thread, as its reply. After it returns NULL, `owner` belongs to the stream. */
MUST_CHECK err reply_stream(struct request *rq, const struct stream_owner *calls, void *owner);

/* False: not queued (full or ending); `drained` will follow when it was full. Takes its own
 * reference. */
bool stream_send(struct stream *stream, struct frame *frame);
/* Sends `last` (or NULL), then ends the answer in order. */
void stream_end(struct stream *stream, struct frame *last);
struct loop *stream_loop(const struct stream *stream);

/* Any thread: ends every stream that was opened with this session (request.session). */
void server_end_session(struct server *server, str session);
/* Any thread: streams open now. */
size_t server_stream_count(struct server *server);

#endif
