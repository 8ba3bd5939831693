/*
 * One writer a team: what changes a team's tables or views, in the engine and then in the store, is
 * done by one thread at a time, so that versions and events come in the same order. Waiting is
 * limited in time; how many wait is limited by the lanes (base/lanes.h) in which they came.
 *
 * The first to enter a team in the life of this process, or to read of it, first reconciles the
 * store with the engine (reconcile.h).
 */
#ifndef DATA_TEAMS_H
#define DATA_TEAMS_H

#include "data/state.h"

struct teams;
struct team_entry;

struct team_turn {
    struct teams *teams;
    struct team_entry *entry; /* NULL: not held */
};

struct teams *teams_new(void); /* NULL: no memory */
void teams_free(struct teams *teams);
/* Nobody waits in team_await from now on. */
void teams_stop(struct teams *teams);

/* 503 team_busy after `wait_ms`. */
MUST_CHECK err team_enter(struct data *data, struct db *db, str team, int64_t wait_ms,
                          struct team_turn *turn);
/* The same for what nobody waits for: it gives up when the server stops (503 interrupted), and when
 * `gone` (or NULL) is set and team_wake called (499 client_gone). */
MUST_CHECK err team_await(struct data *data, struct db *db, str team, int64_t wait_ms,
                          const atomic_bool *gone, struct team_turn *turn);
void team_wake(struct teams *teams, str team);
void team_leave(struct team_turn *turn); /* for CLEANUP */
/* Before the engine is read without a turn: what a crash or a cut-off write has left is cleared up.
 */
MUST_CHECK err team_settle(struct data *data, struct db *db, str team, int64_t wait_ms);
/*
 * After a write of the engine that may be done although it failed (it was cut off, or the store
 * refused to take it over), the next one reconciles again; an err that is the request's own fault
 * leaves no doubt. Returns `e`. Holding the turn.
 */
MUST_CHECK err team_doubt(struct team_turn *turn, err e);

#endif
