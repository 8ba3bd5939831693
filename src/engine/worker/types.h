/* DuckDB's types by the names that engine.h gives them. */
#ifndef ENGINE_WORKER_TYPES_H
#define ENGINE_WORKER_TYPES_H

#include "engine/worker/sql.h"

#define COLUMN_NAME_MAX 255

/* "DECIMAL(10,2)" is "numeric(10,2)", "INTEGER[]" is "json"; absent: no rows of it can be shown. */
str type_name(struct arena *mem, str duckdb_type);
/* An integer type, which takes no fraction. */
bool type_is_integer(str name);
/* n of varchar(n), else 0. */
int64_t type_varchar_max(str name);
/* The columns that an answer of DESCRIBE or of duckdb_columns names: first its name, then its type.
 */
MUST_CHECK err types_described(struct call *call, struct sql_result *result, struct columns *out);

#endif
