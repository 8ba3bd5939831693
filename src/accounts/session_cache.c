/* Live sessions: a table of rows of a few places, found by the random end of the id. */
#include "accounts/session_cache.h"

#include <pthread.h>
#include <stdlib.h>

#define ROWS 2048
#define PLACES 4

struct place {
    struct cached_session session;
    int64_t until_us; /* 0: free */
};

struct session_cache {
    pthread_mutex_t lock;
    uint64_t drops;
    struct place rows[ROWS][PLACES];
};

struct session_cache *session_cache_new(void)
{
    struct session_cache *cache = calloc(1, sizeof(*cache));
    if (cache)
        pthread_mutex_init(&cache->lock, NULL);
    return cache;
}

void session_cache_free(struct session_cache *cache)
{
    if (!cache)
        return;
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

/* FNV-1a: ids are made here and only those of live sessions come in, so nobody can choose them. */
static struct place *row_of(struct session_cache *cache, str id)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < id.len; i++)
        hash = (hash ^ (unsigned char)id.at[i]) * 0x100000001b3u;
    return cache->rows[(hash ^ hash >> 32) % ROWS];
}

static struct place *place_find(struct session_cache *cache, str id)
{
    struct place *row = row_of(cache, id);
    for (size_t i = 0; i < PLACES; i++) {
        if (row[i].until_us && str_eq(str_of(row[i].session.id), id))
            return &row[i];
    }
    return NULL;
}

bool session_cache_find(struct session_cache *cache, str id, int64_t now_us,
                        struct cached_session *out)
{
    pthread_mutex_lock(&cache->lock);
    struct place *place = place_find(cache, id);
    bool found = place && place->until_us > now_us;
    if (found)
        *out = place->session;
    pthread_mutex_unlock(&cache->lock);
    return found;
}

uint64_t session_cache_mark(struct session_cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    uint64_t mark = cache->drops;
    pthread_mutex_unlock(&cache->lock);
    return mark;
}

void session_cache_put(struct session_cache *cache, uint64_t mark,
                       const struct cached_session *session, int64_t now_us)
{
    str id = str_of(session->id);
    pthread_mutex_lock(&cache->lock);
    struct place *place = place_find(cache, id), *row = row_of(cache, id), *oldest = row;
    for (size_t i = 1; i < PLACES; i++) {
        if (row[i].until_us < oldest->until_us)
            oldest = &row[i];
    }
    if (cache->drops == mark)
        *(place ? place : oldest) =
            (struct place){*session, now_us + (int64_t)SESSION_CACHE_MS * 1000};
    pthread_mutex_unlock(&cache->lock);
}

void session_cache_drop(struct session_cache *cache, str id)
{
    pthread_mutex_lock(&cache->lock);
    cache->drops++;
    struct place *place = place_find(cache, id);
    if (place)
        *place = (struct place){0};
    pthread_mutex_unlock(&cache->lock);
}
