/*
 * Signals: what is true now and is not kept, told to the streams that asked for it.
 *
 * A signal has a key: how many listen to that channel, how far that load is. What nobody hears is
 * not even made up. What is to be told waits in the team's feed on each loop, the last of each key,
 * until the loop tells all of it in one frame; then no more is told for a pause, at whose end what
 * has come meanwhile follows. So a key is told at most about four times a second, and its last
 * value always.
 *
 * A reader whose stream is full misses them. It is told so ({"kind": "missed"}) as soon as it takes
 * something again, as are all when there was no room for a signal: then what is true now must be
 * asked for. One that is catching up with the log hears them as any other: the entry that ends what
 * a signal tells of is appended after it was told, and so comes behind it all the same.
 *
 * A signal goes the way of an event, by an inbox and a post, so that both stay in order: what was
 * taken back by signal_forget before a commit is not told behind the event of that commit.
 */
#include <stdlib.h>
#include <string.h>

#include "events/feeds.h"

#define KEYS_MAX 1000
#define BYTES_MAX STREAM_BYTES_MAX /* of those that wait */
#define FRAME_MAX (2 * BYTES_MAX)

struct signal {
    struct entry entry; /* of feed->signals, by key */
    str json;
    char bytes[];
};

static struct signal *signal_new(str key, str json)
{
    struct signal *signal = malloc(sizeof(*signal) + key.len + json.len);
    if (!signal)
        return NULL;
    memcpy(signal->bytes, key.at, key.len);
    for (size_t i = 0; i < json.len; i++) {
        char c = json.at[i];
        signal->bytes[key.len + i] = c == '\n' || c == '\r' ? ' ' : c;
    }
    signal->entry = (struct entry){.key = {signal->bytes, key.len}};
    signal->json = (str){signal->bytes + key.len, json.len};
    return signal;
}

/* With the hub's lock, as what follows. */
static void signal_drop(struct feed *feed, str key)
{
    struct entry *found = map_find(&feed->signals, key);
    if (!found)
        return;
    struct signal *signal = CONTAINER(found, struct signal, entry);
    map_remove(&feed->signals, found);
    feed->signal_bytes -= signal->json.len;
    free(signal);
}

static void signal_put(struct feed *feed, str key, str json)
{
    signal_drop(feed, key);
    bool room =
        json.len && feed->signals.n < KEYS_MAX && feed->signal_bytes + json.len <= BYTES_MAX;
    struct signal *signal = room ? signal_new(key, json) : NULL;
    if (signal && map_add(&feed->signals, &signal->entry)) {
        feed->signal_bytes += json.len;
        return;
    }
    free(signal);
    feed->signals_lost = true;
}

static struct feed *feed_hearing(struct hub *hub, str team)
{
    struct entry *found = map_find(&hub->feeds, team);
    struct feed *feed = found ? CONTAINER(found, struct feed, entry) : NULL;
    return feed && feed->hearing ? feed : NULL;
}

bool signals_heard(struct events *events, str team)
{
    bool heard = false;
    if (!atomic_load(&events->hearing))
        return false;
    for (size_t i = 0; i < events->hub_count && !heard; i++) {
        struct hub *hub = &events->hubs[i];
        pthread_mutex_lock(&hub->lock);
        heard = feed_hearing(hub, team);
        pthread_mutex_unlock(&hub->lock);
    }
    return heard;
}

static void hub_signal(struct hub *hub, str team, str key, str json)
{
    bool post = false;
    pthread_mutex_lock(&hub->lock);
    struct feed *feed = feed_hearing(hub, team);
    if (feed) {
        signal_put(feed, key, json);
        post = !feed->posted && !feed->signals_pause;
        feed->posted = feed->posted || post;
    }
    pthread_mutex_unlock(&hub->lock);
    /* It can't be freed while it is posted. */
    if (post)
        loop_post(hub->loop, &feed->post);
}

void signal_tell(struct events *events, str team, str key, str json)
{
    for (size_t i = 0; atomic_load(&events->hearing) && i < events->hub_count; i++)
        hub_signal(&events->hubs[i], team, key, json);
}

void signal_forget(struct events *events, str team, str key)
{
    for (size_t i = 0; atomic_load(&events->hearing) && i < events->hub_count; i++) {
        struct hub *hub = &events->hubs[i];
        pthread_mutex_lock(&hub->lock);
        struct feed *feed = feed_hearing(hub, team);
        if (feed)
            signal_drop(feed, key);
        pthread_mutex_unlock(&hub->lock);
    }
}

void reader_missed(struct reader *reader)
{
    if (!reader->missed)
        return;
    struct frame *frame = frame_event(STR("signal"), (str){0}, STR("{\"kind\": \"missed\"}"));
    reader->missed = !frame || !stream_send(reader->stream, frame);
    frame_unref(frame);
}

static void reader_signal(struct reader *reader, struct frame *frame)
{
    reader_missed(reader);
    if (reader->missed || !frame || !stream_send(reader->stream, frame))
        reader->missed = true;
}

/* All blocks in one frame. */
static struct frame *frame_of(const struct map *signals)
{
    struct buf blocks;
    buf_init(&blocks, FRAME_MAX);
    for (struct entry *entry = NULL; (entry = map_next(signals, entry));) {
        buf_add(&blocks, STR("event: signal\ndata: "));
        buf_add(&blocks, CONTAINER(entry, struct signal, entry)->json);
        buf_add(&blocks, STR("\n\n"));
    }
    struct frame *frame = frame_new(&blocks);
    buf_done(&blocks);
    return frame;
}

static void signals_free(struct map *signals)
{
    struct entry *next;
    for (struct entry *entry = map_next(signals, NULL); entry; entry = next) {
        next = map_next(signals, entry);
        free(CONTAINER(entry, struct signal, entry));
    }
    map_done(signals);
}

static void hearers_tell(struct feed *feed, const struct map *signals, bool lost)
{
    struct frame *frame = signals->n ? frame_of(signals) : NULL;
    for (struct link *link = feed->hearers.next; link != &feed->hearers; link = link->next) {
        struct reader *reader = CONTAINER(link, struct reader, hearer);
        reader->missed = reader->missed || lost;
        if (signals->n)
            reader_signal(reader, frame);
        else
            reader_missed(reader);
    }
    frame_unref(frame);
}

static void pause_over(struct wait *wait)
{
    struct feed *feed = CONTAINER(wait, struct feed, pause);
    pthread_mutex_lock(&feed->hub->lock);
    feed->signals_pause = false;
    pthread_mutex_unlock(&feed->hub->lock);
    signals_flush(feed);
}

void signals_flush(struct feed *feed)
{
    struct map signals = {0};
    bool lost = false;
    pthread_mutex_lock(&feed->hub->lock);
    if (!feed->signals_pause) {
        signals = feed->signals;
        lost = feed->signals_lost;
        feed->signals = (struct map){0};
        feed->signal_bytes = 0;
        feed->signals_lost = false;
        feed->signals_pause = signals.n || lost;
    }
    pthread_mutex_unlock(&feed->hub->lock);
    if (signals.n || lost) {
        hearers_tell(feed, &signals, lost);
        wait_start(feed->hub->loop, WAIT_PAUSE, &feed->pause, pause_over);
    }
    signals_free(&signals);
}

static void hearing_count(struct feed *feed, int change)
{
    struct hub *hub = feed->hub;
    pthread_mutex_lock(&hub->lock);
    feed->hearing += (size_t)change;
    pthread_mutex_unlock(&hub->lock);
    atomic_fetch_add(&hub->events->hearing, (size_t)change);
}

void reader_hear(struct reader *reader)
{
    struct feed *feed = reader->topic->feed;
    link_last(&feed->hearers, &reader->hearer);
    hearing_count(feed, 1);
}

void reader_unhear(struct reader *reader)
{
    if (!link_on(&reader->hearer))
        return;
    link_off(&reader->hearer);
    hearing_count(reader->topic->feed, -1);
}

void signals_done(struct feed *feed)
{
    wait_stop(&feed->pause);
    signals_free(&feed->signals);
}
