/*
 * One writer a team: what changes a team's tables or views, in the engine and then in the store, is
 * done by one thread at a time, so that versions and events come in the same order. Waiting is
 * limited in time and in number.
 *
 * The first to enter a team in the life of this process first reconciles the store with the engine
 * (reconcile.h).
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

/* 503 team_busy after `wait_ms`, or at once when too many wait. */
MUST_CHECK err team_enter(struct data *data, struct db *db, str team, int64_t wait_ms,
                          struct team_turn *turn);
void team_leave(struct team_turn *turn); /* for CLEANUP */
/* The engine may hold what the store does not know: the next to enter reconciles again. Holding the
 * turn. */
void team_doubt(struct team_turn *turn);

#endif
