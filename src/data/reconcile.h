/* Making the store and a team's engine agree again after a crash between their commits. */
#ifndef DATA_RECONCILE_H
#define DATA_RECONCILE_H

#include "data/state.h"

/* Holding the team's turn. */
MUST_CHECK err reconcile_team(struct data *data, struct db *db, str team);
/* At start: the teams in which something was under way when the process ended. */
MUST_CHECK err reconcile_all(struct data *data, struct arena *mem);

#endif
