/*
 * What happens when nothing happens: limits on how long something may take, cheap enough for every
 * connection.
 *
 * A loop keeps one list for each kind. All that wait for the same kind wait equally long, so the
 * list is in order of time by itself: starting, starting again and stopping cost a few pointers,
 * and one timer of the loop looks at the heads. Limits are kept to within WAIT_TICK_MS. The loop's
 * thread only.
 */
#ifndef HTTP_WAIT_H
#define HTTP_WAIT_H

#include <stdint.h>

#include "http/link.h"
#include "http/loop.h"

#define WAIT_TICK_MS 250

enum wait_kind {
    WAIT_HEAD,       /* for the whole head of a request, or a TLS handshake: 15 s */
    WAIT_IDLE,       /* for the next request: 75 s */
    WAIT_BODY,       /* for the next WAIT_BODY_BYTES of a body or its end: 30 s */
    WAIT_STALL,      /* for the peer to take anything of what is to be written: 60 s */
    WAIT_LINGER,     /* for the peer's end after ours: 2 s */
    WAIT_KEEP_ALIVE, /* of a stream: the silence after which it says something: 20 s */
    WAIT_PAUSE,      /* between two tellings of what changes often: 240 ms */
    WAIT_KINDS,
};

#define WAIT_BODY_BYTES (16 * 1024)

/* Embedded, zeroed at first, in what waits; on one list at most. Stop it before it is freed. */
struct wait {
    struct link link;
    uint64_t since_ms; /* of the loop's clock */
    void (*run)(struct wait *wait);
};

/* Starts, or starts again, from now; `run` is called once, off the list, when the time is up. */
void wait_start(struct loop *loop, enum wait_kind kind, struct wait *wait,
                void (*run)(struct wait *wait));
void wait_stop(struct wait *wait);

#endif
