/* The room's parts: opened, joined to the server's loops, closed. */
#include "events/events.h"

#include <stdlib.h>

#include "base/time.h"
#include "events/feeds.h"

#define READ_THREADS 4

err events_open(struct arena *mem, const struct events_options *options, struct events **out)
{
    (void)mem;
    struct events *events = calloc(1, sizeof(*events));
    if (!events)
        return &err_no_memory;
    *events = (struct events){.store = options->store,
                              .log = options->log,
                              .keep_us = options->keep_days * 86400 * US_PER_S};
    pthread_mutex_init(&events->audience_lock, NULL);
    *out = events;
    return NULL;
}

err events_join(struct events *events, struct arena *mem, struct server *server)
{
    (void)mem;
    size_t n = server_loop_count(server);
    events->hubs = calloc(n, sizeof(*events->hubs));
    events->pool = pool_new("events", READ_THREADS, n * READS_MAX);
    if (!events->hubs || !events->pool)
        return &err_no_memory;
    for (size_t i = 0; i < n; i++) {
        struct hub *hub = &events->hubs[i];
        hub->events = events;
        hub->loop = server_loop(server, i);
        pthread_mutex_init(&hub->lock, NULL);
        ring_init(&hub->waiting);
    }
    events->hub_count = n;
    return NULL;
}

/* The loops have ended: what was posted to them after that has no one to free it. */
static void hub_done(struct hub *hub)
{
    struct entry *entry;
    while ((entry = map_next(&hub->feeds, NULL))) {
        struct feed *feed = CONTAINER(entry, struct feed, entry);
        map_remove(&hub->feeds, entry);
        if (feed->batch)
            batch_free(feed->batch);
        feed_free(feed);
    }
    map_done(&hub->feeds);
    pthread_mutex_destroy(&hub->lock);
}

int64_t events_appended(struct events *events)
{
    return atomic_load(&events->appended);
}

void events_close(struct events *events)
{
    if (!events)
        return;
    pool_free(events->pool);
    for (size_t i = 0; i < events->hub_count; i++)
        hub_done(&events->hubs[i]);
    free(events->hubs);
    audiences_done(events);
    pthread_mutex_destroy(&events->audience_lock);
    free(events);
}
