/* Turns: who may change a team's tables and views now. */
#include "data/teams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/pool.h"
#include "base/time.h"
#include "data/reconcile.h"

#define BUCKETS 1024

struct team_entry {
    struct team_entry *next;
    bool taken, reconciled;
    pthread_cond_t freed;
    size_t len;
    char team[];
};

struct teams {
    pthread_mutex_t lock;
    struct team_entry *buckets[BUCKETS];
    bool stopping;
};

struct teams *teams_new(void)
{
    struct teams *teams = calloc(1, sizeof(*teams));
    if (teams)
        pthread_mutex_init(&teams->lock, NULL);
    return teams;
}

void teams_stop(struct teams *teams)
{
    pthread_mutex_lock(&teams->lock);
    teams->stopping = true;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct team_entry *entry = teams->buckets[i]; entry; entry = entry->next)
            pthread_cond_broadcast(&entry->freed);
    }
    pthread_mutex_unlock(&teams->lock);
}

void teams_free(struct teams *teams)
{
    if (!teams)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct team_entry *entry = teams->buckets[i], *next; entry; entry = next) {
            next = entry->next;
            pthread_cond_destroy(&entry->freed);
            free(entry);
        }
    }
    pthread_mutex_destroy(&teams->lock);
    free(teams);
}

static struct team_entry *entry_new(str team)
{
    struct team_entry *entry = calloc(1, sizeof(*entry) + team.len);
    if (!entry)
        return NULL;
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&entry->freed, &steady);
    pthread_condattr_destroy(&steady);
    entry->len = team.len;
    memcpy(entry->team, team.at, team.len);
    return entry;
}

/* Found or made; entries stay for the life of the process. */
static struct team_entry *entry_find(struct teams *teams, str team)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < team.len; i++)
        hash = (hash ^ (unsigned char)team.at[i]) * 16777619u;
    struct team_entry **at = &teams->buckets[hash % BUCKETS];
    while (*at && !str_eq((str){(*at)->team, (*at)->len}, team))
        at = &(*at)->next;
    if (!*at)
        *at = entry_new(team);
    return *at;
}

static struct timespec deadline(int64_t wait_ms)
{
    int64_t at = time_steady() + wait_ms * 1000;
    return (struct timespec){.tv_sec = at / US_PER_S, .tv_nsec = at % US_PER_S * 1000};
}

/* Who wants a turn: a request, or what nobody waits for. */
struct wanting {
    int64_t wait_ms;
    bool asked; /* in the name of a request */
    const atomic_bool *gone;
};

static bool given_up(const struct teams *teams, const struct wanting *wanting)
{
    return (!wanting->asked && teams->stopping) || (wanting->gone && atomic_load(wanting->gone));
}

/* Holding the lock. */
static bool entry_take(struct teams *teams, struct team_entry *entry, const struct wanting *wanting)
{
    struct timespec until = deadline(wanting->wait_ms);
    int waited = 0;
    pool_wait_begin();
    while (entry->taken && waited != ETIMEDOUT && !given_up(teams, wanting))
        waited = pthread_cond_timedwait(&entry->freed, &teams->lock, &until);
    pool_wait_end();
    if (entry->taken)
        return false;
    entry->taken = true;
    return true;
}

static err not_taken(struct db *db, bool stopping, bool gone)
{
    if (stopping)
        return err_new(db->mem, 503, "interrupted", "The server was stopped before it was done.");
    if (gone)
        return err_new(db->mem, 499, "client_gone", "The client has left.");
    return err_busy(
        db->mem,
        1,
        "team_busy",
        "Another load or refresh of this team is still under way. Try again in a moment.");
}

/* Holding the turn, which alone changes `reconciled`; those who settle look at it with the lock. */
static err settle(struct data *data, struct db *db, str team, struct team_turn *turn)
{
    if (turn->entry->reconciled)
        return NULL;
    TRY(reconcile_team(data, db, team));
    pthread_mutex_lock(&turn->teams->lock);
    turn->entry->reconciled = true;
    pthread_cond_broadcast(&turn->entry->freed);
    pthread_mutex_unlock(&turn->teams->lock);
    return NULL;
}

static err enter(struct data *data, struct db *db, str team, const struct wanting *wanting,
                 struct team_turn *turn)
{
    struct teams *teams = data->teams;
    pthread_mutex_lock(&teams->lock);
    struct team_entry *entry = entry_find(teams, team);
    bool taken = entry && entry_take(teams, entry, wanting);
    bool stopping = !wanting->asked && teams->stopping;
    pthread_mutex_unlock(&teams->lock);
    if (!entry)
        return &err_no_memory;
    if (!taken)
        return not_taken(db, stopping, given_up(teams, wanting));
    *turn = (struct team_turn){teams, entry};
    return settle(data, db, team, turn);
}

err team_enter(struct data *data, struct db *db, str team, int64_t wait_ms, struct team_turn *turn)
{
    return enter(data, db, team, &(struct wanting){.wait_ms = wait_ms, .asked = true}, turn);
}

err team_await(struct data *data, struct db *db, str team, int64_t wait_ms, const atomic_bool *gone,
               struct team_turn *turn)
{
    return enter(data, db, team, &(struct wanting){.wait_ms = wait_ms, .gone = gone}, turn);
}

void team_wake(struct teams *teams, str team)
{
    pthread_mutex_lock(&teams->lock);
    struct team_entry *entry = entry_find(teams, team);
    if (entry)
        pthread_cond_broadcast(&entry->freed);
    pthread_mutex_unlock(&teams->lock);
}

err team_settle(struct data *data, struct db *db, str team, int64_t wait_ms)
{
    struct teams *teams = data->teams;
    struct timespec until = deadline(wait_ms);
    CLEANUP(team_leave) struct team_turn turn = {0};
    int waited = 0;
    pthread_mutex_lock(&teams->lock);
    struct team_entry *entry = entry_find(teams, team);
    pool_wait_begin();
    while (entry && !entry->reconciled && entry->taken && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&entry->freed, &teams->lock, &until);
    pool_wait_end();
    bool settled = entry && entry->reconciled;
    bool mine = entry && !settled && !entry->taken;
    if (mine) {
        entry->taken = true;
        turn = (struct team_turn){teams, entry};
    }
    pthread_mutex_unlock(&teams->lock);
    if (!entry)
        return &err_no_memory;
    if (settled)
        return NULL;
    return mine ? settle(data, db, team, &turn) : not_taken(db, false, false);
}

err team_doubt(struct team_turn *turn, err e)
{
    if (e && turn->entry &&
        (e->status >= 499 || err_is(e, "query_memory") || err_is(e, "query_cancelled") ||
         err_is(e, "conflict"))) {
        pthread_mutex_lock(&turn->teams->lock);
        turn->entry->reconciled = false;
        pthread_mutex_unlock(&turn->teams->lock);
    }
    return e;
}

void team_leave(struct team_turn *turn)
{
    if (!turn->entry)
        return;
    pthread_mutex_lock(&turn->teams->lock);
    turn->entry->taken = false;
    pthread_cond_broadcast(&turn->entry->freed); /* some may wait only for it to be reconciled */
    pthread_mutex_unlock(&turn->teams->lock);
    turn->entry = NULL;
}
