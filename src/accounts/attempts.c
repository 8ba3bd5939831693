/* Failed sign-ins: a table of rows of a few places, found by a keyed hash. */
#include "accounts/attempts.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/id.h"
#include "base/time.h"

#define ROWS 4096
#define PLACES 4

struct attempt {
    uint64_t who;    /* 0: free */
    int64_t last_us; /* 0 when free, so that a free place is the oldest */
    int64_t until_us;
    int failed;
};

struct attempts {
    pthread_mutex_t lock;
    unsigned char key[crypto_generichash_KEYBYTES];
    struct attempt rows[ROWS][PLACES];
};

struct attempts *attempts_new(void)
{
    struct attempts *attempts = calloc(1, sizeof(*attempts));
    if (!attempts)
        return NULL;
    pthread_mutex_init(&attempts->lock, NULL);
    random_bytes(attempts->key, sizeof(attempts->key));
    return attempts;
}

void attempts_free(struct attempts *attempts)
{
    if (!attempts)
        return;
    pthread_mutex_destroy(&attempts->lock);
    free(attempts);
}

/* Keyed, so that nobody can choose whom to share a place with. */
static uint64_t hash_of(const struct attempts *attempts, str account, str address)
{
    union {
        unsigned char bytes[crypto_generichash_BYTES];
        uint64_t first;
    } hash;
    crypto_generichash_state state;
    crypto_generichash_init(&state, attempts->key, sizeof(attempts->key), sizeof(hash.bytes));
    crypto_generichash_update(&state, (const unsigned char *)account.at, account.len);
    crypto_generichash_update(&state, (const unsigned char *)"", 1);
    crypto_generichash_update(&state, (const unsigned char *)address.at, address.len);
    crypto_generichash_final(&state, hash.bytes, sizeof(hash.bytes));
    return hash.first ? hash.first : 1;
}

static struct attempt *attempt_find(struct attempts *attempts, uint64_t who)
{
    struct attempt *row = attempts->rows[who % ROWS];
    for (size_t i = 0; i < PLACES; i++) {
        if (row[i].who == who)
            return &row[i];
    }
    return NULL;
}

/* Its place, or the one of the row that was used longest ago, anew. */
static struct attempt *attempt_obtain(struct attempts *attempts, uint64_t who, int64_t now_us)
{
    struct attempt *found = attempt_find(attempts, who);
    if (found && now_us - found->last_us < ATTEMPTS_FORGET_S * US_PER_S)
        return found;
    struct attempt *row = attempts->rows[who % ROWS], *oldest = row;
    for (size_t i = 1; i < PLACES; i++) {
        if (row[i].last_us < oldest->last_us)
            oldest = &row[i];
    }
    found = found ? found : oldest;
    *found = (struct attempt){.who = who};
    return found;
}

static int64_t wait_after(int failed)
{
    int doubled = failed - ATTEMPTS_FREE;
    if (doubled < 0)
        return 0;
    int64_t wait_s = doubled < 20 ? (int64_t)1 << doubled : ATTEMPTS_WAIT_MAX_S;
    return (wait_s < ATTEMPTS_WAIT_MAX_S ? wait_s : ATTEMPTS_WAIT_MAX_S) * US_PER_S;
}

int attempts_begin(struct attempts *attempts, str account, str address, int64_t now_us)
{
    uint64_t who = hash_of(attempts, account, address);
    pthread_mutex_lock(&attempts->lock);
    struct attempt *attempt = attempt_obtain(attempts, who, now_us);
    int64_t left_us = attempt->until_us - now_us;
    if (left_us <= 0) {
        attempt->failed++;
        attempt->last_us = now_us;
        attempt->until_us = now_us + wait_after(attempt->failed);
    }
    pthread_mutex_unlock(&attempts->lock);
    return left_us <= 0 ? 0 : (int)((left_us + US_PER_S - 1) / US_PER_S);
}

void attempts_succeeded(struct attempts *attempts, str account, str address)
{
    uint64_t who = hash_of(attempts, account, address);
    pthread_mutex_lock(&attempts->lock);
    struct attempt *attempt = attempt_find(attempts, who);
    if (attempt)
        *attempt = (struct attempt){0};
    pthread_mutex_unlock(&attempts->lock);
}
