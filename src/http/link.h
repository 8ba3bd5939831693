/* A doubly linked ring through members of what is listed: no memory of its own. */
#ifndef HTTP_LINK_H
#define HTTP_LINK_H

#include <stdbool.h>
#include <stddef.h>

/* A zeroed link is on no list; a list is a link that was ring_init-ed. */
struct link {
    struct link *previous, *next;
};

#define CONTAINER(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

static inline void ring_init(struct link *ring)
{
    ring->previous = ring->next = ring;
}

static inline bool link_on(const struct link *link)
{
    return link->next != NULL;
}

static inline void link_off(struct link *link)
{
    if (!link->next)
        return;
    link->previous->next = link->next;
    link->next->previous = link->previous;
    link->previous = link->next = NULL;
}

/* At the end of the ring, from wherever it was. */
static inline void link_last(struct link *ring, struct link *link)
{
    link_off(link);
    link->next = ring;
    link->previous = ring->previous;
    ring->previous->next = link;
    ring->previous = link;
}

/* NULL when the ring is empty. */
static inline struct link *ring_first(const struct link *ring)
{
    return ring->next == ring ? NULL : ring->next;
}

/* Moves all of `from`, in order, to the empty and not yet initialised ring `to`. */
static inline void ring_take(struct link *from, struct link *to)
{
    ring_init(to);
    if (from->next == from)
        return;
    *to = *from;
    to->next->previous = to;
    to->previous->next = to;
    ring_init(from);
}

#endif
