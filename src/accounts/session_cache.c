/* Good access tokens: a table of rows of a few places, found by their keyed hash. */
#include "accounts/session_cache.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"

#define ROWS 2048
#define PLACES 4

union token_hash {
    unsigned char bytes[crypto_shorthash_siphashx24_BYTES];
    uint64_t first;
};

struct place {
    union token_hash token;
    struct cached_session session;
    int64_t until_us; /* 0: free */
};

struct session_cache {
    pthread_mutex_t lock;
    unsigned char key[crypto_shorthash_siphashx24_KEYBYTES];
    uint64_t drops;
    struct place rows[ROWS][PLACES];
};

struct session_cache *session_cache_new(void)
{
    struct session_cache *cache = calloc(1, sizeof(*cache));
    if (!cache)
        return NULL;
    pthread_mutex_init(&cache->lock, NULL);
    random_bytes(cache->key, sizeof(cache->key));
    return cache;
}

void session_cache_free(struct session_cache *cache)
{
    if (!cache)
        return;
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static union token_hash hash_of(const struct session_cache *cache, str token)
{
    union token_hash hash;
    crypto_shorthash_siphashx24(hash.bytes, (const unsigned char *)token.at, token.len, cache->key);
    return hash;
}

/* The place of the row that was used longest ago; a free one if there is any. */
static struct place *place_oldest(struct place *row)
{
    struct place *oldest = row;
    for (size_t i = 1; i < PLACES; i++) {
        if (row[i].until_us < oldest->until_us)
            oldest = &row[i];
    }
    return oldest;
}

static struct place *place_find(struct place *row, const union token_hash *hash)
{
    for (size_t i = 0; i < PLACES; i++) {
        if (row[i].until_us && memcmp(&row[i].token, hash, sizeof(*hash)) == 0)
            return &row[i];
    }
    return NULL;
}

bool session_cache_find(struct session_cache *cache, str token, int64_t now_us,
                        struct cached_session *out)
{
    union token_hash hash = hash_of(cache, token);
    pthread_mutex_lock(&cache->lock);
    const struct place *place = place_find(cache->rows[hash.first % ROWS], &hash);
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

void session_cache_put(struct session_cache *cache, uint64_t mark, str token,
                       const struct cached_session *session, int64_t now_us)
{
    union token_hash hash = hash_of(cache, token);
    int64_t until_us = now_us + (int64_t)SESSION_CACHE_MS * 1000;
    pthread_mutex_lock(&cache->lock);
    struct place *row = cache->rows[hash.first % ROWS], *place = place_find(row, &hash);
    if (cache->drops == mark)
        *(place ? place : place_oldest(row)) = (struct place){hash, *session, until_us};
    pthread_mutex_unlock(&cache->lock);
}

void session_cache_drop(struct session_cache *cache, str session)
{
    pthread_mutex_lock(&cache->lock);
    cache->drops++;
    for (size_t i = 0; i < ROWS; i++) {
        for (struct place *place = cache->rows[i]; place < cache->rows[i] + PLACES; place++) {
            if (place->until_us && str_eq(str_of(place->session.id), session))
                place->until_us = 0;
        }
    }
    pthread_mutex_unlock(&cache->lock);
}
