/* Streams become readers: joined to their feed and topic when they open, taken out when they close.
 */
#include <stdlib.h>
#include <string.h>

#include "events/feeds.h"

static struct feed *feed_new(struct hub *hub, str team)
{
    struct feed *feed = calloc(1, sizeof(*feed) + team.len + 1);
    if (!feed)
        return NULL;
    memcpy(feed->team, team.at, team.len);
    feed->entry.key = (str){feed->team, team.len};
    feed->hub = hub;
    feed->last = -1;
    feed->post.run = feed_posted;
    ring_init(&feed->catching);
    ring_init(&feed->late);
    ring_init(&feed->hearers);
    pthread_mutex_lock(&hub->lock);
    bool added = map_add(&hub->feeds, &feed->entry);
    pthread_mutex_unlock(&hub->lock);
    if (added)
        return feed;
    free(feed);
    return NULL;
}

static struct topic *topic_new(struct feed *feed, const struct joining *joining)
{
    str key = joining->key;
    struct topic *topic = calloc(1, sizeof(*topic) + key.len + 1);
    if (!topic)
        return NULL;
    memcpy(topic->key, key.at, key.len);
    topic->entry.key = (str){topic->key, key.len};
    topic->feed = feed;
    topic->kind = joining->kind;
    topic->arg = joining->arg;
    topic->reset = joining->reset;
    ring_init(&topic->riding);
    topic->audience = audience_ref(joining->events, feed->entry.key, key);
    if (topic->audience && map_add(&feed->topics, &topic->entry))
        return topic;
    if (topic->audience)
        audience_unref(joining->events, topic->audience);
    free(topic);
    return NULL;
}

/* Takes joining->arg over, also when it fails. */
static struct topic *topic_find(struct hub *hub, const struct joining *joining)
{
    struct entry *entry = map_find(&hub->feeds, joining->team);
    struct feed *feed = entry ? CONTAINER(entry, struct feed, entry) : feed_new(hub, joining->team);
    struct entry *found = feed ? map_find(&feed->topics, joining->key) : NULL;
    struct topic *topic = found  ? CONTAINER(found, struct topic, entry)
                          : feed ? topic_new(feed, joining)
                                 : NULL;
    if (found || !topic)
        joining->kind->free(joining->arg);
    if (feed && !topic)
        feed_release(feed);
    return topic;
}

static void reader_opened(struct stream *stream, void *owner)
{
    struct reader *reader = owner;
    struct joining *joining = reader->joining;
    struct hub *hub = &joining->events->hubs[loop_index(stream_loop(stream))];
    reader->stream = stream;
    reader->joining = NULL;
    reader->topic = topic_find(hub, joining);
    bool signals = joining->signals;
    free(joining);
    if (!reader->topic) {
        stream_end(stream, NULL);
        return;
    }
    reader->topic->readers++;
    reader->topic->feed->readers++;
    audience_count(reader->topic, 1);
    if (signals)
        reader_hear(reader);
    feed_place(reader->topic->feed, reader);
}

static void reader_drained(struct stream *stream, void *owner)
{
    (void)stream;
    struct reader *reader = owner;
    reader_missed(reader);
    if (reader->topic && !link_on(&reader->link))
        feed_wait(reader->topic->feed, reader);
}

static void joining_free(struct joining *joining)
{
    joining->kind->free(joining->arg);
    free(joining);
}

static void reader_closed(struct stream *stream, void *owner)
{
    (void)stream;
    struct reader *reader = owner;
    struct topic *topic = reader->topic;
    if (reader->joining)
        joining_free(reader->joining);
    if (topic) {
        struct feed *feed = topic->feed;
        reader_off(reader);
        reader_unhear(reader);
        audience_count(topic, -1);
        if (--topic->readers == 0)
            topic_free(topic);
        feed->readers--;
        feed_release(feed);
    }
    free(reader);
}

static const struct stream_owner reader_calls = {
    .opened = reader_opened, .drained = reader_drained, .closed = reader_closed};

static str bytes_take(char **at, str text)
{
    memcpy(*at, text.at, text.len);
    str taken = {*at, text.len};
    *at += text.len;
    return taken;
}

/* Takes ask->arg over, also when there is no memory. */
static struct joining *joining_new(struct events *events, const struct topic_ask *ask)
{
    struct joining *joining = malloc(sizeof(*joining) + ask->team.len + ask->key.len);
    if (!joining) {
        ask->kind->free(ask->arg);
        return NULL;
    }
    char *at = joining->bytes;
    *joining = (struct joining){.events = events,
                                .kind = ask->kind,
                                .arg = ask->arg,
                                .reset = ask->reset,
                                .signals = ask->signals};
    joining->team = bytes_take(&at, ask->team);
    joining->key = bytes_take(&at, ask->key);
    return joining;
}

static err end_of_log(struct db *db, str team, int64_t *position)
{
    int64_t oldest;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(db, &tx));
    return events_range(&tx, team, position, &oldest);
}

/*
 * Where a fresh stream begins is read here, before its answer does: a client that has seen its
 * stream open hears of all that happens from then on.
 */
static err reader_reply(struct request *rq, struct reader *reader, int64_t position)
{
    if (arena_failed(rq->mem))
        return &err_no_memory;
    reader->position = position;
    if (position < 0)
        TRY(end_of_log(rq->db, reader->joining->team, &reader->position));
    return reply_stream(rq, &reader_calls, reader);
}

err reply_events(struct request *rq, struct events *events, const struct topic_ask *ask)
{
    struct reader *reader = calloc(1, sizeof(*reader));
    struct joining *joining = joining_new(events, ask);
    err e = &err_no_memory;
    if (reader && joining) {
        reader->joining = joining;
        e = reader_reply(rq, reader, ask->position);
    }
    if (!e)
        return NULL;
    if (joining)
        joining_free(joining);
    free(reader);
    return e;
}
