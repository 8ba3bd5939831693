/* Frames waiting to be written, with the place in the first one. */
#ifndef HTTP_QUEUE_H
#define HTTP_QUEUE_H

#include <sys/uio.h>

#include "http/stream.h"

#define QUEUE_FEW 4
#define QUEUE_MAX 65536 /* frames */

/* Needs queue_init; does not move in memory. */
struct queue {
    struct frame **at;
    size_t first, end, size;
    size_t offset; /* bytes of the first frame that are written */
    size_t bytes;  /* to be written */
    struct frame *few[QUEUE_FEW];
};

void queue_init(struct queue *queue);
void queue_done(struct queue *queue); /* empties it */
/* Takes its own reference; false: no memory or too many. */
bool queue_add(struct queue *queue, struct frame *frame) __attribute__((warn_unused_result));
/* The first pieces, at most `max` of them; how many. */
int queue_pieces(const struct queue *queue, struct iovec *pieces, int max);
void queue_wrote(struct queue *queue, size_t bytes);

static inline size_t queue_count(const struct queue *queue)
{
    return queue->end - queue->first;
}

#endif
