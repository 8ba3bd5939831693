/* Topics: what a group of readers of one loop follows, told to those who ride. */
#include <stdlib.h>

#include "events/feeds.h"

void reader_off(struct reader *reader)
{
    link_off(&reader->link);
    if (reader->riding)
        reader->topic->feed->riding--;
    reader->riding = false;
}

void reader_ride(struct reader *reader)
{
    reader_off(reader);
    link_last(&reader->topic->riding, &reader->link);
    reader->riding = true;
    reader->topic->feed->riding++;
}

void reader_drop(struct reader *reader, int64_t told)
{
    struct feed *feed = reader->topic->feed;
    if (reader->position < told)
        reader->position = told;
    reader_off(reader);
    link_last(feed->batch ? &feed->late : &feed->catching, &reader->link);
}

/* What follows is the stream's `closed`, which comes later. */
void reader_end(struct reader *reader, struct frame *last)
{
    reader_off(reader);
    stream_end(reader->stream, last);
}

void topic_free(struct topic *topic)
{
    map_remove(&topic->feed->topics, &topic->entry);
    audience_unref(topic->feed->hub->events, topic->audience);
    topic->kind->free(topic->arg);
    free(topic);
}

/* A stream that takes no more is left at its position; it is caught up from the store when it has
 * drained. */
static void rider_tell(struct reader *reader, const struct event *event, struct frame *frame)
{
    if (event->n <= reader->position)
        return;
    if (stream_send(reader->stream, frame)) {
        reader->position = event->n;
        return;
    }
    reader->position = event->n - 1;
    reader_off(reader);
}

static void riders_tell(struct topic *topic, const struct event *event, struct frame *frame)
{
    struct link *next;
    for (struct link *link = topic->riding.next; link != &topic->riding; link = next) {
        next = link->next;
        rider_tell(CONTAINER(link, struct reader, link), event, frame);
    }
}

static void riders_end(struct topic *topic, const struct event *event, struct frame *frame)
{
    struct link *next;
    for (struct link *link = topic->riding.next; link != &topic->riding; link = next) {
        next = link->next;
        struct reader *reader = CONTAINER(link, struct reader, link);
        if (event->n > reader->position)
            reader_end(reader, frame);
    }
}

/* Without the memory for a frame: they read this event from the store. */
static void riders_drop(struct topic *topic, const struct event *event)
{
    struct link *link;
    while ((link = ring_first(&topic->riding)))
        reader_drop(CONTAINER(link, struct reader, link), event->n - 1);
}

void topic_tell(struct topic *topic, const struct event *event)
{
    enum topic_action action = topic->kind->match(topic->arg, event);
    if (action == TOPIC_SKIP || !ring_first(&topic->riding))
        return;
    struct frame *frame = topic->kind->render(topic->arg, event);
    if (action == TOPIC_END)
        riders_end(topic, event, frame);
    else if (frame)
        riders_tell(topic, event, frame);
    else
        riders_drop(topic, event);
    frame_unref(frame);
}
