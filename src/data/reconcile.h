/* Making the store and a team's engine agree again after a crash between their commits. */
#ifndef DATA_RECONCILE_H
#define DATA_RECONCILE_H

#include "data/state.h"

/* Holding the team's turn. */
MUST_CHECK err reconcile_team(struct data *data, struct db *db, str team);
/* What the engine has done and the store could not note, because of `e`: the next turn of the team
 * notes it. `what`: a sentence without its full stop. */
MUST_CHECK err told_later(struct arena *mem, err e, const char *what);
#define TOLD_LATER "told_later"
/* At start: the teams in which something was under way when the process ended. */
MUST_CHECK err reconcile_all(struct data *data, struct arena *mem);

#endif
