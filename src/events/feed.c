/*
 * Feeds: how what is appended to the log reaches the streams, without loss and without repeating.
 *
 * Each loop has a hub, and a hub a feed for each team that somebody on the loop listens to. `last`
 * of a feed is the number up to which it has told all that ride. A stream is a reader, in one of
 * three states:
 *
 *   riding       on a topic of the feed; it has been told all up to feed->last (or up to its own
 *                position, when that is higher).
 *   catching up  it waits for a read of the log after its position.
 *   behind       its stream took no more; when it has drained, it catches up from its position.
 *
 * Appending: when a transaction is durable, its event is put into the inbox of the team's feed on
 * every loop that has one (hub->lock), and one post wakes the loop for all that came. Announcements
 * may come in any order. The next number is told at once; a higher one is kept aside (early), and
 * the ones between are read from the store, which has them: numbers are given in the order of
 * commits, and a sync that made the higher one durable did so for the lower ones. If meanwhile they
 * come as well, what the read brings is known already and passed over. An inbox that is full
 * remembers the highest number only: what is missing is read. So nothing depends on who wrote an
 * event, or whether its announcement came at all, as long as a later one does.
 *
 * Joining: the feed is in the hub's map before the first read for it begins, so that what commits
 * after the snapshot of that read is announced to it, and what committed before is in the snapshot.
 * A reader that stands at or after feed->last rides at once, passing over what is not after its
 * position. Any other catches up: one read at a time for each feed, begun at the position of the
 * reader that waits longest, and given to all whose position it covers. Those who arrive at the end
 * of the log ride. Events told while a read is under way are kept (recent), up to a limit, to be
 * added to what was read: else a reader of a busy log would never arrive. When `last` is not known,
 * the first read says it, and what was heard meanwhile is early.
 *
 * Fairness and limits: a batch is at most BATCH_EVENTS events and about BATCH_BYTES; a reader that
 * has more to read goes to the end of the queue; a gap of the feed and its readers take turns; of a
 * loop, READS_MAX reads are under way, other feeds wait in order. A reader itself holds a few
 * words. Reads end durably (tx_end_durable), so that on no path anything is told that a power cut
 * could take back. When a read fails, the streams it was for end, and their clients come back by
 * themselves.
 */
#include <stdlib.h>
#include <string.h>

#include "events/feeds.h"

static void hub_tell(struct hub *hub, struct shared *shared)
{
    bool post = false;
    struct feed *feed = NULL;
    pthread_mutex_lock(&hub->lock);
    struct entry *entry = map_find(&hub->feeds, shared->event.team);
    if (entry) {
        feed = CONTAINER(entry, struct feed, entry);
        if (feed->inbox_n < INBOX_MAX)
            feed->inbox[feed->inbox_n++] = shared_ref(shared);
        if (shared->event.n > feed->inbox_heard)
            feed->inbox_heard = shared->event.n;
        post = !feed->posted;
        feed->posted = true;
    }
    pthread_mutex_unlock(&hub->lock);
    /* It can't be freed while it is posted. */
    if (post)
        loop_post(hub->loop, &feed->post);
}

void feed_announce(struct events *events, struct shared *shared)
{
    for (size_t i = 0; i < events->hub_count; i++)
        hub_tell(&events->hubs[i], shared);
}

static void recent_forget(struct feed *feed)
{
    for (size_t i = 0; i < feed->recent_n; i++)
        shared_unref(feed->recent[i]);
    feed->recent_n = 0;
    feed->recent_bytes = 0;
}

static void recent_keep(struct feed *feed, struct shared *shared)
{
    if (!feed->batch || feed->recent_lost)
        return;
    feed->recent_bytes += shared->size;
    if (feed->recent_n == RECENT_MAX || feed->recent_bytes > RECENT_BYTES) {
        feed->recent_lost = true;
        recent_forget(feed);
        return;
    }
    feed->recent[feed->recent_n++] = shared_ref(shared);
}

/* The next one. */
static void feed_tell(struct feed *feed, struct shared *shared)
{
    struct entry *entry = NULL;
    while ((entry = map_next(&feed->topics, entry)))
        topic_tell(CONTAINER(entry, struct topic, entry), &shared->event);
    feed->last = shared->event.n;
    recent_keep(feed, shared);
}

static void early_take(struct feed *feed, size_t n)
{
    feed->early_n -= n;
    memmove(feed->early, feed->early + n, feed->early_n * sizeof(*feed->early));
}

/* In order; without room it is read later. */
static void early_keep(struct feed *feed, struct shared *shared)
{
    size_t at = feed->early_n;
    while (at && feed->early[at - 1]->event.n > shared->event.n)
        at--;
    if ((at && feed->early[at - 1]->event.n == shared->event.n) || feed->early_n == EARLY_MAX)
        return;
    memmove(feed->early + at + 1, feed->early + at, (feed->early_n - at) * sizeof(*feed->early));
    feed->early[at] = shared_ref(shared);
    feed->early_n++;
}

/* Tells what has become the next one. */
static void early_tell(struct feed *feed)
{
    size_t n = 0;
    for (; n < feed->early_n && feed->early[n]->event.n <= feed->last + 1; n++) {
        if (feed->early[n]->event.n > feed->last)
            feed_tell(feed, feed->early[n]);
        shared_unref(feed->early[n]);
    }
    early_take(feed, n);
}

static void feed_hear(struct feed *feed, struct shared *shared)
{
    if (feed->last >= 0 && shared->event.n <= feed->last)
        return;
    /* Nobody to miss anything: no need to wait for what is between. */
    if (feed->last >= 0 && !feed->riding && !feed->batch)
        feed->last = shared->event.n - 1;
    if (feed->last < 0 || shared->event.n > feed->last + 1) {
        early_keep(feed, shared);
        return;
    }
    feed_tell(feed, shared);
    early_tell(feed);
}

void feed_posted(struct loop *loop, struct loop_post *post)
{
    (void)loop;
    struct feed *feed = CONTAINER(post, struct feed, post);
    struct shared *inbox[INBOX_MAX];
    pthread_mutex_lock(&feed->hub->lock);
    size_t n = feed->inbox_n;
    memcpy(inbox, feed->inbox, n * sizeof(*inbox));
    if (feed->inbox_heard > feed->seen)
        feed->seen = feed->inbox_heard;
    feed->inbox_n = 0;
    feed->posted = false;
    pthread_mutex_unlock(&feed->hub->lock);
    for (size_t i = 0; i < n; i++) {
        feed_hear(feed, inbox[i]);
        shared_unref(inbox[i]);
    }
    signals_flush(feed);
    feed_read(feed);
    feed_release(feed);
}

static bool feed_has_gap(const struct feed *feed)
{
    return feed->last >= 0 && feed->seen > feed->last;
}

void feed_wait(struct feed *feed, struct reader *reader)
{
    link_last(feed->batch ? &feed->late : &feed->catching, &reader->link);
    feed_read(feed);
}

void feed_place(struct feed *feed, struct reader *reader)
{
    int64_t known = feed->seen > feed->last ? feed->seen : feed->last;
    if (feed->last >= 0 && reader->position >= feed->last && reader->position <= known)
        reader_ride(reader);
    else
        feed_wait(feed, reader);
    feed_read(feed);
}

static void readers_move(struct link *from, struct link *to)
{
    struct link *link;
    while ((link = ring_first(from)))
        link_last(to, link);
}

/* Without a read, those who wait for it can't go on. */
static void feed_fail(struct feed *feed)
{
    struct link *link;
    readers_move(&feed->late, &feed->catching);
    if (feed_has_gap(feed)) {
        struct entry *entry = NULL;
        while ((entry = map_next(&feed->topics, entry)))
            readers_move(&CONTAINER(entry, struct topic, entry)->riding, &feed->catching);
    }
    while ((link = ring_first(&feed->catching)))
        reader_end(CONTAINER(link, struct reader, link), NULL);
    feed->last = feed->riding ? feed->last : -1;
}

/* What is missing was removed as too old: each reader is told so when it is served. */
static void riders_lost(struct feed *feed)
{
    struct entry *entry = NULL;
    while ((entry = map_next(&feed->topics, entry))) {
        struct topic *topic = CONTAINER(entry, struct topic, entry);
        struct link *link;
        while ((link = ring_first(&topic->riding)))
            reader_drop(CONTAINER(link, struct reader, link), feed->last);
    }
}

/* The part of the batch that comes next, to those who ride. */
static void batch_tell(struct feed *feed, const struct batch *batch)
{
    if (feed->last >= 0 && feed->last < batch->oldest - 1)
        riders_lost(feed);
    if (feed->last < batch->oldest - 1)
        feed->last = batch->last;
    for (size_t i = 0; i < batch->n && batch->from <= feed->last; i++) {
        if (batch->events[i]->event.n == feed->last + 1)
            feed_tell(feed, batch->events[i]);
    }
}

/* To its place after a read: to the riders, or back into the queue. */
static void reader_settle(struct feed *feed, struct reader *reader)
{
    bool recent = feed->recent_n && reader->position >= feed->recent[0]->event.n - 1;
    if (reader->position < feed->last && recent && !reader_catch_recent(reader, feed))
        return;
    if (reader->position >= feed->last)
        reader_ride(reader);
    else
        link_last(&feed->catching, &reader->link);
}

/* Those of another position than the batch's stay in the queue, in order, before those it served.
 */
static void batch_serve(struct feed *feed, const struct batch *batch)
{
    CLEANUP(pieces_done) struct pieces pieces;
    pieces.n = 0;
    pieces.topic = NULL;
    pieces.last = NULL;
    struct link waiting, served, *link;
    ring_take(&feed->catching, &waiting);
    ring_init(&served);
    while ((link = ring_first(&waiting))) {
        struct reader *reader = CONTAINER(link, struct reader, link);
        link_last(&feed->catching, link);
        if (reader_catch_up(reader, batch, &pieces))
            link_last(&served, link);
    }
    while ((link = ring_first(&served)))
        reader_settle(feed, CONTAINER(link, struct reader, link));
}

static void hub_next(struct hub *hub)
{
    struct link *link;
    while (hub->reads < READS_MAX && (link = ring_first(&hub->waiting))) {
        struct feed *feed = CONTAINER(link, struct feed, waiting);
        link_off(link);
        feed_read(feed);
        feed_release(feed);
    }
}

static void feed_read_done(struct loop *loop, struct loop_post *post)
{
    (void)loop;
    struct batch *batch = CONTAINER(post, struct batch, post);
    struct feed *feed = batch->feed;
    struct hub *hub = feed->hub;
    hub->reads--;
    feed->batch = NULL;
    if (batch->failed) {
        feed_fail(feed);
    } else {
        batch_tell(feed, batch);
        batch_serve(feed, batch);
        early_tell(feed);
    }
    recent_forget(feed);
    readers_move(&feed->late, &feed->catching);
    batch_free(batch);
    feed_read(feed);
    feed_release(feed);
    hub_next(hub);
}

/* From where: the gap and the readers take turns. */
static bool read_from(struct feed *feed, int64_t *from)
{
    struct link *first = ring_first(&feed->catching);
    bool gap = feed_has_gap(feed) && feed->riding;
    if (!gap && !first)
        return false;
    feed->gap_was_last = gap && (!first || !feed->gap_was_last);
    *from = feed->gap_was_last ? feed->last : CONTAINER(first, struct reader, link)->position;
    return true;
}

void feed_read(struct feed *feed)
{
    struct hub *hub = feed->hub;
    int64_t from;
    if (feed->batch || link_on(&feed->waiting))
        return;
    if (hub->reads == READS_MAX) {
        if (ring_first(&feed->catching) || (feed_has_gap(feed) && feed->riding))
            link_last(&hub->waiting, &feed->waiting);
        return;
    }
    if (!read_from(feed, &from))
        return;
    struct batch *batch = calloc(1, sizeof(*batch));
    if (batch) {
        batch->feed = feed;
        batch->from = from;
        batch->work.run = batch_read;
        batch->post.run = feed_read_done;
    }
    if (!batch || !pool_submit(hub->events->pool, &batch->work)) {
        free(batch);
        feed_fail(feed);
        return;
    }
    feed->batch = batch;
    feed->recent_lost = false;
    hub->reads++;
}

void feed_free(struct feed *feed)
{
    for (size_t i = 0; i < feed->inbox_n; i++)
        shared_unref(feed->inbox[i]);
    for (size_t i = 0; i < feed->early_n; i++)
        shared_unref(feed->early[i]);
    recent_forget(feed);
    signals_done(feed);
    map_done(&feed->topics);
    link_off(&feed->waiting);
    free(feed);
}

void feed_release(struct feed *feed)
{
    struct hub *hub = feed->hub;
    if (feed->readers || feed->batch)
        return;
    pthread_mutex_lock(&hub->lock);
    bool posted = feed->posted;
    if (!posted)
        map_remove(&hub->feeds, &feed->entry);
    pthread_mutex_unlock(&hub->lock);
    if (!posted)
        feed_free(feed);
}
