/* A line of frames that are being written; takes no memory of its own while it is short. */
#include "http/queue.h"

#include <stdlib.h>
#include <string.h>

void queue_init(struct queue *queue)
{
    *queue = (struct queue){.size = QUEUE_FEW};
    queue->at = queue->few;
}

static void queue_shrink(struct queue *queue)
{
    if (queue->at != queue->few)
        free(queue->at);
    queue_init(queue);
}

void queue_done(struct queue *queue)
{
    for (size_t i = queue->first; i < queue->end; i++)
        frame_unref(queue->at[i]);
    queue_shrink(queue);
}

static bool queue_room(struct queue *queue)
{
    if (queue->end < queue->size)
        return true;
    if (queue->first) {
        size_t n = queue_count(queue);
        memmove(queue->at, queue->at + queue->first, n * sizeof(*queue->at));
        queue->first = 0;
        queue->end = n;
        return true;
    }
    if (queue->size >= QUEUE_MAX)
        return false;
    struct frame **at = calloc(queue->size * 2, sizeof(*at));
    if (!at)
        return false;
    memcpy(at, queue->at, queue->end * sizeof(*at));
    if (queue->at != queue->few)
        free(queue->at);
    queue->at = at;
    queue->size *= 2;
    return true;
}

bool queue_add(struct queue *queue, struct frame *frame)
{
    size_t len = frame_bytes(frame).len;
    if (len == 0)
        return true;
    if (!queue_room(queue))
        return false;
    queue->at[queue->end++] = frame_ref(frame);
    queue->bytes += len;
    return true;
}

int queue_pieces(const struct queue *queue, struct iovec *pieces, int max)
{
    int n = 0;
    size_t skip = queue->offset;
    for (size_t i = queue->first; i < queue->end && n < max; i++) {
        str bytes = frame_bytes(queue->at[i]);
        pieces[n++] = (struct iovec){(char *)(uintptr_t)bytes.at + skip, bytes.len - skip};
        skip = 0;
    }
    return n;
}

void queue_wrote(struct queue *queue, size_t bytes)
{
    queue->bytes -= bytes;
    while (bytes) {
        struct frame *frame = queue->at[queue->first];
        size_t left = frame_bytes(frame).len - queue->offset;
        if (bytes < left) {
            queue->offset += bytes;
            return;
        }
        bytes -= left;
        queue->offset = 0;
        queue->first++;
        frame_unref(frame);
    }
    if (queue->first == queue->end)
        queue_shrink(queue);
}
