/* What DuckDB says of a statement, in the words of those who wrote the statement. */
#ifndef ENGINE_WORKER_WORDING_H
#define ENGINE_WORKER_WORDING_H

#include "engine/worker/worker.h"

/* On one line, without lists of candidates and hints at settings, types by their names in SQL. */
str wording_plain(struct call *call, str text);

#endif
