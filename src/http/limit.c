/*
 * Token buckets in a table of fixed size.
 *
 * A bucket is one number (the generic cell rate algorithm): the time at which it will be full
 * again. Taking a token moves that time by the interval of one token, and is refused when it would
 * lie more than a full bucket ahead. A key's places are the few of one set, found by a keyed hash
 * that no client can aim at. When they are all taken the one that is full soonest is given up; one
 * that is full already has nothing to remember.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "http/limit.h"

#define WAYS 8
#define LOCKS 64

struct bucket {
    uint64_t key;    /* hash */
    int64_t full_ns; /* when it will be full; 0: a free place */
};

struct set {
    struct bucket buckets[WAYS];
};

struct limit {
    unsigned char secret[crypto_shorthash_KEYBYTES];
    size_t set_mask;
    struct set *sets;
    pthread_mutex_t locks[LOCKS];
};

struct limit *limit_new(size_t keys_max)
{
    size_t sets = 1;
    while (sets * WAYS < keys_max && sets < SIZE_MAX / 2 / sizeof(struct set))
        sets *= 2;
    struct limit *limit = calloc(1, sizeof *limit);
    if (!limit)
        return NULL;
    limit->set_mask = sets - 1;
    limit->sets = calloc(sets, sizeof *limit->sets);
    if (!limit->sets) {
        free(limit);
        return NULL;
    }
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_init(&limit->locks[i], NULL);
    random_bytes(limit->secret, sizeof limit->secret);
    return limit;
}

void limit_free(struct limit *limit)
{
    if (!limit)
        return;
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&limit->locks[i]);
    free(limit->sets);
    free(limit);
}

static uint64_t key_hash(const struct limit *limit, str key)
{
    _Static_assert(crypto_shorthash_BYTES == sizeof(uint64_t), "one word");
    uint64_t hash;
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)key.at, key.len, limit->secret);
    return hash;
}

/* The key's bucket, or the one that it may have, emptied of what it was. */
static struct bucket *bucket_find(struct set *set, uint64_t key)
{
    struct bucket *least = &set->buckets[0];
    for (size_t i = 0; i < WAYS; i++) {
        struct bucket *bucket = &set->buckets[i];
        if (bucket->key == key)
            return bucket;
        if (bucket->full_ns < least->full_ns)
            least = bucket;
    }
    *least = (struct bucket){.key = key};
    return least;
}

/* How long until there is a token; 0: one was taken. */
static int64_t bucket_take(struct bucket *bucket, int64_t interval_ns, int64_t depth_ns,
                           int64_t now_ns)
{
    int64_t full_ns = (bucket->full_ns > now_ns ? bucket->full_ns : now_ns) + interval_ns;
    if (full_ns - now_ns > depth_ns)
        return full_ns - now_ns - depth_ns;
    bucket->full_ns = full_ns;
    return 0;
}

bool limit_take(struct limit *limit, str key, int64_t per_minute, int64_t now_us,
                int *retry_after_s)
{
    const int64_t s_ns = 1000000000, minute_ns = 60 * s_ns;
    *retry_after_s = 0;
    if (per_minute <= 0 || per_minute > minute_ns)
        return true;
    int64_t interval_ns = minute_ns / per_minute;
    uint64_t hash = key_hash(limit, key);
    size_t place = (size_t)hash & limit->set_mask;

    pthread_mutex_t *lock = &limit->locks[place % LOCKS];
    pthread_mutex_lock(lock);
    struct bucket *bucket = bucket_find(&limit->sets[place], hash);
    int64_t wait_ns = bucket_take(bucket, interval_ns, interval_ns * per_minute, now_us * 1000);
    pthread_mutex_unlock(lock);

    *retry_after_s = (int)((wait_ns + s_ns - 1) / s_ns);
    return wait_ns == 0;
}

str limit_address(str address, char out[LIMIT_ADDRESS])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    char text[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    str number = address;
    ptrdiff_t zone = str_find(address, '%');
    if (zone >= 0)
        number.len = (size_t)zone;
    if (number.len == 0 || number.len >= sizeof text)
        return address;
    memcpy(text, number.at, number.len);
    text[number.len] = 0;
    if (inet_pton(AF_INET, text, out) == 1)
        return (str){out, 4};
    if (inet_pton(AF_INET6, text, bytes) != 1)
        return address;
    bool is_mapped = memcmp(bytes, mapped, sizeof mapped) == 0;
    size_t len = is_mapped ? 4 : 8;
    memcpy(out, bytes + (is_mapped ? 12 : 0), len);
    return (str){out, len};
}
