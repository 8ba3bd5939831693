/* Lists of what waits, in order of time, under the one timer of a loop. */
#include "http/wait.h"

#include "http/parts.h"

void wait_start(struct loop *loop, enum wait_kind kind, struct wait *wait,
                void (*run)(struct wait *wait))
{
    wait->since_ms = loop_now_ms(loop);
    wait->run = run;
    link_last(&loop->waits[kind], &wait->link);
}

void wait_stop(struct wait *wait)
{
    link_off(&wait->link);
}

size_t waits_end(struct loop *loop, enum wait_kind kind, uint64_t limit_ms, size_t most)
{
    uint64_t now = loop_now_ms(loop);
    size_t ended = 0;
    struct link *first;
    while (ended < most && (first = ring_first(&loop->waits[kind]))) {
        struct wait *wait = CONTAINER(first, struct wait, link);
        if (now - wait->since_ms < limit_ms)
            break;
        link_off(first);
        wait->run(wait);
        ended++;
    }
    return ended;
}

void waits_tick(struct loop *loop)
{
    for (int kind = 0; kind < WAIT_KINDS; kind++)
        waits_end(loop, kind, loop->server->wait_ms[kind], SIZE_MAX);
}
