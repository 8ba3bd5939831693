/* Filters "column:op:value" as SQL conditions. */
#ifndef ENGINE_WORKER_FILTER_H
#define ENGINE_WORKER_FILTER_H

#include "engine/worker/sql.h"

/*
 * " WHERE ..." of what all of `filters` ask; absent when there are none. `types` are the columns as
 * DuckDB says them. 422 invalid_fields naming filter.
 */
MUST_CHECK err filters_sql(struct call *call, const struct columns *types,
                           const struct strs *filters, str *out);

#endif
