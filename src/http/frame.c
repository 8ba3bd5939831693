/* Bytes shared by reference count, from any thread. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "http/parts.h"

struct frame {
    atomic_uint refs;
    size_t len;
    const char *at;
    char *owned;           /* NULL: `at` is inside the frame or not ours */
    struct budget *budget; /* NULL: free of charge */
    char bytes[];
};

static struct frame *frame_make(size_t inside)
{
    struct frame *frame = malloc(sizeof(*frame) + inside);
    if (frame) {
        *frame = (struct frame){.at = frame->bytes};
        atomic_init(&frame->refs, 1);
    }
    return frame;
}

struct frame *frame_empty(void)
{
    return frame_make(0);
}

struct frame *frame_new(struct buf *b)
{
    struct frame *frame = b->failed ? NULL : frame_make(0);
    if (frame)
        frame_fill(frame, b);
    return frame;
}

void frame_fill(struct frame *frame, struct buf *b)
{
    frame->at = frame->owned = b->at;
    frame->len = b->len;
    *b = (struct buf){.max = b->max};
}

struct frame *frame_copy(str bytes)
{
    struct frame *frame = frame_make(bytes.len);
    if (frame && bytes.len)
        memcpy(frame->bytes, bytes.at, bytes.len);
    if (frame)
        frame->len = bytes.len;
    return frame;
}

struct frame *frame_view(str bytes)
{
    struct frame *frame = frame_make(0);
    if (frame) {
        frame->at = bytes.at;
        frame->len = bytes.len;
    }
    return frame;
}

bool frame_charge(struct frame *frame, struct budget *budget, size_t most)
{
    if (!budget_take(budget, frame->len, most))
        return false;
    frame->budget = budget;
    return true;
}

struct frame *frame_ref(struct frame *frame)
{
    if (frame)
        atomic_fetch_add_explicit(&frame->refs, 1, memory_order_relaxed);
    return frame;
}

void frame_unref(struct frame *frame)
{
    if (!frame || atomic_fetch_sub_explicit(&frame->refs, 1, memory_order_acq_rel) > 1)
        return;
    if (frame->budget)
        budget_give(frame->budget, frame->len);
    free(frame->owned);
    free(frame);
}

str frame_bytes(const struct frame *frame)
{
    return (str){frame->at, frame->len};
}
