/* Failed sign-ins: a table of rows of a few places, found by a keyed hash of who is counted. */
#include "accounts/attempts.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/id.h"
#include "base/time.h"

#define ROWS 16384
#define PLACES 4

/* What is counted, and how patiently. */
enum who { BY_BOTH, BY_ADDRESS, BY_ACCOUNT, WHO_KINDS };

static const struct {
    int free;
    int64_t wait_max_s;
} patience[WHO_KINDS] = {
    [BY_BOTH] = {ATTEMPTS_FREE, ATTEMPTS_WAIT_MAX_S},
    [BY_ADDRESS] = {ATTEMPTS_ADDRESS_FREE, ATTEMPTS_MANY_WAIT_MAX_S},
    [BY_ACCOUNT] = {ATTEMPTS_ACCOUNT_FREE, ATTEMPTS_MANY_WAIT_MAX_S},
};

struct attempt {
    uint64_t who;    /* 0: free */
    int64_t last_us; /* 0 when free, so that a free place is the oldest */
    int64_t until_us;
    int failed;
    bool known; /* BY_BOTH: has signed in */
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
static uint64_t hash_of(const struct attempts *attempts, enum who kind, str account, str address)
{
    union {
        unsigned char bytes[crypto_generichash_BYTES];
        uint64_t first;
    } hash;
    unsigned char apart = (unsigned char)kind;
    crypto_generichash_state state;
    crypto_generichash_init(&state, attempts->key, sizeof(attempts->key), sizeof(hash.bytes));
    if (kind != BY_ADDRESS)
        crypto_generichash_update(&state, (const unsigned char *)account.at, account.len);
    crypto_generichash_update(&state, (const unsigned char *)"", 1);
    if (kind != BY_ACCOUNT)
        crypto_generichash_update(&state, (const unsigned char *)address.at, address.len);
    crypto_generichash_update(&state, &apart, 1);
    crypto_generichash_final(&state, hash.bytes, sizeof(hash.bytes));
    return hash.first ? hash.first : 1;
}

/* Its place, or the one of the row that was used longest ago, anew. */
static struct attempt *attempt_obtain(struct attempts *attempts, uint64_t who, int64_t now_us)
{
    struct attempt *row = attempts->rows[who % ROWS], *oldest = row;
    for (size_t i = 0; i < PLACES; i++) {
        struct attempt *attempt = &row[i];
        if (attempt->who == who) {
            if (now_us - attempt->last_us >= ATTEMPTS_FORGET_S * US_PER_S)
                attempt->failed = 0;
            return attempt;
        }
        if (attempt->last_us < oldest->last_us)
            oldest = attempt;
    }
    *oldest = (struct attempt){.who = who, .last_us = now_us};
    return oldest;
}

static int64_t wait_after(enum who kind, int failed)
{
    int doubled = failed - patience[kind].free;
    if (doubled < 0)
        return 0;
    int64_t most_s = patience[kind].wait_max_s;
    int64_t wait_s = doubled < 20 ? (int64_t)1 << doubled : most_s;
    return (wait_s < most_s ? wait_s : most_s) * US_PER_S;
}

/* Those that count for who asks: where the pair is known, the pair alone. */
static int attempts_of(struct attempts *attempts, str account, str address, int64_t now_us,
                       struct attempt *out[WHO_KINDS])
{
    for (int kind = 0; kind < WHO_KINDS; kind++) {
        uint64_t who = hash_of(attempts, (enum who)kind, account, address);
        out[kind] = attempt_obtain(attempts, who, now_us);
        if (out[BY_BOTH]->known)
            return 1;
    }
    return WHO_KINDS;
}

int attempts_begin(struct attempts *attempts, str account, str address, int64_t now_us)
{
    struct attempt *who[WHO_KINDS];
    int64_t left_us = 0;
    pthread_mutex_lock(&attempts->lock);
    int n = attempts_of(attempts, account, address, now_us, who);
    for (int kind = 0; kind < n; kind++) {
        int64_t left = who[kind]->until_us - now_us;
        left_us = left > left_us ? left : left_us;
    }
    for (int kind = 0; kind < n && left_us == 0; kind++) {
        who[kind]->failed++;
        who[kind]->last_us = now_us;
        who[kind]->until_us = now_us + wait_after((enum who)kind, who[kind]->failed);
    }
    pthread_mutex_unlock(&attempts->lock);
    return (int)((left_us + US_PER_S - 1) / US_PER_S);
}

/* What the attempt counted is taken back; the failures of others stay. */
void attempts_succeeded(struct attempts *attempts, str account, str address, int64_t now_us)
{
    struct attempt *who[WHO_KINDS];
    pthread_mutex_lock(&attempts->lock);
    int n = attempts_of(attempts, account, address, now_us, who);
    for (int kind = 0; kind < n; kind++) {
        who[kind]->failed -= who[kind]->failed > 0;
        who[kind]->until_us = 0;
    }
    who[BY_BOTH]->failed = 0;
    who[BY_BOTH]->last_us = now_us;
    who[BY_BOTH]->known = true;
    pthread_mutex_unlock(&attempts->lock);
}
