/*
 * Catching readers up from a batch.
 *
 * What a batch holds for a topic is rendered into pieces of a few kilobytes, each a frame of
 * several blocks: a stream takes a limited number of frames, and many readers often come back to
 * the same place at once (after a restart), so that they share the pieces.
 */
#include <stdlib.h>

#include "events/feeds.h"

#define PIECE_BYTES ((size_t)16 * 1024)
#define PIECE_MAX ((size_t)64 * 1024 * 1024)

void pieces_done(struct pieces *pieces)
{
    for (size_t i = 0; i < pieces->n; i++)
        frame_unref(pieces->at[i].frame);
    frame_unref(pieces->last);
    pieces->n = 0;
    pieces->topic = NULL;
    pieces->last = NULL;
}

static void piece_add(struct pieces *pieces, struct buf *blocks, int64_t upto)
{
    if (!blocks->len && !blocks->failed)
        return;
    struct frame *frame = frame_new(blocks);
    if (frame)
        pieces->at[pieces->n++] = (struct piece){frame, upto};
    else
        pieces->failed = true;
    buf_done(blocks);
    buf_init(blocks, PIECE_MAX);
}

static void piece_render(struct pieces *pieces, struct buf *blocks, const struct event *event)
{
    struct topic *topic = pieces->topic;
    enum topic_action action = topic->kind->match(topic->arg, event);
    if (action == TOPIC_SKIP)
        return;
    struct frame *frame = topic->kind->render(topic->arg, event);
    if (action == TOPIC_END) {
        pieces->ends = true;
        pieces->last = frame;
        return;
    }
    if (frame)
        buf_add(blocks, frame_bytes(frame));
    pieces->failed = !frame;
    frame_unref(frame);
    if (blocks->len >= PIECE_BYTES)
        piece_add(pieces, blocks, event->n);
}

static void pieces_make(struct pieces *pieces, const struct batch *batch, struct topic *topic,
                        int64_t from)
{
    pieces_done(pieces);
    pieces->topic = topic;
    pieces->from = from;
    pieces->ends = pieces->failed = false;
    CLEANUP(buf_done) struct buf blocks;
    buf_init(&blocks, PIECE_MAX);
    int64_t upto = from;
    for (size_t i = 0; i < batch->n && !pieces->ends && !pieces->failed; i++) {
        const struct event *event = &batch->events[i]->event;
        if (event->n <= from)
            continue;
        piece_render(pieces, &blocks, event);
        upto = event->n;
    }
    if (!pieces->failed)
        piece_add(pieces, &blocks, upto);
}

/* The client's position is not in the log: it is told so, and goes on from the end. */
static bool reader_reset(struct reader *reader, int64_t to)
{
    struct topic *topic = reader->topic;
    struct frame *frame = topic->reset(topic->arg, to);
    if (!frame) {
        reader_end(reader, NULL);
        return false;
    }
    bool sent = stream_send(reader->stream, frame);
    if (sent)
        reader->position = to;
    else
        reader_off(reader);
    frame_unref(frame);
    return sent;
}

bool reader_catch_up(struct reader *reader, const struct batch *batch, struct pieces *pieces)
{
    int64_t at = reader->position;
    if (at < batch->oldest - 1 || at > batch->last)
        return reader_reset(reader, batch->last);
    if (at < batch->from || at > batch->upto)
        return false;
    if (pieces->topic != reader->topic || pieces->from != at)
        pieces_make(pieces, batch, reader->topic, at);
    for (size_t i = 0; i < pieces->n; i++) {
        if (!stream_send(reader->stream, pieces->at[i].frame)) {
            reader_off(reader);
            return false;
        }
        reader->position = pieces->at[i].upto;
    }
    if (pieces->ends || pieces->failed) {
        reader_end(reader, pieces->last);
        return false;
    }
    reader->position = batch->upto;
    return true;
}

bool reader_catch_recent(struct reader *reader, const struct feed *feed)
{
    struct topic *topic = reader->topic;
    for (size_t i = 0; i < feed->recent_n; i++) {
        const struct event *event = &feed->recent[i]->event;
        enum topic_action action =
            event->n > reader->position ? topic->kind->match(topic->arg, event) : TOPIC_SKIP;
        struct frame *frame = action == TOPIC_SKIP ? NULL : topic->kind->render(topic->arg, event);
        bool ended = action == TOPIC_END || (action == TOPIC_SEND && !frame);
        bool sent = !ended && (!frame || stream_send(reader->stream, frame));
        if (ended)
            reader_end(reader, frame);
        else if (!sent)
            reader_off(reader);
        frame_unref(frame);
        if (!sent)
            return false;
        if (event->n > reader->position)
            reader->position = event->n;
    }
    return true;
}
