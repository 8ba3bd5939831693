/* How many streams follow a topic: counted over all loops, and told as a signal when it changes. */
#include <stdlib.h>
#include <string.h>

#include "events/feeds.h"

#define SIGNAL_MAX 4096

/* A team has no '/' in its name. */
static struct audience *audience_new(struct map *map, str team, str key)
{
    struct audience *audience = calloc(1, sizeof(*audience) + team.len + 1 + key.len);
    if (!audience)
        return NULL;
    memcpy(audience->key, team.at, team.len);
    audience->key[team.len] = '/';
    memcpy(audience->key + team.len + 1, key.at, key.len);
    audience->entry.key = (str){audience->key, team.len + 1 + key.len};
    struct entry *found = map_find(map, audience->entry.key);
    if (!found && map_add(map, &audience->entry))
        return audience;
    free(audience);
    return found ? CONTAINER(found, struct audience, entry) : NULL;
}

struct audience *audience_ref(struct events *events, str team, str key)
{
    pthread_mutex_lock(&events->audience_lock);
    struct audience *audience = audience_new(&events->audiences, team, key);
    if (audience)
        audience->topics++;
    pthread_mutex_unlock(&events->audience_lock);
    return audience;
}

void audience_unref(struct events *events, struct audience *audience)
{
    pthread_mutex_lock(&events->audience_lock);
    bool last = --audience->topics == 0;
    if (last)
        map_remove(&events->audiences, &audience->entry);
    pthread_mutex_unlock(&events->audience_lock);
    if (last)
        free(audience);
}

void audiences_done(struct events *events)
{
    struct entry *next;
    for (struct entry *entry = map_next(&events->audiences, NULL); entry; entry = next) {
        next = map_next(&events->audiences, entry);
        free(CONTAINER(entry, struct audience, entry));
    }
    map_done(&events->audiences);
}

/* The lock is held until the signal is on its way, so that the last count is told last. */
void audience_count(struct topic *topic, int change)
{
    struct events *events = topic->feed->hub->events;
    struct audience *audience = topic->audience;
    str team = topic->feed->entry.key;
    pthread_mutex_lock(&events->audience_lock);
    audience->streams += (size_t)change;
    if (topic->kind->audience && signals_heard(events, team)) {
        CLEANUP(buf_done) struct buf json;
        buf_init(&json, SIGNAL_MAX);
        topic->kind->audience(topic->arg, audience->streams, &json);
        signal_tell(events, team, topic->entry.key, json.failed ? (str){0} : buf_str(&json));
    }
    pthread_mutex_unlock(&events->audience_lock);
}

size_t events_audience(struct events *events, struct arena *mem, str team, str key)
{
    str name = str_fmt(mem, "%.*s/%.*s", STR_ARGS(team), STR_ARGS(key));
    pthread_mutex_lock(&events->audience_lock);
    struct entry *found = map_find(&events->audiences, name);
    size_t streams = found ? CONTAINER(found, struct audience, entry)->streams : 0;
    pthread_mutex_unlock(&events->audience_lock);
    return streams;
}
