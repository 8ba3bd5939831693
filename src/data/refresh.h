/* Refreshing a view: by a job, by hand, or because a view that reads it is refreshed. */
#ifndef DATA_REFRESH_H
#define DATA_REFRESH_H

#include "data/relations.h"
#include "data/teams.h"

/* One refresh, as the store keeps it: of a job, or with job 0 of none. */
struct run {
    str team, id, view_key, view_name, trigger, outcome, error;
    const atomic_bool *gone; /* interrupts it */
    struct relation *shown;  /* or NULL: gets the view as it is then, with what it is linked to */
    int64_t job, due, started, ended, duration_us, version, added, removed;
    double duration_ms;
    bool kept; /* its end is in the store */
};

/* Who asked for a run. */
#define TRIGGER_SCHEDULE STR("schedule")
#define TRIGGER_HAND STR("hand")
#define TRIGGER_READER STR("reader") /* a view that reads this one is being refreshed */

extern const struct field run_fields[];

/* What a refresh did, as the log tells it: data of the event view.refreshed. */
struct refresh_fact {
    str view_name;
    int64_t version, row_count, added, removed, refreshed_at;
    double duration_ms;
    bool columns_changed;
    str changes, rows; /* JSON, or absent: nobody asked for them, or too many */
};

extern const struct field refresh_fact_fields[];

/*
 * Refreshes what the view reads, then the view; each with its run and events. A view whose inputs
 * have not moved and whose query has no clock or chance in it is skipped. `*run` tells how the view
 * itself fared; a failed refresh is the err of the view and is kept in its record. Holding the
 * team's turn.
 */
MUST_CHECK err refresh_view(struct data *data, struct db *db, str team, str view_key,
                            struct run *run, struct team_turn *turn);
/* Fills what follows from what is kept: ended and duration_ms. */
void run_ready(struct run *run);
/* The run of a job that did not come to its refresh: kept as failed, with its event. */
MUST_CHECK err run_refused(struct data *data, struct db *db, struct run *run, err why);
/* The versions of what a view reads, as text: when it is the same, the inputs have not moved. */
MUST_CHECK err refresh_inputs(struct tx *tx, str team, str view_key, str *out);
/* The facts of a new version, with the rows that the view's channels ask for; among its versions
 * and in the log. */
MUST_CHECK err refresh_tell(struct data *data, struct tx *tx, const struct relation *view,
                            const struct refresh_fact *fact);
void refresh_fact_take(struct refresh_fact *fact, const struct relation *view,
                       const struct refreshed *result);
/* How many changes and rows the channels of the view want inline. */
MUST_CHECK err refresh_wanted(struct tx *tx, str team, str view_key, struct refresh *out);

#define CHANGES_INLINE 1000
#define ROWS_INLINE 1000

#endif
