/*
 * The engine's writes with a true end.
 *
 * A process that dies may have committed before: the answer that is missing is then asked of the
 * next process, and what is done is success. What is refused here has changed nothing, as long as a
 * new process can be had within some seconds; else the err leaves a doubt (see teams.h). Holding
 * the team's turn.
 */
#ifndef DATA_WRITES_H
#define DATA_WRITES_H

#include "data/relations.h"

/* Is this such a doubt? It may be done, or not: whoever has the next turn knows. */
bool outcome_unknown(err e);

/* `table`: as it is before; version 0 when there is none. */
MUST_CHECK err write_load(const struct ask *ask, const struct load *load,
                          const struct relation *table, struct object *out, int64_t *rows_added);
MUST_CHECK err write_fork(const struct ask *ask, str from, str to, struct object *out);
/* `version`: of the view before; 0: there is none. */
MUST_CHECK err write_refresh(const struct ask *ask, const struct refresh *refresh, int64_t version,
                             struct refreshed *out);
MUST_CHECK err write_drop(const struct ask *ask, const str *names, size_t n);

#endif
