/* Reading the log for a feed, on a thread of the pool: what is read is durable. */
#include <stdlib.h>

#include "events/feeds.h"

#define BATCH_MEMORY ((size_t)16 << 20)

void batch_free(struct batch *batch)
{
    for (size_t i = 0; i < batch->n; i++)
        shared_unref(batch->events[i]);
    free(batch);
}

static err batch_share(struct batch *batch, const struct list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        struct event event = ((const struct event *)list->at)[i];
        event.team = batch->feed->entry.key;
        struct shared *shared = shared_new(&event);
        if (!shared)
            return &err_no_memory;
        batch->events[batch->n++] = shared;
    }
    return NULL;
}

/* A position that is no longer kept, or not there yet, gives nothing but the range of the log. */
static err batch_fill(struct batch *batch, struct tx *tx)
{
    struct list list;
    str team = batch->feed->entry.key;
    TRY(events_range(tx, team, &batch->last, &batch->oldest));
    int64_t from = batch->from;
    if (from < batch->oldest - 1)
        from = batch->oldest - 1;
    if (from > batch->last)
        from = batch->last;
    struct log_ask ask = {.team = team,
                          .after = from,
                          .before = batch->last + 1,
                          .limit = BATCH_EVENTS,
                          .bytes = BATCH_BYTES};
    TRY(log_read(tx, &ask, &list, &batch->from, &batch->upto));
    TRY(batch_share(batch, &list));
    return tx_end_durable(tx);
}

static err batch_ask(struct batch *batch, struct arena *mem)
{
    struct db db = {.store = batch->feed->hub->events->store, .mem = mem, .actor = STR("system")};
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(&db, &tx));
    return batch_fill(batch, &tx);
}

void batch_read(struct pool_work *work)
{
    struct batch *batch = CONTAINER(work, struct batch, work);
    struct hub *hub = batch->feed->hub;
    struct arena mem;
    arena_init(&mem, BATCH_MEMORY);
    err e = batch_ask(batch, &mem);
    if (e)
        log_line(hub->events->log,
                 LOG_ERROR,
                 "events",
                 "reading a log: %s: %.*s %.*s",
                 e->code,
                 STR_ARGS(e->detail),
                 STR_ARGS(e->inside));
    batch->failed = e != NULL;
    arena_done(&mem);
    loop_post(hub->loop, &batch->post);
}
