/*
 * One who listens to the present: a stream with a short queue, filled by the watch and emptied on
 * the stream's loop.
 *
 * Of states only the newest waits. A line of the log that finds the queue full is dropped; how many
 * were is told when there is room again, before the next line. The lock is the watch's.
 */
#ifndef ADMIN_LISTENER_H
#define ADMIN_LISTENER_H

#include "admin/watch.h"
#include "http/link.h"

#define LISTENER_QUEUE 64 /* frames */

struct queued {
    struct frame *frame;
    bool is_state;
};

struct listener {
    struct link link; /* of the watch's listeners */
    struct watch *watch;
    struct stream *stream; /* the loop's own; NULL: not open, or over */
    /* Guarded by the watch's lock. */
    struct loop *loop; /* where it is open */
    struct loop_post post;
    bool posted, closed;
    bool greeted; /* knows a state */
    int64_t told; /* number of the last line that was queued or dropped */
    int64_t dropped;
    struct queued queue[LISTENER_QUEUE];
    size_t n;
};

struct listener *listener_new(struct watch *watch); /* NULL: no memory */
extern const struct stream_owner listener_calls;

/* With the lock held. Each takes its own reference; NULL (no memory for it) is a line dropped. */
void listener_tell_state(struct listener *listener, struct frame *state);
void listener_tell_line(struct listener *listener, int64_t n, struct frame *line);

#endif
